"""The proof is worth something: rules as others write them, or with one thing wrong, do not pass it."""

import re

import pytest

from failsoft.cli.proving import Tools, prove

TTFT = "ttft: {below: 500ms}"
AVAILABILITY = "availability: {}"
DRIFT = "drift: {monitor: chat-output, signal: output-length, below: 0.25}"


def line(number, tier="page-fast"):
    """The nth line of a tier's expression."""
    before = rf"(- alert: FailsoftSLOBurn\n    expr: \|-\n(?:      .*\n){{{number}}})      .*\n"
    after = rf"(?=(?:      .*\n|    keep_firing_for.*\n)*    labels: .*burn_tier: \"{tier}\")"
    return before + after


LASTING = f"{TTFT}@lasting"
WRONG = {
    "twice the threshold": (TTFT, "99%", r"> 0\.06\b", "> 0.12"),
    "half the threshold": (TTFT, "99%", r"> 0\.06\b", "> 0.03"),
    "no short window, so it never resets": (TTFT, "99%", line(1), r"\1"),
    "no guard, so one of ten pages": (TTFT, "99%", line(2), r"\1"),
    "a guard of 69 events, so a dead quiet service never pages": (TTFT, "99%", r"> 4\.5", "> 68.5"),
    "a wait of half a minute": (TTFT, "99%", r"(\n    keep_firing_for)", r"\n    for: 30s\1"),
    "no wait where one is asked for": (LASTING, "99%", r"\n    for: 10s", ""),
    "a wait of one evaluation less": (LASTING, "99%", r"\n    for: 10s", r"\n    for: 5s"),
    "a wait of one evaluation more": (LASTING, "99%", r"\n    for: 10s", r"\n    for: 15s"),
    "no keepFiringFor, so a flap is two episodes": (TTFT, "99%", r"\n    keep_firing_for: .*", ""),
    "a bucket that is not there": (TTFT, "99%", 'le="0.5"', 'le="0.3"'),
    "good events or 0": (TTFT, "99%", r"- (sum\(increase\(.*_bucket.*\) >= 0\)), 0", r"- (\1 * 0 or vector(0)), 0"),
    "differences of counters, which restarts make negative": (TTFT, "99%", r"\bincrease\(", "delta("),
    "only the replica with the most events": (TTFT, "99%", r"sum\(increase\((.*_count\{)", r"max(increase(\1"),
    "the error ratio by another window": (
        TTFT,
        "99%",
        r"(pulse_(?:bad|total):increase\{.*\})\[57s500ms\]",
        r"\1[27s500ms]",
    ),
    "a month of ratios averaged, not of events counted": (
        TTFT,
        "99%",
        r"sum\(sum_over_time\(.*_bad:increase.*\[29m57s500ms\]\)\)\n.*> 0\)",
        'sum(avg_over_time(failsoft:slo_error_ratio{slo="s", window="5s"}[29m57s500ms]))',
    ),
    "0 / 0 when idle": (TTFT, "99%", r"\)\)\n      / \((sum\(sum_over_time\(.*\)\)) > 0\)", r"))\n      / (\1)"),
    "failures that are nothing until there is one": (AVAILABILITY, "90.5%", r" or 0 \* .*", ")"),
    "failures or nothing at all": (AVAILABILITY, "99%", r'status="5xx"', 'status="500"'),
    "a score that nobody reaches": (DRIFT, "99%", r"> bool 0\.25", "> bool 3"),
    "a dead evaluation that reads as nothing": (DRIFT, "99%", r" or vector\(0\)", ""),
    "a new SLO that is blind at once": (DRIFT, "99%", r"\n      and count_over_time\(.*offset 6s\) > 0", ""),
    "a stale evaluation that still counts": (DRIFT, "99%", r"< bool 6\b", "< bool 100000"),
}


@pytest.fixture
def lab(written, base, drift, lab_windows, tmp_path):
    """Compiles one SLO on the clocks of a lab into a folder, and leaves the other alerts out of what is proven."""

    def make(indicator, objective):
        indicator, _, lasting = indicator.partition("@")
        windows = lab_windows.replace("long: 60s", "long: 60s, for: 10s") if lasting else lab_windows
        monitor = drift.partition("---")[0].replace("signals:", "every: 2s, signals:")
        spec = f"model: chat, indicator: {{{indicator}}}, objective: {objective}, period: 30m"
        slo = f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}"
        clock = base.replace("scrapeInterval: 15s", "scrapeInterval: 1s")
        documents = [slo, windows, *([monitor] if "drift" in indicator else [])]
        return written(*documents, base=clock).output(tmp_path, tests=True, of="s")

    return make


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_do_not_pass(name, lab, tmp_path, promtool, amtool):
    indicator, objective, pattern, replacement = WRONG[name]
    compiled = lab(indicator, objective)
    path = tmp_path / "rules" / "chat.yaml"
    text, count = re.subn(pattern, replacement, path.read_text())
    assert count, "the rules do not hold what this test means to break"
    path.write_text(text)
    findings = prove(compiled, tmp_path, Tools(promtool, amtool))
    assert [finding.code.id for finding in findings] == ["FS443"], findings
    assert findings[0].place.path == "slo/0.yaml"


def test_a_failure_says_which_tier_did_what_and_when(lab, tmp_path, promtool, amtool):
    compiled = lab(TTFT, "99%")
    path = tmp_path / "rules" / "chat.yaml"
    path.write_text(path.read_text().replace("> 4.5", "> 68.5"))
    (finding,) = prove(compiled, tmp_path, Tools(promtool, amtool))
    assert finding.message == "the proof of s fails"
    assert re.search(r"page-fast is quiet at \d+s", finding.hint)


def test_rules_that_promtool_cannot_read_are_named(lab, tmp_path, promtool, amtool):
    compiled = lab(TTFT, "99%")
    path = tmp_path / "rules" / "chat.yaml"
    path.write_text(path.read_text().replace("sum(", "summ("))
    codes = [finding.code.id for finding in prove(compiled, tmp_path, Tools(promtool, amtool))]
    assert "FS441" in codes


def test_routes_that_amtool_cannot_read_are_named(lab, tmp_path, promtool, amtool):
    compiled = lab(TTFT, "99%")
    (tmp_path / "alertmanager.yaml").write_text("route: {receiver: nobody}\n")
    (finding,) = prove(compiled, tmp_path, Tools(promtool, amtool))
    assert finding.code.id == "FS442"
    assert finding.place.path == "alertmanager.yaml"
