"""What a Prometheus is asked about an SLO's past: the expressions that its rules record, and what they rest upon."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from failsoft.slo.bounds import MILLISECONDS
from failsoft.slo.groups import split
from failsoft.slo.indicators import (
    BadOfTotal,
    Counted,
    Events,
    Gauge,
    GoodOfTotal,
    Goodput,
    Rate,
    Score,
    Share,
    Sli,
    Slices,
)
from failsoft.slo.promql import Matcher, quoted, range_text, selector
from failsoft.slo.records import increments
from failsoft.slo.resolve import Objective, resolve
from failsoft.slo.series import DRIFT_SCORE, GROUP
from failsoft.workspace.kinds.families import Selection
from failsoft.workspace.kinds.slo import Below
from failsoft.workspace.model import Workspace
from failsoft.workspace.quantities import Latency

__all__ = [
    "BAD",
    "FAILURES",
    "FRESH",
    "NAN",
    "PART",
    "RESETS",
    "SAMPLES",
    "SERIES",
    "TOTAL",
    "Threshold",
    "candidates",
    "counted",
    "evidence",
    "joined",
    "thresholds_of",
]

PART = "failsoft_part"
"""The label that tells the parts of one answer."""

BAD, TOTAL = "bad", "total"
"""Bad and all events of a pulse, as the rules would record them."""

FRESH = "fresh"
"""1 where the drift evaluation behind an SLO is fresh, else 0."""

SERIES, SAMPLES, RESETS, NAN = "series", "samples", "resets", "nan"
"""Of what is counted in a step: how many series there are, samples of each, resets, and series that are NaN."""

FAILURES = "failures"
"""How many series count bad events in a step, where those have counters of their own."""


class Threshold(NamedTuple):
    """A latency that an SLO could promise: a bucket bound, as text, and PromQL of the events beyond it."""

    below: str
    bad: str


def counted(objective: Objective, members: Sequence[str] = ()) -> Mapping[str, str]:
    """PromQL of what the alerts read, by part: at every pulse.

    Args:
        objective: the SLO.
        members: the groups that are counted by themselves, where its events are grouped; all others are one.
    """
    bad, total = increments(objective, objective.pulse)
    if objective.cap:
        there = _constant(members)
        bad, total = split(f"({bad})", there), split(total, there)
    parts = {BAD: bad, TOTAL: total}
    if isinstance(objective.sli, Score):
        parts[FRESH] = objective.sli.fresh()
    return parts


def evidence(objective: Objective) -> Mapping[str, str]:
    """PromQL of what that rests upon, by part: at every step."""
    metric, matchers = _watched(objective.sli)
    over = _over(objective, metric, matchers)
    parts = {
        SERIES: f"count(count_over_time({over}))",
        SAMPLES: f"avg(count_over_time({over}))",
        NAN: f"count({(one := selector(metric, matchers))} != {one})",
    }
    if not isinstance(objective.sli, Slices):
        parts[RESETS] = _resets(objective, _main(objective.sli))
    if isinstance(objective.sli, BadOfTotal):
        failures = (f"count_over_time({_over(objective, one.metric, one.matchers)})" for one in objective.sli.bads)
        parts[FAILURES] = f"count({' or '.join(failures)})"
    return parts


def candidates(objective: Objective) -> str:
    """PromQL of the groups with the most traffic, by the fastest tier's long window."""
    window = objective.tiers[0].long
    return f"topk({objective.cap}, {objective.sli.total(window)})"


def _constant(members: Sequence[str]) -> str:
    """One series for each group; none where there are none."""
    each = [f'label_replace(vector(1), "{GROUP}", {quoted(_escaped(member))}, "", "")' for member in members]
    return f"({' or '.join(each)})" if each else "(vector(1) > 1)"


def _escaped(text: str) -> str:
    return text.replace("$", "$$")  # in a replacement, $1 is a match


def joined(parts: Mapping[str, str]) -> str:
    """One expression for all parts, which the label `PART` tells apart: one query reads the same time for all."""
    return "\nor ".join(
        f'label_replace({expression}, "{PART}", {quoted(part)}, "", "")' for part, expression in parts.items()
    )


def thresholds_of(workspace: Workspace, objective: Objective) -> tuple[str, tuple[Threshold, ...]]:
    """The threshold of an SLO of latency, as text, and all that it could promise; nothing for other SLOs.

    They are the bucket bounds that are known; what its histogram does not have is found out by asking.
    """
    chosen = objective.document.spec.indicator.chosen
    if not isinstance(chosen, Below) or isinstance(objective.sli, Slices):
        return "", ()
    if objective.cap:  # so many bounds of so many groups are more than one should ask for
        return str(chosen.below), ()
    own = increments(objective, objective.pulse)[0]
    found = [
        (below, increments(other, other.pulse)[0])
        for below in _bounds(workspace, objective)
        if (other := _with(workspace, objective, below)) is not None
    ]
    taken = next((below for below, bad in found if bad == own), None)  # where the SLO snaps, the bound
    if taken is None:  # a native histogram takes what is no bound
        taken = chosen.below
        found = sorted([*found, (taken, own)], key=lambda one: one[0].milliseconds)
    return str(taken), tuple(Threshold(str(below), bad) for below, bad in found)


def _bounds(workspace: Workspace, objective: Objective) -> Sequence[Latency]:
    engine = workspace.engines[workspace.models[objective.model].spec.engine]
    source = engine.spec.indicators.named().get(objective.document.spec.indicator.key)
    if not isinstance(source, Selection):
        return ()
    family = source.family
    scale = MILLISECONDS.get(engine.spec.families[family].unit, MILLISECONDS["s"])
    found = set(engine.spec.bounds(family))
    for lock in workspace.locks.values():
        if lock.spec.engine == engine.name:
            found |= set(lock.spec.bounds.get(family, ()))
    return [Latency(bound * scale) for bound in sorted(found) if bound > 0]


def _with(workspace: Workspace, objective: Objective, below: Latency) -> Objective | None:
    """The same SLO with another threshold; None where that is no bucket bound of its histogram."""
    document = objective.document
    indicator = document.spec.indicator
    chosen = Below(below=below)
    spec = document.spec.model_copy(update={"indicator": indicator.model_copy(update={indicator.choice: chosen})})
    return resolve(workspace, replace(document, spec=spec))[0]


def _watched(sli: Sli) -> tuple[str, tuple[Matcher, ...]]:
    """The metric on which an SLO rests most, and which series of it."""
    if isinstance(sli, Score):
        return DRIFT_SCORE, sli.score_matchers
    if isinstance(sli, Gauge | Rate):
        return sli.metric, sli.matchers
    counted = _main(sli.events if isinstance(sli, Share) else sli)
    return counted.metric, counted.matchers


def _main(sli: Events) -> Counted:
    events = sli.requests if isinstance(sli, Goodput) else sli
    return events.all_events if isinstance(events, GoodOfTotal) else events.totals[0]


def _over(objective: Objective, metric: str, matchers: tuple[Matcher, ...]) -> str:
    """The samples from which one step's increments are taken."""
    if isinstance(objective.sli, Slices):
        return selector(metric, matchers, objective.step - 1)
    return f"{selector(metric, matchers, _reach(objective))}{_ago(objective)}"


def _resets(objective: Objective, counted: Counted) -> str:
    """Resets of a step; of a native histogram those of its count, for Prometheus 2.42 finds none in itself."""
    if counted.form == "classic":
        return f"sum(resets({_over(objective, counted.metric, counted.matchers)}))"
    one = f"histogram_count({selector(counted.metric, counted.matchers)})"
    return f"sum(resets({one}[{range_text(_reach(objective))}:{range_text(objective.scrape)}]{_ago(objective)}))"


def _reach(objective: Objective) -> int:
    return objective.step + objective.scrape - 1


def _ago(objective: Objective) -> str:
    return f" offset {range_text(objective.delay)}" if objective.delay else ""
