"""SLO and AlertWindows: what healthy means, and how fast its loss is told."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Duration, Fixed, Name, Percent

__all__ = [
    "AlertWindowsSpec",
    "Availability",
    "DriftBelow",
    "Indicator",
    "SLOSpec",
    "Tier",
    "Ttft",
]


class Ttft(Fixed):
    """The share of requests whose first token comes in time."""

    below: Duration
    """The threshold; it has to be a bucket bound of the engine's histogram."""


class Availability(Fixed):
    """The share of requests that are answered without a server error."""


class DriftBelow(Fixed):
    """The share of time in which a drift score stays in tolerance."""

    monitor: Name
    """The DriftMonitor."""

    signal: Name
    """One of its signals."""

    statistic: Literal["psi", "tvd"] = "psi"
    below: Annotated[Decimal, Field(gt=0, le=100)]
    """The score from which on a slice of time is bad."""


class Indicator(OneOf):
    """What is measured."""

    ttft: Ttft | None = None
    availability: Availability | None = None
    drift: DriftBelow | None = None


class SLOSpec(Fixed):
    """A service level objective."""

    model: Name
    indicator: Indicator
    objective: Percent
    period: Duration = Duration(30 * 86_400_000)

    alerting: Name | None = None
    """The AlertWindows; without it, the shipped one for the period."""

    min_bad_events: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many bad events a long window must hold before an alert fires; 5 for requests, 1 for slices of time."""

    failure_mode: Name | None = None
    """What its alerts stand for, by which runbooks are chosen; else the indicator's own."""

    description: str = ""

    @property
    def stands_for(self) -> str:
        """The failure mode of its alerts."""
        return self.failure_mode or FAILURE_MODES[self.indicator.choice]


FAILURE_MODES = {"ttft": "latency-degraded", "availability": "requests-failing", "drift": "model-degraded"}
"""What the alerts of each indicator stand for, unless the SLO says otherwise."""


class Tier(Fixed):
    """One pair of windows."""

    name: Name
    severity: Literal["page", "ticket"]
    budget: Percent
    """The share of the period's budget that is gone when it fires."""

    short: Duration
    long: Duration

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.short >= self.long:
            raise PydanticCustomError(
                "windows", "has a short window that is not shorter than the long one", {"expected": "short < long"}
            )
        if self.budget.value <= 0:
            raise PydanticCustomError("windows", "spends no budget", {"expected": "a budget above 0%"})
        return self


class AlertWindowsSpec(Fixed):
    """Multi-window burn-rate alerts, fastest tier first."""

    period: Duration | None = None
    """The period for which these windows are the default; None for use by name only."""

    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=8)]

    keep_firing_for: Duration = Duration(300_000)
    """How long an alert goes on after its condition ends, so that flaps are one episode."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [tier.name for tier in self.tiers]
        if len(set(names)) != len(names):
            raise PydanticCustomError(
                "windows", "names two tiers alike", {"expected": "a name of its own for each tier"}
            )
        return self
