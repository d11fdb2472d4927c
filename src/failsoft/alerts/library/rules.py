"""AlertRules as alerting rules: their labels, and what they say to a person."""

from urllib.parse import quote

from failsoft.alerts.library.choose import Chosen
from failsoft.alerts.library.models import joined, team_label
from failsoft.alerts.messages import Annotations, verbatim
from failsoft.alerts.rules import Alert
from failsoft.workspace.answering import LIBRARY_LABEL
from failsoft.workspace.model import Workspace

__all__ = ["RULE_LABEL", "alert_of"]

RULE_LABEL = LIBRARY_LABEL


def alert_of(workspace: Workspace, one: Chosen, recorded: frozenset[str]) -> Alert:
    """The alerting rule of an AlertRule.

    Args:
        workspace: for its addresses and runbooks.
        one: the AlertRule and its owner.
        recorded: the names of the records that find Models.
    """
    spec = one.document.spec
    labels = (
        ("severity", spec.severity),
        ("team", team_label(one.owner, spec.about, recorded)),
        ("failure_mode", spec.failure_mode),
        (RULE_LABEL, one.document.name),
    )
    said = (("summary", spec.summary), ("description", spec.description), ("because", verbatim(spec.because)))
    return Alert(
        one.name,
        joined(spec.expr, spec.about, recorded),
        labels,
        (*said, *_links(workspace, one)),
        wait=spec.for_.milliseconds if spec.for_ else 0,
        keep=spec.keep_firing_for.milliseconds if spec.keep_firing_for else 0,
    )


def _links(workspace: Workspace, one: Chosen) -> Annotations:
    """Runbook and dashboard, as the alerts of SLOs have them."""
    spec, config = one.document.spec, workspace.config
    answering = [
        book.name
        for book in workspace.runbooks.values()
        if spec.failure_mode in book.spec.answers.failure_modes
        and not book.spec.answers.slos
        and not book.spec.answers.models
    ]
    links = [("runbook", answering[0] if answering else spec.failure_mode)]
    if spec.runbook:
        links.append(("runbook_url", verbatim(spec.runbook)))
    elif answering and config.links.runbook and "{slo}" not in config.links.runbook:
        links.append(("runbook_url", verbatim(config.links.runbook.replace("{runbook}", answering[0]))))
    board = config.alerts.dashboard.replace("{alert}", one.document.name).replace("{topic}", spec.topic)
    graph = f"{config.prometheus.url.rstrip('/')}/graph?g0.expr={quote(spec.expr, safe='')}&g0.tab=0&g0.range_input=6h"
    return (*links, ("dashboard", verbatim(board or graph)))
