"""Coverage is read from the test files: a check that is not there is missed."""

import dataclasses
import os
import re
import threading

import pytest

from failsoft.alerts import codes
from failsoft.alerts.proof import proven_by, unproven
from failsoft.cli import progress, proving
from failsoft.cli.proving import Tools, check_tools, coverage, prove
from failsoft.clients.binaries import run_tool
from failsoft.errors import UsageError
from failsoft.findings import Finding

SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30m}
"""


@pytest.fixture
def tools(promtool, amtool):
    return Tools(promtool, amtool)


def test_an_alert_without_a_test_that_it_is_quiet_is_told(written, base, lab_windows, tmp_path, tools):
    made = written(SLO, lab_windows, base=base.replace("15s", "1s")).output(tmp_path, tests=True)
    unit = made.units[0]
    assert coverage(made) == (("s", 2, 2), ("_models-chat", 4, 4), ("_failsoft", 2, 2))
    text = made.files[unit.tests]
    check = r'  - expr: "count\(ALERTS\{[^\n]*ticket[^\n]*\n    eval_time: \S+\n    exp_samples: \[\]\n'
    poorer, count = re.subn(check, "", text)
    assert count
    (tmp_path / unit.tests).write_text(poorer)
    poor = dataclasses.replace(made, files=dict(made.files) | {unit.tests: poorer}, units=(unit,))
    assert [(dict(alert.labels)["burn_tier"], state) for alert, state in unproven(unit.alerts, proven_by(poorer))] == [
        ("ticket", "quiet")
    ]
    assert coverage(poor)[0] == ("s", 2, 1)
    (finding,) = prove(poor, tmp_path, tools)
    assert finding.code.id == "FS444"
    assert finding.message == "nothing proves that ticket of s is quiet when it should be"


def test_what_failed_is_not_counted_as_proven(written, base, lab_windows, tmp_path):
    """The failed proof of one SLO is that of its whole shape; that of another shape still stands."""
    twin = SLO.replace("name: s}", "name: t}")
    other = twin.replace("name: t}", "name: u}").replace("ttft: {below: 500ms}", "availability: {}")
    made = written(SLO, twin, other, lab_windows, base=base.replace("15s", "1s")).output(tmp_path, tests=True)
    units = {unit.subject: unit for unit in made.units}
    failed = Finding(codes.PROOF_FAILED, "the proof of s fails", units["s"].place)
    counted = {subject: (alerts, proven) for subject, alerts, proven in coverage(made, [failed])}
    alike = units["s"].shape is not None and units["s"].shape == units["t"].shape
    assert counted["s"] == (2, 0)
    assert counted["t"] == (2, 0 if alike else 2)
    assert counted["u"][0] == counted["u"][1] > 0
    refused = Finding(codes.RULES_REFUSED, "promtool refuses the file", units["s"].place)
    assert {proven for subject, _, proven in coverage(made, [refused]) if subject in {"s", "t", "u"}} == {0}


def test_a_proof_that_does_not_end_is_told_and_the_others_go_on(
    written, base, lab_windows, tmp_path, tools, monkeypatch, capsys
):
    """A program that hangs over one SLO costs the proof of that SLO, not of all; meanwhile it is told how far it is."""
    other = SLO.replace("name: s}", "name: u}").replace("ttft: {below: 500ms}", "availability: {}")
    made = written(SLO, other, lab_windows, base=base.replace("15s", "1s")).output(tmp_path, tests=True)
    made = dataclasses.replace(made, units=tuple(unit for unit in made.units if unit.subject in {"s", "u"}))
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    slow = tmp_path / "promtool"
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in "test rules tests/s."*) read -r line < {fifo};; esac\nexec {tools.promtool} "$@"\n'
    )
    slow.chmod(0o755)

    count, all_but_one = len(made.units), threading.Event()

    def impatient(argv, **given):
        if not any(str(word).startswith("tests/s.") for word in argv):
            return run_tool(argv, **given)
        all_but_one.wait(60)
        return run_tool(argv, **given | {"timeout": 0.5})

    monkeypatch.setattr(proving, "run_tool", impatient)
    monkeypatch.setattr(proving, "EVERY_S", 0.1)
    monkeypatch.setattr(progress, "EVERY_S", 0)
    with progress.progress("proving", "proofs") as lines:

        def told(done, of):
            lines(done, of)
            if done == count - 1:
                all_but_one.set()

        (finding,) = prove(made, tmp_path, Tools(slow, tools.amtool), told)
    assert finding.code.id == "FS487"
    assert finding.message == "the proof of s did not end within 20 minutes"
    assert finding.place == next(unit.place for unit in made.units if unit.subject == "s")
    rows = {subject: (alerts, proven) for subject, alerts, proven in coverage(made, [finding])}
    assert rows["s"] == (2, 0)
    assert rows["u"] == (2, 2)
    assert f"proving: {count - 1} of {count} proofs\n" in capsys.readouterr().err


def test_a_program_that_is_no_promtool_proves_nothing(tools, tmp_path):
    check_tools(tools)
    liar = tmp_path / "promtool"
    liar.write_text("#!/bin/sh\nexit 0\n")
    liar.chmod(0o755)
    with pytest.raises(UsageError, match="is no promtool"):
        check_tools(Tools(liar, tools.amtool))
    with pytest.raises(UsageError, match="is no amtool"):
        check_tools(Tools(tools.promtool, liar))
