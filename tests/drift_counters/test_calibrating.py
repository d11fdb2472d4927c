"""Critical values of a monitor whose bins are counted: the command of a hint makes those that its finding misses."""

import re
import shlex

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import root as failsoft
from failsoft.drift import fit_arrays

ROWS, WINDOWS = 400, 260


def rows(seed, number):
    dice = np.random.default_rng(seed)
    return {
        "age": dice.normal(size=number),
        "plan": dice.choice(["free", "pro", "team"], number, p=[0.6, 0.3, 0.1]).tolist(),
    }


@pytest.fixture(scope="module")
def reference():
    return fit_arrays(rows(1, 20_000), model="chat", revision="r1")


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    file = tmp_path_factory.mktemp("quiet") / "quiet.parquet"
    parquet.write_table(pa.table(rows(2, ROWS * WINDOWS)), file)
    return file


def hinted(place, codes):
    """The command in the one hint of these findings."""
    found = [one for one in place.findings if one.code.id in codes]
    (command,) = {re.search(r"`failsoft (.+?)`", one.hint)[1] for one in found}
    return command


@pytest.mark.parametrize(
    "change",
    [
        "window: 1h, falsePagesPer30d: 2",
        "window: 1h, falsePagesPer30d: 1.5, falseTicketsPer30d: 12, floor: 0.05, every: 2m",
    ],
)
def test_the_command_of_a_hint_ends_its_finding(workspace, reference, held_out, monkeypatch, change):
    """Both where nothing was calibrated, and where it was for another monitor."""
    place = workspace(reference, change={"window: 4m": change})
    assert place.codes == ["FS616"]
    monkeypatch.chdir(place.root)

    def follow(command):
        filled = command.replace("HELD_OUT", str(held_out)).replace("ROWS", str(ROWS))
        ran = CliRunner().invoke(failsoft, shlex.split(filled))
        assert ran.exit_code == 0, ran.output

    follow(hinted(place, {"FS616"}))
    assert workspace(reference, change={"window: 4m": change}).codes == []

    edited = {"window: 4m": "window: 2h, falsePagesPer30d: 3, floor: 0.03"}
    place = workspace(reference, change=edited)
    assert set(place.codes) == {"FS617"}
    follow(hinted(place, {"FS617"}))
    assert workspace(reference, change=edited).codes == []


def test_critical_values_that_another_monitor_needs_are_left_to_it(workspace, profile, calibrated):
    slo = "\nkind: SLO\nmetadata: {name: chat-drift}\n"
    quick = """
kind: DriftMonitor
metadata: {name: quick}
spec: {model: chat, reference: drift/chat.json, counted: {}, window: 2m, minRows: 100}
---"""
    place = workspace(profile, change={slo: quick + slo}, alarms=calibrated(promised=True))
    (found,) = [one for one in place.findings if one.code.id == "FS617"]
    assert found.message == "window is 2m, and the critical values were found for 4m"
    assert (
        found.hint == "they are those of features: give quick a reference of its own, such as a copy of drift/chat.json"
    )
    # where nobody needs them any more, they can be made anew
    place = workspace(profile, change={slo: quick + slo, "window: 4m": "window: 2m"})
    assert hinted(place, {"FS617"}).startswith("drift calibrate drift/chat.json ")
