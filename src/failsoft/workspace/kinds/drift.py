"""DriftMonitor: which distributions of a model are compared with how they were."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.quantities import Duration, Fixed, Name

__all__ = ["Counted", "DriftMonitorSpec"]


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)  # to leave a list out is not to write an empty one


_SOME = Field(min_length=1, json_schema_extra=_without_default)


class Counted(Fixed):
    """Features that the serving process counts, in the bins of the reference."""

    features: Annotated[tuple[str, ...], _SOME] = ()
    """Which of the reference's; all of them, when left out."""


class DriftMonitorSpec(Fixed):
    """A comparison of what a model does now with a stored reference."""

    model: Name
    reference: str
    """The reference profile, a JSON file, relative to the workspace; where bins are counted also a folder of them, one
    for each revision of the model."""

    signals: Annotated[tuple[Name, ...], _SOME] = ()
    """Signals of the engine's catalogue, such as output-length; this or `counted`."""

    counted: Counted | None = None
    """Features that `failsoft.drift.DriftCounter` counts in the serving process; this or `signals`."""

    window: Duration = Duration(3_600_000)
    """How much of the past a score judges."""

    every: Duration = Duration(60_000)
    """How often it is evaluated."""

    min_rows: Annotated[int, Field(ge=1)] = 200
    """Fewer rows than this are too few to judge; that is said, and is never "no drift"."""

    stale_after: Duration | None = None
    """When a silent evaluation alerts; three evaluations when left out."""

    @property
    def counted_features(self) -> tuple[str, ...]:
        """The features that are counted; empty where all of the reference are, or where none is."""
        return self.counted.features if self.counted is not None else ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.signals) is (self.counted is not None):
            problem = "says twice what is compared" if self.signals else "does not say what is compared"
            raise PydanticCustomError("one-way", problem, {"expected": "either signals or counted"})
        return self

    @model_validator(mode="after")
    def _patient(self) -> Self:
        if self.stale_after is not None and self.stale_after < self.every:
            context = {"at": "staleAfter", "expected": f"{self.every} or more, the time between two evaluations"}
            raise PydanticCustomError("stale", "takes every evaluation for stale", context)
        return self
