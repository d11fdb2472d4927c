"""The error answers of an API server, word for word as Kubernetes 1.35 gives them (`apimachinery/pkg/api/errors`)."""

from http import HTTPStatus
from typing import Any

__all__ = [
    "ApiError",
    "already_exists",
    "bad_request",
    "broken_patch",
    "conflict",
    "expired",
    "forbidden",
    "invalid",
    "method_not_allowed",
    "not_found",
    "server_error",
    "success",
    "too_many_requests",
    "unauthorized",
    "unknown_path",
    "unsupported",
]

type Json = dict[str, Any]

_CAUSES = {"Unsupported": "NotSupported"}


class ApiError(Exception):
    """A refusal; `status` is the `Status` object to send, `retry_after` the header in seconds (0: none)."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({} if details is None else {"details": details}),
            "code": code,
        }
        self.retry_after = int((details or {}).get("retryAfterSeconds", 0))


def success(*, code: int = 0, details: Json | None = None) -> Json:
    """The `Status` of something done."""
    status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return status | ({"details": details} if details else {}) | ({"code": code} if code else {})


def _details(group: str, plural: str, name: str) -> Json:
    named = {"name": name, "group": group, "kind": plural}
    return {key: value for key, value in named.items() if value}


def _qualified(group: str, plural: str) -> str:
    return f"{plural}.{group}" if group else plural


def not_found(group: str, plural: str, name: str) -> ApiError:
    """404 on an object."""
    message = f'{_qualified(group, plural)} "{name}" not found'
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", message, _details(group, plural, name))


def unknown_path() -> ApiError:
    """404 on a path that no served resource has."""
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource", {})


def already_exists(group: str, plural: str, name: str) -> ApiError:
    """409 on create."""
    message = f'{_qualified(group, plural)} "{name}" already exists'
    return ApiError(HTTPStatus.CONFLICT, "AlreadyExists", message, _details(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str) -> ApiError:
    """409 on a stale write or a failed precondition."""
    message = f'Operation cannot be fulfilled on {_qualified(group, plural)} "{name}": {why}'
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, _details(group, plural, name))


def invalid(group: str, kind: str, name: str, field: str, problem: str) -> ApiError:
    """422 of validation; `problem` is such as `Invalid value: -1: must be greater than or equal to 0`."""
    word = problem.partition(":")[0].partition(" ")[0]
    cause = {"reason": f"FieldValue{_CAUSES.get(word, word)}", "message": problem, "field": field}
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid",
        f'{_qualified(group, kind)} "{name}" is invalid: {field}: {problem}',
        _details(group, kind, name) | {"causes": [cause]},
    )


def broken_patch() -> ApiError:
    """422 of a JSON patch that does not apply: a failed `test`, a path that is not there."""
    message = "the server rejected our request due to an error in our request"
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, {})


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unsupported(message: str) -> ApiError:
    """415."""
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message, {})


def server_error(message: str) -> ApiError:
    """500, which the server also answers to some mistakes of its callers."""
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "", message)


def method_not_allowed() -> ApiError:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, {})


def unauthorized() -> ApiError:
    """401."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def forbidden(group: str, plural: str, name: str, why: str) -> ApiError:
    """403."""
    named = f' "{name}"' if name else ""
    message = f"{_qualified(group, plural)}{named} is forbidden: {why}"
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, _details(group, plural, name))


def too_many_requests(message: str, *, retry_after: int = 0, cause: str = "") -> ApiError:
    """429; with a cause, that of an eviction which a PodDisruptionBudget forbids."""
    details: Json = {"retryAfterSeconds": retry_after} if retry_after else {}
    if cause:
        details["causes"] = [{"reason": "DisruptionBudget", "message": cause}]
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", message, details)


def expired(message: str) -> ApiError:
    """410 of a watch or list from a version that is no longer kept."""
    return ApiError(HTTPStatus.GONE, "Expired", message)
