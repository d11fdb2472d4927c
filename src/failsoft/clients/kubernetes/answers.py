"""What the API server's error answers mean to us: each HTTP status and `Status` object as one of our own errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from failsoft.errors import (
    ConflictError,
    FailsoftError,
    NotFoundError,
    RefusedError,
    TemporaryError,
    UnavailableError,
)

__all__ = ["Answer", "error_of"]

_LONGEST_MESSAGE = 600
_BUDGET = "DisruptionBudget"
_BROKEN_PATCH = "the server rejected our request due to an error in our request"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API server that says no.

    Attributes:
        status: the HTTP status, or the `code` of a `Status` object that came inside a watch.
        reason: the machine-readable reason, such as `AlreadyExists`; empty when the body was no `Status`.
        message: what the server said.
        causes: the types of `details.causes`, such as `DisruptionBudget`.
        named: whether `details` names the object (a validation error does, a broken JSON patch does not).
        retry_after: seconds, 0 when the server named none.
    """

    status: int
    reason: str
    message: str
    causes: frozenset[str] = frozenset()
    named: bool = False
    retry_after: float = 0.0

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> "Answer":
        """Read an error answer; anything that is not a `Status` object becomes its first characters."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict) or document.get("kind") != "Status":
            text = body[:_LONGEST_MESSAGE].decode("utf-8", "replace").strip()
            return cls(status, "", text or _phrase(status), retry_after=_seconds(headers.get("Retry-After")))
        return cls.of_status(document, status=status, retry_after=_seconds(headers.get("Retry-After")))

    @classmethod
    def of_status(cls, document: Mapping[str, Any], *, status: int = 0, retry_after: float = 0.0) -> "Answer":
        """Read a `Status` object."""
        details = _object(document.get("details"))
        code = status or _number(document.get("code")) or int(HTTPStatus.INTERNAL_SERVER_ERROR)
        found = details.get("causes")
        causes = [_object(cause) for cause in found] if isinstance(found, list) else []
        message = str(document.get("message") or _phrase(code))
        # An eviction's message leaves out which budget forbids it; validation messages repeat their causes.
        budgets = (str(cause.get("message", "")) for cause in causes if cause.get("reason") == _BUDGET)
        return cls(
            status=code,
            reason=str(document.get("reason") or ""),
            message=" ".join((message, *budgets))[:_LONGEST_MESSAGE],
            causes=frozenset(str(cause.get("reason", "")) for cause in causes),
            named=bool(details.get("kind") or details.get("name")),
            retry_after=retry_after or _number(details.get("retryAfterSeconds")),
        )


def error_of(answer: Answer, doing: str) -> FailsoftError:
    """The error to raise for an answer; `doing` completes the sentence "the cluster refused to ...".

    Source of the statuses: `k8s.io/apimachinery/pkg/api/errors` and `pkg/registry/core/pod/storage/eviction.go`, 1.35.
    """
    says = f"{answer.message} ({answer.status} {answer.reason or _phrase(answer.status)})"
    delay = answer.retry_after or 1.0
    error: FailsoftError
    match answer.status:
        case HTTPStatus.NOT_FOUND:
            error = NotFoundError(f"the cluster cannot {doing}: {says}")
        case HTTPStatus.CONFLICT:
            error = ConflictError(f"the cluster did not {doing}: {says}", delay=delay)
        case HTTPStatus.GONE:
            error = ConflictError(f"the cluster cannot {doing}, that version is too old: {says}", delay=delay)
        case HTTPStatus.TOO_MANY_REQUESTS if _BUDGET in answer.causes:
            error = TemporaryError(f"the cluster will not {doing} now: {says}", delay=delay)
        case HTTPStatus.UNPROCESSABLE_ENTITY if answer.message == _BROKEN_PATCH and not answer.named:
            error = ConflictError(f"the cluster did not {doing}, the object is not what the patch expects: {says}")
        case HTTPStatus.INTERNAL_SERVER_ERROR if "more than one PodDisruptionBudget" in answer.message:
            error = RefusedError(f"the cluster refused to {doing}: {says}")
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
            error = UnavailableError(f"the cluster could not {doing} now: {says}", delay=delay)
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            error = UnavailableError(f"the cluster could not {doing} now: {says}", delay=delay)
        case HTTPStatus.UNAUTHORIZED:
            error = RefusedError(f"the cluster refused to {doing}: it does not accept our credentials; {says}")
        case _:
            error = RefusedError(f"the cluster refused to {doing}: {says}")
    return error


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _seconds(header: str | None) -> float:
    """`Retry-After` in seconds; the HTTP date form is not used by the API server and counts as absent."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else 0.0
