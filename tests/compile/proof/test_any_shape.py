"""Whatever windows, objective, guard and clock somebody writes: the rules are valid, and the proof of them passes."""

import random

import pytest

from failsoft.cli.proving import Tools, prove

INDICATORS = (
    "ttft: {below: 500ms}",
    "availability: {}",
    "drift: {monitor: chat-output, signal: output-length, below: 0.25}",
)


def shape(seed):
    """Windows and an SLO that somebody might write, on the clocks of a lab so that they are proven in a second."""
    dice = random.Random(seed)  # the same shapes every time
    scrape = dice.choice([1, 2])
    step = 5 * scrape * dice.choice([1, 1, 2])
    tiers, short = [], step
    for index in range(dice.randint(1, 5)):
        long = short * dice.randint(2, 12)
        severity = "ticket" if index and dice.random() < 0.5 else "page"
        budget = dice.choice([1, 2, 3.5, 5, 10, 20])
        tiers.append(f"{{name: t{index}, severity: {severity}, budget: {budget}%, short: {short}s, long: {long}s}}")
        short = short * dice.randint(1, 3) + step * dice.randint(0, 2)
    period = max(1800, 4 * long, 720 * step // 60)
    keep = dice.choice([1, 5, 17, 60])
    windows = (
        f"kind: AlertWindows\nmetadata: {{name: own}}\nspec:\n  keepFiringFor: {keep}s\n  tiers: [{', '.join(tiers)}]"
    )
    objective = dice.choice(["50%", "80%", "90%", "95%", "99%", "99.9%", "99.99%"])
    guard = dice.choice(["", ", minBadEvents: 1", ", minBadEvents: 2", ", minBadEvents: 40"])
    indicator = dice.choice(INDICATORS)
    guard = "" if "drift" in indicator else guard
    spec = f"model: chat, indicator: {{{indicator}}}, objective: {objective}, period: {period}s, alerting: own{guard}"
    return scrape, windows, f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}"


@pytest.fixture
def tools(promtool, amtool):
    return Tools(promtool, amtool)


@pytest.mark.parametrize("seed", range(6))
def test_its_rules_pass_their_proof(seed, written, base, drift, tmp_path, tools):  # fixtures
    scrape, windows, slo = shape(seed)
    monitor = drift.partition("---")[0].replace("signals:", "every: 2s, signals:")
    made = written(slo, windows, monitor, base=base.replace("15s", f"{scrape}s"))
    objective, findings = made.resolve("s")
    if objective is None:
        assert {finding.code.id for finding in findings} <= {"FS411", "FS412"}, findings  # and that was told
        return
    compiled = made.output(tmp_path, tests=True, of="s")
    assert prove(compiled, tmp_path, tools) == ()
