"""`score --state` remembers: small changes that last add up, and a page needs as many bad windows as the rule says."""

import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift.memory import Memory

ROWS = 200


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def rows(seed, windows, shift=0.0, missing=0.0):
    dice = np.random.default_rng(seed)
    values = dice.normal(shift, 1, windows * ROWS)
    return pa.table({"amount": pa.array(values, mask=dice.random(len(values)) < missing)})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    parquet.write_table(rows(1, 60), folder / "train.parquet")
    parquet.write_table(rows(2, 300), folder / "held.parquet")
    assert run("fit", folder / "train.parquet", "-o", folder / "ref.json").exit_code == 0
    for name, rule in (("one", "1"), ("two", "2/3")):
        asked = ("--windows", folder / "held.parquet", "--rows", ROWS, "--bad", rule, "-o", folder / f"{name}.json")
        found = run("calibrate", folder / "ref.json", *asked)
        assert found.exit_code == 0, found.output
    return folder


@pytest.fixture
def score(made, tmp_path):
    """Scores a window with a state of its own; gives the exit code and what is said of `amount`."""

    def scored(table, calibration="one", state="state.json"):
        parquet.write_table(table, tmp_path / "now.parquet")
        more = ("--state", tmp_path / state) if state else ()
        ran = run(
            *("score", made / "ref.json", tmp_path / "now.parquet", "--output", "json"),
            *("--calibration", made / f"{calibration}.json", *more),
        )
        found = json.loads(ran.stdout)
        return ran.exit_code, found["features"][0]

    return scored


def state_of(tmp_path):
    found = Memory.parse((tmp_path / "state.json").read_bytes(), "state.json")
    assert isinstance(found, Memory)
    return found


def test_a_small_change_that_lasts_is_a_ticket_though_no_window_is(score, tmp_path):
    alone = [score(rows(10 + index, 1, 0.2), state="")[1]["severity"] for index in range(40)]
    assert alone.count("none") > 35
    found = [score(rows(10 + index, 1, 0.2)) for index in range(40)]
    tickets = [index for index, (_, one) in enumerate(found) if one["severity"] == "ticket"]
    assert tickets
    assert tickets[0] < 25
    assert found[tickets[0]][0] == 1
    assert "CUSUM went over" in found[tickets[0]][1]["reason"]
    assert state_of(tmp_path).windows == 40
    assert {one["severity"] for _, one in found[tickets[0] :]} <= {"ticket", "page"}, "it stands while the change lasts"
    calm = [score(rows(60 + index, 1))[1]["severity"] for index in range(40)]
    assert calm[0] == "ticket"
    assert calm[-1] == "none", "and ends when the sum is back at 0"
    assert calm == sorted(calm, reverse=True)


def test_traffic_that_stays_raises_nothing(score):
    assert [score(rows(100 + index, 1))[1]["severity"] for index in range(40)] == ["none"] * 40


def test_a_page_needs_as_many_bad_windows_as_the_rule_says(score):
    severities = [
        score(rows(200 + index, 1, shift), "two")[1]["severity"] for index, shift in enumerate((1.0, 0.0, 1.0, 1.0))
    ]
    assert severities[1] == "ticket", "the newest window is not bad, and CUSUM is not back at 0"
    assert severities[2:] == ["page", "page"]
    assert severities[0] != "page", "one bad window is not two"


def test_shares_are_remembered_too(score):
    found = [score(rows(300 + index, 1, missing=0.2), "two")[1] for index in range(2)]
    assert [one["moved"] for one in found] == [["missing"], ["missing"]]
    assert [one["severity"] for one in found] == ["ticket", "page"]


def test_a_job_that_runs_again_remembers_its_window_once(score, tmp_path):
    first = score(rows(400, 1, 1.0), "two")
    kept = (tmp_path / "state.json").read_bytes()
    again = score(rows(400, 1, 1.0), "two")
    assert again == first
    assert (tmp_path / "state.json").read_bytes() == kept


def test_a_window_that_is_too_small_changes_no_sum(score, tmp_path):
    score(rows(500, 1, 0.4))
    before = state_of(tmp_path).by_test
    code, found = score(rows(501, 1, 0.4).slice(0, 20))
    assert (code, found["severity"]) == (2, "unjudged")
    assert {watched: test.sum for watched, test in state_of(tmp_path).by_test.items()} == {
        watched: test.sum for watched, test in before.items()
    }


def test_a_state_of_another_calibration_starts_anew_and_that_is_said(score, made, tmp_path):
    score(rows(600, 1, 1.0), "one")
    parquet.write_table(rows(601, 1), tmp_path / "now.parquet")
    options = ("--calibration", made / "two.json", "--state", tmp_path / "state.json")
    ran = run("score", made / "ref.json", tmp_path / "now.parquet", *options)
    assert "starts anew" in ran.stderr
    assert state_of(tmp_path).windows == 1


@pytest.mark.parametrize(
    "change", [lambda text: text[:-20], lambda text: text.replace('"sum":0', '"sum":1'), lambda text: "{}"]
)
def test_a_state_that_cannot_be_trusted_judges_nothing_and_stays(score, made, tmp_path, change):
    score(rows(700, 1))
    state = tmp_path / "state.json"
    assert change(state.read_text()) != state.read_text()
    state.write_text(change(state.read_text()))
    kept = state.read_bytes()
    options = ("--calibration", made / "one.json", "--state", state)
    ran = run("score", made / "ref.json", tmp_path / "now.parquet", *options)
    assert (ran.exit_code, "FS651" in ran.output) == (2, True)
    assert state.read_bytes() == kept


def test_a_window_that_cannot_be_read_is_no_window(score, made, tmp_path):
    score(rows(800, 1))
    kept = (tmp_path / "state.json").read_bytes()
    (tmp_path / "now.parquet").write_bytes(b"PAR1")
    options = ("--calibration", made / "one.json", "--state", tmp_path / "state.json")
    assert run("score", made / "ref.json", tmp_path / "now.parquet", *options).exit_code == 2
    assert (tmp_path / "state.json").read_bytes() == kept


def test_a_state_needs_a_calibration(made, tmp_path):
    ran = run("score", made / "ref.json", made / "train.parquet", "--state", tmp_path / "state.json")
    assert "say --calibration" in str(ran.exception)
    assert not (tmp_path / "state.json").exists()
