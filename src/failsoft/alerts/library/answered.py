"""Alerts that are no SLO's and that a runbook answers: which they are, as matchers of Alertmanager and of PromQL."""

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from failsoft.alerts.library.rules import RULE_LABEL
from failsoft.slo.promql import quoted

__all__ = ["JOB_PAGES", "Answered", "matchers_of"]

JOB_PAGES = (f'{RULE_LABEL}=~"drift-job-silent|drift-job-gone|drift-job-failing"', 'severity="page"')
"""What finds the library's pages about a drift job, which say more than an SLO's that it is blind: one is enough."""


class Answered(NamedTuple):
    """Who answers the alerts of a failure mode; an empty name among Models stands for alerts that name none.

    Attributes:
        models: the Models of which a runbook answers them.
        paged: those among them whose runbook pages people, be it when all else fails.
    """

    models: frozenset[str]
    paged: frozenset[str]


def matchers_of(
    answered: Mapping[str, Answered], models: Collection[str], severity: Literal["page", "ticket"]
) -> tuple[tuple[str, ...], ...]:
    """What finds the alerts of a severity that failsoft alone hears; one entry for those answered for the same Models.

    A page whose runbook pages nobody is none of them: it keeps its way to the pager, beside its incident.

    Args:
        answered: by failure mode.
        models: all there are.
        severity: of the alerts.
    """
    every = frozenset({"", *models})
    alike: dict[frozenset[str], list[str]] = {}
    for mode, who in answered.items():
        wanted = who.paged if severity == "page" else who.models
        if wanted:
            alike.setdefault(wanted, []).append(mode)
    return tuple(
        (
            f'{RULE_LABEL}!=""',
            f"failure_mode=~{quoted('|'.join(modes))}",
            *(() if wanted == every else (f"model=~{quoted('|'.join(sorted(wanted)))}",)),
            f'severity="{severity}"',
        )
        for wanted, modes in alike.items()
    )
