"""Every kind of indicator is proven on its own rules, and rules with one thing wrong do not pass."""

import re

import pytest

from failsoft.cli.proving import Tools, prove

INDICATORS = {
    "itl": "itl: {below: 50ms}",
    "tpot": "tpot: {below: 60ms, snap: up}",
    "e2e": "e2e: {below: 5s}",
    "queue-wait": "queueWait: {below: 1s}",
    "failed": "availability: {bad: [5xx, 4xx, length]}",
    "goodput-at-least": "goodput: {ttft: 500ms, tpot: 50ms, e2e: 10s}",
    "goodput-at-most": "goodput: {ttft: 500ms, tpot: 50ms, bound: atMost}",
    "throughput": "throughput: {above: 100/s}",
    "preemption": "preemption: {below: 30/m}",
    "kv-worst": "kvCache: {below: 95%}",
    "kv-average": "kvCache: {below: 95%, by: average}",
    "score": "gauge: {metric: eval_score, select: {suite: mmlu}, above: 0.8}",
    "allocatable": "gauge: {metric: kube_node_status_allocatable, select: {resource: nvidia_com_gpu}, above: 0.5}",
    "pending": "gauge: {metric: pending, select: {}, below: 0}",
    "freshness": "gauge: {metric: eval_finished_timestamp_seconds, youngerThan: 1h}",
}


def slo(name, period="30m"):
    spec = f"model: chat, indicator: {{{INDICATORS[name]}}}, objective: 99%, period: {period}"
    return f"kind: SLO\nmetadata: {{name: {name}}}\nspec: {{{spec}}}"


@pytest.fixture
def lab(written, base, lab_windows, tmp_path):
    """Compiles one SLO on the clocks of a lab into a folder, and leaves the other alerts out of what is proven."""

    def make(name):
        clock = base.replace("scrapeInterval: 15s", "scrapeInterval: 1s")
        return written(slo(name), lab_windows, base=clock).output(tmp_path, tests=True, of=name)

    return make


@pytest.mark.parametrize("name", INDICATORS)
def test_its_rules_pass_their_proof(name, lab, tmp_path, promtool, amtool):
    compiled = lab(name)
    assert prove(compiled, tmp_path, Tools(promtool, amtool)) == ()
    assert compiled.units[0].alerts


@pytest.mark.newest_prometheus
@pytest.mark.parametrize("name", ["failed", "goodput-at-most", "throughput", "freshness"])
def test_the_newest_promtool_says_the_same(name, lab, tmp_path, newest_promtool, amtool):
    assert prove(lab(name), tmp_path, Tools(newest_promtool, amtool)) == ()


def test_slices_of_a_month_pass_their_proof(written, tmp_path, promtool, amtool):
    compiled = written(slo("throughput", "30d")).output(tmp_path, tests=True, of="throughput")
    assert prove(compiled, tmp_path, Tools(promtool, amtool)) == ()


WRONG = {
    "one way to fail is forgotten": (
        "failed",
        r' or label_replace\([^"]*?http_requests_total.*?"part", "2", "", ""\)',
        "",
    ),
    "ways to fail that hide each other": (
        "failed",
        r'label_replace\((sum\(.*?\) >= 0\)), "part", "\d", "", ""\)',
        r"\1",
    ),
    "failures that are nothing until there is one": ("failed", r" or 0 \* .*", ")"),
    "another bound than was asked for": ("tpot", 'le="0.075"', 'le="0.05"'),
    "a goodput that forgets a part": (
        "goodput-at-least",
        r" \+ \(clamp_min\([^+]*request_time_per_output.*?, 0\)\)",
        "",
    ),
    "the least that is added up": ("goodput-at-most", r"\(max\(", "(sum("),
    "the most that is not added up": ("goodput-at-least", r"\) \+ \(clamp", ") or (clamp"),
    "a throughput that is bad when it is high": ("throughput", r"< bool 100", "> bool 100"),
    "a throughput that is bad when there is no work": (
        "throughput",
        r" and on\(\) \(sum\(min_over_time.*?\)\) > 0\)",
        "",
    ),
    "preemptions by the minute, not the second": ("preemption", r"> bool 0\.5", "> bool 30"),
    "a percentage that is no ratio": ("kv-worst", r"> bool 0\.95", "> bool 95"),
    "the best moment of a slice": ("score", r"< bool 0\.8", "> bool 0.8"),
    "an age that is a time": ("freshness", r"time\(\) - ", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_do_not_pass(name, lab, tmp_path, promtool, amtool):
    indicator, pattern, replacement = WRONG[name]
    compiled = lab(indicator)
    path = tmp_path / "rules" / "chat.yaml"
    text, count = re.subn(pattern, replacement, path.read_text())
    assert count, "the rules do not hold what this test means to break"
    path.write_text(text)
    findings = prove(compiled, tmp_path, Tools(promtool, amtool))
    assert [finding.code.id for finding in findings] == ["FS443"], findings
    assert findings[0].place.path == "slo/0.yaml"
