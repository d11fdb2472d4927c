"""Timestamps as the API writes them."""

from datetime import UTC, datetime

__all__ = ["micro_stamp", "now", "parse_stamp", "stamp"]


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, as in `creationTimestamp`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(moment: datetime) -> str:
    """RFC 3339 in microseconds, as in the `eventTime` of events."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """A timestamp of the API."""
    return datetime.fromisoformat(text)
