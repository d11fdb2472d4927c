"""What an alert says to a person: one sentence, the arithmetic behind it, and where to look."""

from urllib.parse import quote

from failsoft.slo.promql import Matcher, number, range_text, selector
from failsoft.slo.resolve import Objective
from failsoft.slo.series import ERROR_RATIO
from failsoft.slo.windows import BurnTier
from failsoft.workspace.kinds import WorkspaceSpec

__all__ = ["Annotations", "burn_annotations", "links_of", "stale_annotations", "verbatim"]

type Annotations = tuple[tuple[str, str], ...]


def verbatim(text: str) -> str:
    """Text that Prometheus's templates print as it is.

    >>> verbatim("{{ $labels }}")
    '{{"{{"}} $labels }}'
    """
    return text.replace("{{", '{{"{{"}}')


def links_of(config: WorkspaceSpec, objective: Objective, runbook: str) -> Annotations:
    """The annotations that lead somewhere.

    `runbook` names the runbook that answers, empty where none does; `runbook_url` and `dashboard` are the addresses of
    the workspace with its placeholders filled in. Without an address of a dashboard, Prometheus's own graph of the
    error ratio is named: it is always there.
    """
    filled = {"{slo}": objective.name, "{model}": objective.model, "{runbook}": runbook}
    found = []
    if runbook:
        found.append(("runbook", runbook))
        if config.links.runbook:
            found.append(("runbook_url", verbatim(_fill(config.links.runbook, filled))))
    dashboard = _fill(config.links.dashboard, filled) if config.links.dashboard else _graph(config, objective)
    found.append(("dashboard", verbatim(dashboard)))
    return tuple(found)


def _fill(template: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template


def _graph(config: WorkspaceSpec, objective: Objective) -> str:
    ratios = quote(selector(ERROR_RATIO, (Matcher("slo", "=", objective.name),)), safe="")
    return f"{config.prometheus.url.rstrip('/')}/graph?g0.expr={ratios}&g0.tab=0&g0.range_input=1d"


def burn_annotations(objective: Objective, tier: BurnTier, links: Annotations) -> Annotations:
    """The annotations of a burn-rate alert, whose value is the long window's error ratio."""
    long, period = range_text(tier.long), range_text(objective.period)
    allowed = f"{number(objective.budget * 100)}%"
    gone = range_text(max(1, round(objective.period / tier.factor / 60_000)) * 60_000)
    summary = (
        f"{{{{ $value | humanizePercentage }}}} of {objective.sli.sentence} over the last {long}; "
        f"the objective allows {allowed}."
    )
    description = (
        f"{tier.name} fires at {number(tier.factor)} times the allowed rate: {number(tier.share * 100)}% of the error "
        f"budget of {period} goes in {long}, all of it in {gone}."
    )
    about = objective.document.spec.description.strip()
    description = f"{description} {verbatim(about)}" if about else description
    return (("summary", summary), ("description", description), *links)


def stale_annotations(objective: Objective, after: int, links: Annotations) -> Annotations:
    """The annotations of the alert that says that a drift SLO is blind."""
    summary = f"The drift of {objective.model} is not judged any more: no evaluation for {range_text(after)}."
    description = (
        f"The SLO {objective.name} is blind until `failsoft serve` evaluates its monitor again. "
        "See whether it runs, and whether it reaches Prometheus."
    )
    return (("summary", summary), ("description", description), *links)
