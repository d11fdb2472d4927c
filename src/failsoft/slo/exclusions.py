"""Times that are left out of error budgets: which ones an SLO has, as PromQL and as plain spans of time.

PromQL knows UTC and nothing else, and compiling knows no clock. So a rule says when it excludes by `time()` alone: the
same documents give the same text whenever they are compiled, and what was recorded before a document was written stays
as it is. A zone with summer time has another offset from one Sunday on: such a weekly time needs an end, and becomes
one piece for each offset, from the tables of the machine that compiles.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.workspace.kinds import ExclusionSpec, SLOSpec
from failsoft.workspace.kinds.exclusion import Weekly
from failsoft.workspace.kinds.inventory import Weekday
from failsoft.workspace.model import Document, Workspace

__all__ = [
    "Excluded",
    "Piece",
    "excluded_at",
    "excluded_spans",
    "excluding",
    "exclusions_of",
    "judge_exclusions",
    "past",
]

_DAY, _WEEK = 86_400, 604_800
_MONDAY = 345_600
"""The first Monday after the beginning of 1970, in seconds."""

_DAYS: tuple[str, ...] = get_args(Weekday.__value__)
_LONGEST = 5 * 366 * _DAY


@dataclass(frozen=True, slots=True)
class Piece:
    """Times that are excluded, in seconds since 1970.

    Attributes:
        begin, end: the first moment, and the first one after it; None where there is no bound.
        weekly: the moment of some week at which it starts, and how long it lasts; None for all of the time between.
    """

    begin: int | None
    end: int | None
    weekly: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Excluded:
    """An Exclusion as it concerns an SLO.

    Attributes:
        name, reason, author: as declared.
        when: in words.
        pieces: the times, in UTC.
    """

    name: str
    reason: str
    author: str
    when: str
    pieces: tuple[Piece, ...]


def exclusions_of(workspace: Workspace, slo: Document[SLOSpec]) -> tuple[Excluded, ...]:
    """What is left out of the budget of an SLO; nothing of an Exclusion that has a problem (`judge_exclusions`)."""
    return tuple(
        made
        for one in workspace.exclusions.values()
        if (slo.name in one.spec.slos or slo.spec.model in one.spec.models) and (made := _excluded(one)) is not None
    )


def all_exclusions(workspace: Workspace) -> tuple[Excluded, ...]:
    """Every Exclusion that can be written down, whatever it concerns."""
    return tuple(made for one in workspace.exclusions.values() if (made := _excluded(one)) is not None)


def _excluded(document: Document[ExclusionSpec]) -> Excluded | None:
    spec = document.spec
    try:
        pieces = tuple(_pieces(spec))
    except _ZoneError:
        return None
    return Excluded(document.name, spec.reason, spec.author, in_words(spec), pieces)


def in_words(spec: ExclusionSpec) -> str:
    """When it excludes, for people."""
    bounds = " ".join(f"{word} {one}" for word, one in (("from", spec.from_), ("to", spec.to)) if one is not None)
    if spec.weekly is None:
        return bounds
    weekly = spec.weekly
    days = ", ".join(day.capitalize() for day in weekly.days)
    return f"{days} {weekly.start}-{weekly.end} {weekly.time_zone}" + (f" {bounds}" if bounds else "")


class _ZoneError(Exception):
    """A time zone that cannot be written down: a message and what was expected."""


def _pieces(spec: ExclusionSpec) -> Iterator[Piece]:
    begin, end = (one.seconds if one is not None else None for one in (spec.from_, spec.to))
    if spec.weekly is None:
        yield Piece(begin, end)
        return
    start, lasts = spec.weekly.seconds
    for first, last, offset in _offsets(spec.weekly, begin, end):
        for day in spec.weekly.days:
            yield Piece(first, last, (_MONDAY + _DAYS.index(day) * _DAY + start - offset, lasts))


def _offsets(weekly: Weekly, begin: int | None, end: int | None) -> Iterator[tuple[int | None, int | None, int]]:
    """The offset from UTC in seconds, and from when to when it holds."""
    zone = _zone(weekly.time_zone)
    if not isinstance(zone, ZoneInfo):
        yield begin, end, int(zone.utcoffset(None).total_seconds())
        return
    if begin is None or end is None or end - begin > _LONGEST:
        raise _ZoneError(
            f"{weekly.time_zone} may change its offset from UTC, and PromQL knows UTC only",
            "from and to, at most five years apart, or an offset such as +01:00",
        )
    first, so_far = begin, _offset(zone, begin)
    for moment in range(begin, end + _DAY, _DAY):
        at = min(moment, end)
        if _offset(zone, at) != so_far:
            change = _change(zone, max(first, at - _DAY), at)
            yield first, change, so_far
            first, so_far = change, _offset(zone, at)
    yield first, end, so_far


def _zone(name: str) -> timezone | ZoneInfo:
    if name[0] in "+-":
        sign = -1 if name[0] == "-" else 1
        minutes = sign * (int(name[1:3]) * 60 + int(name[4:]))
        if abs(minutes) > 14 * 60:
            raise _ZoneError(f"no place on earth is {name} from UTC", "an offset between -12:00 and +14:00")
        return timezone(timedelta(minutes=minutes))
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _ZoneError(f"this machine knows no time zone {name}", "a zone such as Europe/Berlin, or +01:00") from None


def _offset(zone: ZoneInfo, moment: int) -> int:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second with the offset of `after`."""
    low, high = before, after
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(zone, middle) == _offset(zone, after) else (middle, high)
    return high


def excluding(exclusions: Iterable[Excluded], reach: int) -> str:
    """PromQL: 1 where the increments that are recorded now touch an excluded time, else 0.

    Args:
        exclusions: what is excluded.
        reach: milliseconds by which increments look back, and lie back.
    """
    seconds = -(-reach // 1000)
    terms = [_term(piece, seconds) for one in exclusions for piece in one.pieces]
    return f"clamp_max(vector({'\n  + '.join(terms)}), 1)"


def _term(piece: Piece, reach: int) -> str:
    bounds = [f"(time() > bool {piece.begin})"] if piece.begin is not None else []
    bounds += [f"(time() < bool {piece.end + reach})"] if piece.end is not None else []
    if piece.weekly is not None:
        start, lasts = piece.weekly
        # never below 0, where PromQL's % has another sign; and a step that ends at the start is not touched
        since = f"(time() + {_WEEK - start % _WEEK - 1}.999) % {_WEEK}"
        bounds.append(f"({since} < bool {lasts + reach})")
    return " * ".join(bounds)


def excluded_at(exclusions: Iterable[Excluded], moment: float) -> bool:
    """Whether a moment, in seconds since 1970, is excluded; to the second, however far apart records are."""
    return any(_covers(piece, moment) for one in exclusions for piece in one.pieces)


def _covers(piece: Piece, moment: float) -> bool:
    inside = (piece.begin is None or moment >= piece.begin) and (piece.end is None or moment < piece.end)
    return inside and (piece.weekly is None or (moment - piece.weekly[0]) % _WEEK < piece.weekly[1])


def excluded_spans(exclusions: Iterable[Excluded], begin: float, end: float) -> tuple[tuple[float, float], ...]:
    """The excluded times between two moments, in order and joined where they touch; seconds since 1970.

    >>> one = Excluded("a", "", "", "", (Piece(None, None, (345_600, 3600)),))
    >>> excluded_spans([one], 345_600 + 1800, 2 * 604_800)
    ((347400, 349200), (950400, 954000))
    """
    found = sorted(
        (max(first, begin), min(last, end))
        for one in exclusions
        for piece in one.pieces
        for first, last in _spans(piece, begin, end)
        if first < end and last > begin
    )
    joined: list[tuple[float, float]] = []
    for first, last in found:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _spans(piece: Piece, begin: float, end: float) -> Iterator[tuple[float, float]]:
    least = begin if piece.begin is None else max(piece.begin, begin)
    most = end if piece.end is None else min(piece.end, end)
    if piece.weekly is None:
        if least < most:
            yield least, most
        return
    start, lasts = piece.weekly
    first = start + int((least - start - lasts) // _WEEK) * _WEEK
    for at in range(first, int(most) + 1, _WEEK):
        if max(at, least) < min(at + lasts, most):
            yield max(at, least), min(at + lasts, most)


def judge_exclusions(workspace: Workspace) -> tuple[Finding, ...]:
    """What is excluded, for everybody to see, and what is wrong with it."""
    return tuple(finding for one in workspace.exclusions.values() for finding in _judged(workspace, one))


def _judged(workspace: Workspace, document: Document[ExclusionSpec]) -> Iterator[Finding]:
    spec, place = document.spec, document.at("metadata", "name")
    try:
        tuple(_pieces(spec))
    except _ZoneError as error:
        message, expected = error.args
        yield Finding(codes.EXCLUSION_ZONE, message, document.at("spec", "weekly", "timeZone"), expected)
        return
    slos = [name for name, slo in workspace.slos.items() if name in spec.slos or slo.spec.model in spec.models]
    if not slos:
        message = f"{document.name} excludes nothing: its models have no SLO"
        yield Finding(codes.EXCLUSION_IDLE, message, place, "models with an SLO")
        return
    message = f"left out of the budget of {', '.join(slos)}: {in_words(spec)}"
    yield Finding(
        codes.EXCLUDED,
        message,
        place,
        hint=f"{spec.author}: {spec.reason}; alerts go on, and both budgets are recorded",
    )


def past(workspace: Workspace, now: float) -> tuple[Finding, ...]:
    """The Exclusions that begin before `now`, in seconds since 1970: what was recorded by then does not know them."""
    return tuple(
        Finding(
            codes.EXCLUSION_PAST,
            f"{one.name} begins in the past",
            one.at("spec", "from"),
            hint="what was recorded before these rules are loaded stays as it is; reports of the past leave it out",
        )
        for one in workspace.exclusions.values()
        if one.spec.from_ is not None and one.spec.from_.seconds < now
    )
