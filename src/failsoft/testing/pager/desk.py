"""What PagerDuty does with events, without any network: it checks them, and opens, acknowledges and resolves alerts.

Facts: https://developer.pagerduty.com/docs/events-api-v2/trigger-events
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["Delivery", "Desk", "PagedAlert", "event_errors"]

type Json = Mapping[str, Any]

_KEY = 32
_DEDUP_KEY = 255
_SUMMARY = 1024


@dataclass(frozen=True, slots=True)
class PagedAlert:
    """One alert of a service; after it is resolved, the same dedup key opens a new one.

    Attributes:
        triggers: how many trigger events it took, the first included.
    """

    number: int
    routing_key: str
    dedup_key: str
    summary: str
    severity: str
    source: str
    state: Literal["triggered", "acknowledged", "resolved"] = "triggered"
    triggers: int = 1
    details: Json = field(default_factory=dict)
    links: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that reached the fake: where, what, and the status that it was (or would have been) answered with."""

    path: str
    body: Any
    status: int
    headers: Mapping[str, str]


def event_errors(event: object, known_keys: frozenset[str] | None = None) -> tuple[str, ...]:
    """PagerDuty's complaints about an event; none when it takes it."""
    if not isinstance(event, Mapping):
        return ("the event is not an object",)
    errors = []
    key, action, dedup_key = event.get("routing_key"), event.get("event_action"), event.get("dedup_key", "")
    if not isinstance(key, str) or len(key) != _KEY or (known_keys is not None and key not in known_keys):
        errors.append("'routing_key' is invalid")
    if action not in {"trigger", "acknowledge", "resolve"}:
        errors.append("'event_action' is invalid")
    if not isinstance(dedup_key, str) or len(dedup_key) > _DEDUP_KEY:
        errors.append(f"Length of 'dedup_key' is more than {_DEDUP_KEY}")
    if action == "trigger":
        errors += _payload_errors(event.get("payload"))
    elif not dedup_key:
        errors.append("'dedup_key' is missing or blank")
    return tuple(errors)


def _payload_errors(payload: object) -> list[str]:
    if not isinstance(payload, Mapping):
        return ["'payload' is missing or blank"]
    errors = [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
    if len(str(payload.get("summary", ""))) > _SUMMARY:
        errors.append(f"Length of 'payload.summary' is more than {_SUMMARY}")
    if payload.get("severity") not in {"critical", "error", "warning", "info"}:
        errors.append("'payload.severity' is invalid (must be one of the following: critical, warning, error or info)")
    if not isinstance(payload.get("custom_details", {}), Mapping):
        errors.append("'payload.custom_details' is not an object")
    return errors


class Desk:
    """The alerts of all services."""

    def __init__(self) -> None:
        self.alerts: list[PagedAlert] = []
        self._numbers = itertools.count(1)

    def take(self, event: Json) -> str:
        """Take a checked event. Returns its dedup key, made up where the event has none."""
        number = next(self._numbers)
        key = str(event.get("dedup_key") or f"made-up-{number}")
        place = self._open(str(event["routing_key"]), key)
        if event["event_action"] == "trigger":
            if place is None:
                self.alerts.append(_opened(number, key, event))
            else:
                self.alerts[place] = replace(self.alerts[place], triggers=self.alerts[place].triggers + 1)
        elif place is not None:
            state: Literal["acknowledged", "resolved"] = (
                "acknowledged" if event["event_action"] == "acknowledge" else "resolved"
            )
            self.alerts[place] = replace(self.alerts[place], state=state)
        return key

    def _open(self, routing_key: str, dedup_key: str) -> int | None:
        # Events only apply to the open alert of the same routing key.
        for place, alert in enumerate(self.alerts):
            if (alert.routing_key, alert.dedup_key) == (routing_key, dedup_key) and alert.state != "resolved":
                return place
        return None


def _opened(number: int, key: str, event: Json) -> PagedAlert:
    payload = event["payload"]
    return PagedAlert(
        number=number,
        routing_key=str(event["routing_key"]),
        dedup_key=key,
        summary=str(payload["summary"]),
        severity=str(payload["severity"]),
        source=str(payload["source"]),
        details=dict(payload.get("custom_details", {})),
        links=tuple(event.get("links", ())),
    )
