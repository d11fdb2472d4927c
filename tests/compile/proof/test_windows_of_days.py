"""Windows of days are proven to the pulse, at the moments that decide; and once from raw series, minute by minute."""

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest

from failsoft.alerts.burn import groups_of
from failsoft.alerts.expect import Promise, life
from failsoft.alerts.proof import proof_file
from failsoft.alerts.simulate import Burn
from failsoft.alerts.story import Check, Scenario
from failsoft.alerts.timeline import Stretch, Timeline, series_of
from failsoft.cli.proving import Tools, prove
from failsoft.slo.series import BURN_ALERT

WRONG = {
    "three days less a minute": (r"\[2d23h59m30s\]", "[2d23h58m30s]"),
    "bad events of three days and a minute": (r"(_bad:.*)\[2d23h59m30s\]", r"\1[3d30s]"),
    "bad events of three days among all of four": (r"(_total:.*)\[2d23h59m30s\]", r"\1[3d23h59m30s]"),
    "a short window of six hours and a minute": (r"\[5h59m30s\]", "[6h30s]"),
    "one tier's threshold off by 1 %": (r"> 0\.01\b", "> 0.0101"),
    "a guard of one event more": (r"> 4\.5", "> 5.5"),
    "a guard of one event less": (r"> 4\.5", "> 3.5"),
    "only what one of two owners recorded": (r"sum\(sum_over_time", "max(sum_over_time"),
    "a budget off by 1 %": (r"(1 - max\(.*\)) / 0\.01$", r"\1 / 0.0101"),
    "a burn rate off by 1 %": (r"(last_over_time\(failsoft:slo_error_ratio.*) / 0\.01$", r"\1 / 0.0101"),
    "a month less one step": (r"\[29d23h57m30s\]", "[29d23h52m30s]"),
    "a month and a step": (r"\[29d23h57m30s\]", "[30d2m30s]"),
    "a coverage of 29 days": (r"/ 8640\b", "/ 8352"),
}


@pytest.fixture
def month(written, tmp_path):
    """An SLO of 30 days, compiled; of its proofs, that of its windows only."""
    slo = "kind: SLO\nmetadata: {name: s}\nspec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}"
    made = written(slo)
    compiled = made.output(tmp_path, tests=True, of="s")
    windows = replace(compiled.units[0], tests="tests/s.windows.test.yaml", beside=(), names=(), make=tuple)
    return made, replace(compiled, units=(windows,))


def test_the_windows_of_a_month_pass(month, tmp_path, promtool, amtool):
    assert prove(month[1], tmp_path, Tools(promtool, amtool)) == ()


@pytest.mark.parametrize("name", WRONG)
def test_wrong_windows_do_not(name, month, tmp_path, promtool, amtool):
    path = tmp_path / "rules" / "chat.yaml"
    text, count = re.subn(*WRONG[name], path.read_text(), flags=re.MULTILINE)
    assert count, "the rules do not hold what this test means to break"
    path.write_text(text)
    findings = prove(month[1], tmp_path, Tools(promtool, amtool))
    assert [finding.code.id for finding in findings] == ["FS443"], findings


def test_a_failure_says_which_tier_and_that_it_is_about_windows(month, tmp_path, promtool, amtool):
    path = tmp_path / "rules" / "chat.yaml"
    path.write_text(path.read_text().replace("[2d23h59m30s]", "[2d23h58m30s]"))
    (finding,) = prove(month[1], tmp_path, Tools(promtool, amtool))
    assert "ticket-slow is quiet in the proof of its windows" in finding.hint


@pytest.mark.slow
def test_six_days_from_the_raw_series_say_the_same(month, tmp_path, promtool, amtool):
    """Health for as long as any window, then each tier's errors, slowest first: 20 s of a processor."""
    made, compiled = month
    objective, _ = made.resolve("s")
    cell, each = objective.scrape, 10_000
    stretches = [Stretch(max(tier.long for tier in objective.tiers) // cell + 2, each, 0)]
    for tier in sorted(objective.tiers, key=lambda tier: tier.threshold):
        ratio = tier.threshold * Fraction(3, 2)
        stretches.append(Stretch(ceil(tier.long / cell * Fraction(2, 3)) + 13, 2 * each, ceil(2 * each * ratio)))
    stretches.append(Stretch(max(tier.short for tier in objective.tiers) // cell + 40, each, 0))
    timeline = Timeline(cell, tuple(stretches))
    checks = [
        Check(at, BURN_ALERT, (("slo", "s"), ("burn_tier", tier.name)), state)
        for tier in objective.tiers
        for at, state in life(
            Promise(
                Burn(tier.short, tier.long, tier.threshold, objective.min_bad),
                step=objective.pulse,
                lag=cell + objective.delay,
                keep=objective.keep_firing_for,
            ),
            timeline,
        )
    ]
    assert len(checks) == 4 * len(objective.tiers)
    story = Scenario("burns for days", cell, series_of(objective.sli, timeline), tuple(checks))
    alerting = [group for group in groups_of(objective, ()) if group.name == "s"]
    days = replace(compiled.units[0], tests="tests/s.days.test.yaml")
    text = proof_file("s", "../rules/chat.yaml", alerting, [story], origin="a test")
    (tmp_path / days.tests).write_text(text)
    told = replace(compiled, units=(days,), files=dict(compiled.files) | {days.tests: text})
    assert prove(told, tmp_path, Tools(promtool, amtool)) == ()
