"""The rules about whether Models are there: their states, and an alert for each state that somebody has to hear of."""

from collections.abc import Mapping
from typing import NamedTuple

from failsoft.alerts.library import RULE_LABEL
from failsoft.alerts.messages import Annotations, verbatim
from failsoft.alerts.rules import Alert, Group
from failsoft.slo.presence import Presence
from failsoft.slo.promql import range_text
from failsoft.slo.series import (
    EXCESS,
    MODEL_DOWN_ALERT,
    MODEL_STARTING_ALERT,
    MODEL_STATE,
    MODEL_UNSEEN_ALERT,
    QUALITY_ALERT,
    QUALITY_TIER,
    SLO_STATE,
    VANISHED_ALERT,
    VANISHED_TIER,
)
from failsoft.slo.states import model_states, quality_record, slo_states
from failsoft.workspace.answering import VANISHED_FAILURE_MODE
from failsoft.workspace.kinds import WorkspaceSpec

__all__ = ["RULES_FILE", "inhibitions", "presence_groups"]

RULES_FILE = "rules/_models.yaml"

_KEEP = 300_000
_ROUNDING = "0.02"
"""By how much a ratio of two counters may be beside the truth: they are scraped, and extrapolated, each by itself."""


def presence_groups(presence: Presence, config: WorkspaceSpec, runbooks: Mapping[str, str]) -> tuple[Group, ...]:
    """The states of a Model and their alerts, and those of its SLOs, which are asked for once a step.

    Args:
        presence: how the Model is known to be there.
        config: for the address of dashboards.
        runbooks: failure mode -> the runbook that answers it, whatever the SLO.
    """
    states = model_states(presence)
    there = {dict(record.labels)["state"] for record in states}
    name = f"_models/{presence.model}"
    alerts = [_alert(presence, state, runbooks) for state in _ALERTS if state in there]
    groups = [Group(name, presence.interval, (*states, *alerts))]
    if presence.watched:
        records = slo_states(presence)
        alert = [_vanished(presence, config, runbooks)] if presence.can_vanish else []
        outside = quality_record(presence)
        quality = (outside, _quality(presence, config, runbooks)) if outside is not None else ()
        groups.append(Group(f"{name}/slos", presence.step, (*records, *alert, *quality)))
    return tuple(groups)


class _Told(NamedTuple):
    """The alert about a state: its name and labels, and what it says."""

    alert: str
    severity: str
    mode: str
    rule: str
    summary: str
    description: str


_ALERTS: Mapping[str, _Told] = {
    "starting": _Told(
        MODEL_STARTING_ALERT,
        "ticket",
        "slow-cold-start",
        "model-starting",
        "{model} has been starting for longer than its cold start of {cold} takes, and no replica answers yet.",
        "Loading weights, compilation, a full or missing GPU: see the newest pod and its log. Where this is how long "
        "it takes, say so in coldStart of the Model. After twice that time it counts as down.",
    ),
    "down": _Told(
        MODEL_DOWN_ALERT,
        "page",
        "model-down",
        "model-down",
        "No replica of {model} has answered a scrape for {cold}, though it is wanted.",
        "Nothing serves it as far as Prometheus sees, and its SLOs count no event meanwhile: no event is not good. "
        "See its pods first, then what stands between them and Prometheus.",
    ),
    "unseen": _Told(
        MODEL_UNSEEN_ALERT,
        "ticket",
        "metrics-blackout",
        "model-unseen",
        "Prometheus knows no target of {model}: whether it is down or scaled to zero cannot be told.",
        "Its SLOs are blind. Where it is meant to be scaled to zero, name spec.workload in the Model and let "
        "Prometheus scrape kube-state-metrics; else see the labels in spec.select and the scrape configuration.",
    ),
}


def _alert(presence: Presence, state: str, runbooks: Mapping[str, str]) -> Alert:
    told = _ALERTS[state]
    labels = (
        ("severity", told.severity),
        ("model", presence.model),
        ("team", presence.team),
        ("failure_mode", told.mode),
        (RULE_LABEL, told.rule),
    )
    cold = range_text(presence.cold_start)
    wait = max(presence.cold_start, presence.patience) if state == "unseen" else presence.cold_start
    summary = told.summary.format(model=presence.model, cold=cold)
    return Alert(
        told.alert,
        f'{MODEL_STATE}{{model="{presence.model}", state="{state}"}}',
        labels,
        (("summary", summary), ("description", told.description), *_answer(told.mode, runbooks)),
        wait=wait,
        keep=min(_KEEP, presence.patience),
    )


def _vanished(presence: Presence, config: WorkspaceSpec, runbooks: Mapping[str, str]) -> Alert:
    summary = (
        "What {{ $labels.slo }} counts is not there any more, though " + presence.model + " is up: the SLO is blind."
    )
    description = (
        "A new version that renamed it, other bucket bounds, a flag that switches it off, or a relabelling that drops "
        "it. Its burn alerts are quiet because nothing is counted. `failsoft catalog verify` says what is missing."
    )
    return Alert(
        VANISHED_ALERT,
        f'{SLO_STATE}{{model="{presence.model}", state="vanished"}}',
        _of_slo(presence, VANISHED_TIER),
        (("summary", summary), ("description", description), *_links(presence, config, runbooks)),
        wait=presence.step,
        keep=min(_KEEP, presence.patience),
    )


def _quality(presence: Presence, config: WorkspaceSpec, runbooks: Mapping[str, str]) -> Alert:
    summary = "{{ $labels.slo }} counts {{ $value | humanizePercentage }} more events of a kind than there are in all."
    description = (
        "Its ratio is cut off at 0 or 1, so its budget and its alerts are wrong by an unknown part. Two counters that "
        "are not of the same requests, a target that is scraped twice, or one of them reset alone: see both."
    )
    return Alert(
        QUALITY_ALERT,
        f'{EXCESS}{{model="{presence.model}"}} > {_ROUNDING}',
        _of_slo(presence, QUALITY_TIER),
        (("summary", summary), ("description", description), *_links(presence, config, runbooks)),
        wait=presence.patience,
        keep=min(_KEEP, presence.patience),
    )


def _of_slo(presence: Presence, tier: str) -> tuple[tuple[str, str], ...]:
    """The labels of an alert that one rule makes for all SLOs of a Model: the SLO is the series' own."""
    return (
        ("severity", "ticket"),
        ("model", presence.model),
        ("team", presence.team),
        ("burn_tier", tier),
        ("failure_mode", VANISHED_FAILURE_MODE),
    )


def _links(presence: Presence, config: WorkspaceSpec, runbooks: Mapping[str, str]) -> Annotations:
    board = config.links.dashboard.replace("{model}", presence.model)
    runbook = runbooks.get(VANISHED_FAILURE_MODE, "")
    links = (("dashboard", _by_slo(board.replace("{runbook}", runbook))),) if board else ()
    return (*_answer(VANISHED_FAILURE_MODE, runbooks), *links)


def _by_slo(address: str) -> str:
    """The address with the alert's own SLO in it: one rule speaks for all SLOs of a Model."""
    return "{{ $labels.slo }}".join(verbatim(part) for part in address.split("{slo}"))


def _answer(mode: str, runbooks: Mapping[str, str]) -> Annotations:
    return (("runbook", runbooks[mode]),) if mode in runbooks else ()


def inhibitions() -> list[dict[str, object]]:
    """What our alerts about a Model make superfluous among those of the library: nobody hears of one thing twice."""
    silent = {
        MODEL_DOWN_ALERT: "engine-target-down|cold-start-too-long",
        MODEL_STARTING_ALERT: "engine-target-down|cold-start-too-long",
        MODEL_UNSEEN_ALERT: "engine-target-down|engine-metrics-vanished",
        VANISHED_ALERT: "engine-metrics-vanished",
    }
    return [
        {
            "source_matchers": [f'alertname="{name}"'],
            "target_matchers": [f'{RULE_LABEL}=~"{rules}"'],
            "equal": ["model"],
        }
        for name, rules in silent.items()
    ]
