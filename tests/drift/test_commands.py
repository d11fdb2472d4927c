"""`failsoft drift fit | score | report` as people and schedulers use them: what they print, and with what they exit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import main, root
from failsoft.drift import Accumulator, ReferenceProfile
from failsoft.drift.comparison import compare
from failsoft.drift.explanation import explanation, tally
from failsoft.drift.judgement import judge
from failsoft.drift.limits import Severity, Tolerance

WORKED = json.loads((Path(__file__).parents[1] / "data" / "drift-worked-examples.json").read_text())["examples"]


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def columns(seed, rows, shift=0.0, plans=("free", "pro")):
    dice = np.random.default_rng(seed)
    return {
        "age": dice.normal(40 + 10 * shift, 10, rows),
        "calm": dice.normal(size=rows),
        "plan": dice.choice(plans, rows).tolist(),
        "answer": dice.choice(["yes", "no"], rows, p=[0.3, 0.7]).tolist(),
    }


@pytest.fixture
def here(tmp_path):
    parquet.write_table(pa.table(columns(1, 20_000)), tmp_path / "train.parquet")
    parquet.write_table(pa.table(columns(2, 2_000)), tmp_path / "same.parquet")
    parquet.write_table(pa.table(columns(3, 2_000, 0.5, ("free", "pro", "gold"))), tmp_path / "moved.parquet")
    made = run(
        "fit", tmp_path / "train.parquet", "-o", tmp_path / "ref.json", "--prediction", "answer", "--revision", "r7"
    )
    assert made.exit_code == 0, made.output
    assert "4 features of 20,000 rows" in made.output
    return tmp_path


def scored(here, data, *more):
    ran = run("score", here / "ref.json", here / data, "--output", "json", *more)
    return ran.exit_code, json.loads(ran.stdout)


def test_the_same_traffic_is_in_tolerance(here):
    code, found = scored(here, "same.parquet")
    assert code == 0
    assert found["severity"] == "none"
    assert found["reference"]["revision"] == "r7"
    assert [feature["name"] for feature in found["features"]] == ["answer", "age", "calm", "plan"], "predictions first"


def test_other_traffic_has_drifted_and_says_where(here):
    code, found = scored(here, "moved.parquet")
    assert code == 1
    by_name = {feature["name"]: feature for feature in found["features"]}
    assert by_name["age"]["severity"] == "page"
    assert by_name["age"]["statistics"]["psi"] > by_name["age"]["critical"]
    assert by_name["plan"]["new"]["current"] == pytest.approx(1 / 3, abs=0.05)
    assert set(by_name["plan"]["moved"]) == {"distribution", "new"}
    assert by_name["calm"]["severity"] == by_name["answer"]["severity"] == "none"
    text = run("score", here / "ref.json", here / "moved.parquet")
    assert text.exit_code == 1
    first = text.stdout.splitlines()[1]
    assert first.startswith("page"), "the worst is first"
    assert "2 of 4 features moved" in text.stdout
    assert "drifted: far enough for a page" in text.stdout
    assert "No calibration: limits know of chance only" in text.stdout, "nobody promises how often"


def test_the_psi_that_is_judged_stands_beside_its_limit(tmp_path):
    rare = [f"c{index}" for index in range(40)]
    for name, seed in (("before", 1), ("now", 2)):
        dice = np.random.default_rng(seed)
        parquet.write_table(pa.table({"x": dice.choice(["usual", *rare], 400, p=[0.6] + [0.01] * 40)}), tmp_path / name)
        (tmp_path / name).rename(tmp_path / f"{name}.parquet")
    assert run("fit", tmp_path / "before.parquet", "-o", tmp_path / "r.json").exit_code == 0
    lines = run("score", tmp_path / "r.json", tmp_path / "now.parquet").stdout.splitlines()
    (one,) = scored_of(tmp_path / "r.json", tmp_path / "now.parquet")
    assert lines[0].split()[:4] == ["feature", "PSI", "pooled", "limit"]
    wanted = [one["statistics"]["psi"], one["pooled_psi"], one["critical"]]
    assert wanted[0] > wanted[1], "rare categories are pooled"
    assert lines[1].split()[2:5] == [f"{value:.4f}" for value in wanted]


def test_what_was_not_judged_is_not_said_to_stand_still(here):
    parquet.write_table(pa.table(columns(5, 1)), here / "one.parquet")
    text = run("score", here / "ref.json", here / "one.parquet").stdout
    assert "Nothing could be judged.\n" in text
    assert "could not be judged (4 of 4 features not judged, 1 row)" in text
    assert "moved" not in text


@pytest.mark.parametrize(
    ("moved", "unjudged", "said"),
    [
        ((), ("answer",), "No input moved; whether outputs moved is not known: answer could not be judged."),
        (("age",), ("answer",), "Inputs moved (age); whether outputs moved is not known: answer could not be judged."),
        (("answer",), ("age",), "Outputs moved (answer); whether inputs moved too is not known: age could not be"),
        (("answer",), (), "Outputs moved without inputs (answer)"),
        (("age",), (), "Inputs moved (age), outputs did not."),
        ((), (), "Neither inputs nor outputs moved."),
    ],
)
def test_the_sentence_says_what_is_not_known(here, moved, unjudged, said):
    profile = ReferenceProfile.parse((here / "ref.json").read_bytes(), "ref.json")
    window = Accumulator(profile)
    window.update(columns(2, 2_000))
    severity = dict.fromkeys(moved, Severity.TICKET) | dict.fromkeys(unjudged, Severity.UNJUDGED)
    found = [
        replace(one, severity=severity.get(one.compared.name, Severity.NONE))
        for one in judge(compare(window), Tolerance())
    ]
    assert explanation(found).startswith(said)
    assert tally(found) == f"{len(moved)} of 4 features moved" + (", 1 not judged" if unjudged else "")


def test_exact_distances_are_not_those_of_other_rows(here):
    ran = run("score", here / "ref.json", here / "moved.parquet", "--exact", here / "same.parquet")
    assert "other rows than the reference was made from, by the counts of 'age'" in str(ran.exception)


def test_what_was_left_out_on_purpose_is_no_news(tmp_path):
    made = columns(1, 600)
    parquet.write_table(pa.table(made), tmp_path / "train.parquet")
    fitted = run("fit", tmp_path / "train.parquet", "-o", tmp_path / "r.json", "--skip", "calm", "--by", "plan")
    assert fitted.exit_code == 0, fitted.output
    ran = run("score", tmp_path / "r.json", tmp_path / "train.parquet")
    assert "FS519" not in ran.output
    parquet.write_table(pa.table(made | {"later": [1] * 600, "last": [2] * 600}), tmp_path / "wider.parquet")
    ran = run("score", tmp_path / "r.json", tmp_path / "wider.parquet")
    assert ran.output.count("warning[FS519]") == 1
    assert "has 2 columns that the reference lacks: 'later', 'last'" in ran.output


def test_strata_that_are_all_too_small_are_told(tmp_path):
    made = columns(1, 2_000) | {"tenant": [f"t{index % 500}" for index in range(2_000)]}
    parquet.write_table(pa.table(made), tmp_path / "train.parquet")
    ran = run("fit", tmp_path / "train.parquet", "-o", tmp_path / "r.json", "--by", "tenant")
    assert "no value of 'tenant' has 500 rows: all are taken together" in ran.stderr
    ran = run("fit", tmp_path / "train.parquet", "-o", tmp_path / "r2.json", "--by", "plan")
    assert "all are taken together" not in ran.stderr


def scored_of(*paths):
    return json.loads(run("score", *paths, "--output", "json").stdout)["features"]


def test_missing_rows_are_a_signal_of_their_own(here):
    late = columns(4, 2_000)
    late["calm"] = [None if i % 20 == 0 else float(v) for i, v in enumerate(late["calm"])]
    parquet.write_table(pa.table(late), here / "late.parquet")
    code, found = scored(here, "late.parquet")
    assert code == 1
    moved = {feature["name"]: feature["moved"] for feature in found["features"] if feature["moved"]}
    assert moved == {"calm": ["missing"]}


def test_exact_distances_are_those_of_the_rows(here):
    from scipy import stats

    _, found = scored(here, "moved.parquet", "--exact", here / "train.parquet", "--diagnose", "age")
    age = next(feature for feature in found["features"] if feature["name"] == "age")
    before, now = columns(1, 20_000)["age"], columns(3, 2_000, 0.5, ("free", "pro", "gold"))["age"]
    assert age["statistics"]["ks"] == pytest.approx(stats.ks_2samp(before, now).statistic, rel=1e-9)
    assert age["statistics"]["ks_error"] == 0
    wanted = stats.wasserstein_distance(before, now) / stats.iqr(before)
    assert age["statistics"]["w1_iqr"] == pytest.approx(wanted, rel=1e-9)
    assert age["statistics"]["w1_approximate"] is False
    assert set(age["diagnosis"]) == {"cramer_von_mises", "anderson_darling", "energy", "mmd"}
    assert all(test["log10_p"] < -2 for test in age["diagnosis"].values())
    _, rough = scored(here, "moved.parquet")
    grid = next(feature for feature in rough["features"] if feature["name"] == "age")["statistics"]
    assert grid["ks"] <= age["statistics"]["ks"] <= grid["ks"] + grid["ks_error"]


@pytest.mark.parametrize("name", [name for name in WORKED if name != "missing_and_infinite"])
def test_worked_examples_come_out_of_the_command_line(tmp_path, name):
    example = WORKED[name]
    for side in ("reference", "current"):
        parquet.write_table(pa.table({"x": example[side]}), tmp_path / f"{side}.parquet")
    assert run("fit", tmp_path / "reference.parquet", "-o", tmp_path / "r.json").exit_code == 0
    ran = run(
        *("score", tmp_path / "r.json", tmp_path / "current.parquet", "--output", "json"),
        *("--exact", tmp_path / "reference.parquet"),
    )
    assert ran.exit_code == 2, "twelve rows are too few to judge, and that is said"
    (feature,) = json.loads(ran.stdout)["features"]
    assert "rows in the window" in feature["reason"]
    assert feature["kind"] == example["kind"]
    for statistic, value in example["statistics"].items():
        assert feature["statistics"][statistic] == pytest.approx(value, rel=1e-9), statistic
    missing = [feature["missing"]["reference"], feature["missing"]["current"]]
    assert missing == pytest.approx(example["missing"], rel=1e-9)


def test_a_small_window_could_not_be_judged(here):
    parquet.write_table(pa.table(columns(5, 1)), here / "one.parquet")
    code, found = scored(here, "one.parquet")
    assert code == 2
    assert {feature["severity"] for feature in found["features"]} == {"unjudged"}
    assert "1 row in the window, 50 are needed" in found["features"][0]["reason"]


def table(**changes):
    made = columns(6, 500) | changes
    return pa.table({name: values for name, values in made.items() if values is not None})


def test_bad_data_is_a_finding_and_overwrites_nothing(here):
    kept = (here / "ref.json").read_bytes()
    parquet.write_table(table(age=None), here / "gone.parquet")
    parquet.write_table(table(age=["old"] * 500), here / "typed.parquet")
    parquet.write_table(table(later=[1] * 500), here / "wider.parquet")
    (here / "cut.parquet").write_bytes((here / "same.parquet").read_bytes()[:-9])
    (here / "two.csv").write_text("age;calm,plan\n1;2,x\n")
    for data, code in (
        ("gone.parquet", "FS513"),
        ("typed.parquet", "FS514"),
        ("cut.parquet", "FS518"),
        ("two.csv", "FS518"),
        ("not-there.parquet", "FS516"),
    ):
        for command in ("score", "report"):
            more = ["-o", here / "page.html"] if command == "report" else []
            ran = run(command, here / "ref.json", here / data, *more)
            assert (ran.exit_code, code in ran.output) == (2, True), ran.output
    for data in ("cut.parquet", "two.csv", "not-there.parquet"):
        assert run("fit", here / data, "-o", here / "ref.json").exit_code == 2
    parquet.write_table(pa.table(columns(1, 1)), here / "one.parquet")
    assert "nothing to learn" in run("fit", here / "one.parquet", "-o", here / "ref.json").output
    assert (here / "ref.json").read_bytes() == kept
    assert not (here / "page.html").exists()
    assert not [path for path in here.iterdir() if path.suffix == ".new"]
    wider = run("score", here / "ref.json", here / "wider.parquet")
    assert "'later'" in wider.output
    assert wider.exit_code == 0, "a column more is a warning"


def test_nothing_that_is_read_or_is_of_another_kind_is_overwritten(here):
    (here / "log.jsonl").write_text('{"text": "yes"}\n')
    calibrate = ["calibrate", here / "ref.json", "--rows", "200"]
    (here / "cal.json").write_text('{"kind": "drift-calibration"}')
    (here / "page.html").write_text("<!DOCTYPE html>")
    (here / "notes.txt").write_text("mine")
    (here / "link.parquet").symlink_to(here / "train.parquet")
    before = {path: path.read_bytes() for path in here.iterdir()}
    for arguments in (
        ["fit", here / "train.parquet", "-o", here / "train.parquet"],
        ["fit", here / "train.parquet", "-o", here / "link.parquet"],
        ["fit", here / "train.parquet", "-o", here / "cal.json"],
        ["report", here / "ref.json", here / "same.parquet", "-o", here / "ref.json"],
        ["report", here / "ref.json", here / "same.parquet", "-o", here / "same.parquet"],
        [*calibrate, "-o", here / "ref.json"],
        [*calibrate, "--plot", here / "cal.json"],
        [*calibrate, "--plot", here / "new.json", "-o", here / "new.json"],
        ["answers", here / "log.jsonl", "-o", here / "log.jsonl"],
        ["answers", here / "log.jsonl", "-o", here / "notes.txt"],
    ):
        ran = run(*arguments)
        assert "cannot write" in str(ran.exception), (arguments, ran.output)
    assert {path: path.read_bytes() for path in here.iterdir()} == before
    assert run("fit", here / "same.parquet", "-o", here / "ref.json").exit_code == 0
    made = run(*calibrate, "-o", here / "cal.json", "--plot", here / "page.html")
    assert made.stdout.endswith(f"wrote {here / 'cal.json'}\nwrote {here / 'page.html'}\n")


def test_a_file_in_the_wrong_place_is_called_what_it_is(here):
    (here / "cal.json").write_text('{"kind": "drift-calibration", "schema": 1}')
    for reference, said in (("cal.json", "is a calibration, not a profile"), ("same.parquet", "REF comes before DATA")):
        ran = run("score", here / reference, here / "same.parquet")
        assert (ran.exit_code, said in ran.stderr) == (2, True), ran.output
    ran = run("score", here / "ref.json", here / "same.parquet", "--calibration", here / "ref.json")
    assert (ran.exit_code, "is a reference profile, not a calibration" in ran.stderr) == (2, True), ran.output


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace('"schema": 2', '"schema": 4'), "FS502"),
        (lambda text: text.replace('"schema": 2', '"schema": 1'), "FS512"),
        (lambda text: text.replace("20000", "20001"), "FS504"),
        (lambda text: text[: len(text) // 2], "FS501"),
        (lambda text: text.replace('"rows"', '"lines"'), "FS504"),
    ],
)
def test_a_reference_that_cannot_be_trusted_judges_nothing(here, change, code):
    text = (here / "ref.json").read_text()
    assert change(text) != text
    (here / "ref.json").write_text(change(text))
    ran = run("score", here / "ref.json", here / "same.parquet")
    assert ran.exit_code == 2
    assert code in ran.output


def test_names_with_quotes_and_newlines_go_all_the_way(tmp_path):
    name = 'a "name"\n, with <b>&amp; all'
    dice = np.random.default_rng(7)
    for file, mean in (("before", 0), ("now", 2)):
        parquet.write_table(pa.table({name: dice.normal(mean, 1, 1_000)}), tmp_path / f"{file}.parquet")
    assert run("fit", tmp_path / "before.parquet", "-o", tmp_path / "r.json").exit_code == 0
    ran = run("score", tmp_path / "r.json", tmp_path / "now.parquet", "--output", "json")
    assert (ran.exit_code, json.loads(ran.stdout)["features"][0]["name"]) == (1, name)
    assert run("score", tmp_path / "r.json", tmp_path / "now.parquet").exit_code == 1
    page = run("report", tmp_path / "r.json", tmp_path / "now.parquet", "-o", tmp_path / "page.html")
    assert page.exit_code == 1
    html = (tmp_path / "page.html").read_text()
    assert "with &lt;b&gt;&amp;amp; all" in html
    assert "<b>" not in html


def test_the_report_shows_the_worst_first_and_loads_nothing(here):
    ran = run("report", here / "ref.json", here / "moved.parquet", "-o", here / "page.html")
    assert ran.exit_code == 1
    html = (here / "page.html").read_text()
    assert html.index(">plan<") < html.index(">calm<")
    assert "gold" in html, "the name of the new category"
    assert "drifted: far enough for a page" in html
    assert "No calibration" in html
    assert "In curves the reference is dashed, and an upright line marks KS" in html
    assert "answer (prediction)" in html, "in the table too"
    assert "PSI, rare bins pooled" in html, "the one that is judged stands beside its limit"
    for word in ("<script", "http://", "https://", "url(", "NaN", "nan ", "None"):
        assert word not in html, word


def test_unknown_columns_on_the_command_line_are_told(here):
    ran = run("fit", here / "train.parquet", "-o", here / "x.json", "--prediction", "score")
    assert ran.exit_code != 0
    assert "no column 'score'" in str(ran.exception or ran.output)
    assert not (here / "x.json").exists()


def test_skipped_columns_and_names_of_numbers(here):
    made = run(
        *("fit", here / "train.parquet", "-o", here / "x.json", "--skip", "calm", "--skip", "age"),
        *("--model", "chat", "--column", "plan", "--column", "age", "--column", "calm"),
    )
    assert made.exit_code == 0
    profile = ReferenceProfile.parse((here / "x.json").read_bytes(), "x.json")
    assert list(profile.features) == ["plan"]
    assert profile.model == "chat"


def test_a_column_that_is_named_twice_is_there_once_and_none_is_no_reference(here):
    fit = ["fit", here / "train.parquet", "-o", here / "again.json"]
    assert run(*fit, "--column", "age", "--column", "age", "--column", "calm").exit_code == 0
    assert list(ReferenceProfile.parse((here / "again.json").read_bytes(), "").features) == ["age", "calm"]
    assert run("score", here / "again.json", here / "same.parquet").exit_code == 0
    assert "no column is left" in str(run(*fit, "--column", "age", "--skip", "age").exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--delimiter", "ab"], "expected one character"),
        (["--delimiter", '"'], "expected one character"),
        (["--page-floor", "-1"], "not in the range"),
        (["--page-floor", "nan"], "no finite number"),
        (["--ticket-floor", "inf"], "no finite number"),
        (["--false-pages-per-30d", "nan"], "no finite number"),
    ],
)
def test_an_option_that_makes_no_sense_is_no_verdict(here, arguments, said):
    for command in (["score"], ["report", "-o", here / "page.html"]):
        ran = run(*command, here / "ref.json", here / "same.parquet", *arguments)
        assert (ran.exit_code, said in ran.stderr) == (2, True), ran.output


def test_a_fault_of_ours_is_no_verdict(here, monkeypatch, capsys):
    monkeypatch.setattr("failsoft.cli.drift.score.counted", lambda *_: 1 / 0)
    with pytest.raises(SystemExit) as ended:
        main(["drift", "score", str(here / "ref.json"), str(here / "same.parquet")])
    assert ended.value.code == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_rollout_takes_the_reference_of_its_own_revision(here):
    (here / "refs").mkdir()
    for name, revision in (("train", "r7"), ("moved", "r8")):
        made = run("fit", here / f"{name}.parquet", "-o", here / "refs" / f"{name}.json", "--revision", revision)
        assert made.exit_code == 0
    for revision, code in (("r7", 1), ("r8", 0)):
        assert run("score", here / "refs", here / "moved.parquet", "--revision", revision).exit_code == code
    unknown = run("score", here / "refs", here / "moved.parquet", "--revision", "r9")
    assert unknown.exit_code == 2
    assert "error[FS520]" in unknown.output
    assert "'r7', 'r8'" in unknown.output
    absent = run("score", here / "refs" / "absent.json", here / "moved.parquet")
    assert (absent.exit_code, "error[FS505]" in absent.output) == (2, True), absent.output
    other = run("score", here / "ref.json", here / "same.parquet", "--revision", "r8")
    assert other.exit_code == 2
    assert "'r7'" in other.output


def test_the_json_has_the_keys_that_programs_rely_on(here):
    _, found = scored(here, "moved.parquet")
    for feature in found["features"]:
        wanted = {"name", "kind", "statistics", "rows", "missing", "new", "critical", "severity", "reason"}
        assert wanted <= feature.keys()
        assert {"psi", "ks", "js", "tvd", "w1_iqr", "chi2"} <= feature["statistics"].keys()
        assert feature["statistics"]["chi2"].keys() == {"statistic", "dof", "log10_p"}
        for both in ("rows", "missing", "new"):
            assert feature[both].keys() == {"reference", "current"}
        assert feature["rows"] == {"reference": 20_000, "current": 2_000}


def test_fit_says_in_words_what_it_cannot_compare(tmp_path):
    rows = {
        "id": [f"u{index}" for index in range(10_500)],
        "gone": pa.nulls(10_500, "float64"),
        "x": np.arange(10_500.0),
    }
    parquet.write_table(pa.table(rows), tmp_path / "rows.parquet")
    made = CliRunner().invoke(root, ["drift", "fit", str(tmp_path / "rows.parquet"), "-o", str(tmp_path / "ref.json")])
    assert "'gone' will not be compared but for its missing rows: the reference has no value" in made.output
    assert "'id' will not be compared but for its missing rows: more than 10,000 different values" in made.output
    assert "'x'" not in made.output
