"""An SLO for each tenant: its own increments, budget and alerts, up to a cap."""

import re

import pytest
import yaml

from failsoft.cli.proving import Tools, prove
from failsoft.clients.binaries import run_tool
from failsoft.slo import bad_events, error_ratio
from failsoft.slo.promql import quoted
from failsoft.workspace.quantities import Duration

ENGINE = """
kind: Engine
metadata: {name: gate}
spec:
  source: {version: "1", evidence: code}
  identity: {model: model}
  buckets: {late: {bounds: [0.5, 1]}}
  families:
    gate_requests_total: {type: counter, labels: [model, tenant, code]}
    gate_aborts_total: {type: counter, labels: [model, tenant]}
    gate_ttft_seconds: {type: histogram, unit: s, labels: [model, tenant], buckets: late}
    gate_duration_seconds: {type: histogram, unit: s, labels: [model, route], buckets: late}
    gate_queue: {type: gauge, unit: ratio, labels: [model, tenant]}
  indicators:
    ttft: {family: gate_ttft_seconds}
    e2e: {family: gate_duration_seconds}
    kvCache: {family: gate_queue}
    availability:
      total: [{family: gate_requests_total, example: {code: "200"}}]
      codes: {family: gate_requests_total, label: code}
      bad: {abort: {family: gate_aborts_total}}
      default: [5xx]
"""
GATE = """
kind: Model
metadata: {name: gated}
spec: {engine: gate, select: {job: gate, model: m}, owner: assistants}
"""
INDICATORS = {
    "latency": "ttft: {below: 500ms}",
    "failed": "availability: {}",
    "failed in two ways": "availability: {bad: [5xx, abort]}",
    "goodput": "goodput: {ttft: 500ms}",
    "goodput at most": "goodput: {ttft: 500ms, bound: atMost}",
    "own counters": "events: {bad: 'shed_total{job=\"x\"}', total: 'seen_total{job=\"x\"}'}",
}


def slo(indicator, more="groupBy: {label: tenant, cap: 4}", period="30m"):
    spec = f"model: gated, indicator: {{{indicator}}}, objective: 99%, period: {period}, {more}"
    return f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}"


@pytest.fixture
def lab(written, base, lab_windows, tmp_path):
    def make(indicator, more="groupBy: {label: tenant, cap: 4}", folder=tmp_path):
        clock = base.replace("scrapeInterval: 15s", "scrapeInterval: 1s")
        made = written(slo(indicator, more), ENGINE, GATE, lab_windows, base=clock)
        return made.output(folder, tests=True, of="s")

    return make


def rules_of(folder):
    return [
        rule for group in yaml.safe_load((folder / "rules/gated.yaml").read_text())["groups"] for rule in group["rules"]
    ]


QUICK = ("latency", "failed in two ways")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in INDICATORS]
)
def test_its_rules_pass_their_proof(name, lab, tmp_path, promtool, amtool):
    compiled = lab(INDICATORS[name])
    assert prove(compiled, tmp_path, Tools(promtool, amtool)) == ()
    names = [test["name"] for test in yaml.safe_load((tmp_path / "tests/s.test.yaml").read_text())["tests"]]
    assert names[-5:-2] == [
        "s has one group that burns",
        "s has a new group that fails",
        "s has more groups than its cap",
    ]


@pytest.mark.newest_prometheus
@pytest.mark.parametrize("name", QUICK)
def test_the_newest_promtool_says_the_same(name, lab, tmp_path, newest_promtool, amtool):
    assert prove(lab(INDICATORS[name]), tmp_path, Tools(newest_promtool, amtool)) == ()


WRONG = {
    "all groups in one": (r"sum by \(tenant\) ", "sum "),
    "no cap": (r"topk\(4, ", "topk(400, "),
    "those beyond the cap are forgotten": (r"\n +or label_replace\(label_replace\(.*?\)$", ")"),
    "those beyond the cap are one of many": ('"[(]other[)]", "", ""', '"(rest)", "", ""'),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_do_not_pass(name, lab, tmp_path, promtool, amtool):
    pattern, replacement = WRONG[name]
    compiled = lab(INDICATORS["failed"])
    path = tmp_path / "rules" / "gated.yaml"
    text, count = re.subn(pattern, replacement, path.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert count, "the rules do not hold what this test means to break"
    path.write_text(text)

    assert {finding.code.id for finding in prove(compiled, tmp_path, Tools(promtool, amtool))} & {"FS443", "FS441"}


def asked(folder, promtool, series, checks, *, backwards=False):
    """Ask promtool what the compiled rules make of some series; its words where it disagrees."""
    test = {
        "interval": "1s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": at, "exp_samples": [{"labels": labels, "value": value}]}
            for (expression, at), (labels, value) in checks.items()
        ],
    }
    names = [group["name"] for group in yaml.safe_load((folder / "rules/gated.yaml").read_text())["groups"]]
    document = {
        "rule_files": ["rules/gated.yaml"],
        "evaluation_interval": "5s",
        "group_eval_order": names[::-1] if backwards else names,
        "tests": [test],
    }
    (folder / "asked.yaml").write_text(yaml.safe_dump(document))
    done = run_tool([promtool, "test", "rules", "asked.yaml"], cwd=folder, timeout=60)
    return "" if done.ok else done.stdout + done.stderr


def requests(tenant, *runs):
    name = f'gate_requests_total{{job="gate", model="m", tenant={quoted(tenant)}, code="200"}}'
    value, parts = 1000, ["1000"]
    for samples, more in runs:
        parts.append(f"{value + more}+{more}x{samples - 1}")
        value += more * samples
    return name, " ".join(parts)


def counted(group, events):
    """That nearly so many events of a group were recorded in a minute; scrapes and evaluations have their phases."""
    matchers = f'{{slo="s", group={quoted(group)}}}' if group is not None else ""
    return f"abs(sum(sum_over_time(failsoft:slo_events_total:increase{matchers}[1m])) / {events} - 1) < bool 0.03"


def test_a_name_is_only_a_name_whatever_is_in_it(lab, tmp_path, promtool):
    """Quotes, braces, newlines, the name of all others, and no name: each is one group, and no event is lost."""
    lab(INDICATORS["failed"], "groupBy: {label: tenant, cap: 9}")
    names = ['he said "}', "two\nlines", "back\\slash", "(other)", "", "{{ $value }}"]
    series = dict(requests(name, (60, 2)) for name in names)
    shown = [name or "(none)" for name in names]
    checks = {(counted(name, 120), "60s"): ("{}", 1) for name in shown}
    checks[counted(None, 120 * len(names)), "60s"] = ("{}", 1)
    assert asked(tmp_path, promtool, series, checks) == ""


def test_those_beyond_the_cap_are_counted_together_and_nobody_twice(lab, tmp_path, promtool):
    lab(INDICATORS["failed"])
    series = dict(requests(f"t{index}", (60, 10 + index)) for index in range(7))
    checks = {
        (counted("t6", 16 * 60), "60s"): ("{}", 1),
        (counted("t3", 13 * 60), "60s"): ("{}", 1),
        (counted("(other)", (10 + 11 + 12) * 60), "60s"): ("{}", 1),
        ("max(failsoft:slo_groups_dropped:count)", "60s"): ("{}", 3),
        ('count(failsoft:slo_budget_remaining:ratio{slo="s"})', "60s"): ("{}", 5),
        ('count(failsoft:slo_burn_rate:ratio{slo="s", window="1m"})', "60s"): ("{}", 5),
    }
    assert asked(tmp_path, promtool, series, checks) == ""


def test_budgets_that_are_recorded_before_it_is_known_who_is_counted_call_nobody_another(lab, tmp_path, promtool):
    """Groups of rules have phases: that of the budgets may be evaluated first."""
    lab(INDICATORS["failed"])
    series = dict(requests(name, (60, 10)) for name in ("acme", "umbrella"))
    others = 'count(count_over_time(failsoft:slo_events_total:increase{slo="s", group="(other)"}[1m])) or vector(0)'
    checks = {(others, "60s"): ("{}", 0), (counted("acme", 550), "60s"): ("{}", 1)}
    checks['count(failsoft:slo_budget_remaining:ratio{slo="s"})', "60s"] = ("{}", 2)
    assert asked(tmp_path, promtool, series, checks, backwards=True) == ""


def test_a_group_keeps_its_place_until_another_has_twice_its_traffic(lab, tmp_path, promtool):
    """Two places; the third tenant has half as much more from the 60th second on, and thrice as much from the 120th."""
    lab(INDICATORS["failed"], "groupBy: {label: tenant, cap: 2}")
    series = dict([requests("a", (240, 20)), requests("b", (240, 10)), requests("c", (60, 5), (60, 15), (120, 30))])
    place = 'count(failsoft:slo_group_events:increase{{slo="s", group="{0}"}}) or vector(0)'
    held = {"60s": "ab", "115s": "ab", "180s": "ac"}
    checks = {(place.format(group), at): ("{}", int(group in held[at])) for at in held for group in "abc"}
    checks['count(failsoft:slo_error_ratio{slo="s", window="1m"})', "235s"] = ("{}", 3)
    assert asked(tmp_path, promtool, series, checks) == ""


@pytest.mark.slow
def test_a_cap_of_a_hundred_is_within_what_promtool_reads(lab, tmp_path, promtool, amtool):
    compiled = lab(INDICATORS["failed in two ways"], "groupBy: {label: tenant, cap: 100}")
    assert prove(compiled, tmp_path, Tools(promtool, amtool)) == ()


@pytest.mark.parametrize(
    ("indicator", "more", "code", "said"),
    [
        (
            "e2e: {below: 500ms}",
            "groupBy: {label: tenant}",
            "FS491",
            "gate_duration_seconds of the engine gate (unverified) has no label tenant; expected one of model, route",
        ),
        ("availability: {}", "groupBy: {label: lora}", "FS491", "expected one of model, tenant, code"),
        ("kvCache: {below: 90%}", "groupBy: {label: tenant}", "FS492", "counts slices of time"),
        ("gauge: {metric: x, above: 1}", "groupBy: {label: tenant}", "FS492", "counts slices of time"),
    ],
)
def test_a_label_that_is_not_there_is_told_with_those_that_are(written, base, indicator, more, code, said):
    objective, findings = written(slo(indicator, more, "30d"), ENGINE, GATE, base=base).resolve("s")
    errors = [finding for finding in findings if finding.severity == "error"]
    assert (objective, [finding.code.id for finding in errors]) == (None, [code])
    assert said in f"{errors[0].message}; expected {errors[0].expected}"


def test_a_label_of_the_scrape_configuration_may_be_named(written, base):
    more = "groupBy: {label: namespace, added: true}"
    objective, _ = written(slo("availability: {}", more, "30d"), ENGINE, GATE, base=base).resolve("s")
    assert objective.cap == 20


def test_alerts_say_whose_budget_burns_and_silence_nobody_elses(lab, tmp_path):
    lab(INDICATORS["failed"])
    alerts = [rule for rule in rules_of(tmp_path) if "alert" in rule]
    assert {rule["alert"] for rule in alerts} == {"FailsoftSLOBurn"}
    assert all("tenant {{ $labels.group }}" in rule["annotations"]["summary"] for rule in alerts)
    routes = yaml.safe_load((tmp_path / "alertmanager.yaml").read_text())
    burns = [rule["equal"] for rule in routes["inhibit_rules"] if "slo" in rule["equal"]]
    assert burns
    assert all("group" in equal for equal in burns)


def test_questions_about_the_slo_are_about_its_worst_group(written, base, judge):
    """Verification reads one number: a tenant that fails is not hidden by those that do not, nor is one unlucky one."""
    made = written(slo("availability: {}", period="30d"), ENGINE, GATE, base=base)
    ratio = error_ratio(made.workspace, "s", Duration(3_600_000))
    bad = bad_events(made.workspace, "s", Duration(3_600_000))

    def code(tenant, status):
        return f'gate_requests_total{{job="gate", model="m", tenant="{tenant}", code="{status}"}}'

    series = {code("big", 200): "0+100x60", code("small", 200): "0+1x60", code("small", 500): "0+1x60"}
    unlucky = {code("big", 200): "0+100x60", code("small", 500): "0 0 0 1+0x57"}
    assert judge(
        "groups: []", series, {(f"{ratio} > bool 0.49 < bool 0.51", "60m"): 1.0, (f"{bad} > bool 59", "60m"): 1.0}
    )
    assert judge("groups: []", unlucky, {(ratio, "60m"): 0.0})


@pytest.mark.slow
def test_groups_of_a_month_pass_their_proof(written, base, tmp_path, promtool, amtool):
    made = written(slo("availability: {}", "groupBy: {label: tenant}", "30d"), ENGINE, GATE, base=base)
    assert prove(made.output(tmp_path, tests=True, of="s"), tmp_path, Tools(promtool, amtool)) == ()
