"""The rule by which the bad windows of a drift monitor become a page: what the burn rates of its SLOs amount to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from failsoft.drift import codes
from failsoft.findings import Finding
from failsoft.slo.resolve import Objective, resolve
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

if TYPE_CHECKING:
    from failsoft.drift.alarms import Rule

__all__ = ["page_rule", "reading", "threshold_findings"]


def reading(workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> tuple[Objective, ...]:
    """The SLOs that take the calibrated critical values of a monitor, those that can be compiled."""
    found = []
    for slo in workspace.slos.values():
        drift = slo.spec.indicator.drift
        if drift is not None and drift.monitor == monitor.name and drift.below is None:
            objective, _ = resolve(workspace, slo)
            found += [] if objective is None else [objective]
    return tuple(found)


def threshold_findings(workspace: Workspace) -> Iterator[Finding]:
    """SLOs on drift whose false alarms nobody knows, and those that nothing can judge."""
    for slo in workspace.slos.values():
        drift = slo.spec.indicator.drift
        monitor = workspace.monitors.get(drift.monitor) if drift is not None else None
        if drift is None or monitor is None or slo.shipped:
            continue
        budgeted = monitor.spec.false_pages_per_30d is not None
        if not monitor.spec.signals:
            continue  # the rules of what is counted, and jobs, hold each window against what their budget allows
        if drift.below is None and not budgeted:
            message = f"the monitor {monitor.name} has no budget of false alarms, so there is no critical value to take"
            hint = f"write falsePagesPer30d there and run `failsoft drift learn {monitor.name}`, or write below here"
            yield Finding(codes.LIMITS_MISSING, message, slo.at("spec", "indicator", "drift", key=True), hint=hint)
        elif drift.below is not None and not budgeted:
            message = f"nobody knows how often {drift.statistic} is above {drift.below.normalize():f} by chance"
            hint = f"write falsePagesPer30d in the monitor {monitor.name}, and leave below out"
            yield Finding(codes.THRESHOLD_FIXED, message, slo.at("spec", "indicator", "drift", "below"), hint=hint)


def page_rule(workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> "Rule":
    """What has to happen before Alertmanager gets a page; one bad window where no SLO reads the monitor.

    Several tiers page at least as seldom as the rule that takes the fewest bad windows of any among the most of any:
    that is what is promised. A window that may grow counts as long as it can be, for its slices are bad together.
    """
    from failsoft.drift.alarms import Rule

    spec = monitor.spec
    longest = max(spec.max_age or spec.window, spec.window).milliseconds
    rules = [
        Rule.of_burn(tier.threshold, tier.long, objective.step, bad=objective.min_bad, window=longest)
        for objective in reading(workspace, monitor)
        for tier in objective.tiers
        if tier.severity == "page"
    ]
    if not rules:
        return Rule()
    least = min(rule.least for rule in rules)
    return Rule(least, max(rule.among for rule in rules) if least > 1 else 1)
