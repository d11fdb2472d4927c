"""The small interface through which failsoft pages people, and the event it takes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = ["Link", "PageAction", "PageEvent", "PageSeverity", "Pager", "dedup_key", "shortened"]

PageAction = Literal["trigger", "acknowledge", "resolve"]
PageSeverity = Literal["critical", "error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link that the person paged can follow."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class PageEvent:
    """One event for a pager.

    Attributes:
        dedup_key: the same for every event of one problem, see `dedup_key`.
        summary: the one line that is read aloud or shown on a locked phone.
        source: what is affected, such as the name of the model.
        details: what helps to judge; never a secret.
    """

    action: PageAction
    dedup_key: str
    severity: PageSeverity
    summary: str
    source: str
    links: tuple[Link, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


class Pager(Protocol):
    """Something that pages people."""

    async def send(self, event: PageEvent) -> None:
        """Hand the event over; returns only when the other side has accepted it. Sending it twice is harmless.

        Raises:
            TemporaryError: it was not accepted now, or nobody knows: send it again after `delay` seconds.
            PermanentError: it will never be accepted like this; the text says what to change.
        """


def dedup_key(slo: str, episode: str) -> str:
    """The key under which one problem is known to a pager: stable over restarts, the same for each of its events.

    >>> dedup_key("chat-ttft", "2026-11-21T03:01:00Z")[:12]
    '3afa4f685934'
    """
    return hashlib.sha256(f"{slo}|{episode}".encode()).hexdigest()


def shortened(text: str, limit: int) -> str:
    """The text on one line, cut to `limit` characters with an ellipsis.

    >>> shortened("users wait too long", 10)
    'users wai…'
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
