"""Everything that the guards look at, gathered before anything is touched."""

from dataclasses import dataclass

from failsoft.chaos.clock import Clock
from failsoft.chaos.ledger import read_all
from failsoft.chaos.lock import Holder, holder
from failsoft.chaos.objectives import Objective, objectives
from failsoft.chaos.permissions import Permission, denied
from failsoft.chaos.plan import Plan, make
from failsoft.chaos.readings import Reading, read
from failsoft.chaos.record import Record
from failsoft.chaos.snapshot import Snapshot, take
from failsoft.chaos.switch import KillSwitch
from failsoft.clients.kubernetes import Cluster
from failsoft.clients.prometheus import Prometheus
from failsoft.errors import FailsoftError, UsageError
from failsoft.slo.promql import quoted
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import ExperimentSpec
from failsoft.workspace.quantities import ObjectName

__all__ = ["Situation", "SloState", "Surroundings", "gather", "target_of", "workload_namespaces"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an experiment runs in.

    Attributes:
        workspace: the documents.
        cluster: the cluster under test.
        prometheus: what watches it.
        clock: tells the time and waits.
        kill_switch: read before every change; None where there is none but the namespace's annotation.
    """

    workspace: Workspace
    cluster: Cluster
    prometheus: Prometheus
    clock: Clock
    kill_switch: KillSwitch | None = None


@dataclass(frozen=True, slots=True)
class SloState:
    """One SLO of the model now: its error ratio over the abort window, and its budget left (1 untouched)."""

    objective: Objective
    ratio: Reading
    remaining: Reading


@dataclass(frozen=True, slots=True)
class Situation:
    """What the guards judge.

    Attributes:
        experiment: its document.
        snapshot, plan: the cluster, and what would be done to it.
        slos: the SLOs of the model.
        pages: the alerts of the model that page now.
        pages_unknown: why nobody knows; empty when somebody does.
        locks: who holds the lock of each namespace of the workspace's workloads.
        run: our own run's name, which may hold one of them; empty for a plan.
        records: the undo records of all these namespaces.
        unreadable: what is wrong with those that cannot be read.
        denied: what our account lacks.
        halted: why the kill switch is on; empty when it is not.
        now: seconds since the epoch.
    """

    experiment: Document[ExperimentSpec]
    snapshot: Snapshot
    plan: Plan
    slos: tuple[SloState, ...]
    pages: tuple[str, ...]
    pages_unknown: str
    locks: tuple[tuple[str, Holder], ...]
    run: str
    records: tuple[Record, ...]
    unreadable: tuple[str, ...]
    denied: tuple[Permission, ...]
    halted: str
    now: float


def target_of(workspace: Workspace, experiment: Document[ExperimentSpec]) -> ObjectName:
    """The Deployment that an experiment is aimed at. Raises `UsageError` where its model names none."""
    model = experiment.spec.fault.chosen.model
    workload = workspace.models[model].spec.workload
    if workload is None:
        raise UsageError(f"model {model} names no workload, so experiment {experiment.name} has nothing to act on")
    return workload.deployment


def workload_namespaces(workspace: Workspace) -> tuple[str, ...]:
    """The namespaces of all workloads of the workspace: where undo records can be."""
    found = {d.spec.workload.deployment.namespace for d in workspace.models.values() if d.spec.workload is not None}
    return tuple(sorted(found))


def gather(around: Surroundings, experiment: Document[ExperimentSpec], *, run: str = "") -> Situation:
    """Look at everything once; what Prometheus or the kill switch cannot say becomes part of the situation.

    Raises `NotFoundError`, `UnavailableError` or `RefusedError` when the cluster cannot be read.
    """
    target = target_of(around.workspace, experiment)
    snapshot = take(around.cluster, target)
    spec = experiment.spec
    model = spec.fault.chosen.model
    namespaces = workload_namespaces(around.workspace)
    records, unreadable = read_all(around.cluster, namespaces)
    pages, pages_unknown = _pages(around.prometheus, model)
    return Situation(
        experiment=experiment,
        snapshot=snapshot,
        plan=make(experiment.name, spec, snapshot),
        slos=tuple(
            SloState(each, read(around.prometheus, each.ratio), read(around.prometheus, each.remaining))
            for each in objectives(around.workspace, model, spec.abort.window)
        ),
        pages=pages,
        pages_unknown=pages_unknown,
        locks=tuple((namespace, holder(around.cluster, namespace)) for namespace in namespaces),
        run=run,
        records=records,
        unreadable=unreadable,
        denied=denied(around.cluster, target.namespace),
        halted=_halted(around.kill_switch),
        now=around.clock.now(),
    )


def _pages(prometheus: Prometheus, model: str) -> tuple[tuple[str, ...], str]:
    expression = f'ALERTS{{alertstate="firing", severity="page", model={quoted(model)}}}'
    try:
        samples = prometheus.query(expression)
    except FailsoftError as error:
        return (), str(error)
    names = {f"{s.labels.get('alertname', 'an alert')} of {s.labels.get('slo', 'no SLO')}" for s in samples}
    return tuple(sorted(names)), ""


def _halted(switch: KillSwitch | None) -> str:
    if switch is None:
        return ""
    try:
        return switch.reason()
    except FailsoftError as error:
        return f"nobody can say whether it is on: {error}"
