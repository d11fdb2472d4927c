"""Drift in PromQL: equal to numpy, over restarts, replicas and rollouts; what is dead alerts, and is never healthy."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from failsoft.alerts import codes
from failsoft.alerts.drift.compile import monitored_of
from failsoft.alerts.drift.expected import expected
from failsoft.alerts.drift.proof import Story, stories_text
from failsoft.alerts.rules import Group
from failsoft.cli import root
from failsoft.cli.proving import equal
from failsoft.clients.binaries import run_tool
from failsoft.drift import Accumulator, DriftCounter
from failsoft.drift.columns import column_of
from failsoft.drift.comparison import compare
from failsoft.drift.counting.bins import bins_of
from failsoft.drift.judgement import judge
from failsoft.drift.limits import Tolerance
from failsoft.findings import Finding
from failsoft.slo.series import DRIFT_CRITICAL, DRIFT_DEGREES, DRIFT_SCORE
from failsoft.workspace.load import load

RULES = "rules/_drift-features.yaml"
GROUPS = tuple(Group(f"_drift-features/{name}", 60_000, ()) for name in ("window", "evaluation"))
COUNT = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 10**6))
END = "10m"


def test_every_statistic_is_that_of_numpy(workspace, profile, promtool_says):
    place = workspace(profile)
    assert place.codes == []
    loaded, _ = load(place.root)
    of, _ = monitored_of(loaded, loaded.monitors["features"], [profile])
    each = {
        name: st.lists(COUNT, min_size=size, max_size=size)
        for name, feature in profile.features.items()
        if (size := len(bins_of(feature).names))
    }

    # a run of promtool takes too long to shrink
    @settings(max_examples=2, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(st.lists(st.fixed_dictionaries(each), min_size=6, max_size=6))
    def holds(windows):
        stories = [Story(f"window {index}", window) for index, window in enumerate(windows)]
        promtool_says(stories_text(f"../{RULES}", GROUPS, of, profile, stories, origin="a test"), place.out)

    holds()


def test_what_promtool_is_held_to_is_what_score_says_of_rows(workspace, profile):
    """So the numbers in Prometheus are those of `failsoft drift score`."""
    place = workspace(profile)
    loaded, _ = load(place.root)
    of, _ = monitored_of(loaded, loaded.monitors["features"], [profile])
    dice = np.random.default_rng(5)
    rows = {
        "age": dice.normal(0.2, 1, 800).tolist() + [None] * 60,
        "plan": dice.choice(list("abcdefghxy"), 860).tolist(),
        "flag": (dice.random(860) < 0.2).tolist(),
        'z"ip\n{a}|.*/': [f"z{index % 220}" for index in range(860)],
        "gone": [None] * 860,
    }
    window = Accumulator(profile)
    window.update(rows)
    for one, critical in zip(compare(window), of.references[0].critical, strict=True):
        bins = bins_of(one.feature)
        counts = bins.of_column(column_of(rows[one.name]))
        found = expected(of, bins, counts, critical, of.references[0].bins[one.name])
        said = {name: found[DRIFT_SCORE, (("statistic", name),)] for name in ("psi", "js", "tvd", "chi2")}
        chi2 = one.statistics.chi2
        assert said == {
            "psi": one.statistics.psi,
            "js": one.statistics.js,
            "tvd": one.statistics.tvd,
            "chi2": chi2 and chi2.statistic,
        }, one.name
        assert found[DRIFT_DEGREES, ()] == (chi2 and chi2.dof)
        assert found[DRIFT_SCORE, (("statistic", "missing"),)] == one.missing.current


def counted(profile, batches):
    """What a scrape of a real counter sees: series -> its values, one for each batch."""
    registry = CollectorRegistry()
    counter = DriftCounter(profile, registry=registry)
    seen: dict[str, list[float]] = {}
    for batch in [None, *batches]:
        if batch is not None:
            counter.observe_many(batch)
        for family in registry.collect():
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in sample.labels.items())
                    seen.setdefault(f"{sample.name}{{{labels}}}", []).append(sample.value)
    return seen


def on(seen, instance):
    """The same as one replica's."""
    return {name.replace("{", f'{{instance="{instance}", ', 1): values for name, values in seen.items()}


def written(*replicas):
    return [
        {"series": name, "values": " ".join("_" if value is None else f"{value:g}" for value in values)}
        for seen in replicas
        for name, values in seen.items()
    ]


def story(series, checks, files=(RULES,)):
    expressions = [
        {"expr": expression, "eval_time": at, "exp_samples": [] if value is None else [{"value": value}]}
        for expression, at, value in checks
    ]
    return {
        "rule_files": [f"../{path}" for path in files],
        "evaluation_interval": "1m",
        "tests": [{"interval": "15s", "input_series": series, "promql_expr_test": expressions}],
    }


def batches(seed, number, rows=20, shift=0.0):
    dice = np.random.default_rng(seed)
    plans = [0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.015, 0.005]
    for _ in range(number):
        yield {
            "age": dice.normal(shift, 1, rows).tolist(),
            "plan": dice.choice(list("abcdefgh"), rows, p=plans).tolist(),
            "flag": (dice.random(rows) < 0.1).tolist(),
            'z"ip\n{a}|.*/': dice.choice([f"z{index}" for index in range(200)], rows).tolist(),
            "gone": [None] * rows,
        }


ALL = 'monitor="features", signal="all", statistic="excess"'


def test_what_a_real_counter_exports_is_judged(workspace, profile, promtool_says):
    place = workspace(profile)
    same, moved = (counted(profile, batches(3, 40, shift=shift)) for shift in (0.0, 1.0))
    quiet = [
        (f"count(failsoft_drift_score{{{ALL}}} < 1)", END, 1),
        ('count(failsoft_drift_score{signal="age"} > -1)', END, 7),
    ]
    promtool_says(story(written(on(same, "a")), quiet), place.out)
    loud = [
        (f"count(failsoft_drift_score{{{ALL}}} > 1)", END, 1),
        ('count(failsoft_drift_score{signal="age", statistic="excess"} > 1)', END, 1),
        ('count(failsoft_drift_score{signal="plan", statistic="excess"} < 1)', END, 1),
    ]
    promtool_says(story(written(on(moved, "a")), loud), place.out)


def test_replicas_that_come_go_and_start_anew_lose_and_invent_nothing(workspace, profile, promtool_says):
    place = workspace(profile)
    steady = counted(profile, batches(3, 40))
    late = {name: [None] * 20 + values for name, values in counted(profile, batches(4, 20)).items()}
    gone = {name: values + [None] * 20 for name, values in counted(profile, batches(5, 20)).items()}
    anew = counted(profile, batches(6, 28))
    anew = {
        name: values + counted_again
        for (name, values), counted_again in zip(anew.items(), counted(profile, batches(7, 11)).values(), strict=True)
    }
    series = written(on(steady, "a"), on(late, "b"), on(gone, "c"), on(anew, "d"))
    # four minutes of 16 scrapes with 20 rows: a and b whole, c none any more, d but the scrape at its start
    rows = 'failsoft_drift_window_rows{signal="plan"}'
    checks = [
        (f"count(abs({rows} - 3 * 16 * 20) < 45)", END, 1),
        (f"count({rows})", END, 1),
        (f"count(failsoft_drift_score{{{ALL}}} < 1)", END, 1),
        ("count(failsoft_drift_score != failsoft_drift_score)", END, None),
    ]
    promtool_says(story(series, checks), place.out)


def test_bins_of_two_references_never_mix(workspace, profile, train, promtool_says):
    other = train(seed=9, rows=5_000)
    old, new = counted(profile, batches(3, 40)), counted(other, batches(4, 40, shift=3.0))
    series = written(on(old, "a"), on(new, "b"))
    rows = 'count(failsoft_drift_window_rows{signal="plan"} == 16 * 20)'
    only = workspace(profile)
    checks = [(rows, END, 1), (f"count(failsoft_drift_score{{{ALL}}} < 1)", END, 1)]
    promtool_says(story(series, checks), only.out)


def test_a_folder_of_references_follows_a_rollout(workspace, profile, train, promtool_says):
    other = train(seed=9, rows=5_000)
    place = workspace(profile, other)
    assert place.codes == []
    old, new = counted(profile, batches(3, 40)), counted(other, batches(4, 40, shift=3.0))
    labels = [f'{ALL}, reference="{one.digest[:12]}"' for one in (profile, other)]
    checks = [
        (f"count(failsoft_drift_score{{{labels[0]}}} < 1)", END, 1),
        (f"count(failsoft_drift_score{{{labels[1]}}} > 1)", END, 1),
        ('count(failsoft_drift_evaluated_timestamp_seconds{signal="all"} == 600)', END, 2),
    ]
    promtool_says(story(written(on(old, "a"), on(new, "b")), checks), place.out)


FIRING = 'count(ALERTS{alertname="%s", alertstate="firing"})'


def lives(profile, moves_at, dies_at, minutes=120):
    """The counters of a process that moves, or dies, after so many minutes."""
    # each batch is one scrape; promtool repeats a step of the counter with its own notation
    rate = counted(profile, batches(3, 1, rows=20_000))
    fast = counted(profile, batches(3, 1, rows=20_000, shift=2.0))
    for name, values in rate.items():
        # 400 rows a scrape, which differ from the reference by less than matters
        step, other = (values[1] - values[0]) / 50, (fast[name][1] - fast[name][0]) / 50
        if "bin_rows_total" not in name:
            step = other = 0
        first = values[0] + 1_000_000 * ("bin_rows_total" in name)
        before = (moves_at or dies_at) * 4
        text = f"{first:g}+{step:g}x{before - 1}"
        if moves_at:
            text += f" {first + step * before:.0f}+{other:g}x{(dies_at - moves_at) * 4 - 1}"
        yield {"series": name, "values": text + (f" _x{(minutes - dies_at) * 4}" if dies_at < minutes else "")}


def test_drift_pages_and_dead_instrumentation_is_told(workspace, profile, promtool_says):
    """From the counters to the alert: an SLO over slices of time, as for every other score."""
    place = workspace(profile)
    rules = (RULES, "rules/chat.yaml")
    drifted = [
        (FIRING % "FailsoftSLOBurn", "29m", None),
        ('count(ALERTS{alertname="FailsoftSLOBurn", alertstate="firing", severity="page"}) > 0', "1h10m", 2),
        (FIRING % "FailsoftDriftStale", "1h10m", None),
    ]
    promtool_says(story(list(lives(profile, 30, 120)), drifted, rules), place.out)
    dead = [
        (FIRING % "FailsoftDriftStale", "29m", None),
        (FIRING % "FailsoftDriftStale", "1h", 1),
        ('count(ALERTS{alertname="FailsoftDriftStale", severity="page", monitor="features"})', "1h", 1),
        (FIRING % "FailsoftSLOBurn", "1h", None),
        ("count(failsoft_drift_score)", "1h", None),
    ]
    promtool_says(story(list(lives(profile, 0, 30)), dead, rules), place.out)


@pytest.mark.parametrize("promised", [None, False, True], ids=["nothing held out", "no promise", "promised"])
def test_the_budget_pages_only_where_its_rate_is_promised(workspace, profile, calibrated, promtool_says, promised):
    """What nobody can promise is a ticket, as everywhere."""
    alarms = None if promised is None else calibrated(promised=promised)
    place = workspace(profile, change={", statistic: excess, below: 1": ""}, alarms=alarms)
    assert place.codes == {None: [], False: ["FS616", "FS633"], True: ["FS633"]}[promised]
    burning = 'count(ALERTS{alertname="FailsoftSLOBurn", alertstate="firing", severity="%s"}) > 0'
    pages = 2 if promised else None
    checks = [(burning % "page", "1h10m", pages), ('count(failsoft_drift_score{signal="all"} > 1)', "1h10m", 1)]
    tickets = [] if promised else [(burning % "ticket", "2h", 2)]
    promtool_says(story(list(lives(profile, 30, 120)), [*checks, *tickets], (RULES, "rules/chat.yaml")), place.out)


def test_a_calibration_is_what_windows_are_held_against(workspace, profile, calibrated, promtool):
    """Its limits are those of `failsoft drift score --calibration`, and promtool says that the rules have them."""
    alarms = calibrated(promised=True)
    place = workspace(profile, tests=True, alarms=alarms)
    assert place.codes == ["FS633"], "it has no critical value for a flag"
    done = run_tool([promtool, "test", "rules", "tests/_drift-features.test.yaml"], cwd=place.out, timeout=100)
    assert done.ok, (done.stdout + done.stderr)[:3000]
    loaded, _ = load(place.root)
    of, _ = monitored_of(loaded, loaded.monitors["features"], [profile], {profile.digest: alarms})
    critical = {one.feature: one for one in of.references[0].critical}
    page = (DRIFT_CRITICAL, (("statistic", "pooled_psi"), ("severity", "page")))
    for size in (300, 5_000):  # more rows than were planned are judged as the planned ones
        (rows,) = batches(7, 1, rows=size)
        window = Accumulator(profile)
        window.update(rows)
        for one in judge(compare(window), Tolerance(), alarms):
            name = one.compared.name
            if name in {test.feature for test in alarms.tests}:
                bins = bins_of(one.compared.feature)
                counts, into = bins.of_column(column_of(rows[name])), of.references[0].bins[name]
                found = expected(of, bins, counts, critical[name], into, promised=True)
                assert found[page] == pytest.approx(one.limits.page, rel=1e-9), (name, size)
                assert found[DRIFT_SCORE, (("statistic", "pooled_psi"),)] == pytest.approx(one.pooled, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"window: 4m": "window: 8m"}, "FS617", "window is 8m, and the critical values were found for 4m"),
        ({"window: 4m": "window: 4m, falsePagesPer30d: 2"}, "FS617", "falsePagesPer30d is 2"),
    ],
)
def test_a_calibration_for_another_monitor_is_not_used(workspace, profile, calibrated, change, code, said):
    place = workspace(profile, change=change, alarms=calibrated(promised=True))
    assert set(place.codes) == {code}
    found = next(one for one in place.findings if one.code.id == code)
    assert said in found.message
    assert "failsoft drift calibrate drift/chat.json --windows HELD_OUT" in found.hint


def test_a_calibration_of_another_reference_is_not_used(workspace, profile, train, calibrated):
    place = workspace(train(seed=2), alarms=calibrated(promised=True))
    assert place.codes == ["FS608"]


def test_a_budget_that_nothing_was_held_out_for_is_told(workspace, profile):
    place = workspace(profile, change={"window: 4m": "window: 4m, falsePagesPer30d: 1"})
    assert place.codes == ["FS616"]


def test_the_proof_beside_the_rules_holds_and_fails_where_they_are_wrong(workspace, profile, promtool):
    place = workspace(profile, tests=True)
    proof = [promtool, "test", "rules", "tests/_drift-features.test.yaml"]
    done = run_tool(proof, cwd=place.out, timeout=100)
    assert done.ok, (done.stdout + done.stderr)[:3000]
    rules = place.out / RULES
    rules.write_text(rules.read_text().replace("log2", "ln"))
    assert not run_tool(proof, cwd=place.out, timeout=100).ok


def test_values_that_are_compared_are_counted_where_there_are_no_alerts(
    workspace, profile, monkeypatch, promtool, amtool
):
    place = workspace(profile, tests=True)
    (unit,) = [unit for unit in place.made.units if unit.subject == "_drift-features"]
    values = place.made.files[unit.tests].count("eval_time: ")
    assert values > 50
    assert equal(place.made) == {"_drift-features": (values, values)}
    failed = Finding(codes.PROOF_FAILED, "is not equal", unit.place)
    assert equal(place.made, [failed]) == {"_drift-features": (values, 0)}
    monkeypatch.setattr("failsoft.cli.proving.prove", lambda *_: ())
    monkeypatch.setattr("failsoft.cli.proving_routes.prove_routes", lambda *_: ())
    said = CliRunner().invoke(root, ["test", str(place.root), "--promtool", str(promtool)]).output
    assert f"_drift-features  {values} of {values} values equal\n" in said
    assert "0 of 0" not in said


@pytest.mark.parametrize(
    ("counted", "change", "code", "said"),
    [
        ("{features: [age, agee]}", {}, "FS631", "no feature 'agee'"),
        ("{}", {"window: 4m": "window: 4m, every: 20s"}, "FS632", "no whole number of scrapes"),
        ("{}", {"window: 4m": "window: 5m30s"}, "FS632", "no whole number of evaluations"),
        ("{}", {"minRows: 100": "minRows: 5"}, "FS633", "too few rows in all bins but one"),
        ("{features: [age]}", {"signal: all": "signal: plan"}, "FS301", "there is no feature 'plan'"),
        ("{}", {"statistic: excess": "statistic: ks"}, "FS302", "there is no ks"),
        ("{}", {"statistic: excess": "statistic: psi"}, "FS302", "all features have no psi together"),
        ("{}, signals: [output-length]", {}, "FS204", "one of signals, counted and scored"),
        ("{features: []}", {}, "FS204", "1 or more"),
    ],
)
def test_what_is_wrong_with_a_monitor_is_a_finding(workspace, profile, counted, change, code, said):
    place = workspace(profile, counted=counted, change=change)
    found = [finding for finding in place.findings if finding.code.id.startswith(code)]
    assert found, place.findings
    assert said in found[0].message + found[0].expected
    assert found[0].place.line >= 20, "in the monitor"
    if found[0].severity == "error" and code.startswith("FS6"):
        assert not (place.out / RULES).exists()


@pytest.mark.parametrize("below", ["", ", statistic: psi, below: 0.2"])
def test_the_scores_of_a_job_are_slices_of_an_slo_too(workspace, profile, promtool_says, below):
    change = {
        "window: 4m, minRows: 100": "every: 1h",
        ", signal: all, statistic: excess, below: 1": f", signal: age{below}",
    }
    place = workspace(profile, way="scored: {}", change=change)
    assert place.codes == []
    assert not (place.out / RULES).exists(), "the job judges by itself"
    assert "until its job scores rows again" in (place.out / "rules/chat.yaml").read_text()
    labels = 'model="chat",monitor="features",signal="age"'
    at = f"failsoft_drift_evaluated_timestamp_seconds{{{labels}}}"
    score, limit = (
        'failsoft_drift_score{%s,statistic="%s"}',
        'failsoft_drift_score_critical{%s,statistic="%s",severity="page"}',
    )

    def job(value):
        return (
            {at: "0x240"}
            | {score % (labels, name): f"{value}x240" for name in ("psi", "pooled_psi")}
            | {limit % (labels, "pooled_psi"): "0.1x240"}
        )

    bad, total = (f'sum(failsoft:slo_events_{name}:increase{{slo="chat-drift"}})' for name in ("bad", "total"))
    for value, is_bad in ((0.01, 0), (0.6, 1)):
        series = [{"series": name, "values": values} for name, values in job(value).items()]
        checks = [(bad, "50m", is_bad), (total, "50m", 1)]
        promtool_says(story(series, checks, ("rules/chat.yaml",)), place.out)


@pytest.mark.parametrize(
    ("way", "signal", "said"),
    [
        ("scored: {}", "age, statistic: excess, below: 1", "is a job's"),
        ("scored: {features: [age]}", "agee", "no feature 'agee'"),
        ("scored: {}, counted: {}", "age", "one of signals, counted and scored"),
    ],
)
def test_what_is_wrong_with_the_monitor_of_a_job_is_a_finding(workspace, profile, way, signal, said):
    place = workspace(profile, way=way, change={"signal: all, statistic: excess, below: 1": f"signal: {signal}"})
    assert any(said in finding.message + finding.expected for finding in place.findings), place.findings


def test_the_budget_and_the_floor_are_the_authors(workspace, profile):
    def limits(change):
        place = workspace(profile, change={"window: 4m": f"window: 4m{change}"})
        assert place.codes == (["FS616"] if change else [])
        loaded, _ = load(place.root)
        of, _ = monitored_of(loaded, loaded.monitors["features"], [profile])
        return of.references[0].critical[0].z, of.matters.floor

    usual, strict = limits(""), limits(", falsePagesPer30d: 0.1, floor: 0.3")
    assert strict[0].page > usual[0].page
    assert strict[0].ticket > usual[0].ticket
    assert (usual[1].page, strict[1].page) == (0.02, 0.3)


def test_an_slo_without_a_limit_takes_that_of_the_budget(workspace, profile):
    place = workspace(profile, change={", statistic: excess, below: 1": ""})
    assert place.codes == []
    rules = (place.out / "rules/chat.yaml").read_text()
    assert 'statistic="excess"' in rules
    assert "whether they make a DriftCounter" in rules


def test_a_reference_of_another_model_or_a_broken_one_compiles_to_nothing(workspace, train):
    other = train().model_copy(update={"model": "search"})
    place = workspace(other)
    assert place.codes == ["FS506"]
    assert not (place.out / RULES).exists()


def test_an_empty_folder_of_references_is_told(workspace):
    place = workspace()
    assert place.codes == ["FS634"]
