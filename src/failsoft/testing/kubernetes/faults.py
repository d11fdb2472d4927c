"""What makes the fake misbehave on demand: injected faults, denied verbs, and the log of what it was asked."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Denial", "Fault", "Faults", "Request"]

type Json = dict[str, Any]

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LONGEST_LOG = 100_000
_REVIEW = "selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the fake answered.

    Attributes:
        method: the HTTP method.
        path: without the query.
        query: its parameters.
        body: the JSON body, if any.
        status: the HTTP status answered.
        dry_run: whether nothing was to be changed.
        reply_lost: whether the connection was cut instead of answering; the status then never arrived.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    dry_run: bool = False
    reply_lost: bool = False

    @property
    def is_effect(self) -> bool:
        """Whether this request changed something: a write that was accepted and no dry run."""
        refused = self.status >= 400 or (isinstance(self.body, dict) and _REVIEW in self.path)  # noqa: PLR2004
        return self.method in _WRITES and not refused and not self.dry_run and _REVIEW not in self.path


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the next matching requests.

    Attributes:
        method: the HTTP method; empty for all.
        path: a regular expression searched in the path.
        status: answer with this status instead of doing it; 0 to do it.
        count: for so many requests; -1 for all to come.
        skip: let so many matching requests pass first.
        delay_s: seconds to wait before anything else.
        retry_after: the `Retry-After` header in seconds, with a status; 0 for none.
        lose_reply: do it, then cut the connection without an answer.
        body: the body of the answer; a fitting `Status` object by default.
    """

    method: str = ""
    path: str = ""
    status: int = 0
    count: int = 1
    skip: int = 0
    delay_s: float = 0.0
    retry_after: int = 0
    lose_reply: bool = False
    body: Json | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether this request is meant."""
        return self.method.upper() in {"", method} and re.search(self.path, path) is not None


@dataclass(frozen=True, slots=True)
class Denial:
    """A verb that we may not use.

    Attributes:
        verb: such as `patch`; `*` for all.
        resource: such as `nodes` or `pods/eviction`; `*` for all.
        namespace: only there; `*` everywhere.
    """

    verb: str
    resource: str = "*"
    namespace: str = "*"

    def covers(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether a call is denied."""
        return self.verb in {"*", verb} and self.resource in {"*", resource} and self.namespace in {"*", namespace}


@dataclass(slots=True)
class Faults:
    """The faults and denials in force, and the requests so far."""

    pending: list[Fault] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    log: deque[Request] = field(default_factory=lambda: deque(maxlen=_LONGEST_LOG))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, counted down."""
        for fault in self.pending:
            if not fault.matches(method, path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.count -= 1
            if fault.count == 0:
                self.pending.remove(fault)
            return fault
        return None

    def denied(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether RBAC forbids a call."""
        return any(denial.covers(verb, resource, namespace) for denial in self.denials)

    def deny(self, denials: Iterable[Denial]) -> None:
        """Deny these too."""
        self.denials.extend(denials)
