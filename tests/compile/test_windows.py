"""Windows, factors and steps: exact numbers, and every refusal with its arithmetic."""

from decimal import Decimal
from fractions import Fraction

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from failsoft.alerts import detection_time
from failsoft.slo import codes
from failsoft.slo.promql import number
from failsoft.slo.windows import plan
from failsoft.workspace.kinds import AlertWindowsSpec
from failsoft.workspace.kinds.slo import Tier
from failsoft.workspace.quantities import Duration, Percent

MINUTE = 60_000


def own(period="", tiers=None, name="own"):
    lines = [f"    - {{name: t{index}, {tier}}}" for index, tier in enumerate(tiers)]
    head = f"kind: AlertWindows\nmetadata: {{name: {name}}}\nspec:\n"
    return head + (f"  period: {period}\n" if period else "") + "  tiers:\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("period", "pulse", "step", "factors"),
    [
        ("30d", "1m", "5m", ["14.4", "6", "3", "1"]),
        ("28d", "1m", "5m", ["13.44", "5.6", "2.8", "1"]),
        ("7d", "1m15s", "1m15s", ["13.44", "5.6", "2.8", "1"]),
        ("1d", "1m15s", "1m15s", ["14.4", "6", "3", "1"]),
    ],
)
def test_the_shipped_windows_give_the_factors_of_the_workbook_for_every_period(slo, period, pulse, step, factors):
    objective, findings = slo(objective="99.9%", more=f"period: {period}")
    assert not findings
    assert (str(Duration(objective.pulse)), str(Duration(objective.step))) == (pulse, step)
    assert [number(tier.factor) for tier in objective.tiers] == factors
    assert [tier.threshold for tier in objective.tiers] == [Fraction(factor) / 1000 for factor in factors]
    assert all(tier.short % objective.pulse == 0 == tier.long % objective.pulse for tier in objective.tiers)


def test_thresholds_are_written_without_float_noise(slo):
    objective, _ = slo(objective="99.99%")
    assert [tier.limit for tier in objective.tiers] == ["0.00144", "0.0006", "0.0003", "0.0001"]
    objective, _ = slo(objective="99.99999%")
    assert objective.tiers[0].limit == "0.00000144"


def test_a_tier_that_can_never_fire_is_left_out_with_the_arithmetic(slo):
    """A p90 objective: 14.4 times a tenth is more than everything."""
    objective, (finding,) = slo(objective="90%")
    assert [tier.name for tier in objective.tiers] == ["page-slow", "ticket-fast", "ticket-slow"]
    assert finding.code is codes.TIER_CANNOT_FIRE
    assert finding.severity == "warning"
    assert finding.message == "s: page-fast can never fire and is left out"
    assert finding.hint == (
        "2% of the budget x 30d / 1h = 14.4; that times the budget of 10% is 144% of errors; this one fires: "
        "{name: page-fast, severity: page, budget: 2%, short: 10m, long: 2h}"
    )
    assert finding.place.text[finding.place.column - 1 :].startswith("90%")


def test_a_tier_at_exactly_all_errors_can_never_fire_either(slo):
    objective, findings = slo(
        "ttft: {below: 500ms}",
        "90%",
        "alerting: own",
        own(
            tiers=[
                "severity: page, budget: 50%, short: 5m, long: 1d12h",
                "severity: page, budget: 5%, short: 30m, long: 6h",
            ]
        ),
    )
    assert "= 10; that times the budget of 10% is 100% of errors; this one fires: {" in findings[0].hint
    assert len(objective.tiers) == 1


def test_an_slo_is_refused_when_no_page_tier_is_left(slo):
    objective, findings = slo(objective="80%")
    assert objective is None
    assert [finding.code.id for finding in findings] == ["FS411", "FS411", "FS412"]
    assert findings[-1].message == "s: no page tier is left that could fire"


def test_what_is_pasted_from_the_help_keeps_the_tiers_that_fired(slo):
    """Whoever pastes it has a page again, and loses no ticket by it."""
    _, findings = slo(objective="80%")
    listed = findings[-1].hint.partition("with tiers: ")[2]
    tiers = yaml.safe_load(listed)
    names = ["page-fast", "page-slow", "ticket-fast", "ticket-slow"]
    assert [tier["name"] for tier in tiers] == names
    assert tiers[2] == {"name": "ticket-fast", "severity": "ticket", "budget": "10%", "short": "2h", "long": "1d"}
    pasted = f"kind: AlertWindows\nmetadata: {{name: own}}\nspec: {{tiers: {listed}}}"
    objective, findings = slo("ttft: {below: 500ms}", "80%", "alerting: own", pasted)
    assert not findings
    assert [tier.name for tier in objective.tiers] == names


def test_windows_that_only_have_tickets_need_no_page(slo):
    tickets = own(tiers=["severity: ticket, budget: 10%, short: 6h, long: 3d"])
    objective, findings = slo("ttft: {below: 500ms}", "80%", "alerting: own", tickets)
    assert not findings
    assert [tier.severity for tier in objective.tiers] == ["ticket"]


def test_a_short_window_below_the_recording_step_is_refused_with_the_arithmetic(slo):
    quick = own(tiers=["severity: page, budget: 2%, short: 30s, long: 1h"])
    objective, (finding,) = slo("ttft: {below: 500ms}", "99%", "alerting: own", quick)
    assert objective is None
    assert finding.code is codes.WINDOW_BELOW_STEP
    assert finding.message == "s: the short window of t0, 30s, is below the recording step of 1m"
    assert finding.hint == (
        "the step of alerts is the largest of 1m x 30d / 30d = 1m, of 4 scrapes x 15s = 1m and of the longest window / "
        "8640 = 417ms, in whole scrapes"
    )


def test_slices_of_time_are_as_long_as_a_step_of_the_budget_and_alerts_wait_for_them(written, drift):
    objective, _ = written(drift).resolve("chat-drift")
    assert objective.pulse == objective.step == 300_000


def test_a_tier_that_looks_back_very_far_is_evaluated_less_often(slo):
    """No query reads more than 8,640 records: promtool could not prove one that does, and a server would feel it."""
    month = own(
        tiers=["severity: page, budget: 2%, short: 5m, long: 1h", "severity: ticket, budget: 90%, short: 1d, long: 30d"]
    )
    objective, findings = slo("ttft: {below: 500ms}", "99%", "alerting: own", month)
    assert not findings
    assert objective.pulse == objective.step == 300_000
    week = own(
        tiers=["severity: page, budget: 2%, short: 5m, long: 1h", "severity: ticket, budget: 50%, short: 1d, long: 7d"]
    )
    objective, _ = slo("ttft: {below: 500ms}", "99%", "alerting: own", week)
    assert objective.pulse == 75_000


def test_a_short_window_below_four_scrapes_is_refused_too(slo, base):
    slow = base.replace("scrapeInterval: 15s", "scrapeInterval: 2m")
    objective, findings = slo(base=slow)
    assert objective is None
    assert findings[0].message == "s: the short window of page-fast, 5m, is below the recording step of 8m"
    assert "4 scrapes x 2m = 8m" in findings[0].hint


def test_a_window_longer_than_the_period_is_refused(slo):
    long = own(tiers=["severity: page, budget: 2%, short: 1h, long: 8d"])
    objective, (finding,) = slo("ttft: {below: 500ms}", "99%", "period: 7d, alerting: own", long)
    assert objective is None
    assert finding.code is codes.WINDOW_BEYOND_PERIOD
    assert finding.expected == "at most 7d"


def test_windows_that_hold_no_whole_number_of_records_are_rounded_up_and_that_is_said(slo):
    odd = own(tiers=["severity: page, budget: 2%, short: 410s, long: 3620s"])
    objective, (finding,) = slo("ttft: {below: 500ms}", "99%", "alerting: own", odd)
    assert finding.code is codes.WINDOWS_ROUNDED
    assert finding.severity == "warning"
    assert finding.message == "s: the windows of t0, 6m50s and 1h20s, are rounded up to 7m and 1h1m"
    (tier,) = objective.tiers
    assert tier.factor == Fraction(2, 100) * 30 * 24 * 60 / 61  # of what is really evaluated


def test_a_period_without_windows_is_refused_and_a_named_document_works_for_any_period(slo):
    objective, (finding,) = slo(more="period: 14d")
    assert objective is None
    assert finding.code is codes.NO_WINDOWS
    assert finding.expected == "a period with windows of its own: 30d, 28d, 7d, 1d"
    objective, findings = slo(more="period: 14d, alerting: burn-30d")
    assert not findings
    assert number(objective.tiers[0].factor) == "6.72"
    assert str(Duration(objective.pulse)) == "1m"
    assert str(Duration(objective.step)) == "3m"  # at least 2m20s, in whole pulses


def test_ones_own_windows_for_a_period_go_before_the_shipped_ones(slo):
    mine = own("30d", ["severity: page, budget: 3%, short: 5m, long: 1h"])
    objective, findings = slo("ttft: {below: 500ms}", "99%", "", mine)
    assert not findings
    assert [tier.name for tier in objective.tiers] == ["t0"]


def test_two_of_ones_own_for_a_period_are_ambiguous(slo):
    tiers = ["severity: page, budget: 3%, short: 5m, long: 1h"]
    objective, (finding,) = slo("ttft: {below: 500ms}", "99%", "", own("30d", tiers, "a"), own("30d", tiers, "b"))
    assert objective is None
    assert finding.code is codes.AMBIGUOUS_WINDOWS
    assert "a, b" in finding.message


@pytest.mark.parametrize(("objective", "word"), [("100%", "no error budget"), ("0%", "everything to fail")])
def test_an_objective_that_leaves_nothing_to_burn_is_refused(slo, objective, word):
    resolved, (finding,) = slo(objective=objective)
    assert resolved is None
    assert finding.code is codes.NO_BUDGET
    assert word in finding.message


def test_a_guard_that_no_window_of_slices_can_meet_leaves_the_tier_out(written, drift):
    made = written(drift.replace("objective: 99%", "objective: 99%\n  minBadEvents: 13"))
    objective, (finding,) = made.resolve("chat-drift")
    assert finding.code is codes.TIER_CANNOT_FIRE
    assert finding.expected == "a minBadEvents of at most 12, not 13"
    assert [tier.name for tier in objective.tiers] == ["page-slow", "ticket-fast", "ticket-slow"]


DURATIONS = st.integers(1, 30 * 24 * 60).map(lambda minutes: minutes * MINUTE)


@given(
    period=st.integers(30, 90 * 24 * 60).map(lambda minutes: minutes * MINUTE),
    scrape=st.sampled_from([250, 1000, 5000, 10_000, 15_000, 30_000, 45_000, 60_000]),
    windows=st.lists(st.tuples(DURATIONS, DURATIONS, st.integers(1, 60)), min_size=1, max_size=5),
    objective=st.decimals(min_value="0.001", max_value="99.99999", places=5),
)
def test_the_arithmetic_is_exact_for_every_period_window_and_objective(period, scrape, windows, objective):
    pairs = [(min(a, b), max(a, b), share) for a, b, share in windows]
    assume(all(short < long for short, long, _ in pairs))
    tiers = tuple(
        Tier(name=f"t{i}", severity="page", budget=Percent(Decimal(share)), short=Duration(short), long=Duration(long))
        for i, (short, long, share) in enumerate(pairs)
    )
    percent = Percent(objective)
    made = plan(AlertWindowsSpec(tiers=tiers), percent, period, scrape)
    assert made.pulse % scrape == 0 == made.step % made.pulse
    assert made.pulse >= 4 * scrape
    assert Fraction(made.pulse) >= Fraction(period, 43_200)  # 1 minute of 30 days
    assert Fraction(made.step) >= Fraction(period, 8640)  # 5 minutes of 30 days: no sum reads more than 8,640 records
    told = {word for problem in made.problems for word in problem.message.split() if word.strip(",").startswith("t")}
    by_name = {tier.name: tier for tier in tiers}
    for tier in made.tiers:
        asked = by_name[tier.name]
        assert tier.short % made.pulse == 0 == tier.long % made.pulse
        assert tier.long <= 8641 * made.pulse
        assert asked.short.milliseconds <= tier.short < tier.long
        share = Fraction(asked.budget.ratio)
        assert tier.factor * tier.long == share * period  # nothing lost, nothing rounded
        assert tier.threshold == tier.factor * (1 - Fraction(percent.ratio)) < 1
        assert "e" not in tier.limit
        assert float(tier.limit) == float(tier.threshold)
    for tier in tiers:
        assert tier.name in {kept.name for kept in made.tiers} or any(tier.name in word for word in told)


@given(st.fractions(min_value=-1000, max_value=1000, max_denominator=10**9))
def test_a_number_that_ends_is_written_exactly_and_every_other_as_its_nearest_float(value):
    text = number(value)
    assert float(text) == float(value)
    assert "e" not in text
    rest = value.denominator
    while rest % 2 == 0 or rest % 5 == 0:
        rest //= 2 if rest % 2 == 0 else 5
    if rest == 1:
        assert Fraction(text) == value


@given(
    st.sampled_from(["80%", "90%", "85.5%", "50%", "1%"]),
    st.sampled_from(["6h", "1d", "7d", "28d", "30d", "90d"]),
    st.integers(1, 100),
    st.integers(1, 60),
)
def test_what_is_offered_instead_of_a_dead_tier_fires(objective, period, share, part):
    """As it is printed, it is a tier of a document; and it needs less than all requests to fail."""
    objective, period = Percent.parse(objective), Duration.parse(period).milliseconds
    short, long = (Duration(max(1, period // part // apart // 60_000) * 60_000) for apart in (12, 1))
    if short >= long:
        return
    tier = {"name": "t", "severity": "page", "budget": f"{share}%", "short": str(short), "long": str(long)}
    made = plan(AlertWindowsSpec.model_validate({"tiers": [tier]}), objective, period, 5_000)
    for problem in made.problems:
        if problem.kind == "cannot-fire":
            offered = yaml.safe_load(problem.hint.partition("this one fires: ")[2])
            again = plan(AlertWindowsSpec.model_validate({"tiers": [offered]}), objective, period, 5_000)
            assert [one.name for one in again.tiers] == ["t"], (problem, again)
            assert again.tiers[0].threshold < 1


WAITS = "severity: page, budget: 2%, short: 5m, long: 1h, for: 10m"


def test_a_tier_waits_only_where_its_document_says_so(written):
    """`for` stands in the rule of that tier and of no other, and in what people are told."""
    slo = "kind: SLO\nmetadata: {name: s}\nspec: {model: chat, indicator: {availability: {}}, objective: 99.9%}"
    made = written(slo, own("30d", [WAITS, "severity: page, budget: 5%, short: 30m, long: 6h"])).compiled()[0]
    rules = [rule for group in yaml.safe_load(made.files["rules/chat.yaml"])["groups"] for rule in group["rules"]]
    by_tier = {rule["labels"]["burn_tier"]: rule for rule in rules if rule.get("alert") == "FailsoftSLOBurn"}
    assert by_tier["t0"]["for"] == "10m"
    assert "It waits until that has lasted for 10m." in by_tier["t0"]["annotations"]["description"]
    assert "for" not in by_tier["t1"]
    assert "waits" not in by_tier["t1"]["annotations"]["description"]


@pytest.mark.parametrize(("said", "more"), [("10m", 600_000), ("90s", 120_000)])
def test_what_a_tier_waits_is_added_to_the_time_that_people_are_told(slo, said, more):
    """In whole pulses: of a minute and a half, Prometheus waits for two evaluations."""
    times = []
    for tier in (WAITS.replace("10m", said), WAITS.replace(", for: 10m", "")):
        objective, _ = slo("ttft: {below: 500ms}", "99.9%", "alerting: own", own(tiers=[tier]))
        times.append(detection_time(objective, objective.tiers[0], Fraction(1, 2)).milliseconds)
    assert times[0] - times[1] == more


def test_the_tier_that_is_offered_waits_as_the_one_that_cannot_fire(slo):
    _, (finding, _) = slo("ttft: {below: 500ms}", "90%", "alerting: own", own(tiers=[WAITS]))
    assert finding.hint.endswith("short: 10m, long: 2h, for: 10m}")


def test_spikes_of_five_minutes_never_alert_where_a_tier_waits_for_ten(written, judge):
    """The SRE Workbook's warning: each spike of 100 % is an eighth of a month's budget, and nobody hears of it."""
    short = WAITS.replace("short: 5m", "short: 3m")
    slo = "kind: SLO\nmetadata: {name: s}\nspec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99.9%}"
    made = written(slo, own("30d", [short, short.replace(", for: 10m", "")])).compiled()[0]
    labels = 'job="vllm",model_name="chat-70b"'
    name, spikes = "vllm:time_to_first_token_seconds", 12
    good = ["1000000+100x60", *(f"{1_006_000 + 2000 * at}+0x19 {1_006_100 + 2000 * at}+100x19" for at in range(spikes))]
    series = {
        f'{name}_bucket{{le="0.5",{labels}}}': " ".join(good),
        f"{name}_count{{{labels}}}": f"1000000+100x{60 + 40 * spikes}",
    }
    rules = made.files["rules/chat.yaml"]
    fired = 'max_over_time(count(ALERTS{alertname="FailsoftSLOBurn",alertstate="firing",burn_tier="TIER"})[2h:1m])'
    checks = {(fired.replace("TIER", "t0"), "2h"): None, (fired.replace("TIER", "t1"), "2h"): 1}
    said = judge(rules, series, checks, step="1m", every="15s")
    assert said.ok, said.stdout + said.stderr
