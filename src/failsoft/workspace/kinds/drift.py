"""DriftMonitor: which distributions of a model are compared with how they were."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.quantities import Duration, Fixed, Name

__all__ = ["DriftMonitorSpec"]


class DriftMonitorSpec(Fixed):
    """A comparison of what a model does now with a stored reference."""

    model: Name
    reference: str
    """The reference profile, a JSON file, relative to the workspace."""

    signals: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Signals of the engine's catalogue, such as output-length."""

    window: Duration = Duration(3_600_000)
    """How much of the past a score judges."""

    every: Duration = Duration(60_000)
    """How often it is evaluated."""

    min_rows: Annotated[int, Field(ge=1)] = 200
    """Fewer rows than this are too few to judge; that is said, and is never "no drift"."""

    stale_after: Duration | None = None
    """When a silent evaluation alerts; three evaluations when left out."""

    @model_validator(mode="after")
    def _patient(self) -> Self:
        if self.stale_after is not None and self.stale_after < self.every:
            context = {"at": "staleAfter", "expected": f"{self.every} or more, the time between two evaluations"}
            raise PydanticCustomError("stale", "takes every evaluation for stale", context)
        return self
