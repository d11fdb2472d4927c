"""What an alert says to a person: one sentence, the arithmetic behind it, and where to look."""

from functools import lru_cache
from urllib.parse import quote

from failsoft.slo.indicators import Score
from failsoft.slo.promql import Matcher, number, range_text, selector
from failsoft.slo.resolve import Objective
from failsoft.slo.series import DRIFT_INPUT_MOVED, ERROR_RATIO, GROUP
from failsoft.slo.windows import BurnTier
from failsoft.workspace.kinds import WorkspaceSpec

__all__ = ["Annotations", "burn_annotations", "creep_annotations", "links_of", "stale_annotations", "verbatim"]

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
    allowed = f"{100 - objective.target.value:f}%"
    of_class = objective.document.spec.class_
    grouped = objective.document.spec.group_by
    whose = f", {grouped.label} {{{{ $labels.{GROUP} }}}}" if grouped else ""
    summary = (
        f"{{{{ $value | humanizePercentage }}}} of {objective.sli.sentence} over the last {range_text(tier.long)}"
        f"{whose}; the objective {f'of the class {of_class} ' if of_class else ''}allows {allowed}."
    )
    about = objective.document.spec.description.strip()
    description = _arithmetic(tier, objective.period) + (f" {verbatim(about)}" if about else "")
    if isinstance(objective.sli, Score):
        description += _input_moved(objective.sli)
    return (("summary", summary), ("description", description), *links)


@lru_cache(maxsize=1024)
def _arithmetic(tier: BurnTier, period: int) -> str:
    factor, share = number(tier.factor), number(tier.share * 100)
    gone = range_text(max(1, round(period / tier.factor / 60_000)) * 60_000)
    return (
        f"{tier.name} fires at {factor} times the allowed rate: {share}% of the error budget of {range_text(period)} "
        f"goes in {range_text(tier.long)}, all of it in {gone}."
        + (f" It waits until that has lasted for {range_text(tier.wait)}." if tier.wait else "")
    )


def _input_moved(score: Score) -> str:
    """A sentence that is there only where what people send has moved as well, when the alert fires."""
    series = selector(DRIFT_INPUT_MOVED, score.evaluated_matchers[:-1])
    asked = series.replace("\\", "\\\\").replace('"', '\\"')
    sentence = " The input moved too: this may be a change of the prompts, not of the model."
    return f'{{{{ range query "{asked} == 1" }}}}{sentence}{{{{ end }}}}'


def creep_annotations(objective: Objective, score: Score, links: Annotations) -> Annotations:
    """The annotations of the alert that says that a small drift lasts."""
    summary = f"The {score.signal} of {objective.model} drifts, too little for one window to show it, and it lasts."
    description = (
        f"The CUSUM of the scores of {score.monitor} has crossed its threshold. `failsoft drift learn` says how often "
        f"that happens by chance.{_input_moved(score)}"
    )
    return (("summary", summary), ("description", description), *links)


_LOOK = {
    "serve": (
        "until `failsoft serve` evaluates its monitor again. See whether it runs, and whether it reaches Prometheus."
    ),
    "rules": (
        "until Prometheus sees the counters of its features again. See whether the processes that serve are scraped, "
        "whether they make a DriftCounter, and whether its reference is one that the monitor names (the series "
        "failsoft_drift_reference_info)."
    ),
    "job": (
        "until its job scores rows again. See whether it is scheduled, what it printed last, and whether Prometheus "
        "still scrapes where it leaves its metrics."
    ),
}


def stale_annotations(objective: Objective, score: Score, links: Annotations) -> Annotations:
    """The annotations of the alert that says that a drift SLO is blind."""
    after = range_text(score.stale_after)
    summary = f"The drift of {objective.model} is not judged any more: no evaluation for {after}."
    description = f"The SLO {objective.name} is blind {_LOOK[score.judged_by]}"
    return (("summary", summary), ("description", description), *links)
