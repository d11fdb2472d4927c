"""How soon an alert fires, by the arithmetic of its rules: for people, reports and experiments."""

from fractions import Fraction
from math import ceil, floor

from failsoft.slo.indicators import Slices
from failsoft.slo.resolve import Objective
from failsoft.slo.windows import BurnTier
from failsoft.workspace.quantities import Duration

__all__ = ["detection_time"]


def detection_time(objective: Objective, tier: BurnTier, error_ratio: Fraction, *, hops: int = 0) -> Duration | None:
    """The longest time from the onset of a steady error ratio to the evaluation at which the tier fires.

    A healthy past is assumed, and even traffic that brings enough bad events for the guard. The long window reaches
    the threshold after threshold / error ratio of its length, the short one after as much of its own; then the last
    sample may be a scrape and the records' delay old, the next evaluation a pulse away, and each hop between groups
    costs another. The tier's `for`, in whole pulses, comes on top.

    Args:
        objective: the SLO.
        tier: one of its tiers.
        error_ratio: the share of events that is bad from the onset on, at most 1.
        hops: the groups between the raw series and the alert, as `Alert.hops` says.

    Returns:
        None where the tier never fires at that ratio.
    """
    if error_ratio <= tier.threshold:
        return None
    reached = floor(tier.threshold / error_ratio * tier.long) + 1
    if isinstance(objective.sli, Slices):
        reached = max(reached, ceil(objective.min_bad / error_ratio) * objective.pulse)
    late = objective.scrape + objective.delay + (1 + hops) * objective.pulse
    return Duration(reached + late + tier.waits(objective.pulse))
