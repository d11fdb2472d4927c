"""Exclusion: times that are left out of error budgets, with who says so and why; alerts are never left out."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import total_ordering
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.alert_rule import Line
from failsoft.workspace.kinds.inventory import Weekday
from failsoft.workspace.quantities import Clock, Fixed, Name, Written

__all__ = ["ExclusionSpec", "Instant", "Weekly"]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?(Z|z|[+-]\d\d:\d\d)")
_ZONE = r"^([+-]\d\d:\d\d|[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2})$"


@total_ordering
@dataclass(frozen=True, slots=True)
class Instant(Written):
    """A moment, in whole seconds since 1970.

    >>> Instant.parse("2026-12-01T02:00+01:00").seconds, str(Instant.parse("2026-12-01T02:00:00+01:00"))
    (1796086800, '2026-12-01T01:00:00Z')
    """

    seconds: int

    pattern: ClassVar[str] = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?(Z|z|[+-]\d\d:\d\d)$"
    examples: ClassVar[list[str]] = ["2026-12-01T02:00:00+01:00", "2026-12-01T01:00:00Z"]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read a date and time with its offset from UTC. Raises `PydanticCustomError` on anything else."""
        expected = {"expected": "a date and time with its offset from UTC, such as 2026-12-01T02:00:00+01:00"}
        if not isinstance(text, str) or not _INSTANT.fullmatch(text):
            raise PydanticCustomError("instant", "is no moment", expected)
        try:
            moment = datetime.fromisoformat(text.upper())
        except ValueError:
            raise PydanticCustomError("instant", "is no moment of any calendar", expected) from None
        return cls(int(moment.timestamp()))

    def __str__(self) -> str:
        return datetime.fromtimestamp(self.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def __lt__(self, other: "Instant") -> bool:
        return self.seconds < other.seconds


class Weekly(Fixed):
    """A time of the week that comes again."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    """The days on which it begins."""

    start: Clock
    end: Clock
    """Before the start: on the next day."""

    time_zone: Annotated[str, Field(pattern=r"^([+-]\d\d:\d\d|[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2})$")] = (
        "UTC"
    )
    """An offset such as +01:00, or a zone such as Europe/Berlin; one that has summer time needs `from` and `to`."""

    @property
    def seconds(self) -> tuple[int, int]:
        """When it starts, in seconds of its day, and how long it lasts."""
        start, end = (int(text[:2]) * 3600 + int(text[3:]) * 60 for text in (self.start, self.end))
        return start, (end - start) % 86_400

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            problem = {"at": "end", "expected": "another time than the start; before it, it is one of the next day"}
            raise PydanticCustomError("weekly", "ends when it begins", problem)
        return self


class ExclusionSpec(Fixed):
    """Times that are left out of error budgets: a maintenance, an experiment."""

    slos: tuple[Name, ...] = ()
    """Whose budgets."""

    models: tuple[Name, ...] = ()
    """The Models of whose SLOs all budgets are meant."""

    reason: Line
    """Why, for those who see that something is missing."""

    author: Line
    """Who says so."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    """The first moment; of a weekly time, before which it does not come."""

    to: Instant | None = None
    """The first moment that counts again; of a weekly time, from which on it does not come."""

    weekly: Weekly | None = None

    experiment: Name | None = None
    """The Experiment that it was made for."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.slos and not self.models:
            problem = {"expected": "slos, models, or both"}
            raise PydanticCustomError("exclusion", "names no budget", problem)
        if self.weekly is None and (self.from_ is None or self.to is None):
            problem = {"expected": "from and to, or weekly"}
            raise PydanticCustomError("exclusion", "does not say when", problem)
        if self.from_ is not None and self.to is not None and self.to <= self.from_:
            raise PydanticCustomError("exclusion", "ends before it begins", {"at": "to", "expected": "from < to"})
        return self
