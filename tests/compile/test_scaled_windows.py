"""A period without windows gets the nearest ones, scaled, ready to paste."""

from fractions import Fraction

import yaml
from hypothesis import given
from hypothesis import strategies as st

from failsoft.slo.scaled import pasted
from failsoft.slo.windows import plan
from failsoft.workspace.kinds.slo import AlertWindowsSpec
from failsoft.workspace.load import shipped
from failsoft.workspace.quantities import Percent

KNOWN = [windows.spec for windows in shipped().windows.values()]
MINUTE = 60_000
DAY = 1440 * MINUTE


def spec_of(text):
    document = yaml.safe_load(text)
    assert document["kind"] == "AlertWindows"
    return AlertWindowsSpec.model_validate(document["spec"], by_alias=True, by_name=False)


def test_a_quarter_has_three_times_the_windows_of_a_month_and_the_same_shares():
    assert pasted(KNOWN, 90 * DAY, 15_000) == (
        "{kind: AlertWindows, metadata: {name: burn-90d}, spec: {period: 90d, tiers: ["
        "{name: page-fast, severity: page, budget: 2%, short: 15m, long: 3h}, "
        "{name: page-slow, severity: page, budget: 5%, short: 1h30m, long: 18h}, "
        "{name: ticket-fast, severity: ticket, budget: 10%, short: 6h, long: 3d}, "
        "{name: ticket-slow, severity: ticket, budget: 10%, short: 18h, long: 9d}]}}"
    )


def test_a_period_of_a_few_scrapes_is_offered_nothing():
    assert not pasted(KNOWN, 5 * MINUTE, 60_000)


@given(
    st.integers(240, 366 * 1440).map(lambda minutes: minutes * MINUTE),
    st.sampled_from([5_000, 15_000, 30_000, 60_000]),
    st.sampled_from([0, 2]),
)
def test_what_is_offered_suits_every_kind_of_slo(period, scrape, slices):
    text = pasted(KNOWN, period, scrape)
    if not text:
        return
    planned = plan(spec_of(text), Percent.parse("99.9%"), period, scrape, slices)
    assert {problem.kind for problem in planned.problems} <= {"cannot-fire"}, planned.problems
    assert {tier.severity for tier in planned.tiers} == {"page", "ticket"}
    assert all(tier.factor >= Fraction(9, 10) for tier in planned.tiers)


def test_the_pasted_document_ends_the_finding(slo):
    objective, (finding,) = slo("ttft: {below: 500ms}", "99%", "period: 4h")
    assert (objective, finding.code.id) == (None, "FS406")
    _, _, document = finding.hint.partition(": ")
    objective, findings = slo("ttft: {below: 500ms}", "99%", "period: 4h", document)
    assert not findings
    assert len(objective.tiers) == 4
