"""References that know the hour of the week, and rows that come in clusters."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift import Accumulator, ReferenceProfile, fit
from failsoft.drift.alarms.rules import Budget
from failsoft.drift.clusters import mean_size
from failsoft.drift.comparison import compare, expected
from failsoft.drift.data import FrameSource
from failsoft.drift.data.rows import TableSource
from failsoft.drift.habits import intraclass
from failsoft.drift.judgement import judge
from failsoft.drift.limits import Tolerance
from failsoft.drift.rhythm import HOURS, groups_of, hour_of
from failsoft.drift.stratified import count

AT = datetime(2026, 11, 21, tzinfo=UTC)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def level(hours):
    """What the mean of `x` is at an hour of the week: a day has a peak, and weekends are calm."""
    return np.where(hours // 24 < 5, np.sin((hours % 24) / 24 * 2 * np.pi), -1.0)


def rows(seed, start, hours, per_hour, shift=0.0):
    dice = np.random.default_rng(seed)
    seconds = np.sort(dice.uniform(0, hours * 3_600, hours * per_hour))
    moments = [start + timedelta(seconds=float(second)) for second in seconds]
    of_week = np.array([hour_of(moment.timestamp()) for moment in moments])
    return pa.table(
        {
            "at": pa.array(moments, pa.timestamp("us", "UTC")),
            "x": dice.normal(level(of_week) + shift, 0.5),
            "night": np.where(of_week % 24 < 6, "yes", "no").tolist(),
        }
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("habits")
    parquet.write_table(rows(1, MONDAY, 2 * 7 * 24, 300), folder / "train.parquet")
    parquet.write_table(rows(2, MONDAY + timedelta(days=14, hours=5), 2, 400), folder / "morning.parquet")
    parquet.write_table(rows(3, MONDAY + timedelta(days=14, hours=5), 2, 400, 0.4), folder / "moved.parquet")
    made = run("fit", folder / "train.parquet", "--time", "at", "--rhythm", "hour-of-week", "-o", folder / "ref.json")
    assert made.exit_code == 0, made.output
    assert "168 cells of the week" in made.output
    assert run("fit", folder / "train.parquet", "--skip", "at", "-o", folder / "flat.json").exit_code == 0
    return folder


def scored(here, data, *more, ref="ref"):
    ran = run("score", here / f"{ref}.json", here / f"{data}.parquet", "--output", "json", *more)
    found = json.loads(ran.stdout)
    return ran.exit_code, {one["name"]: one for one in found["features"]}


def test_a_morning_is_compared_with_mornings(here):
    code, flat = scored(here, "morning", ref="flat")
    assert (code, flat["x"]["severity"]) == (1, "page"), "a morning is not like the week"
    code, found = scored(here, "morning")
    assert (code, list(found)) == (0, ["x", "night"])
    assert found["x"]["severity"] == "none"
    assert found["x"]["rows"]["reference"] == pytest.approx(1_200, abs=60), "two hours of two weeks"
    code, found = scored(here, "moved")
    assert (code, found["x"]["severity"]) == (1, "page")
    assert found["night"]["severity"] == "none"


def test_the_mixture_is_that_of_the_hours_of_the_window(here):
    profile = ReferenceProfile.parse((here / "ref.json").read_bytes(), "ref.json")
    window = Accumulator(profile)
    night, noon = (MONDAY + timedelta(hours=hour) for hour in (2, 12))
    window.update({"at": [night] * 300 + [noon] * 100, "x": [0.0] * 400, "night": ["no"] * 400})
    mixture = expected(window)["night"]
    share = dict(zip(mixture.categories, mixture.counts, strict=True))["yes"] / mixture.rows
    assert share == pytest.approx(0.75, abs=0.01)
    one, other = (profile.rhythm.rows[profile.rhythm.cells[hour]] for hour in (2, 12))
    assert mixture.rows == pytest.approx(1 / (0.75**2 / one + 0.25**2 / other), rel=0.01)
    assert compare(window)[1].rows.reference == mixture.rows


def test_a_calibration_compares_each_window_with_its_hours(here):
    parquet.write_table(rows(4, MONDAY + timedelta(days=14), 14 * 24, 200), here / "held.parquet")
    asked = ("--windows", here / "held.parquet", "--rows", 200, "--output", "json")
    made = json.loads(run("calibrate", here / "ref.json", *asked, "-o", here / "cal.json").stdout)
    flat = json.loads(run("calibrate", here / "flat.json", *asked, "-o", here / "flatcal.json").stdout)
    values = [{one["name"]: one for one in each["features"]}["x"] for each in (made, flat)]
    assert values[0]["wander"] < 2, "the day is no wander where hours are known"
    assert values[1]["wander"] > 10
    assert values[0]["critical"] < values[1]["critical"] / 3
    assert made["promised"], made["doubts"]
    code, found = scored(here, "morning", "--calibration", here / "cal.json")
    assert (code, found["x"]["severity"]) == (0, "none")
    code, found = scored(here, "moved", "--calibration", here / "cal.json")
    assert (code, found["x"]["severity"]) == (1, "page")


@given(st.lists(st.integers(0, 1_200), min_size=HOURS, max_size=HOURS))
def test_each_hour_has_enough_rows_or_all_there_are(counts):
    for hour, group in enumerate(groups_of(counts)):
        assert sum(counts[one] for one in group) >= 500 or len(group) == HOURS
        assert hour in group


def test_an_hour_of_few_rows_shares_a_cell_with_the_same_hour_of_other_days():
    few = rows(5, MONDAY, 7 * 24, 120)
    profile = fit(FrameSource(few), time="at", at=AT)
    cells = profile.rhythm.cells
    assert cells[9] == cells[24 + 9] != cells[10]
    assert cells[5 * 24 + 9] != cells[9], "weekends apart"
    assert ReferenceProfile.parse(profile.render().encode(), "r.json") == profile


def test_a_split_window_has_the_same_hours_and_clusters():
    table = rows(6, MONDAY, 48, 40)
    table = table.append_column("tenant", pa.array([f"t{index % 37}" for index in range(len(table))]))
    profile = fit(FrameSource(table), time="at", cluster="tenant", at=AT)
    whole = count(profile, TableSource(table, "whole"))
    merged = Accumulator(profile)
    for start in range(0, len(table), 517):
        part = count(profile, TableSource(table.slice(start, 517), "part"))
        merged.merge(Accumulator.from_json(profile, json.loads(json.dumps(part.as_json()))))
    assert merged == whole
    assert merged.hours.sum() == len(table)


def tenants(seed, sizes, between, within=1.0):
    """Rows of tenants that each have a mean of their own."""
    dice = np.random.default_rng(seed)
    means = np.repeat(dice.normal(0, between, len(sizes)), sizes)
    names = np.repeat([f"t{seed}-{index}" for index in range(len(sizes))], sizes)
    return pa.table({"tenant": names.tolist(), "x": dice.normal(means, within), "y": dice.normal(size=len(names))})


def test_rows_of_a_tenant_count_for_fewer_and_that_is_shown(tmp_path):
    parquet.write_table(tenants(1, [20] * 500, 1.0), tmp_path / "train.parquet")
    fitted = ("fit", tmp_path / "train.parquet", "-o")
    made = run(*fitted, tmp_path / "ref.json", "--cluster", "tenant")
    assert made.exit_code == 0, made.output
    assert "('x')" in made.output
    assert run(*fitted, tmp_path / "flat.json", "--skip", "tenant").exit_code == 0
    alarms = {"ref": 0, "flat": 0}
    for seed in range(2, 22):
        parquet.write_table(tenants(seed, [50] * 20, 1.0), tmp_path / "now.parquet")
        for ref in alarms:
            _, found = scored(tmp_path, "now", ref=ref)
            alarms[ref] += found["x"]["severity"] in {"ticket", "page"}
    assert alarms["flat"] > 10, "twenty tenants are no thousand rows"
    assert alarms["ref"] <= 1
    _, found = scored(tmp_path, "now")
    assert found["x"]["effective_rows"]["current"] < 300
    assert found["y"]["effective_rows"]["current"] > 900
    text = run("score", tmp_path / "ref.json", tmp_path / "now.parquet")
    assert "1,000 rows of the window say as much as" in text.stdout
    parquet.write_table(
        tenants(30, [1] * 1_000, 1.0).set_column(1, "x", pa.array(np.full(1_000, 2.0))), tmp_path / "now.parquet"
    )
    code, found = scored(tmp_path, "now")
    assert (code, found["x"]["severity"]) == (1, "page"), "a thousand tenants are enough"


@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_the_intraclass_correlation_is_that_of_the_bins(between):
    dice = np.random.default_rng(7)
    means = dice.normal(0, between, 400)
    values = dice.normal(means[:, None], 1, (400, 30)) / (1 + between**2) ** 0.5
    cuts = [-1, 0, 1]
    tables = [np.bincount(np.searchsorted(cuts, row), minlength=4).tolist() for row in values]
    found, worst = intraclass(tables)
    assert worst >= found
    effect = np.mean(
        [np.var([t[b] / 30 for t in tables]) / (p * (1 - p) / 30) for b, p in enumerate(np.mean(tables, axis=0) / 30)]
    )
    assert found == pytest.approx(max(0.0, (effect - 1) / 29), abs=0.02)


def test_a_mean_size_is_that_of_the_cluster_of_a_row():
    assert mean_size([], 5) == 1
    assert mean_size([10] * 3, 30) == pytest.approx(5.5)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--time", "at"), "go together"),
        (("--rhythm", "hour-of-week"), "go together"),
        (("--time", "at", "--rhythm", "hour-of-week", "--by", "night"), "strata have no hours"),
        (("--cluster", "gone"), "no column 'gone'"),
        (("--time", "x", "--rhythm", "hour-of-week"), "holds no moments"),
    ],
)
def test_what_makes_no_sense_is_told(here, tmp_path, options, word):
    ran = run("fit", here / "train.parquet", *options, "-o", tmp_path / "r.json")
    assert word in ran.output + str(ran.exception)
    assert ran.exit_code != 0
    assert not (tmp_path / "r.json").exists()


def test_a_window_without_moments_is_told(here, tmp_path):
    table = rows(8, MONDAY, 1, 200)
    parquet.write_table(table.set_column(0, "at", pa.array(range(200))), tmp_path / "d.parquet")
    ran = run("score", here / "ref.json", tmp_path / "d.parquet")
    assert (ran.exit_code, "holds no moments" in ran.output) == (2, True)
    parquet.write_table(table.drop_columns(["at"]), tmp_path / "d.parquet")
    assert "has no column 'at'" in run("score", here / "ref.json", tmp_path / "d.parquet").output


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[50] * 20, [5] * 200])
def test_windows_of_clusters_alarm_as_often_as_is_allowed(sizes):
    """At one window in twenty, over references: 4.1 and 4.5 %; were rows independent, it would be most windows."""
    twentieth = Tolerance(Budget(1, 4 * 720 * 0.05), page_floor=0, ticket_floor=0)  # two features with two tests each
    moved = []
    for reference in range(12):
        profile = fit(TableSource(tenants(1_000 + reference, [20] * 500, 1.0), "r"), cluster="tenant", at=AT)
        for index in range(40):
            window = count(profile, TableSource(tenants(2_000 + 100 * reference + index, sizes, 1.0), "w"))
            moved.append("distribution" in judge(compare(window), twentieth)[0].moved)
    assert 0.01 < np.mean(moved) < 0.09
