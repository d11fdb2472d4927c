"""Whether a Model is there at all: idle, starting, down, scaled to zero and a vanished metric are five findings.

A Model is in one state at a time, and recorded as such:

- `scaled-to-zero`: its Deployment wants no replica;
- `serving`, `idle`: a replica answers scrapes, and requests were counted in the last step, or none;
- `starting`: no replica is up, and one is there that is younger than twice the cold start;
- `down`: no replica is up, and one is wanted: a target is there, or the Deployment wants replicas;
- `unseen`: nothing says whether it is there; without kube-state-metrics this is what a Model looks like whose targets
  are gone, for then scaled to zero and down cannot be told apart.

An SLO is in the state of its Model, or `vanished`: the Model is up, and what the SLO counts is not there any more. A
counter that the first request makes is no vanished one. So it has to be one that the engine exports from its start on
(`fromStart` in its file); or a histogram that lost the bucket of the threshold; or one that was seen while a replica
was up that has been up ever since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.indicators import BadOfTotal, Counted, Gauge, GoodOfTotal, Goodput, Rate, Score, Share, Slices
from failsoft.slo.promql import Matcher
from failsoft.slo.resolve import Objective
from failsoft.slo.select import wrong_labels
from failsoft.workspace.kinds import EngineSpec, ModelSpec
from failsoft.workspace.model import Document, Workspace

__all__ = ["STATES", "Presence", "State", "Watched", "presences"]

type State = Literal["scaled-to-zero", "serving", "idle", "starting", "down", "unseen"]

STATES: tuple[State, ...] = ("scaled-to-zero", "serving", "idle", "starting", "down", "unseen")
"""In the order in which they are asked for: the first that holds is the state."""

_COLD_START = 600_000
_ONCE_A_MINUTE = 60_000
_PATIENCE = 3
_LEAST = 4
"""Evaluations, and scrapes, within a cold start."""

# without one of these a selector takes the targets of other services too
_NARROW = frozenset({"job", "instance", "service", "pod", "container", "endpoint"})


@dataclass(frozen=True, slots=True)
class Watched:
    """What tells that the series of an SLO are there.

    Attributes:
        slo: its name.
        always: whether the engine exports them from its start on.
        beside: series that are there wherever those of the SLO are: the count beside a histogram's bucket.
        raw: series to look for themselves, because nothing is recorded while there is no work.
        foreign: whether they are of no replica of the Model, such as an evaluation's score.
        events: whether requests are counted, so that a step without any is an idle one.
        excess: how far good events are more than all of them, before that is cut off; empty where bad ones are counted,
            which are recorded as they are, or where it cannot be.
        bads: whether bad events are counted apart from all events, so that they may be more.
        trouble: series for a test in which it is: pairs of one of good and one of all events.
    """

    slo: str
    always: bool
    beside: Counted | None
    raw: tuple[str, tuple[Matcher, ...]] | None
    foreign: bool
    events: bool
    excess: str = ""
    bads: bool = False
    trouble: tuple[Counted, Counted] | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """How a Model is known to be there.

    Attributes:
        model, team: its labels.
        targets: what finds its targets in `up`; empty where its selector names none of their labels.
        heartbeat: a series that every replica has while it is up, where `targets` are those of other Models too.
        deployment: namespace and name.
        cluster: what tells its cluster from others, where its selector does: a ruler may see several.
        cold_start, scrape: milliseconds.
        interval, step, slowest: milliseconds: how often its state is asked for, and the shortest and longest step of
            its SLOs.
        watched: its SLOs, but for those on drift scores, which have an alert of their own.
    """

    model: str
    team: str
    targets: tuple[Matcher, ...]
    heartbeat: Counted | None
    deployment: tuple[str, str] | None
    cluster: tuple[Matcher, ...]
    cold_start: int
    scrape: int
    interval: int
    step: int
    slowest: int
    watched: tuple[Watched, ...]

    @property
    def patience(self) -> int:
        """Milliseconds for which series may be away before they count as vanished."""
        return _PATIENCE * self.slowest

    @property
    def has_replicas(self) -> bool:
        """Whether each replica can be told from the others."""
        return bool(self.targets) or self.heartbeat is not None

    @property
    def can_vanish(self) -> tuple[Watched, ...]:
        """The SLOs of which it can be told that their series vanished."""
        return tuple(
            one
            for one in self.watched
            if one.foreign
            or (self.has_replicas and (one.always or one.raw is None))
            or (one.beside is not None and self.deployment is not None)
        )


def presences(
    workspace: Workspace, objectives: Iterable[Objective]
) -> tuple[tuple[Presence, ...], tuple[Finding, ...]]:
    """How each Model that has an SLO is known to be there, and of which ones that cannot be told."""
    by_model: dict[str, list[Objective]] = {}
    for objective in objectives:
        by_model.setdefault(objective.model, []).append(objective)
    targets = _targets(workspace)
    shared = _shared(
        {
            name: one
            for name, one in targets.items()
            if not workspace.engines[workspace.models[name].spec.engine].spec.many_models
        }
    )
    found: list[Presence] = []
    findings: list[Finding] = []
    for name, mine in by_model.items():
        model = workspace.models[name]
        wrong = wrong_labels(model)
        findings += wrong
        if wrong or model.spec.engine not in workspace.engines:
            continue
        engine = workspace.engines[model.spec.engine].spec
        seen = () if name in shared else targets.get(name, ())
        presence = _presence(model, mine, engine, seen, None if seen else _heartbeat(model.spec, engine))
        if presence.has_replicas or presence.deployment is not None:
            found.append(presence)
        else:
            findings.append(_untold(model, targets.get(name, ())))
    return tuple(found), tuple(findings)


def _targets(workspace: Workspace) -> dict[str, tuple[Matcher, ...]]:
    """The labels of a Model's selector that its targets have, so `up` too; not of those that would find too many."""
    engines = {
        name: frozenset(label for family in engine.spec.families.values() for label in family.labels or ())
        for name, engine in workspace.engines.items()
    }
    found = {}
    for name, model in workspace.models.items():
        own = engines.get(model.spec.engine)
        matchers = [Matcher(*pair) for pair in ((label, "=", value) for label, value in model.spec.select.items())]
        kept = tuple(one for one in matchers if own is not None and one.label not in own)
        if _NARROW & {one.label for one in kept}:
            found[name] = kept
    return found


def _presence(
    model: Document[ModelSpec],
    mine: list[Objective],
    engine: EngineSpec,
    targets: tuple[Matcher, ...],
    heartbeat: Counted | None,
) -> Presence:
    steps = [objective.step for objective in mine]
    scrape = mine[0].scrape
    workload, asked = model.spec.workload, model.spec.cold_start
    cold = max(_LEAST * scrape, asked.milliseconds if asked else _COLD_START)
    interval = min(_ONCE_A_MINUTE, cold // _LEAST, *steps)
    return Presence(
        model=model.name,
        team=model.spec.owner,
        targets=targets,
        heartbeat=heartbeat,
        deployment=(workload.deployment.namespace, workload.deployment.name) if workload else None,
        cluster=tuple(Matcher(label, "=", value) for label, value in model.spec.select.items() if label == "cluster"),
        cold_start=cold,
        scrape=scrape,
        interval=max(1, interval // scrape) * scrape,
        step=min(steps),
        slowest=max(steps),
        watched=tuple(_watched(objective, engine) for objective in mine if not isinstance(objective.sli, Score)),
    )


def _shared(targets: Mapping[str, tuple[Matcher, ...]]) -> frozenset[str]:
    """Models whose targets are, or may be, those of another Model too."""
    alike: dict[frozenset[Matcher], list[str]] = {}
    for name, matchers in targets.items():
        alike.setdefault(frozenset(matchers), []).append(name)
    sizes = sorted({len(one) for one in alike})
    within: set[frozenset[Matcher]] = set()
    for one in alike:
        # by its parts, which are few, and not by all others, which are many
        for size in (size for size in sizes if size < len(one)):
            parts = [part for part in map(frozenset, combinations(one, size)) if part in alike]
            within.update((*parts, one) if parts else ())
    return frozenset(name for one, names in alike.items() if len(names) > 1 or one in within for name in names)


def _heartbeat(model: ModelSpec, engine: EngineSpec) -> Counted | None:
    """A gauge that every replica of the engine has from its start on, with all labels that select the Model."""
    for metric, family in engine.families.items():
        if family.from_start and family.type == "gauge" and not engine.foreign(metric) & model.select.keys():
            matchers = tuple(Matcher(label, "=", value) for label, value in model.select.items())
            return Counted(metric, matchers, tuple(model.select.items()))
    return None


def _watched(objective: Objective, engine: EngineSpec) -> Watched:
    sli = objective.sli.events if isinstance(objective.sli, Share) else objective.sli
    foreign = objective.document.spec.indicator.choice in {"gauge", "events", "freshness"}
    always = not foreign and all(
        family in engine.families and engine.families[family].from_start
        for family in (one if one in engine.families else one.rpartition("_")[0] for one in _metrics(objective))
    )
    good = sli if isinstance(sli, GoodOfTotal) else None
    beside = good if good is not None and _one_histogram(good) else None
    apart = good if good is not None and beside is None and good.all_events.form == "classic" else None
    return Watched(
        objective.name,
        always,
        beside.all_events if beside else None,
        (sli.metric, sli.matchers) if isinstance(sli, Rate) else None,
        isinstance(sli, Gauge) and foreign,
        good is not None or not isinstance(sli, Slices),
        excess=_excess(objective, apart) if apart else "",
        bads=good is None and isinstance(sli, BadOfTotal),
        trouble=(apart.good, apart.all_events) if apart else None,
    )


def _excess(objective: Objective, sli: GoodOfTotal) -> str:
    """Good events of a step are a part of the same histogram, or another counter's, which may count more."""
    reach, delay = objective.step + objective.scrape - 1, objective.delay
    return f"{sli.good.increase(reach, delay)} / ({sli.total(reach, delay)} > 0) - 1"


def _metrics(objective: Objective) -> tuple[str, ...]:
    sli = objective.sli.events if isinstance(objective.sli, Share) else objective.sli
    if isinstance(sli, GoodOfTotal):
        return sli.all_events.metric, sli.good.metric
    if isinstance(sli, BadOfTotal):
        return tuple(counted.metric for counted in sli.totals)
    if isinstance(sli, Goodput):
        requests = sli.requests.totals if isinstance(sli.requests, BadOfTotal) else (sli.requests.all_events,)
        parts = (counted for part in sli.parts for counted in (part.all_events, part.good))
        return tuple(counted.metric for counted in (*requests, *parts))
    return (sli.metric,) if isinstance(sli, Gauge | Rate) else ()


def _one_histogram(sli: GoodOfTotal) -> bool:
    classic = sli.all_events.form == "classic"
    return classic and sli.all_events.metric.removesuffix("_count") == sli.good.metric.removesuffix("_bucket")


def _untold(model: Document[ModelSpec], targets: tuple[Matcher, ...]) -> Finding:
    names = f"only {{{', '.join(map(str, targets))}}}, as other models do" if targets else "none"
    message = f"nothing tells whether {model.name} is up: of the labels of its targets its selector names {names}"
    expected = "a job of its own, or the workload in spec.workload"
    return Finding(codes.PRESENCE_UNKNOWN, message, model.at("spec", "select"), expected)
