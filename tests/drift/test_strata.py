"""Routes apart: a change of their mix is no change of the model, and a change within one is not hidden by others."""

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift import ReferenceProfile, fit
from failsoft.drift.data import FrameSource
from failsoft.drift.data.rows import TableSource
from failsoft.drift.profile import OTHER_STRATUM
from failsoft.drift.stratified import Stratified, count

AT = datetime(2026, 11, 21, tzinfo=UTC)
LENGTHS = {"chat": 100.0, "code": 900.0, "search": 30.0}


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def rows(seed, mix, longer=None):
    """Rows of routes whose prompts and refusals differ; `longer` makes the answers of a route longer."""
    dice = np.random.default_rng(seed)
    tables = []
    for route, number in mix.items():
        prompt = dice.normal(LENGTHS.get(route, 300.0), 20, number)
        answer = prompt * 2 + dice.normal(0, 20, number) + (60 if route == longer else 0)
        tables.append(pa.table({"route": [route] * number, "prompt": prompt, "answer": answer}))
    table = pa.concat_tables(tables)
    return table.take(pa.array(dice.permutation(len(table))))


REFERENCE = {"chat": 6_000, "code": 3_000, "search": 520, "a": 200, "b": 150}
SAME = {"chat": 1_200, "code": 600, "search": 104, "a": 40, "b": 30}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strata")
    for name, table in {
        "train": rows(1, REFERENCE),
        "same": rows(2, SAME),
        "mixed": rows(3, {"chat": 400, "code": 1_400, "search": 104, "a": 40, "b": 30}),
        "longer": rows(4, SAME, longer="search"),
        "new": rows(5, SAME | {"batch": 100}),
    }.items():
        parquet.write_table(table, folder / f"{name}.parquet")
    fitted = ("fit", folder / "train.parquet", "--prediction", "answer")
    made = run(*fitted, "--by", "route", "-o", folder / "ref.json")
    assert made.exit_code == 0, made.output
    assert "2 features of 9,870 rows in 4 strata of 'route'" in made.output
    assert run(*fitted, "--skip", "route", "-o", folder / "flat.json").exit_code == 0
    return folder


def scored(here, data, *more, ref="ref"):
    ran = run("score", here / f"{ref}.json", here / f"{data}.parquet", "--output", "json", *more)
    assert ran.exit_code in {0, 1, 2}, ran.output
    found = json.loads(ran.stdout)
    loud = {(one["name"], one["stratum"]): one["severity"] for one in found["features"] if one["moved"]}
    return ran.exit_code, loud, found


def test_the_same_traffic_is_quiet_in_every_stratum(here):
    code, loud, found = scored(here, "same")
    assert (code, loud) == (0, {})
    strata = {one["stratum"] for one in found["features"]}
    assert strata == {"", "chat", "code", "search", OTHER_STRATUM}
    assert found["features"][0]["role"] == "stratum"


def test_another_mix_is_a_ticket_of_its_own_and_no_change_of_the_model(here):
    code, loud, _ = scored(here, "mixed", ref="flat")
    assert (code, loud[("answer", "")]) == (1, "page"), "taken together, the answers look other than before"
    code, loud, found = scored(here, "mixed")
    assert (code, loud) == (1, {("route", ""): "ticket"})
    assert found["explanation"] == "Only the mix of route moved: other traffic, no change of the model."
    (mix,) = (one for one in found["features"] if one["role"] == "stratum")
    assert "no change of the model" in mix["reason"]
    assert mix["page_critical"] is None


def test_a_change_within_one_route_is_found_there_and_drowns_in_the_whole(here):
    _, flat, _ = scored(here, "longer", ref="flat")
    assert flat == {}, "one row in twenty"
    code, loud, found = scored(here, "longer")
    assert (code, loud) == (1, {("answer", "search"): "page"})
    assert found["explanation"].startswith("Outputs moved without inputs (answer)")
    text = run("score", here / "ref.json", here / "longer.parquet")
    assert "answer (prediction) [search]" in text.stdout.splitlines()[1]
    assert "1 of 3 features moved" in text.stdout


def test_a_route_that_the_reference_never_had_is_new_and_compared_with_nothing(here):
    code, loud, found = scored(here, "new")
    assert (code, loud) == (1, {("route", ""): "ticket"})
    assert found["features"][0]["moved"] == ["distribution", "new"]
    assert found["features"][0]["new"]["current"] == pytest.approx(100 / 2_074)


def test_features_times_strata_share_the_budget(here):
    _, _, together = scored(here, "same", "--page-floor", "0", ref="flat")
    _, _, apart = scored(here, "same", "--page-floor", "0")
    per = {(one["name"], one["stratum"]): one for one in apart["features"]}
    flat = {one["name"]: one for one in together["features"]}

    def z(one):  # a stratum has fewer rows, so PSI cannot be compared
        return one["page_critical"] / (1 / one["rows"]["reference"] + 1 / one["rows"]["current"])

    assert z(per[("prompt", "chat")]) > z(flat["prompt"]) + 2


def test_a_calibration_judges_each_stratum_by_its_own_windows(here):
    sizes = {route: 11 * number for route, number in REFERENCE.items()}
    parquet.write_table(rows(8, sizes), here / "held.parquet")
    windows = ("--windows", here / "held.parquet", "--rows", 400)
    made = run("calibrate", here / "ref.json", *windows, "-o", here / "cal.json", "--output", "json")
    assert made.exit_code == 0, json.loads(made.stdout)["doubts"]
    named = {one["name"] for one in json.loads(made.stdout)["features"]}
    assert {"route", "answer [search]", "prompt: missing [chat]"} <= named
    parquet.write_table(rows(9, {"chat": 243, "code": 121, "search": 21, "a": 8, "b": 7}), here / "quiet.parquet")
    parquet.write_table(
        rows(10, {"chat": 243, "code": 121, "search": 21, "a": 8, "b": 7}, longer="code"), here / "loud.parquet"
    )
    code, loud, _ = scored(here, "quiet", "--calibration", here / "cal.json")
    assert (code, loud) == (0, {})
    twice = run("calibrate", here / "ref.json", *windows, "--strata", 3)
    assert "has strata of its own" in str(twice.exception)
    code, loud, _ = scored(here, "loud", "--calibration", here / "cal.json")
    assert (code, loud) == (1, {("answer", "code"): "page"})


def test_a_report_shows_strata_beside_their_names_and_inputs_beside_outputs(here, tmp_path):
    ran = run("report", here / "ref.json", here / "longer.parquet", "-o", tmp_path / "page.html")
    assert ran.exit_code == 1
    html = (tmp_path / "page.html").read_text()
    assert "Outputs moved without inputs (answer)" in html
    assert html.index('answer <span class="stratum">search</span>') < html.index(">chat</span>")


def test_any_split_counts_the_same_and_counts_travel_as_json(here):
    profile = ReferenceProfile.parse((here / "ref.json").read_bytes(), "ref.json")
    table = rows(11, SAME | {"batch": 50}).append_column("extra", pa.array(range(2_024)))
    whole = count(profile, TableSource(table, "whole"))
    merged = Stratified(profile)
    for start in range(0, len(table), 333):
        part = count(profile, TableSource(table.slice(start, 333), "part"))
        merged.merge(Stratified.from_json(profile, json.loads(json.dumps(part.as_json()))))
    assert merged == whole
    assert whole.rows == 2_024
    assert sum(part.rows for part in whole.parts.values()) == 1_974


def test_small_and_many_strata_are_taken_together():
    many = {f"t{index:02}": 600 - index for index in range(30)}
    profile = fit(FrameSource(rows(12, many)), by="route", at=AT)
    assert list(profile.strata.each) == [f"t{index:02}" for index in range(20)], "the 20 with most rows"
    assert profile.strata.pooled["prompt"].rows == sum(many[f"t{index:02}"] for index in range(20, 30))
    assert profile.strata.of("t25") == OTHER_STRATUM
    assert profile.strata.of("never") is None
    assert ReferenceProfile.parse(profile.render().encode(), "r.json") == profile


def test_a_profile_without_strata_is_what_an_older_failsoft_reads():
    table = rows(13, {"chat": 600})
    assert '"schema": 2' in fit(FrameSource(table), at=AT).render()
    assert '"schema": 3' in fit(FrameSource(table), by="route", at=AT).render()


def test_importance_orders_features_and_is_told(here, tmp_path):
    table = rows(14, {"chat": 600}).append_column("x", pa.array(np.arange(600.0)))
    parquet.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "w.csv").write_text("name,weight\nx,0.7\nprompt,0.2\n")
    made = run("fit", tmp_path / "t.parquet", "--importance", tmp_path / "w.csv", "-o", tmp_path / "r.json")
    assert made.exit_code == 0, made.output
    _, _, found = scored(tmp_path, "t", ref="r")
    assert [(one["name"], one["importance"]) for one in found["features"]] == [
        ("x", 0.7),
        ("prompt", 0.2),
        ("route", None),
        ("answer", None),
    ]
    (tmp_path / "w.json").write_text('{"prompt": 3}')
    both = ("--importance", tmp_path / "w.json", "--importance", "x=1")
    assert run("fit", tmp_path / "t.parquet", *both, "-o", tmp_path / "r.json").exit_code == 0
    assert [one["name"] for one in scored(tmp_path, "t", ref="r")[2]["features"]][:2] == ["prompt", "x"]
    for bad, word in (
        ("x=much", "'much'; expected a number"),
        ("gone", "neither NAME=WEIGHT nor a file"),
        ("y=1", "no column"),
    ):
        ran = run("fit", tmp_path / "t.parquet", "--importance", bad, "-o", tmp_path / "r.json")
        assert word in str(ran.exception), bad


def test_a_column_of_identifiers_tells_no_strata_apart(here, tmp_path):
    table = rows(15, {"chat": 10_050}).append_column("id", pa.array([f"r{index}" for index in range(10_050)]))
    parquet.write_table(table, tmp_path / "ids.parquet")
    ran = run("fit", tmp_path / "ids.parquet", "--by", "id", "-o", tmp_path / "r.json")
    assert (ran.exit_code, "FS650" in ran.output, "10,000" in ran.output) == (2, True, True)
    assert not (tmp_path / "r.json").exists()


def test_data_without_the_column_of_strata_is_told(here, tmp_path):
    parquet.write_table(rows(16, SAME).drop_columns(["route"]), tmp_path / "d.parquet")
    ran = run("score", here / "ref.json", tmp_path / "d.parquet")
    assert (ran.exit_code, "has no column 'route'" in ran.output) == (2, True)
