"""Events that an author counts with counters of his own: bad or good ones, among all."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from failsoft.workspace.counters import CountersError, read_counters
from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Percent

__all__ = ["Counters", "OwnEvents"]

_EXPECTED = 'counters such as requests_total{job="chat", code=~"5.."}, with + between them'


def _counters(text: str) -> str:
    try:
        read = read_counters(text)
    except CountersError as error:
        message = f"{error}, at character {error.at + 1}"
        raise PydanticCustomError("counters", "{wrong}", {"wrong": message, "expected": _EXPECTED}) from error
    if any(term.sign < 0 for term in read.terms):
        expected = "for a histogram, good: its bucket, and total: its count"
        raise PydanticCustomError("counters", "takes a counter away", {"expected": expected})
    return text.strip()


def _most(share: Percent) -> Percent:
    if not 50 <= share.value < 100:  # noqa: PLR2004  # percent
        raise PydanticCustomError("share", "is out of range", {"expected": "from 50% to less than 100%"})
    return share


Counters = Annotated[str, AfterValidator(_counters)]
"""Selectors of counters, as PromQL writes them, that are added up."""


class OwnEvents(OneOf):
    """The share of events that are good, by counters of one's own; the model's own selector is not used."""

    beside: ClassVar[frozenset[str]] = frozenset({"total", "per_slice"})

    bad: Counters | None = None
    """Those that are bad: a part of `total`, or counters that count besides it."""

    good: Counters | None = None
    """Those that are good, one counter; without any of them there is no data, and no alert."""

    total: Counters
    """All events."""

    per_slice: Annotated[Percent, AfterValidator(_most)] | None = None
    """Count slices of time instead: one is good where at least this share of its events is, and none without events."""
