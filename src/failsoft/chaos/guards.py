"""What must hold before anything is touched: one guard is one function from the situation to findings."""

from collections.abc import Callable
from decimal import Decimal

from failsoft.chaos import codes
from failsoft.chaos.marks import ENABLED, OPT_IN
from failsoft.chaos.situation import Situation
from failsoft.findings import Code, Finding, Severity
from failsoft.workspace.quantities import Percent

__all__ = ["GUARDS", "check", "refuses"]

type Guard = Callable[[Situation], list[Finding]]


def _finding(situation: Situation, code: Code, message: str, *path: str, expected: str = "", hint: str = "") -> Finding:
    return Finding(code, message, situation.experiment.at("spec", *path), expected, hint)


def opted_in(situation: Situation) -> list[Finding]:
    """The workload's namespace says that it may be broken."""
    if situation.snapshot.opted_in == ENABLED:
        return []
    namespace = situation.snapshot.workload.namespace
    return [
        _finding(
            situation,
            codes.NOT_OPTED_IN,
            f"namespace {namespace} is not open to experiments",
            "fault",
            expected=f"its annotation {OPT_IN} to be {ENABLED}, it is {situation.snapshot.opted_in or 'absent'}",
            hint=f"kubectl annotate namespace {namespace} {OPT_IN}={ENABLED}",
        )
    ]


def enough_targets(situation: Situation) -> list[Finding]:
    """There are as many nodes to take as the experiment asks for, and none of them is leaving already."""
    wanted = situation.experiment.spec.fault.chosen.nodes
    if len(situation.plan.nodes) == wanted and situation.plan.pods:
        return []
    seen = [f"{node.name} ({_why_not(node.spot or node.opted_in, node.leaving)})" for node in situation.snapshot.nodes]
    return [
        _finding(
            situation,
            codes.NO_TARGET,
            f"{len(situation.plan.nodes)} of {wanted} nodes can be taken from {situation.plan.workload}",
            "fault",
            expected="spot nodes, or nodes annotated with " + f"{OPT_IN}={ENABLED}, that run its pods",
            hint="its pods run on " + (", ".join(seen) or "no node"),
        )
    ]


def _why_not(eligible: bool, leaving: str) -> str:  # noqa: FBT001 (two facts of one node)
    if leaving:
        return f"leaving: {leaving}"
    return "eligible" if eligible else "no spot node"


def node_cap(situation: Situation) -> list[Finding]:
    """No more nodes than allowed, in number and in percent of those that run the model."""
    guards = situation.experiment.spec.guards
    return _cap(
        situation,
        codes.TOO_MANY_NODES,
        "node",
        (len(situation.plan.nodes), len(situation.snapshot.nodes)),
        (guards.max_nodes, guards.max_nodes_percent),
    )


def pod_cap(situation: Situation) -> list[Finding]:
    """No more pods than allowed, in number and in percent of the model's."""
    guards = situation.experiment.spec.guards
    return _cap(
        situation,
        codes.TOO_MANY_PODS,
        "pod",
        (len(situation.plan.pods), len(situation.snapshot.pods)),
        (guards.max_pods, guards.max_pods_percent),
    )


def _cap(
    situation: Situation, code: Code, what: str, counts: tuple[int, int], limits: tuple[int, Percent]
) -> list[Finding]:
    (taken, all_), (number, percent) = counts, limits
    findings = []
    title = what.title()
    if taken > number:
        message = f"{taken} {what}s would be taken"
        findings.append(_finding(situation, code, message, "guards", f"max{title}s", expected=f"at most {number}"))
    if Decimal(taken) * 100 > percent.value * all_:
        message = f"{taken} of {all_} {what}s would be taken, {Decimal(100 * taken) / max(1, all_):.3g}%"
        findings.append(
            _finding(situation, code, message, "guards", f"max{title}sPercent", expected=f"at most {percent}")
        )
    return findings


def replicas_ready(situation: Situation) -> list[Finding]:
    """The model is whole before a part of it is taken."""
    ready, wanted = sum(pod.ready for pod in situation.snapshot.pods), situation.snapshot.wanted
    if ready >= wanted > 0:
        return []
    message = f"{ready} of {wanted} replicas of {situation.plan.workload} are ready"
    return [_finding(situation, codes.NOT_READY, message, "fault", expected="all of them")]


def steady(situation: Situation) -> list[Finding]:
    """Every SLO of the model is met now; what nobody can see is not met."""
    if not situation.slos:
        message = f"model {situation.plan.model} has no SLO that counts requests"
        return [_finding(situation, codes.NO_SLO, message, "fault", expected="at least one")]
    window = situation.experiment.spec.abort.window
    findings = []
    for slo in situation.slos:
        name, allowed = slo.objective.slo, slo.objective.allowed
        if slo.ratio.value is None:
            message = f"the error ratio of SLO {name} over {window} is not known: {slo.ratio.why}"
            findings.append(_finding(situation, codes.NO_DATA, message, "abort"))
        elif slo.ratio.value > allowed:
            message = f"SLO {name} is not met: {slo.ratio.value:.3%} of its events over {window} were bad"
            findings.append(_finding(situation, codes.NOT_STEADY, message, "abort", expected=f"at most {allowed:.3%}"))
    return findings


def budget_left(situation: Situation) -> list[Finding]:
    """Every SLO of the model can afford it."""
    wanted = situation.experiment.spec.guards.min_budget_left
    path = ("guards", "minBudgetLeft")
    findings = []
    for slo in situation.slos:
        name, left = slo.objective.slo, slo.remaining.value
        if left is None:
            message = f"the error budget left of SLO {name} is not known: {slo.remaining.why}"
            findings.append(_finding(situation, codes.NO_DATA, message, *path))
        elif Decimal(left) < wanted.ratio:
            message = f"SLO {name} has {left:.1%} of its error budget left"
            findings.append(_finding(situation, codes.BUDGET_LOW, message, *path, expected=f"at least {wanted}"))
    return findings


def no_page(situation: Situation) -> list[Finding]:
    """Nobody is paged for this model already."""
    if situation.pages_unknown:
        message = f"nobody knows whether the model pages somebody already: {situation.pages_unknown}"
        return [_finding(situation, codes.NO_DATA, message)]
    return [
        _finding(situation, codes.PAGE_FIRING, f"{page} fires already, and pages", expected="quiet before the storm")
        for page in situation.pages
    ]


def alone(situation: Situation) -> list[Finding]:
    """No other run holds the namespace, and none was left behind."""
    findings = [_finding(situation, codes.UNRESTORED, text) for text in situation.unreadable]
    findings.extend(
        _finding(
            situation,
            codes.ANOTHER_RUN,
            f"run {lock.run} holds the lock of namespace {namespace}",
            hint="wait until it has ended",
        )
        for namespace, lock in situation.locks
        if lock.alive(situation.now) and lock.run != situation.run
    )
    findings.extend(
        _finding(
            situation,
            codes.UNRESTORED,
            f"run {record.run} of {record.experiment} by {record.requester} is not undone yet",
            hint="wait for it, or undo it: failsoft chaos janitor",
        )
        for record in situation.records
        if record.run != situation.run
    )
    return findings


def not_halted(situation: Situation) -> list[Finding]:
    """The kill switch is off."""
    if not situation.halted:
        return []
    return [_finding(situation, codes.HALTED, f"the kill switch is on: {situation.halted}")]


def allowed(situation: Situation) -> list[Finding]:
    """Our account may do everything that is needed, the undo above all."""
    if not situation.denied:
        return []
    message = "our account on the cluster may not " + ", ".join(str(each) for each in situation.denied)
    return [_finding(situation, codes.NOT_ALLOWED, message, hint="docs/chaos.md lists the Role that is needed")]


def disruption_budget(situation: Situation) -> list[Finding]:
    """A PodDisruptionBudget covers the pods: without one, evictions prove little."""
    if situation.snapshot.budgets or not situation.snapshot.pods:
        return []
    message = f"no PodDisruptionBudget covers the pods of {situation.plan.workload}"
    return [_finding(situation, codes.NO_DISRUPTION_BUDGET, message, "fault")]


GUARDS: tuple[Guard, ...] = (
    opted_in,
    not_halted,
    alone,
    allowed,
    enough_targets,
    node_cap,
    pod_cap,
    replicas_ready,
    disruption_budget,
    no_page,
    steady,
    budget_left,
)
"""All guards, in the order in which people read them."""


def check(situation: Situation) -> tuple[Finding, ...]:
    """What all guards say."""
    return tuple(finding for guard in GUARDS for finding in guard(situation))


def refuses(findings: tuple[Finding, ...]) -> bool:
    """Whether these findings forbid the run."""
    return any(finding.severity is Severity.ERROR for finding in findings)
