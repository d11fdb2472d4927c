"""Files of ours that hold what was learned: JSON with the version of its format and the SHA-256 of its content."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from pydantic import BaseModel, ValidationError

from failsoft.findings import Code, Finding, Place

__all__ = ["DIGEST", "Problems", "Raw", "as_text", "digest_of", "read_signed"]

DIGEST = "sha256"
"""The key of the hash."""


class Problems(NamedTuple):
    """What can be wrong with one kind of these files.

    Attributes:
        unreadable, newer, older, shape, changed: the codes.
        again: how to make such a file again.
        wrong: what a file is that does not hold what it should, such as "is no profile".
    """

    unreadable: Code
    newer: Code
    older: Code
    shape: Code
    changed: Code
    again: str
    wrong: str


class Raw(str):
    """Text that is JSON already."""

    __slots__ = ()


def as_text(value: Any) -> str:
    """A value as it stands in a file."""
    if isinstance(value, Raw):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of the content in its canonical form, in hexadecimal digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def read_signed[Model: BaseModel](  # noqa: PLR0913  # what is read, and what is said of it
    model: type[Model],
    data: bytes,
    path: str,
    *,
    schema: int,
    most: int,
    problems: Problems,
    oldest: int | None = None,
) -> Model | Finding:
    """What a file holds; a Finding where it cannot be trusted.

    Args:
        model: what it should hold, beside its hash.
        data: the whole file.
        path: the file's name, for the finding.
        schema: the newest version that is read.
        most: bytes that a file may have.
        problems: what to say.
        oldest: the oldest version that is read; the newest, when left out.
    """
    first = schema if oldest is None else oldest
    content = _read_json(data, path, most, problems)
    if isinstance(content, Finding):
        return content
    found = content.get("schema")
    if isinstance(found, int) and not isinstance(found, bool) and not first <= found <= schema:
        newer = found > schema
        reads = f"{schema}" if first == schema else f"{first} to {schema}"
        message = f"has the schema {found}, and this failsoft reads {reads}"
        hint = f"update failsoft, or {problems.again}" if newer else problems.again
        return _finding(problems.newer if newer else problems.older, message, path, hint=hint)
    digest = content.pop(DIGEST, None)
    if digest is None:
        return _finding(problems.shape, "has no sha256", path, hint=problems.again)
    if digest != digest_of(content):
        message = "was changed after it was written: its sha256 differs"
        return _finding(problems.changed, message, path, hint=problems.again)
    try:
        return model.model_validate_json(json.dumps(content))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in wrong["loc"])
        return _finding(problems.shape, f"{problems.wrong}: {where or 'it'}: {wrong['msg']}", path, hint=problems.again)


def _read_json(data: bytes, path: str, most: int, problems: Problems) -> dict[str, Any] | Finding:
    unreadable = problems.unreadable
    if len(data) > most:
        return _finding(unreadable, f"has {len(data)} bytes, more than {most}", path)
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return _broken_json(error, path, problems)
    except UnicodeDecodeError as error:
        return _finding(unreadable, f"is not UTF-8 (byte {error.start})", path)
    except (ValueError, RecursionError) as error:
        return _finding(unreadable, f"is no JSON: {str(error)[:100]}", path)
    if not isinstance(content, dict):
        return _finding(problems.shape, "holds no JSON object", path)
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _broken_json(error: json.JSONDecodeError, path: str, problems: Problems) -> Finding:
    lines = error.doc.splitlines()
    line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    place = Place(path, error.lineno, error.colno, 1, line[:500])
    at_the_end = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string")
    if at_the_end or not error.doc.rstrip().endswith("}"):
        hint = "it was truncated; " + problems.again
        return Finding(problems.unreadable, "ends in the middle of its JSON", place, hint=hint)
    return Finding(problems.unreadable, f"is no JSON: {error.msg}", place, hint=problems.again)


def _finding(code: Code, message: str, path: str, *, hint: str = "") -> Finding:
    return Finding(code, message, Place(path), hint=hint)
