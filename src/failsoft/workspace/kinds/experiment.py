"""Experiment: a fault, the guards around it, and what is expected to happen."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Duration, Fixed, Name, Percent

__all__ = ["Abort", "AlertWithin", "Budget", "Expect", "ExperimentSpec", "Fault", "Guards", "Recovered", "SpotReclaim"]


class SpotReclaim(Fixed):
    """A spot node of the model is reclaimed: cordon, taint, evict, delete at the deadline, hold, undo."""

    model: Name
    nodes: Annotated[int, Field(ge=1, le=100)] = 1
    provider: Literal["aws"] = "aws"
    notice: Duration = Duration(120_000)
    """From the notice to the deadline at which what remains is deleted (this bypasses disruption budgets)."""

    hold: Duration = Duration(180_000)
    """How long the node stays away after the deadline."""


class Fault(OneOf):
    """What is broken."""

    spot_reclaim: SpotReclaim | None = None


class Guards(Fixed):
    """What must hold before anything is touched."""

    max_nodes: Annotated[int, Field(ge=1)] = 1
    max_nodes_percent: Percent = Percent.parse("50%")
    """Of the nodes that run the model."""

    max_pods: Annotated[int, Field(ge=1)] = 5
    max_pods_percent: Percent = Percent.parse("50%")
    """Of the model's pods."""

    min_budget_left: Percent = Percent.parse("20%")
    """Of every SLO of the model."""


class AlertWithin(Fixed):
    """Which alert is expected, and how soon after the fault."""

    slo: Name
    within: Duration = Duration(600_000)


class Recovered(Fixed):
    """How soon after the fault the SLO holds again."""

    within: Duration = Duration(1_800_000)


class Budget(Fixed):
    """How much of the period's budget the experiment may cost."""

    spend: Percent = Percent.parse("5%")


class Expect(Fixed):
    """The verdict, in words an SRE would say."""

    alert: AlertWithin | None = None
    """None: the fault is to pass without an alert."""

    asked: Name | None = None
    """The Team that is to be asked or paged."""

    runbook: Name | None = None
    """The Runbook that is to answer."""

    recovered: Recovered = Recovered()
    budget: Budget = Budget()


class Abort(Fixed):
    """When the experiment is stopped and undone at once."""

    error_ratio: Percent = Percent.parse("90%")
    """Of any SLO of the model, over `window`."""

    window: Duration = Duration(60_000)


class ExperimentSpec(Fixed):
    """A chaos experiment."""

    fault: Fault
    guards: Guards = Guards()
    abort: Abort = Abort()
    expect: Expect = Expect()
    observe: Duration = Duration(1_800_000)
    """The longest time to watch for recovery after the fault."""

    description: str = ""

    @model_validator(mode="after")
    def _watched_long_enough(self) -> Self:
        due = [self.expect.recovered.within]
        if self.expect.alert is not None:
            due.append(self.expect.alert.within)
        longest = max(due)
        if self.observe < longest:
            expected = f"observe: {longest} or more, for that long expect may take"
            raise PydanticCustomError("observe", "stops watching before what it expects is due", {"expected": expected})
        return self
