"""Time intervals of Alertmanager: whether a moment lies in one."""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

__all__ = ["LOCAL", "Interval", "Range", "clock", "in_zone", "known_zones", "span", "zone"]

LOCAL: Final = "Local"
"""The zone of the machine on which Alertmanager runs, whichever that is (Go's time.LoadLocation)."""

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_NUMBERS = {
    "weekdays": {name: index for index, name in enumerate(_DAYS)},
    "months": {name: index + 1 for index, name in enumerate(_MONTHS)},
}
# Some machines know these too, but they name no place, and an Alertmanager with a database of its own may lack them.
_OF_MACHINES = ("localtime", "posixrules", "Factory", "posix/", "right/")
_CLOCK = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9]))|(24):(00)")

type Range = tuple[int, int]
type Zone = ZoneInfo | Literal["Local"] | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Moments that fulfil every field; a field without ranges says nothing.

    Attributes:
        times: minutes of the day, the last one exclusive.
        weekdays: 0 is Sunday; inclusive, as are the rest.
        days_of_month: from 1; below 0 they count from the month's end.
        months, years: as people count them.
        location: the time zone; UTC where it is None. `Local` is taken as the zone of this machine.
    """

    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    location: Zone = None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in it; a moment without a zone is one of UTC."""
        at = in_zone(moment, self.location)
        minute = at.hour * 60 + at.minute
        return (
            (not self.times or any(first <= minute < last for first, last in self.times))
            and _within(self.weekdays, at.isoweekday() % 7)
            and self._day(at)
            and _within(self.months, at.month)
            and _within(self.years, at.year)
        )

    def _day(self, at: datetime) -> bool:
        length = monthrange(at.year, at.month)[1]
        counted = ((_from_start(first, length), _from_start(last, length)) for first, last in self.days_of_month)
        known = tuple((max(first, 1), min(last, length)) for first, last in counted if first <= length)
        return not self.days_of_month or any(first <= at.day <= last for first, last in known)


def in_zone(moment: datetime, location: Zone) -> datetime:
    """The moment as clocks show it there; a moment without a zone is one of UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(None if location == LOCAL else location or UTC)


def _from_start(day: int, length: int) -> int:
    return day if day > 0 else length + day + 1


def _within(ranges: Iterable[Range], value: int) -> bool:
    listed = tuple(ranges)
    return not listed or any(first <= value <= last for first, last in listed)


def span(field: str, text: str) -> Range:
    """One range of a field, such as `monday:friday`, `-3:-1` or `2027`. Raises ValueError on anything else."""
    names = _NUMBERS.get(field, {})
    ends = [names.get(end.lower(), end) for end in text.strip().split(":")]
    try:
        first, last = int(ends[0]), int(ends[-1])
    except ValueError as error:
        raise ValueError(f"{text!r} is no range of {field}") from error
    if len(ends) > 2:  # noqa: PLR2004  # a first and a last one
        raise ValueError(f"{text!r} is no range of {field}")
    return first, last


def clock(text: str) -> int:
    """Minutes of the day, from a text such as `09:30`. Raises ValueError on anything else."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time of the day: write 09:30")
    return int(match[1] or match[3]) * 60 + int(match[2] or match[4])


def zone(name: str) -> Zone:
    """The time zone of a name such as `Europe/Berlin`; None for UTC. Raises ValueError on anything else."""
    if name in {"", "UTC"}:
        return None
    if name == LOCAL:
        return LOCAL
    refusal = ValueError(f"{name!r} is no time zone that every Alertmanager knows")
    if name.startswith(_OF_MACHINES):
        raise refusal
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refusal from error


def known_zones() -> tuple[str, ...]:
    """The names that `zone` takes, in order; of use for a suggestion, for it reads the whole database."""
    return tuple(sorted({name for name in available_timezones() if not name.startswith(_OF_MACHINES)} | {LOCAL}))
