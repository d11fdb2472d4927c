"""PromQL for those who ask about an SLO: runbooks that verify, experiments that judge, people who look.

The raw queries (`error_ratio`, `bad_events`, `total_events`) read the engine's own series, so they work over any window
of at least two scrapes and know the last scrape; the others read what the compiled rules record.
"""

from fractions import Fraction

from failsoft.errors import NotFoundError, RefusedError
from failsoft.slo import series
from failsoft.slo.promql import Matcher, number, selector
from failsoft.slo.records import count_matchers
from failsoft.slo.resolve import Objective, resolve
from failsoft.workspace.model import Workspace
from failsoft.workspace.quantities import Duration

__all__ = [
    "bad_events",
    "budget_remaining",
    "budget_spent",
    "error_ratio",
    "objective_of",
    "recorded_error_ratio",
    "total_events",
]


def objective_of(workspace: Workspace, slo: str) -> Objective:
    """The objective of the SLO named `slo`.

    Raises:
        NotFoundError: there is no such SLO.
        RefusedError: it cannot be compiled; the text says why.
    """
    document = workspace.slos.get(slo)
    if document is None:
        raise NotFoundError(f"there is no SLO {slo!r}")
    objective, findings = resolve(workspace, document)
    if objective is None:
        reasons = "; ".join(finding.message for finding in findings if finding.severity == "error")
        raise RefusedError(f"the SLO {slo} cannot be compiled: {reasons or 'something that it names is missing'}")
    return objective


def error_ratio(workspace: Workspace, slo: str, window: Duration) -> str:
    """The share of bad events over `window`, from the raw series; one sample from 0 to 1, or none where nothing came.

    No sample means that nothing is known: it is never "healthy". Of groups it is that of the worst one, among those
    with as many bad events as an alert needs: one failure of a tenant's only request says nothing. Raises as
    `objective_of`.
    """
    objective = objective_of(workspace, slo)
    bad, total = (f"({counted(window.milliseconds)})" for counted in (objective.sli.bad, objective.sli.total))
    if not objective.cap:
        return f"clamp_max({bad} / ({total} > 0), 1)"
    enough = f"{bad} > {objective.min_bad - 1}.5"
    return f"clamp_max(max({bad} / ({total} > 0) and on({series.GROUP}) {enough}) or 0 * (sum({total}) > 0), 1)"


def bad_events(workspace: Workspace, slo: str, window: Duration) -> str:
    """The number of bad events (for drift: slices of time) over `window`, from the raw series. Raises as above."""
    objective = objective_of(workspace, slo)
    return _whole(objective, objective.sli.bad(window.milliseconds))


def total_events(workspace: Workspace, slo: str, window: Duration) -> str:
    """The number of all events (for drift: judged slices) over `window`, from the raw series. Raises as above."""
    objective = objective_of(workspace, slo)
    return _whole(objective, objective.sli.total(window.milliseconds))


def recorded_error_ratio(workspace: Workspace, slo: str, window: Duration) -> str:
    """The recorded error ratio over one of the SLO's own windows or its period, of the worst group; else none."""
    objective = objective_of(workspace, slo)
    return _latest("max", objective, series.ERROR_RATIO, Matcher("window", "=", str(window)))


def budget_remaining(workspace: Workspace, slo: str) -> str:
    """The share of the period's error budget that is left: 1 untouched, 0 gone, below 0 overspent; recorded.

    Of groups, that of the one with the least.
    """
    objective = objective_of(workspace, slo)
    return _latest("min" if objective.cap else "max", objective, series.BUDGET_REMAINING)


def budget_spent(workspace: Workspace, slo: str, window: Duration) -> str:
    """The share of the period's whole error budget that the bad events of `window` are; 0.05 is 5 %.

    The bad events are the raw ones, the budget is that of all events recorded in the period. Raises as above.
    """
    objective = objective_of(workspace, slo)
    total = selector(series.TOTAL, count_matchers(objective), objective.period)
    allowed = f"({number(Fraction(objective.budget))} * sum(sum_over_time({total})) > 0)"
    return f"({_whole(objective, objective.sli.bad(window.milliseconds))}) / {allowed}"


def _whole(objective: Objective, counted: str) -> str:
    """The events of all groups together."""
    return f"sum({counted})" if objective.cap else counted


def _latest(operator: str, objective: Objective, name: str, *more: Matcher) -> str:
    # Records are `step` apart, which may be more than Prometheus looks back: read the last one of two steps.
    matchers = (Matcher("slo", "=", objective.name), *more)
    return f"{operator}(last_over_time({selector(name, matchers, 2 * objective.step)}))"
