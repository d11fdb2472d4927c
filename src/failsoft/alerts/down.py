"""The watch on failsoft itself: a dead failsoft is never silence.

failsoft hears every alert, asks people and pages them; when it is dead, nobody does. Two alerts go past it, straight
from Alertmanager to the pager of the team:

- `FailsoftDown` once failsoft has not been seen for 5 minutes, one for each team that owns an SLO;
- `FailsoftUnheard` for every SLO that pages in that time, with its own slo, model and team, so that an outage of the
  model wakes its owner although failsoft is gone; and for every other alert that pages and goes to failsoft alone. That
  failsoft itself evaluates no drift while it is dead is no alert of its own.
"""

from collections.abc import Collection, Iterable, Sequence

from failsoft.alerts.burn import alerts_of
from failsoft.alerts.expect import State
from failsoft.alerts.library import JOB_PAGES
from failsoft.alerts.rules import MAX_RULES, Alert, Group
from failsoft.alerts.story import Check, Scenario
from failsoft.slo.indicators import Score
from failsoft.slo.promql import quoted, range_text
from failsoft.slo.resolve import Objective
from failsoft.slo.series import BURN_ALERT, DOWN_ALERT, INFO, STALE_ALERT, UNHEARD_ALERT

__all__ = ["DOWN_FAILURE_MODE", "down_groups", "down_scenarios"]

DOWN_FAILURE_MODE = "failsoft-down"

_UNSEEN = 240_000
_OTHERS = 300_000
_WAIT = 60_000
_STEP = 60_000
_GONE = 10
_END = 17


def down_groups(
    objectives: Iterable[Objective], server: str, others: Sequence[Sequence[str]] = (), fleet: Collection[str] = ()
) -> tuple[Group, ...]:
    """The rules that watch failsoft.

    Args:
        objectives: all that are compiled.
        server: the address of failsoft, for the text.
        others: matchers of other alerts that page, and go to failsoft alone.
        fleet: the teams of those.
    """
    listed = list(objectives)
    teams = sorted({objective.team for objective in listed} | set(fleet))
    if not teams:
        return ()
    pulse = max((objective.pulse for objective in listed), default=_OTHERS)
    rules = (
        *(_down(team, server) for team in teams),
        _unheard(pulse, others, _left_alone(listed, max(pulse, _OTHERS))),
    )
    parts = [rules[first : first + MAX_RULES] for first in range(0, len(rules), MAX_RULES)]
    return tuple(Group(f"_failsoft/{index}" if index else "_failsoft", _STEP, part) for index, part in enumerate(parts))


def _down(team: str, server: str) -> Alert:
    summary = "failsoft is down: alerts start no runbook and ask nobody."
    description = (
        f"Prometheus has not seen {INFO} for 5 minutes. See whether `failsoft serve` runs at {server} and whether "
        "Prometheus scrapes it. While it is down, SLOs that page come to you as FailsoftUnheard."
    )
    return Alert(
        DOWN_ALERT,
        f"absent_over_time({INFO}[{range_text(_UNSEEN)}])",
        (("team", team), ("severity", "page"), ("failure_mode", DOWN_FAILURE_MODE)),
        (("summary", summary), ("description", description)),
        wait=_WAIT,
    )


def _left_alone(objectives: Iterable[Objective], back: int) -> str:
    """The pages about drift that a job or rules should judge, and do not, unless the library pages for that job."""
    names = [one.name for one in objectives if isinstance(one.sli, Score) and one.sli.judged_by != "serve"]
    if not names:
        return ""
    stale = f"alertname={quoted(STALE_ALERT)}", f"slo=~{quoted('|'.join(sorted(names)))}", 'severity="page"'
    return f"({_fires(stale, back)}\n    unless on (model, monitor, team) {_fires(JOB_PAGES, back)})"


def _fires(matchers: Iterable[str], back: int) -> str:
    return f'last_over_time(ALERTS{{{", ".join(matchers)}, alertstate="firing"}}[{range_text(back)}])'


def _unheard(pulse: int, others: Sequence[Sequence[str]], left_alone: str) -> Alert:
    # a group writes ALERTS once a pulse, which may be more than Prometheus looks back
    paging = [_fires((f"alertname={quoted(BURN_ALERT)}", 'severity="page"'), pulse)]
    paging += [left_alone] if left_alone else []
    paging += [_fires(matchers, max(pulse, _OTHERS)) for matchers in others]
    told = "\n  or ".join(paging)
    slo = "{{ $labels.slo }} of {{ $labels.model }} pages for {{ $labels.failure_mode }}"
    said = f"{{{{ if $labels.slo }}}}{slo}{{{{ else }}}}{{{{ $labels.failure_mode }}}} fires{{{{ end }}}}"
    return Alert(
        UNHEARD_ALERT,
        f"max by (slo, model, team, failure_mode) ({told})\nunless on() max_over_time({INFO}[{range_text(_UNSEEN)}])",
        (("severity", "page"),),
        (
            ("summary", f"{said}, and failsoft is down: nobody else was told."),
            ("description", "No runbook runs and nobody was asked: this comes straight from Alertmanager."),
        ),
        wait=_WAIT,
    )


def down_scenarios(groups: Iterable[Group]) -> tuple[Scenario, ...]:
    """The stories of failsoft being there, and of its being gone, while an SLO pages."""
    alerts = alerts_of(tuple(groups))
    paging = ("ALERTS", (("alertname", BURN_ALERT), ("slo", "some"), ("severity", "page"), ("alertstate", "firing")))
    name = paging[0] + "{" + ", ".join(f"{label}={quoted(value)}" for label, value in paging[1]) + "}"
    there = ((INFO, f"1+0x{_END}"), (name, f"1+0x{_END}"))
    gone = ((INFO, f"1+0x{_GONE}"), (name, f"1+0x{_END}"))
    return (
        Scenario("is there", _STEP, there, _checks(alerts, ((_END, "quiet"),))),
        Scenario("is gone", _STEP, gone, _checks(alerts, ((_GONE + 3, "quiet"), (_END, "fires")))),
    )


def _checks(alerts: Iterable[Alert], moments: tuple[tuple[int, State], ...]) -> tuple[Check, ...]:
    return tuple(
        Check(at * _STEP, alert.name, tuple(label for label in alert.labels if label[0] != "failure_mode"), state)
        for at, state in moments
        for alert in alerts
    )
