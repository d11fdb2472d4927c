"""The verdict: a pure function of the evidence and of what was expected; never "passed" on missing data."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from failsoft.chaos.evidence import Evidence, SloSeen
from failsoft.chaos.recovery import recovery
from failsoft.chaos.toolkit import METHOD
from failsoft.chaos.watch import StopKind
from failsoft.workspace.kinds.experiment import Expect

__all__ = ["Check", "Judgement", "Verdict", "judge"]

_WATCHED_ENOUGH = 0.95


class Verdict(StrEnum):
    """How an experiment came out."""

    PASSED = "passed"
    """The fault was applied and undone, and everything that was expected happened."""

    FAILED = "failed"
    """The fault was applied and undone, and something that was expected did not happen."""

    ABORTED = "aborted"
    """An SLO fell so far that the run was stopped and undone."""

    BASELINE_NOT_MET = "baseline-not-met"
    """The service was not well before, so nothing was touched."""

    FAULT_NOT_APPLIED = "fault-not-applied"
    """The fault, or a part of it, could not be applied: nothing was learnt."""

    NO_DATA = "no-data"
    """Nobody could see what happened: nothing was learnt."""

    INTERRUPTED = "interrupted"
    """The run was stopped before its end, or died: nothing was learnt."""

    ROLLBACK_FAILED = "rollback-failed"
    """Not everything was undone as it should have been: somebody has to look at the cluster."""

    @property
    def exit_code(self) -> int:
        """The exit code of `failsoft chaos run`; 1 and 2 are left to guards that refuse and to wrong usage."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.PASSED: 0,
    Verdict.FAILED: 10,
    Verdict.ABORTED: 11,
    Verdict.BASELINE_NOT_MET: 12,
    Verdict.FAULT_NOT_APPLIED: 13,
    Verdict.NO_DATA: 14,
    Verdict.INTERRUPTED: 15,
    Verdict.ROLLBACK_FAILED: 20,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was expected.

    Attributes:
        name: what it is about.
        expected, seen: in words.
        ok: whether it came; None when nobody knows.
    """

    name: str
    expected: str
    seen: str
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the reasons for it, and every check."""

    verdict: Verdict
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]


def judge(expect: Expect, evidence: Evidence) -> Judgement:
    """Judge a run. The first of these that applies is the verdict.

    Not undone; aborted; interrupted or dead; baseline not met; fault not applied; something expected did not happen;
    nobody knows whether it happened; passed.
    """
    checks = tuple(check(expect, evidence) for check in _CHECKS)
    for rule in (_not_undone, _stopped, _baseline, _not_applied):
        found = rule(evidence)
        if found is not None:
            verdict, reasons = found
            return Judgement(verdict, reasons, checks)
    failed = tuple(f"{c.name}: expected {c.expected}, seen {c.seen}" for c in checks if c.ok is False)
    if failed:
        return Judgement(Verdict.FAILED, failed, checks)
    unknown = tuple(f"{c.name}: {c.seen}" for c in checks if c.ok is None) + _blind_probes(evidence)
    if unknown:
        return Judgement(Verdict.NO_DATA, unknown, checks)
    return Judgement(Verdict.PASSED, ("Everything that was expected happened.",), checks)


type Found = tuple[Verdict, tuple[str, ...]] | None


def _not_undone(evidence: Evidence) -> Found:
    if not evidence.restored.complete:
        return Verdict.ROLLBACK_FAILED, evidence.restored.left
    journal = evidence.journal
    if journal is None:
        return None
    if not journal.rollbacks:
        return Verdict.ROLLBACK_FAILED, ("the rollback was not played; the supervisor undid the run",)
    broken = tuple(r for r in journal.rollbacks if r.status != "succeeded")
    if broken:
        reasons = tuple(f"rollback {r.name} {r.status}: {r.error or 'no reason given'}" for r in broken)
        return Verdict.ROLLBACK_FAILED, (*reasons, "the supervisor undid the run")
    return None


def _stopped(evidence: Evidence) -> Found:
    stop = evidence.stop
    if stop is not None:
        kinds = {StopKind.ABORTED: Verdict.ABORTED, StopKind.BLIND: Verdict.NO_DATA}
        return kinds.get(stop.kind, Verdict.INTERRUPTED), (stop.why,)
    if evidence.journal is None:
        return Verdict.INTERRUPTED, ("Chaos Toolkit left no journal: it died",)
    if evidence.journal.status in {"interrupted", "aborted"}:
        return Verdict.INTERRUPTED, (f"Chaos Toolkit says that the run was {evidence.journal.status}",)
    return None


def _baseline(evidence: Evidence) -> Found:
    before = None if evidence.journal is None else evidence.journal.before
    if before is None or not before.probes:
        return Verdict.NO_DATA, ("nobody looked at the steady state before the fault",)
    blind = tuple(f"{p.name}: {p.error or p.status}" for p in before.probes if p.status != "succeeded")
    if blind:
        return Verdict.NO_DATA, blind
    if before.met is not True:
        missed = ", ".join(probe.name for probe in before.probes if probe.met is not True)
        return Verdict.BASELINE_NOT_MET, (f"before the fault, {missed or 'the steady state'} was not met",)
    return None


def _not_applied(evidence: Evidence) -> Found:
    reasons = []
    for name in METHOD:
        action = evidence.journal.action(name) if evidence.journal else None
        if action is None:
            reasons.append(f"action {name} was never begun")
        elif action.status != "succeeded":
            reasons.append(f"action {name} {action.status}: {action.error or 'no reason given'}")
        elif name == "delete-remaining" and isinstance(action.output, dict) and action.output.get("left"):
            reasons.append(f"still there after the deadline: {', '.join(map(str, action.output['left']))}")
    if not reasons and evidence.times.fault is None:
        reasons.append("nobody knows when the fault began")
    return (Verdict.FAULT_NOT_APPLIED, tuple(reasons)) if reasons else None


def _blind_probes(evidence: Evidence) -> tuple[str, ...]:
    looks = evidence.journal.looks if evidence.journal else ()
    blind = [probe for look in looks for probe in look.probes if probe.status != "succeeded"]
    if not looks or blind:
        said = f": {blind[0].error or blind[0].status}" if blind else ""
        return (f"{len(blind)} looks at the steady state saw nothing{said}",)
    return ()


def _alert(expect: Expect, evidence: Evidence) -> Check:
    alerts, fault = evidence.alerts, evidence.times.fault
    wanted = expect.alert
    expected = "no alert" if wanted is None else f"an alert of SLO {wanted.slo} within {wanted.within}"
    if alerts is None or fault is None:
        return Check("alert", expected, "nobody knows", ok=None)
    fresh = [alert for alert in alerts if alert.since >= fault]
    if wanted is None:
        seen = ", ".join(f"{a.severity} of SLO {a.slo}" for a in fresh)
    else:
        fresh = [alert for alert in fresh if alert.slo == wanted.slo]
        seen = f"after {_span(fresh[0].since - fault)}" if fresh else ""
    if not fresh and evidence.watched < _WATCHED_ENOUGH:
        return Check("alert", expected, f"Prometheus saw only {evidence.watched:.0%} of the time", ok=None)
    if wanted is None:
        return Check("alert", expected, seen or "none", ok=not fresh)
    return Check("alert", expected, seen or "none", ok=bool(fresh) and fresh[0].since - fault <= wanted.within.seconds)


def _asked(expect: Expect, evidence: Evidence) -> Check:
    if evidence.incidents is None:
        return _unasked("asked", f"team {expect.asked}" if expect.asked else "")
    asks = [ask for incident in evidence.incidents for ask in incident.asks]
    seen = ", ".join(dict.fromkeys(f"team {ask.team} {ask.how}" for ask in asks)) or "nobody"
    if expect.asked is None:
        return Check("asked", "nothing said", seen, ok=True)
    return Check("asked", f"team {expect.asked}", seen, ok=any(ask.team == expect.asked for ask in asks))


def _runbook(expect: Expect, evidence: Evidence) -> Check:
    if evidence.incidents is None:
        return _unasked("runbook", expect.runbook or "")
    ran = [incident.runbook for incident in evidence.incidents if incident.runbook and incident.steps]
    seen = ", ".join(dict.fromkeys(ran)) or "none"
    if expect.runbook is None:
        return Check("runbook", "nothing said", seen, ok=True)
    return Check("runbook", expect.runbook, seen, ok=expect.runbook in ran)


def _unasked(name: str, wanted: str) -> Check:
    """Without a source of incidents: fine where nothing was expected of them."""
    return Check(name, wanted or "nothing said", "nobody knows the incidents", ok=None if wanted else True)


def _recovered(expect: Expect, evidence: Evidence) -> Check:
    expected = f"every SLO met again within {expect.recovered.within}"
    fault = evidence.times.fault
    if fault is None:
        return Check("recovered", expected, "nobody knows when the fault began", ok=None)
    found = recovery(evidence.slos, evidence.times)
    if found.unknown:
        return Check("recovered", expected, found.unknown, ok=None)
    if found.at is None:
        watched = evidence.times.ended - fault
        seen = f"not within {_span(watched)}: {', '.join(found.broken)}"
        return Check("recovered", expected, seen, ok=False if watched >= expect.recovered.within.seconds else None)
    if not found.broken:
        return Check("recovered", expected, "met throughout", ok=True)
    took = found.at - fault
    return Check("recovered", expected, f"after {_span(took)}", ok=took <= expect.recovered.within.seconds)


def _budget(expect: Expect, evidence: Evidence) -> Check:
    expected = f"at most {expect.budget.spend} of each SLO's budget spent"
    unknown = [f"{slo.slo}: {slo.spent.why}" for slo in evidence.slos if slo.spent.value is None]
    over = [slo for slo in evidence.slos if _spent(slo) > float(expect.budget.spend.ratio)]
    seen = ", ".join(f"{slo.slo} {_spent(slo):.3%}" for slo in evidence.slos if slo.spent.value is not None)
    if over:
        return Check("budget", expected, seen, ok=False)
    if unknown or not evidence.slos:
        return Check("budget", expected, "; ".join(unknown) or "there is no SLO", ok=None)
    return Check("budget", expected, seen, ok=True)


def _spent(slo: SloSeen) -> float:
    return 0.0 if slo.spent.value is None else slo.spent.value


def _undone(_: Expect, evidence: Evidence) -> Check:
    seen = "; ".join(evidence.restored.left) or "nothing of the run is left"
    return Check("undone", "the nodes as they were", seen, ok=evidence.restored.complete)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s"


_CHECKS: tuple[Callable[[Expect, Evidence], Check], ...] = (_alert, _asked, _runbook, _recovered, _budget, _undone)
