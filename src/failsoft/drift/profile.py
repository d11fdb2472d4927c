"""The reference profile: how a model's features were distributed when all was well, as a versioned JSON file."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import AwareDatetime, Field, ValidationError

from failsoft.drift.codes import PROFILE_HASH, PROFILE_NEWER, PROFILE_OLDER, PROFILE_SHAPE, PROFILE_UNREADABLE
from failsoft.drift.features import FeatureReference, Stored
from failsoft.findings import Code, Finding, Place

__all__ = ["SCHEMA", "Acceptance", "ReferenceProfile"]

SCHEMA: Final = 2
"""The version of the format that this failsoft writes, and the newest that it reads."""

_SIZE_LIMIT = 5_000_000
_DIGEST = "sha256"


class Acceptance(Stored):
    """Who took this reference in place of another, and why."""

    author: str
    reason: str
    at: AwareDatetime
    replaces: str
    """The SHA-256 of the reference until then; empty where there was none."""


class ReferenceProfile(Stored):
    """The features of one model, as they were."""

    schema_: Annotated[Literal[2], Field(alias="schema")] = SCHEMA
    """The version of the format."""

    model: str = ""
    """The Model whose features these are; empty where nobody said."""

    revision: str = ""
    """What was served, such as an image's digest or a version; empty where nobody said."""

    learned_at: AwareDatetime
    """When the rows were counted; the end of the time that they are from, where they have one."""

    learned_from: str
    """Where the rows came from: a length of time such as `7d`, or the name of a file."""

    accepted: Acceptance | None = None
    """Set by `failsoft drift accept`."""

    features: Mapping[str, FeatureReference]
    """By name; predictions first, then as important as the order says."""

    def render(self) -> str:
        """The profile as the text of a file, a line for each feature, with the SHA-256 of its content."""
        content = self._content()
        features = content.pop("features")
        lines = [f"{_text(key)}: {_text(value)}" for key, value in content.items()]
        each = ",\n  ".join(f"{_text(name)}: {_text(value)}" for name, value in features.items())
        lines += [f'"features": {{\n  {each}\n }}', f'"{_DIGEST}": {_text(self.digest)}']
        return "{\n " + ",\n ".join(lines) + "\n}\n"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content: two profiles are the same where it is."""
        return _digest(self._content())

    def _content(self) -> dict[str, Any]:
        """The file's content; what is as usual is left out, but for what says how to read the rest."""
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        features = {name: {"kind": feature.kind} | content["features"][name] for name, feature in self.features.items()}
        return {"schema": self.schema_} | content | {"features": features}

    @classmethod
    def parse(cls, data: bytes, path: str) -> "ReferenceProfile | Finding":
        """Read the bytes of a file; a Finding where they are no profile that can be trusted.

        Args:
            data: the whole file.
            path: the file's name, for the finding.
        """
        content = _read_json(data, path)
        if isinstance(content, Finding):
            return content
        schema = content.get("schema")
        if isinstance(schema, int) and not isinstance(schema, bool) and schema != SCHEMA:
            newer = schema > SCHEMA
            found = f"has the schema {schema}, and this failsoft reads {SCHEMA}"
            hint = "update failsoft, or make the reference again" if newer else _AGAIN
            return _finding(PROFILE_NEWER if newer else PROFILE_OLDER, found, path, hint=hint)
        digest = content.pop(_DIGEST, None)
        if digest is None:
            return _finding(PROFILE_SHAPE, "has no sha256", path, hint=_AGAIN)
        if digest != _digest(content):
            return _finding(PROFILE_HASH, "was changed after it was written: its sha256 differs", path, hint=_AGAIN)
        try:
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return _finding(PROFILE_SHAPE, f"is no profile: {where or 'it'}: {first['msg']}", path, hint=_AGAIN)


_AGAIN = "make it again with `failsoft drift learn` or `failsoft drift fit`"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _read_json(data: bytes, path: str) -> dict[str, Any] | Finding:
    if len(data) > _SIZE_LIMIT:
        return _finding(PROFILE_UNREADABLE, f"has {len(data)} bytes, more than {_SIZE_LIMIT}", path)
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return _broken_json(error, path)
    except UnicodeDecodeError as error:
        return _finding(PROFILE_UNREADABLE, f"is not UTF-8 (byte {error.start})", path)
    except (ValueError, RecursionError) as error:
        return _finding(PROFILE_UNREADABLE, f"is no JSON: {str(error)[:100]}", path)
    if not isinstance(content, dict):
        return _finding(PROFILE_SHAPE, "holds no JSON object", path)
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _broken_json(error: json.JSONDecodeError, path: str) -> Finding:
    lines = error.doc.splitlines()
    line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    place = Place(path, error.lineno, error.colno, 1, line[:500])
    at_the_end = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string")
    if at_the_end or not error.doc.rstrip().endswith("}"):
        return Finding(PROFILE_UNREADABLE, "ends in the middle of its JSON", place, hint="it was truncated; " + _AGAIN)
    return Finding(PROFILE_UNREADABLE, f"is no JSON: {error.msg}", place, hint=_AGAIN)


def _finding(code: Code, message: str, path: str, *, hint: str = "") -> Finding:
    return Finding(code, message, Place(path), hint=hint)
