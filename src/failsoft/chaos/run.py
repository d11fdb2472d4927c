"""One run of an experiment from its guards to its verdict, undone whatever happens."""

import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from failsoft.chaos.clock import Clock, persist
from failsoft.chaos.evidence import Evidence, Times, alerts_of, incidents_of, slos_of, watched
from failsoft.chaos.guards import check, refuses
from failsoft.chaos.incidents import IncidentSource
from failsoft.chaos.journal import Journal, read_journal
from failsoft.chaos.ledger import Ledger
from failsoft.chaos.lock import Lock
from failsoft.chaos.nodes import is_ours, reclaim_taint
from failsoft.chaos.observe import Observer
from failsoft.chaos.plan import Plan
from failsoft.chaos.plan_text import show
from failsoft.chaos.restore import Restored, settle
from failsoft.chaos.situation import Situation, Surroundings, gather, target_of
from failsoft.chaos.supervise import Child, Heart, began, supervise
from failsoft.chaos.toolkit import Files, Site, command, experiment
from failsoft.chaos.verdict import Judgement, judge
from failsoft.chaos.watch import Stop, StopKind, Watch
from failsoft.clients.kubernetes import Cluster, Ref
from failsoft.errors import FailsoftError, NotFoundError, RefusedError
from failsoft.findings import Finding
from failsoft.workspace import Document
from failsoft.workspace.kinds import ExperimentSpec

__all__ = ["Company", "Finished", "Options", "Refused", "new_run", "run"]

_UNDO_PATIENCE_S = 60.0
_MOST_LOOKS_PER_WINDOW = 10


@dataclass(frozen=True, slots=True)
class Options:
    """How an experiment is run.

    Attributes:
        run: its name, from `new_run`.
        folder: where its files go; made when it is not there.
        requester: who asked for it.
        kubeconfig, context: how Chaos Toolkit reaches the cluster; empty for kubectl's defaults.
        prometheus: how it reaches Prometheus: `url`, and `token_env` or `token_file`.
        incidents: where the model's incidents are kept, if anywhere.
        lease_s: seconds after which a silent supervisor counts as dead.
        margin_s: seconds after the hold from which on the janitor undoes the run.
    """

    run: str
    folder: Path
    requester: str
    prometheus: Mapping[str, str]
    kubeconfig: str = ""
    context: str = ""
    incidents: IncidentSource | None = None
    lease_s: int = 15
    margin_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Company:
    """Who is with the run.

    Attributes:
        approves: whether this plan may be carried out; asked after it was shown.
        asked_to_stop: why a person or the machine wants it to end; empty while nobody does.
        tell: called with a line of text for each thing that happens.
    """

    approves: Callable[[Plan], bool] = field(default=lambda _: True)
    asked_to_stop: Callable[[], str] = str
    tell: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True, slots=True)
class Refused:
    """The guards refused; nothing was touched."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is over, and undone as far as `evidence.restored` says."""

    findings: tuple[Finding, ...]
    evidence: Evidence
    judgement: Judgement


def new_run(now: float) -> str:
    """A new run's name: when it began, and four random digits."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def run(
    around: Surroundings, document: Document[ExperimentSpec], options: Options, company: Company
) -> Refused | Finished:
    """Run an experiment.

    Raises:
        RefusedError: another run holds the lock, or the plan was not approved.
        UnavailableError: the cluster cannot be read.
    """
    lock = Lock(
        around.cluster,
        target_of(around.workspace, document).namespace,
        options.run,
        around.clock,
        lease_s=options.lease_s,
        requester=options.requester,
        model=document.spec.fault.chosen.model,
    )
    lock.acquire()
    try:
        with Heart(lock) as heart:
            situation = gather(around, document, run=options.run)
            findings = check(situation)
            company.tell(show(situation.plan))
            if refuses(findings):
                return Refused(findings)
            if not company.approves(situation.plan):
                raise RefusedError(f"plan {situation.plan.hash} was not approved; nothing was touched")
            return _Runner(around, situation, options, company).go(findings, heart)
    finally:
        _release(lock, around.clock)


def _release(lock: Lock, clock: Clock) -> None:
    try:
        persist(lock.release, until=clock.now() + lock.renew_every_s, clock=clock)
    except FailsoftError:
        return  # it expires by itself, and the janitor takes it away


class _Runner:
    """One run that the guards let through."""

    def __init__(self, around: Surroundings, situation: Situation, options: Options, company: Company) -> None:
        self._around = around
        self._situation = situation
        self._options = options
        self._company = company
        self._name = situation.run
        self._files = Files(options.folder.resolve())
        self._namespace = situation.snapshot.workload.namespace
        self._ledger = Ledger(around.cluster, self._namespace)
        self._objectives = tuple(slo.objective for slo in situation.slos)

    def go(self, findings: tuple[Finding, ...], heart: Heart) -> Finished:
        """Break, undo, observe, judge."""
        clock = self._around.clock
        requested = partial(self._requested, heart)
        started = clock.now()
        try:
            stop = self._break(requested)
        finally:
            restored = self._undo()
        undone = clock.now()
        journal = read_journal(self._files.journal)
        fault = began(self._files.events, "activity-started", "cordon")
        if fault is not None and stop is None and journal is not None:
            self._company.tell("undone; watching the service recover")
            stop = self._observer(started, fault).watch(requested)
        times = self._times(started, fault, undone if restored.complete else None, journal)
        evidence = self._evidence(times, journal, stop, restored)
        return Finished(findings, evidence, judge(self._situation.experiment.spec.expect, evidence))

    def _requested(self, heart: Heart) -> Stop | None:
        now = self._around.clock.now()
        if why := self._company.asked_to_stop():
            return Stop(StopKind.ASKED, why, now)
        return Stop(StopKind.LOST, heart.lost, now) if heart.lost else None

    def _observer(self, started: float, fault: float) -> Observer:
        spec = self._situation.experiment.spec
        return Observer(self._around, self._objectives, spec, self._options.incidents, started, fault)

    def _break(self, requested: Callable[[], Stop | None]) -> Stop | None:
        self._write()
        abort = self._situation.experiment.spec.abort
        every_s = min(5.0, max(1.0, abort.window.seconds / _MOST_LOOKS_PER_WINDOW))
        watch = Watch(self._around, self._objectives, abort, self._namespace)
        if stop := requested():
            return stop
        switch = self._around.kill_switch
        environment = {} if switch is None else switch.environment
        with Child(command(self._files, every_s=every_s), self._files, environment) as child:
            self._company.tell(f"run {self._name} begins")
            stop = supervise(child, lambda: requested() or watch.look(), self._on_stop)
        return stop or self._stopped_itself(watch)

    def _stopped_itself(self, watch: Watch) -> Stop | None:
        """The runner reads the switches too, and may have seen one before us."""
        journal = read_journal(self._files.journal)
        return watch.halted() if journal is not None and journal.status == "interrupted" else None

    def _on_stop(self, stop: Stop) -> None:
        self._company.tell(f"stopping, and undoing: {stop.why}")
        try:
            self._ledger.stop(self._name, stop.why)
        except FailsoftError:
            return  # the signal that follows says the same

    def _write(self) -> None:
        options = self._options
        site = Site(
            run=self._name,
            namespace=self._namespace,
            kubeconfig=options.kubeconfig,
            context=options.context,
            prometheus=options.prometheus,
            supervisor=os.getpid(),
            requester=options.requester,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            margin_s=options.margin_s,
            kill_switch="" if self._around.kill_switch is None else self._around.kill_switch.opener,
        )
        self._files.folder.mkdir(parents=True, exist_ok=True)
        self._files.settings.write_text("{}\n", encoding="utf-8")
        content = experiment(self._situation.plan, self._objectives, site)
        self._files.experiment.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def _undo(self) -> Restored:
        """What the rollback left, undone by us; then a look at the cluster, which alone decides."""
        try:
            record = self._ledger.read(self._name)
        except RefusedError:
            return self._look()
        except FailsoftError as error:
            return Restored(self._name, left=(f"the undo record cannot be read: {error}; run the janitor",))
        self._company.tell("the rollback left something: undoing it")
        return settle(self._around.cluster, record, clock=self._around.clock, patience_s=_UNDO_PATIENCE_S)

    def _look(self) -> Restored:
        look = partial(_leftovers, self._around.cluster, self._name, self._situation)
        try:
            left = persist(look, until=self._around.clock.now() + _UNDO_PATIENCE_S, clock=self._around.clock)
        except FailsoftError as error:
            left = (f"nobody can say whether all is undone: {error}",)
        return Restored(
            self._name, clean=tuple(n.name for n in self._situation.plan.nodes) if not left else (), left=left
        )

    def _times(self, started: float, fault: float | None, undone: float | None, journal: Journal | None) -> Times:
        rollback = journal.rollbacks[-1].ended_at if journal and journal.rollbacks else None
        return Times(
            started=started,
            fault=fault,
            notice_until=None if fault is None else fault + self._situation.plan.notice_s,
            undone=None if fault is None or undone is None else rollback or undone,
            ended=self._around.clock.now(),
        )

    def _evidence(self, times: Times, journal: Journal | None, stop: Stop | None, restored: Restored) -> Evidence:
        plan = self._situation.plan
        before = {slo.objective.slo: slo.remaining for slo in self._situation.slos}
        return Evidence(
            run=self._name,
            requester=self._options.requester,
            plan=plan,
            times=times,
            journal=journal,
            stop=stop,
            restored=restored,
            slos=slos_of(self._around, self._objectives, before, times),
            watched=watched(self._around, times),
            alerts=alerts_of(self._around, plan.model, times),
            incidents=incidents_of(self._options.incidents, plan.model, times),
        )


def _leftovers(cluster: Cluster, name: str, situation: Situation) -> tuple[str, ...]:
    left: list[str] = []
    for target in situation.plan.nodes:
        try:
            node = cluster.get(Ref("Node", target.name))
        except NotFoundError:
            continue
        if node["metadata"]["uid"] == target.uid and is_ours(node, name, reclaim_taint(name)):
            left.append(f"node {target.name} still carries the run's taint or mark")
    return tuple(left)
