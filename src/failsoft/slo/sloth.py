"""The same numbers under the names and labels that Sloth gives them, so that its dashboards and its history go on.

Names and labels are those of what Sloth 0.16 writes (`test/integration/prometheus/testdata/out-base.yaml.tpl`). The
numbers are ours: ratios count events, where Sloth averages ratios over the period, and are absent where it has NaN.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.promql import Matcher, number, range_text, selector
from failsoft.slo.records import Record
from failsoft.slo.resolve import Objective
from failsoft.slo.series import BUDGET_REMAINING, ERROR_RATIO, GROUP

__all__ = ["sloth_records", "sloth_window", "taken_ids"]

_DAY, _WEEK, _YEAR = 86_400_000, 604_800_000, 31_536_000_000


def sloth_window(milliseconds: int) -> str:
    """A window as Sloth spells it, in whole years or weeks where it is.

    >>> [sloth_window(days * 86_400_000) for days in (1, 3, 7, 28, 30, 90)]
    ['1d', '3d', '1w', '4w', '30d', '90d']
    """
    for length, unit in ((_YEAR, "y"), (_WEEK, "w")):
        if milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return range_text(milliseconds)


def sloth_records(objective: Objective) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Sloth's records of an SLO: the error ratios, and what it makes of them; neither reads the other."""
    service, name = objective.sloth or (objective.model, objective.name)
    labels = (("sloth_id", _id(service, name)), ("sloth_service", service), ("sloth_slo", name))
    windows = sorted({window for tier in objective.tiers for window in (tier.short, tier.long)} - {objective.period})
    ratios = [_ratio(objective, window, labels) for window in (*windows, objective.period)]
    budget = number(objective.budget)
    shown = (
        *labels,
        ("sloth_mode", "failsoft"),
        ("sloth_objective", number((1 - objective.budget) * 100)),
        ("sloth_spec", "prometheus/v1"),
        ("sloth_version", "failsoft"),
    )
    left = _latest(objective, selector(BUDGET_REMAINING, (Matcher("slo", "=", objective.name),), _reach(objective)))
    return tuple(ratios), (
        Record("slo:objective:ratio", f"vector({number(1 - objective.budget)})", labels),
        Record("slo:error_budget:ratio", f"vector({budget})", labels),
        Record("slo:time_period:days", f"vector({number(Fraction(objective.period, _DAY))})", labels),
        Record("slo:current_burn_rate:ratio", f"{ratios[0].expression} / {budget}", labels),
        Record("slo:period_burn_rate:ratio", f"{ratios[-1].expression} / {budget}", labels),
        Record("slo:period_error_budget_remaining:ratio", left, labels),
        Record("sloth_slo_info", "vector(1)", shown),
    )


def taken_ids(objectives: Iterable[Objective]) -> Iterator[Finding]:
    """SLOs with the id of an earlier one: their records would be one series, by which Sloth's dashboards draw both."""
    first: dict[str, Objective] = {}
    for objective in objectives:
        if objective.sloth is None:
            continue
        other = first.setdefault(mine := _id(*objective.sloth), objective)
        if other is not objective:
            message = f"{objective.name} and {other.name} would both be recorded with sloth_id={mine}"
            hint = f"the other one is at {other.document.at('metadata', 'name')}"
            place = objective.document.at("spec", "sloth")
            yield Finding(codes.SLOTH_ID_TAKEN, message, place, "a sloth: {service, slo} of its own", hint)


def _id(service: str, name: str) -> str:
    return f"{service}-{name}"


def _reach(objective: Objective) -> int:
    # recorded in another group, a pulse ago at most; of the period a step
    return max(objective.step, objective.pulse) * 3 // 2


def _latest(objective: Objective, recorded: str) -> str:
    by = f" by ({GROUP}) " if objective.cap else ""
    return f"max{by}(last_over_time({recorded}))"


def _ratio(objective: Objective, window: int, labels: tuple[tuple[str, str], ...]) -> Record:
    matchers = (Matcher("slo", "=", objective.name), Matcher("window", "=", range_text(window)))
    expression = _latest(objective, selector(ERROR_RATIO, matchers, _reach(objective)))
    spelled = sloth_window(window)
    return Record(f"slo:sli_error:ratio_rate{spelled}", expression, (*labels, ("sloth_window", spelled)))
