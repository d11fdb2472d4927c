"""The shipped library as a whole: it reads what exporters export, misses no failure, and its page tells all of it."""

import csv
import re
from pathlib import Path

import pytest
import yaml

from failsoft.alerts.library import alert_name, markdown
from failsoft.workspace.load import shipped

ROOT = Path(__file__).parents[2]
RULES = shipped().alert_rules
EXPORTED = yaml.safe_load((ROOT / "tests" / "data" / "exported-metrics.yaml").read_text())
METRICS = {
    metric: (exporter, {*facts["shared"], *labels})
    for exporter, facts in EXPORTED.items()
    for metric, labels in facts["metrics"].items()
}
# What Prometheus adds: labels of the target, and exported_* where a label of that name was there already.
ADDED = {"job", "instance", "namespace", "pod", "container", "node", "server"}
RENAMED = {"exported_pod", "exported_namespace"}
SERIES = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?")
PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
PAGE = ROOT / "docs" / "alert-library.md"

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)


def declared(rule):
    return {metric for needs in rule.spec.needs for metric in needs.metrics}


def read_by(rule):
    """The metrics that the expression reads: every known name in it."""
    words = set(
        re.findall(
            r"[a-zA-Z_:][\w:]*", re.sub(r'"(?:[^"\\]|\\.)*"', lambda text: text[0].replace("|", " "), rule.spec.expr)
        )
    )
    return words & set(METRICS)


@every_rule
def test_an_alert_reads_what_it_says_that_it_needs_and_exporters_have_it(rule):
    assert read_by(rule) == declared(rule)
    for needs in rule.spec.needs:
        assert {METRICS[metric][0] for metric in needs.metrics} == {needs.exporter}


@every_rule
def test_the_series_of_its_stories_are_such_as_exporters_export(rule):
    for story in rule.spec.tests:
        for series in story.series:
            name, inner = SERIES.fullmatch(series).groups()
            exporter, labels = METRICS[name]
            written = {label for label, _ in PAIR.findall(inner or "")}
            assert written <= labels | ADDED | (RENAMED if exporter == "dcgm-exporter" else set()), series


@every_rule
def test_every_label_that_its_text_speaks_of_is_on_the_alert(rule):
    spoken = set(re.findall(r"\$labels\.(\w+)", rule.spec.summary + rule.spec.description))
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|group_left) \(([^)]*)\)", rule.spec.expr))))
    extra = {"workload"} if rule.spec.about == "pod" else set()
    assert spoken <= grouped | extra
    for fires in (fires for story in rule.spec.tests for fires in story.fires):
        assert set(fires.labels) <= grouped | extra


@every_rule
def test_it_says_why_in_a_sentence_and_what_it_is_not(rule):
    assert re.fullmatch(r"[A-Z].*\.", rule.spec.because)
    assert rule.spec.summary.endswith(".")
    assert rule.spec.description.endswith(".")
    assert rule.spec.differs
    for differs in rule.spec.differs:
        looks_like_a_rule = "-" in differs.from_ and " " not in differs.from_
        assert not looks_like_a_rule or differs.from_ in RULES


@every_rule
def test_a_story_of_silence_is_about_series_that_the_alert_or_its_neighbours_read(rule):
    topic = set().union(*(read_by(other) for other in RULES.values() if other.spec.topic == rule.spec.topic))
    for story in rule.spec.tests:
        assert {SERIES.fullmatch(series)[1] for series in story.series} & (topic | {"DCGM_FI_DEV_RETIRED_DBE"})


def test_it_stands_in_the_file_of_its_topic():
    for rule in RULES.values():
        assert rule.at("kind").path == f"library/alerts/{rule.spec.topic}.yaml"


def test_few_alerts_page_and_each_names_who_is_hurt():
    paging = {rule.name for rule in RULES.values() if rule.spec.severity == "page"}
    assert len(paging) < len(RULES) / 5
    assert f"{len(RULES)} alerts ship, {len(paging)} of them page." in PAGE.read_text()


def test_a_drift_job_that_tells_nothing_pages_and_what_it_finds_is_what_it_says():
    severity = {rule.name: rule.spec.severity for rule in RULES.values() if rule.spec.topic == "drift"}
    assert {name for name, one in severity.items() if one == "page"} == {
        *("drift-job-silent", "drift-job-gone", "drift-job-failing", "drift-found")
    }
    for name, said in (("drift-found", "page"), ("drift-found-small", "ticket")):
        assert f'max by (model, monitor) (failsoft_drift_features{{severity="{said}"}}) > 0' in RULES[name].spec.expr
        assert severity[name] == said


# The failure modes of an inference service that have a signal in metrics, and who tells of them.
FAILURES = {
    "spot reclaim, two minutes of notice": "spot-node-reclaimed",
    "rebalance recommendation only": "spot-node-at-risk",
    "a node that vanishes": "gpu-node-vanished",
    "a node that is not ready": "gpu-node-not-ready",
    "a stock-out at scale-up": "gpu-pod-no-capacity",
    "a quota that is used up": "gpu-quota-used-up",
    "out of GPU memory at start": "engine-crash-loop",
    "out of GPU memory while serving": "engine-dies",
    "KV cache exhausted": "kv-cache-saturated",
    "driver too old for the image": "gpu-container-refused",
    "device plugin dead": "gpu-allocatable-gone",
    "one GPU bad": "gpu-allocatable-drop",
    "XID storm": "gpu-xid-repeats",
    "ECC": "gpu-ecc-uncorrectable",
    "thermal excursion": "gpu-thermal-throttling",
    "power excursion": "gpu-power-brake",
    "metrics blackout": "gpu-metrics-missing",
    "registry unreachable": "image-pull-failed",
    "slow cold start": "cold-start-too-long",
    "router loses its workers": "router-without-workers",
    "prefix cache cold": "prefix-cache-cold",
    "tensor-parallel peer lost": "engine-hangs",
    "interconnect": "gpu-xid-nvlink",
    "client burst": "engine-rejects",
    "host memory": "container-oom-killed",
    "autoscaler frozen": "hpa-pinned",
    "autoscaler without its metric": "hpa-frozen",
    "a missing series read as 0": "keda-reads-nothing",
    "wrong model, 200 all the same": "answers-repeat",
    "numbers that are none": "logits-corrupt",
    "queued by Kueue": "kueue-workloads-inadmissible",
    "queued by Volcano": "volcano-pod-groups-pending",
    "queued by KAI": "kai-queue-starved",
}


def test_every_failure_with_a_signal_has_an_alert():
    assert set(FAILURES.values()) <= set(RULES)


def test_every_xid_has_one_alert_that_answers_it_or_a_reason_for_none():
    """The table and the expressions say the same, in both directions."""
    with (ROOT / "alerts" / "xid.csv").open() as stream:
        table = {row["xid"]: row for row in csv.DictReader(stream)}
    answered = {}
    for rule in RULES.values():
        for pattern in set(re.findall(r'(?:err_code|xid)=~?"([^"]+)"', rule.spec.expr)):
            for xid in table:
                if re.fullmatch(pattern, xid) and rule.name != "gpu-xid-repeats":
                    answered.setdefault(xid, set()).add(rule.name)
    assert answered == {xid: {row["alert"]} for xid, row in table.items() if row["alert"]}
    nothing = {xid: row["immediate"] for xid, row in table.items() if not row["alert"]}
    assert set(nothing.values()) <= {"IGNORE", "UNUSED"}
    resets = {row["alert"] for row in table.values() if row["immediate"] == "RESET_GPU"}
    assert resets == {"gpu-xid-needs-reset", "gpu-xid-context-switch-timeout"}
    paging = {xid for xid, row in table.items() if row["alert"] and RULES[row["alert"]].spec.severity == "page"}
    assert paging == {"79", "109"}


def test_the_page_of_the_library_says_what_the_library_holds():
    listed = sorted(RULES.values(), key=lambda rule: (rule.spec.topic, rule.name))
    written = PAGE.read_text(encoding="utf-8")
    assert written.partition("<!-- failsoft alerts list --output markdown -->\n")[2] == markdown(
        listed, shipped().engines
    )
    assert f"{len(RULES)} alerts" in written
    assert "sglang (unverified): `sglang:token_usage`" in written
    assert "vllm: `vllm:kv_cache_usage_perc`" in written


def test_alertnames_are_told_apart_by_more_than_case():
    assert len({alert_name(name).lower() for name in RULES}) == len(RULES)
