"""Tiers beyond 20 rules stand in groups that read what the first one records: their windows are proven as exactly."""

import re
from collections import Counter
from dataclasses import replace

import pytest
import yaml

from failsoft.cli.proving import Tools, coverage, prove

# the pulse is four minutes, and so are the shortest windows
SIX = [(8, 64), (16, 128), (24, 192), (32, 256), (4, 16), (4, 8)]
EIGHT = [*SIX, (20, 40), (28, 56)]


@pytest.fixture
def proven(written, base, tmp_path):
    """Compiles an SLO with tiers of so many minutes."""

    def make(tiers):
        told = ", ".join(
            f"{{name: t{number}, severity: ticket, budget: 1%, short: {short}m, long: {long}m}}"
            for number, (short, long) in enumerate(tiers, 1)
        )
        windows = f"kind: AlertWindows\nmetadata: {{name: many}}\nspec: {{tiers: [{told}]}}"
        spec = "model: chat, indicator: {ttft: {below: 500ms}}, objective: 99.9%, period: 1d, alerting: many"
        slo = f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}"
        return written(slo, windows, base=base.replace("15s", "60s")).output(tmp_path, tests=True, of="s")

    return make


def groups_of_tiers(folder):
    """The place of each tier's group, among those with alerts."""
    found = yaml.safe_load((folder / "rules/chat.yaml").read_text())["groups"]
    return {
        rule["labels"]["burn_tier"]: place
        for place, group in enumerate(found)
        for rule in group["rules"]
        if "burn_tier" in rule.get("labels", {})
    }


def test_every_tier_has_all_its_moments_and_passes(proven, tmp_path, promtool, amtool):
    compiled = proven(EIGHT)
    places = groups_of_tiers(tmp_path)
    assert (places["t4"], places["t5"], places["t8"]) == (0, 1, 1)
    tests = yaml.safe_load((tmp_path / "tests/s.windows.test.yaml").read_text())["tests"]
    moments = Counter(
        (re.search(r'burn_tier="(\w+)"', check["expr"])[1], "fires" if check["exp_samples"] else "quiet")
        for test in tests
        for check in test["promql_expr_test"]
        if "burn_tier" in check["expr"]
    )
    assert moments == {(f"t{tier}", state): 7 for tier in range(1, len(EIGHT) + 1) for state in ("fires", "quiet")}
    assert prove(compiled, tmp_path, Tools(promtool, amtool)) == ()


def test_a_tier_that_lacks_a_moment_of_its_windows_is_not_called_proven(proven, tmp_path, promtool, amtool):
    compiled = proven([(4, 16)])
    path = "tests/s.windows.test.yaml"
    story = re.search(r'^- name: "s has recorded [^"]* for t1"\n(?:  .*\n)+', compiled.files[path], re.MULTILINE)[0]
    text = compiled.files[path].replace(story, "", 1)
    (tmp_path / path).write_text(text)
    lacking = replace(compiled, files=dict(compiled.files) | {path: text})
    (finding,) = prove(lacking, tmp_path, Tools(promtool, amtool))
    assert (finding.code.id, finding.message) == ("FS444", "nothing proves the windows of t1 of s to the pulse")
    assert [row for row in coverage(lacking) if row[0] == "s"] == [("s", 1, 0)]
    assert [row for row in coverage(compiled) if row[0] == "s"] == [("s", 1, 1)]


WRONG = {
    "t5's windows of one pulse are two": (r"\[4m1ms\]", "[8m1ms]"),
    "t5's guard counts for a pulse more": (r"\[16m1ms\]", "[20m1ms]"),
    "t5's guard counts for a pulse less": (r"\[16m1ms\]", "[12m1ms]"),
    "t6's guard counts for a pulse more": (r"\[8m1ms\]", "[12m1ms]"),
    "t6's guard counts for a pulse less": (r"\[8m1ms\]", "[4m1ms]"),
    "a guard of one event more": (r"> 4\.5", "> 5.5"),
    "a guard of one event less": (r"> 4\.5", "> 3.5"),
    "t6's threshold is off by 1 %": (r"> 0\.0018\b", "> 0.001818"),
}


QUICK = ("t5's windows of one pulse are two", "t6's guard counts for a pulse more")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in WRONG]
)
def test_wrong_windows_in_the_second_group_do_not(name, proven, tmp_path, promtool, amtool):
    compiled = proven(SIX)
    path = tmp_path / "rules" / "chat.yaml"
    first, mark, second = path.read_text().partition('- name: "s/1"')
    second, count = re.subn(*WRONG[name], second)
    assert count, "the rules do not hold what this test means to break"
    path.write_text(first + mark + second)
    windows = replace(compiled.units[0], tests="tests/s.windows.test.yaml", beside=(), names=(), make=tuple)
    findings = prove(replace(compiled, units=(windows,)), tmp_path, Tools(promtool, amtool))
    assert [finding.code.id for finding in findings] == ["FS443"], findings
    assert "in the proof of its windows" in findings[0].hint
