"""`failsoft drift calibrate`: a promise where it can be kept, words where it cannot, exit 2 without an answer."""

import json
import re
from html import escape

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import csv, feather, parquet

from failsoft.cli import root

WINDOWS, ROWS = 260, 200


def run(*arguments):
    return CliRunner().invoke(root, ["drift", "calibrate", *map(str, arguments)])


def rows(seed, windows, wander=0.0):
    rng = np.random.default_rng(seed)
    mean = np.repeat(rng.normal(0, wander, windows), ROWS)
    amount = np.exp(rng.normal(mean, 1))
    amount[rng.uniform(size=len(amount)) < 0.02] = np.nan
    return pa.table({"amount": amount, "plan": rng.choice(["free", "pro", "team"], len(amount), p=[0.6, 0.3, 0.1])})


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrate")
    parquet.write_table(rows(1, 100), folder / "reference.parquet")
    made = CliRunner().invoke(root, ["drift", "fit", str(folder / "reference.parquet"), "-o", str(folder / "ref.json")])
    assert made.exit_code == 0, made.output
    parquet.write_table(rows(2, WINDOWS), folder / "calm.parquet")
    parquet.write_table(rows(3, WINDOWS, 0.15), folder / "wandering.parquet")
    csv.write_csv(rows(2, 20), folder / "few.csv")
    return folder


def each(ran):
    return {one["name"]: one for one in json.loads(ran.output)["features"]}


def test_enough_calm_windows_are_a_promise_with_its_uncertainty_and_delays(here):
    ran = run(here / "ref.json", "--windows", here / "calm.parquet", "--rows", ROWS, "--output", "json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.output)
    assert found["promised"]
    assert not found["doubts"]
    assert found["held_out"] == {"windows": WINDOWS, "blocks": 11, "days": pytest.approx(10.83, abs=0.01)}
    pages = found["false_pages_per_30d"]
    assert pages["p5"] < pages["estimate"] <= 1.0
    assert pages["p95"] > pages["p5"]
    assert [delay["shift_sd"] for delay in each(ran)["amount"]["delays"]] == [0.1, 0.3, 0.5]
    waits = [delay["windows_to_page"] for delay in each(ran)["amount"]["delays"]]
    assert waits == sorted(waits, reverse=True)
    assert set(each(ran)) == {"amount", "amount: missing", "plan", "plan: new", "plan: missing"}
    assert 0.04 < each(ran)["amount: missing"]["critical"] < 0.12


def test_wandering_traffic_costs_detection_in_the_feature_that_wanders(here):
    calm, wandering = (
        each(run(here / "ref.json", "--windows", here / name, "--rows", ROWS, "--output", "json"))
        for name in ("calm.parquet", "wandering.parquet")
    )
    assert wandering["amount"]["wander"] > 3 > calm["amount"]["wander"]
    assert wandering["amount"]["critical"] > 1.5 * calm["amount"]["critical"]
    assert wandering["plan"]["critical"] < 1.5 * calm["plan"]["critical"]


def test_too_few_windows_are_tickets_only_in_words(here):
    ran = run(here / "ref.json", "--windows", here / "few.csv", "--rows", ROWS)
    assert ran.exit_code == 1
    assert "No rate of pages is promised: what would page is a ticket." in ran.output
    assert "20 held-out windows are 0.833 days" in ran.output
    assert "need 240" in ran.output


def test_one_window_says_nothing_of_how_windows_differ(here):
    ran = run(here / "ref.json", "--windows", here / "few.csv")
    assert ran.exit_code == 2
    assert "few.csv: error[FS517] holds only one window" in ran.stderr
    assert "cut this one with --rows" in ran.stderr
    ran = run(here / "ref.json", "--windows", here / "few.csv", "--rows", 3 * ROWS * 4)
    assert (ran.exit_code, "holds only one window of 2,400 rows" in ran.stderr) == (2, True), ran.output


@pytest.mark.filterwarnings("error")
def test_windows_that_are_all_alike_have_a_limit_too(here, tmp_path):
    """As where a column is constant in what was held out, or where one file was copied."""
    one = rows(4, 1)
    still = one.set_column(1, "plan", pa.array(["free"] * ROWS))
    for windows in ([one] * 3, [still] * 12):
        parquet.write_table(pa.concat_tables(windows), tmp_path / "alike.parquet")
        ran = run(here / "ref.json", "--windows", tmp_path / "alike.parquet", "--rows", ROWS, "--output", "json")
        assert ran.exit_code == 1, ran.output
        assert each(ran)["plan"]["critical"] > 0


def test_a_file_that_is_held_out_twice_is_a_slip(here):
    ran = run(here / "ref.json", *["--windows", here / "few.csv"] * 2)
    assert "names few.csv twice" in str(ran.exception)


def test_a_file_can_be_a_window_and_a_csv_counts_as_its_parquet_does(here, tmp_path):
    parquet.write_table(rows(2, 20), tmp_path / "few.parquet")
    cut = [
        run(here / "ref.json", "--windows", path, "--rows", ROWS, "--output", "json")
        for path in (here / "few.csv", tmp_path / "few.parquet")
    ]
    assert cut[0].output == cut[1].output
    names = []
    for at in range(20):
        parquet.write_table(rows(2, 20).slice(at * ROWS, ROWS), tmp_path / f"{at}.parquet")
        names += ["--windows", tmp_path / f"{at}.parquet"]
    assert run(here / "ref.json", *names, "--output", "json").output == cut[0].output


def test_without_held_out_windows_it_says_what_the_rate_would_rest_on(here):
    ran = run(here / "ref.json", "--rows", 500, "--window", "5m", "--bad", "2/12")
    assert ran.exit_code == 1
    assert "no windows were held out" in ran.output
    assert "8,640 windows in 30 days" in ran.output
    assert "2 bad windows among 12" in ran.output


def test_the_plot_loads_nothing_and_shows_each_feature(here, tmp_path):
    page = tmp_path / "page.html"
    run(here / "ref.json", "--windows", here / "calm.parquet", "--rows", ROWS, "--plot", page)
    text = page.read_text()
    assert text.count("<svg") == 2
    assert text.count('class="held"') > 100
    for loads in ("http", "<script", "src="):
        assert loads not in text
    assert "nan" not in text.lower().replace("nance", "")


@pytest.mark.parametrize(
    ("window", "said"), [("1h", "Promised: at most 1 false page in"), ("5m", "No rate of pages is promised")]
)
def test_the_page_shows_the_promise_and_a_table_of_every_test(here, tmp_path, window, said):
    page = tmp_path / "page.html"
    how = ("--rows", ROWS, "--window", window, "--plot", page, "--output", "json")
    ran = run(here / "ref.json", "--windows", here / "calm.parquet", *how)
    told = json.loads(ran.stdout)
    text = page.read_text()
    assert "<pre" not in text
    assert said in text
    for doubt in told["doubts"]:
        assert escape(doubt[1:]) in text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', text)
    assert sorted(name for name, _ in rows) == sorted(one["name"] for one in told["features"])
    cells = {name: re.findall(r'<td class="figure">(.*?)</td>', found) for name, found in rows}
    for one in told["features"]:
        assert f"{one['critical']:.4f}" in cells[one["name"]]
        if one["kind"] == "table":
            bins, _, wander, *windows = cells[one["name"]]
            assert (bins, wander, len(windows)) == (str(len(set(one["pools"]))), f"{one['wander']:.2f}", 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--windows", "gone.parquet", "--rows", "200"], "is not there"),
        (["--windows", "other.csv", "--rows", "200"], "has no column 'plan'"),
        (["--windows", "texts.csv", "--rows", "2"], "'amount' has a value that is no number: 'much'"),
        (["--windows", "few.csv", "--rows", "100000"], "no window of 100,000 rows"),
    ],
)
def test_what_cannot_be_answered_is_said_and_ends_with_two(here, arguments, said):
    (here / "other.csv").write_text("amount,plans\n1,free\n")
    (here / "texts.csv").write_text("amount,plan\n1,free\nmuch,pro\n")
    given = [here / one if one.endswith((".csv", ".parquet")) else one for one in arguments]
    ran = run(here / "ref.json", *given)
    assert ran.exit_code == 2, ran.output
    assert said in ran.output


def test_a_single_file_that_cannot_be_read_goes_on_from_no_other(here):
    plans = pa.DictionaryArray.from_arrays([0, 1], pa.array([{"name": "free"}, {"name": "pro"}]))
    feather.write_feather(pa.table({"amount": [1.0, 2.0], "plan": plans}), here / "odd.arrow", "uncompressed")
    ran = run(here / "ref.json", "--windows", here / "odd.arrow", "--rows", 2)
    assert ran.exit_code == 2, ran.output
    assert "odd.arrow: error[FS518] cannot be read: " in ran.output
    assert "file before" not in ran.output


def test_files_of_other_types_do_not_go_on_from_each_other(here):
    for name, amount in (("first.parquet", [1.0]), ("second.parquet", ["much"])):
        parquet.write_table(pa.table({"amount": amount, "plan": ["free"]}), here / name)
    ran = run(here / "ref.json", "--windows", here / "first.parquet", "--windows", here / "second.parquet", "--rows", 2)
    assert ran.exit_code == 2, ran.output
    assert "second.parquet: error[FS518] does not go on from the file before: " in ran.output
    assert "Traceback" not in ran.output


@pytest.mark.parametrize("rule", ["0", "3/2", "two", "2/x", "1/"])
def test_a_rule_that_is_none_is_refused(here, rule):
    ran = run(here / "ref.json", "--rows", 200, "--bad", rule)
    assert ran.exit_code == 2
    assert "no rule" in ran.output


def test_nothing_to_go_by_is_refused(here):
    assert "say with --windows" in str(run(here / "ref.json").exception)


def test_tables_that_have_one_bin_left_are_said_not_to_be_judged(here):
    ran = run(here / "ref.json", "--rows", 3)
    assert "Not judged, for all their rows are in one bin, or no held-out window has any: amount, plan." in ran.output


def test_one_block_and_no_window_say_how_little_they_know(here):
    one = run(here / "ref.json", "--windows", here / "few.csv", "--rows", ROWS)
    assert one.exit_code == 1
    assert "20 held-out windows in 1 block (" in one.output
    assert "how sure that is cannot be said of one block" in one.output
    assert "between" not in one.output
    none = run(here / "ref.json", "--rows", ROWS)
    assert "by chance only, for no windows were held out" in none.output
    assert "by chance only" not in one.output


def test_what_takes_longer_than_ten_years_is_never_seen(here):
    ran = run(here / "ref.json", "--rows", ROWS, "--window", "1d", "--false-pages-per-30d", 0.001, "--output", "json")
    delays = [delay for one in each(ran).values() for delay in one.get("delays", ())]
    longest = 10 * 365
    assert any(delay["windows_to_page"] is None for delay in delays)
    assert all(
        wait is None or wait <= longest
        for delay in delays
        for wait in (delay["windows_to_page"], delay["windows_to_ticket"])
    )
    assert "never" in run(here / "ref.json", "--rows", ROWS, "--window", "1d", "--false-pages-per-30d", 0.001).output


def test_what_is_asked_for_is_a_number_that_people_write(here):
    ran = run(here / "ref.json", "--windows", here / "few.csv", "--rows", ROWS, "--window", "1m")
    assert "allow 720 pages" in ran.output
    assert "e+" not in ran.output
