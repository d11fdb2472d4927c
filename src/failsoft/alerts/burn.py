"""An SLO's rules: its records and its alerts, in one ordered group where they fit."""

from itertools import chain
from typing import Literal

from failsoft.alerts.messages import Annotations, burn_annotations, creep_annotations, stale_annotations
from failsoft.alerts.rules import MAX_RULES, Alert, Group
from failsoft.slo.indicators import Score
from failsoft.slo.promql import quoted, range_text
from failsoft.slo.records import (
    Record,
    bad_sum,
    budget_records,
    error_ratio,
    freshness,
    labels_of,
    pulse_records,
    state_records,
)
from failsoft.slo.resolve import Objective
from failsoft.slo.series import (
    BAD_SUM,
    BURN_ALERT,
    CREEP_ALERT,
    CREEP_TIER,
    ERROR_RATIO,
    FRESH,
    STALE_ALERT,
    STALE_TIER,
)
from failsoft.slo.sloth import sloth_records
from failsoft.slo.windows import BurnTier
from failsoft.workspace.answering import STALE_FAILURE_MODE

__all__ = ["STALE_FAILURE_MODE", "alerts_of", "burn_labels", "groups_of"]

type _Key = tuple[Literal["ratio", "bad"], int]


def groups_of(objective: Objective, links: Annotations) -> tuple[Group, ...]:
    """The groups of an SLO.

    The first one records the increments and holds as many tiers as fit: there a record and the alert on it see the same
    instant, so nothing is lost in between. Between two pulses nothing changes, so it is evaluated once a pulse. Tiers
    that do not fit stand in further groups, which read the increments of the first one at most a pulse later. The
    budget, which no alert reads, is counted once a step in a group of its own.
    """
    filled: list[list[Record | Alert]] = [list(pulse_records(objective))]
    recorded: dict[_Key, int] = {}
    for tier in objective.tiers:
        keys = _keys(tier)
        missing = [key for key in keys if key not in recorded]
        _make_room(filled, len(missing) + 1)
        here = len(filled) - 1
        recorded |= dict.fromkeys(missing, here)
        filled[-1] += [_record(objective, key, recorded, here) for key in missing]
        filled[-1].append(_burn(objective, tier, links, {key: recorded[key] for key in keys}, here))
    names = (f"{objective.name}/{index}" if index else objective.name for index in range(len(filled)))
    groups = [Group(name, objective.pulse, tuple(rules)) for name, rules in zip(names, filled, strict=True)]
    budget = (*budget_records(objective), *state_records(objective))
    groups.append(Group(f"{objective.name}/budget", objective.step, budget))
    if objective.sloth is not None:
        ratios, others = sloth_records(objective)
        groups.append(Group(f"{objective.name}/sloth", objective.pulse, ratios))
        groups.append(Group(f"{objective.name}/sloth/state", objective.pulse, others))
    if isinstance(objective.sli, Score):
        watch: list[Record | Alert] = [freshness(objective, objective.sli), _stale(objective, objective.sli, links)]
        watch += [] if objective.sli.above is not None else [_creep(objective, objective.sli, links)]
        groups.append(Group(f"{objective.name}/evaluation", objective.pulse, tuple(watch)))
    return tuple(groups)


def alerts_of(groups: tuple[Group, ...]) -> tuple[Alert, ...]:
    """The alerts among the rules of groups."""
    return tuple(rule for rule in chain.from_iterable(group.rules for group in groups) if isinstance(rule, Alert))


def _make_room(filled: list[list[Record | Alert]], wanted: int) -> None:
    if len(filled[-1]) + wanted > MAX_RULES:
        filled.append([])


def _keys(tier: BurnTier) -> tuple[_Key, ...]:
    return (("bad", tier.long), ("ratio", tier.long), ("ratio", tier.short))


def _record(objective: Objective, key: _Key, recorded: dict[_Key, int], here: int) -> Record:
    kind, window = key
    if kind == "bad":
        return bad_sum(objective, window, same_group=here == 0)
    return error_ratio(objective, window, same_group=here == 0, summed=recorded.get(("bad", window)) == here)


def _burn(objective: Objective, tier: BurnTier, links: Annotations, recorded: dict[_Key, int], here: int) -> Alert:
    """The alert of a tier: both windows burn too fast, and enough events were bad to mean it.

    Events are whole, their recorded sums nearly so: half an event less than the guard is above all rounding.
    """
    bad, long, short = (_read(objective, key, same_group=recorded[key] == here) for key in _keys(tier))
    both = f"{long} > {tier.limit}\nand ignoring(window) {short} > {tier.limit}"
    expression = f"{both}\nand ignoring(window) {bad} > {objective.min_bad - 1}.5"
    if tier.severity == "page" and isinstance(objective.sli, Score) and (promised := objective.sli.may_page()):
        expression += f"\nand on() {promised}"
    return Alert(
        BURN_ALERT,
        expression,
        _labels(objective, tier.severity, tier.name, objective.failure_mode),
        burn_annotations(objective, tier, links),
        wait=tier.wait,
        keep=objective.keep_firing_for,
        hops=max(1 + (group not in {0, here}) if here else 0 for group in recorded.values()),
    )


def _read(objective: Objective, key: _Key, *, same_group: bool) -> str:
    kind, window = key
    name = ERROR_RATIO if kind == "ratio" else BAD_SUM
    series = f'{name}{{slo={quoted(objective.name)}, window="{range_text(window)}"}}'
    # another group's record is up to a whole pulse old, which may be more than Prometheus looks back
    return series if same_group else f"last_over_time({series}[{range_text(objective.pulse * 3 // 2)}])"


def _stale(objective: Objective, score: Score, links: Annotations) -> Alert:
    """Nobody looks any more: as urgent as what would not be seen. Its monitor tells it from the others of the Model.

    An SLO that is newer than its patience has not been left alone yet: its first evaluation is still to come.
    """
    fresh = f"{FRESH}{{slo={quoted(objective.name)}}}"
    back = range_text(max(score.stale_after, 2 * objective.pulse))
    return Alert(
        STALE_ALERT,
        f"{fresh} == 0\nand count_over_time({fresh}[{back}] offset {range_text(score.stale_after)}) > 0",
        (*_labels(objective, objective.worst_severity, STALE_TIER, STALE_FAILURE_MODE), ("monitor", score.monitor)),
        stale_annotations(objective, score, links),
        wait=objective.pulse,
        keep=objective.keep_firing_for,
    )


def _creep(objective: Objective, score: Score, links: Annotations) -> Alert:
    return Alert(
        CREEP_ALERT,
        score.creeps(),
        _labels(objective, "ticket", CREEP_TIER, objective.failure_mode),
        creep_annotations(objective, score, links),
        keep=objective.keep_firing_for,
    )


def burn_labels(objective: Objective) -> tuple[dict[str, str], ...]:
    """The labels of the alert of each tier, its name among them."""
    return tuple(
        {"alertname": BURN_ALERT} | dict(_labels(objective, tier.severity, tier.name, objective.failure_mode))
        for tier in objective.tiers
    )


def _labels(objective: Objective, severity: str, tier: str, mode: str) -> tuple[tuple[str, str], ...]:
    return labels_of(objective, ("severity", severity), ("burn_tier", tier), ("failure_mode", mode))
