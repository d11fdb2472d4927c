"""A plan as a person reads it, and what the API server says to it in a dry run."""

from collections.abc import Sequence
from dataclasses import dataclass

from failsoft.chaos.plan import Plan
from failsoft.clients.kubernetes import Cluster, Ref
from failsoft.errors import FailsoftError
from failsoft.findings import amount

__all__ = ["Rehearsal", "rehearse", "show"]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the API server says to the eviction of one pod, asked with `dryRun: All`."""

    pod: str
    allowed: bool
    says: str = ""


def rehearse(cluster: Cluster, plan: Plan) -> tuple[Rehearsal, ...]:
    """Ask for every eviction in a server-side dry run; each answer stands for itself, not for all at once."""
    namespace = plan.workload.split("/", maxsplit=1)[0]
    answers: list[Rehearsal] = []
    for pod in plan.pods:
        try:
            cluster.evict(Ref("Pod", pod.name, namespace), dry_run=True)
        except FailsoftError as error:
            answers.append(Rehearsal(pod.name, allowed=False, says=str(error)))
        else:
            answers.append(Rehearsal(pod.name, allowed=True))
    return tuple(answers)


def show(plan: Plan, rehearsals: Sequence[Rehearsal] = ()) -> str:
    """The plan as text, one change a line, its inverse below it."""
    lines = [
        f"plan {plan.hash}: {plan.experiment} on model {plan.model} ({plan.workload})",
        f"  {amount(len(plan.nodes), 'node')}: {', '.join(node.name for node in plan.nodes) or 'none'}",
        f"  {amount(len(plan.pods), 'pod')}: {', '.join(pod.name for pod in plan.pods) or 'none'}",
        "  the undo of every change is recorded on the cluster before the first one",
        "",
    ]
    for number, change in enumerate(plan.changes, 1):
        past = "  [past disruption budgets]" if change.bypasses_budgets else ""
        lines.append(f"{number:3}. +{change.at_s:g}s {change.action}: {change.object}: {change.does}{past}")
        lines.append(f"       undo: {change.inverse}")
    if rehearsals:
        lines += ["", "asked of the API server, changing nothing:"]
    for rehearsal in rehearsals:
        says = "may be evicted now" if rehearsal.allowed else f"may not be evicted now: {rehearsal.says}"
        lines.append(f"  Pod {rehearsal.pod} {says}")
    return "\n".join(lines) + "\n"
