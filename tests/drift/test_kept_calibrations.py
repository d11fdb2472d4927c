"""`score` and `report` read what `calibrate` found out: its limits, what it promises and what it does not."""

import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift.alarms.stored import StoredCalibration

ROWS = 200


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def rows(seed, windows, wander=0.0, shift=0.0):
    dice = np.random.default_rng(seed)
    means = np.repeat(dice.normal(shift, wander, windows) if wander else np.full(windows, shift), ROWS)
    amount = dice.normal(means, 1)
    plan = dice.choice(["free", "pro", "team"], windows * ROWS, p=[0.6, 0.3, 0.1])
    return pa.table({"amount": amount, "plan": plan.tolist()})


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A reference, 300 hours held out in which windows wander, and what was found of them."""
    folder = tmp_path_factory.mktemp("kept")
    for name, table in {
        "train": rows(1, 60, 0.15),
        "held": rows(2, 300, 0.15),
        "few": rows(3, 20, 0.15),
        "wandered": rows(4, 1, shift=0.3),
        "moved": rows(5, 1, shift=1.5),
        "half": rows(6, 1).slice(0, ROWS // 3),
    }.items():
        parquet.write_table(table, folder / f"{name}.parquet")
    assert run("fit", folder / "train.parquet", "-o", folder / "ref.json").exit_code == 0
    for name, more in {"cal": (), "two": ("--bad", "2/3")}.items():
        out = ("-o", folder / f"{name}.json")
        made = run("calibrate", folder / "ref.json", "--windows", folder / "held.parquet", "--rows", ROWS, *more, *out)
        assert made.exit_code == 0, made.output
    few = run(
        "calibrate", folder / "ref.json", "--windows", folder / "few.parquet", "--rows", ROWS, "-o", folder / "few.json"
    )
    assert few.exit_code == 1, "a calibration that promises nothing is kept all the same"
    return folder


def scored(here, data, *more):
    ran = run("score", here / "ref.json", here / f"{data}.parquet", "--output", "json", *more)
    found = json.loads(ran.stdout)
    return ran.exit_code, {feature["name"]: feature for feature in found["features"]}, found


def test_wander_that_was_held_out_is_no_drift_and_what_is_beyond_it_pages(here):
    code, plain, _ = scored(here, "wandered")
    assert (code, plain["amount"]["severity"]) == (1, "page"), "by chance alone it could not be"
    code, found, whole = scored(here, "wandered", "--calibration", here / "cal.json")
    assert (code, found["amount"]["severity"]) == (0, "none")
    assert whole["calibration"]["promised"]
    assert found["amount"]["critical"] > plain["amount"]["critical"]
    kept = StoredCalibration.parse((here / "cal.json").read_bytes(), "cal.json")
    (amount,) = (test for test in kept.tests if test.feature == "amount")
    error = 1 / (60 * ROWS) + 1 / ROWS
    assert found["amount"]["page_critical"] == pytest.approx(amount.page * error, rel=1e-9)
    assert found["amount"]["critical"] == pytest.approx(amount.ticket * error, rel=1e-9)
    assert amount.ticket < amount.page, "four tickets are allowed for one page"
    code, found, _ = scored(here, "moved", "--calibration", here / "cal.json")
    assert (code, found["amount"]["severity"], found["plan"]["severity"]) == (1, "page", "none")
    assert "is above" in found["amount"]["reason"]


def test_what_is_not_promised_is_a_ticket_and_says_so(here):
    code, found, whole = scored(here, "moved", "--calibration", here / "few.json")
    assert (code, found["amount"]["severity"]) == (1, "ticket")
    assert not whole["calibration"]["promised"]
    assert found["amount"]["page_critical"] is None


def test_one_bad_window_of_two_that_a_page_needs_is_said_to_be_one(here):
    kept = StoredCalibration.parse((here / "two.json").read_bytes(), "two.json")
    assert kept.promised
    (amount,) = (test for test in kept.tests if test.feature == "amount")
    assert amount.page < amount.ticket, "two bad windows in three are rarer than one"
    _, found, _ = scored(here, "moved", "--calibration", here / "two.json")
    assert found["amount"]["severity"] == "ticket", "one window cannot be two"
    parquet.write_table(between(here, amount), here / "bad.parquet")
    code, found, _ = scored(here, "bad", "--calibration", here / "two.json")
    assert (code, found["amount"]["severity"]) == (0, "none")
    assert "2 of 3 are a page" in found["amount"]["reason"]


def between(here, amount):
    """A window whose score is between the two limits."""
    error = 1 / (60 * ROWS) + 1 / ROWS
    for shift in np.arange(0.2, 1.5, 0.02):
        table = rows(7, 1, shift=shift)
        parquet.write_table(table, here / "try.parquet")
        _, found, _ = scored(here, "try")
        if 1.05 * amount.page < found["amount"]["pooled_psi"] / error < 0.95 * amount.ticket:
            return table
    raise AssertionError("there is none")


def test_a_window_much_smaller_than_planned_is_not_judged(here):
    code, found, _ = scored(here, "half", "--calibration", here / "cal.json")
    assert code == 2
    assert found["amount"]["reason"] == "66 rows in the window, 100 are needed"


def test_a_report_takes_the_same_limits(here, tmp_path):
    page = tmp_path / "page.html"
    ran = run("report", here / "ref.json", here / "wandered.parquet", "--calibration", here / "cal.json", "-o", page)
    assert (ran.exit_code, "in tolerance" in page.read_text()) == (0, True)


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        (lambda text: text.replace('"schema": 1', '"schema": 2'), "FS607", "update failsoft"),
        (lambda text: text.replace('"promised": true', '"promised": false'), "FS606", "sha256 differs"),
        (lambda text: text[: len(text) // 2], "FS606", "ends in the middle"),
        (lambda text: "[1, NaN]", "FS606", "no number of JSON"),
        (lambda text: "{}", "FS606", "has no sha256"),
    ],
)
def test_a_calibration_that_cannot_be_trusted_judges_nothing(here, tmp_path, change, code, word):
    text = (here / "cal.json").read_text()
    (tmp_path / "bad.json").write_text(change(text))
    for command in (["score"], ["report", "-o", tmp_path / "page.html"]):
        ran = run(*command, here / "ref.json", here / "moved.parquet", "--calibration", tmp_path / "bad.json")
        assert (ran.exit_code, code in ran.output, word in ran.output) == (2, True, True), ran.output
    assert not (tmp_path / "page.html").exists()


def test_a_calibration_of_another_reference_or_with_limits_beside_it_is_refused(here, tmp_path):
    parquet.write_table(rows(9, 20), tmp_path / "other.parquet")
    assert run("fit", tmp_path / "other.parquet", "-o", tmp_path / "other.json").exit_code == 0
    ran = run("score", tmp_path / "other.json", here / "moved.parquet", "--calibration", here / "cal.json")
    assert (ran.exit_code, "FS608" in ran.output) == (2, True)
    ran = run("score", here / "ref.json", here / "moved.parquet", "--calibration", here / "cal.json", "--window", "5m")
    assert ran.exit_code != 0
    assert "--window is in the calibration" in str(ran.exception)
    gone = run("score", here / "ref.json", here / "moved.parquet", "--calibration", here / "gone.json")
    assert (gone.exit_code, "cannot be read" in gone.output) == (2, True)
