"""The reference profile: how a model's signals were distributed when all was well, as a versioned JSON file."""

import hashlib
import json
from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from typing import Annotated, Any, Final, Literal, NoReturn, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from failsoft.drift.codes import PROFILE_HASH, PROFILE_NEWER, PROFILE_SHAPE, PROFILE_UNREADABLE
from failsoft.drift.distribution import Categories, Histogram
from failsoft.findings import Code, Finding, Place

__all__ = ["SCHEMA", "CategoriesReference", "HistogramReference", "ReferenceProfile", "SignalReference"]

SCHEMA: Final = 1
"""The version of the format that this failsoft writes, and the newest that it reads."""

_SIZE_LIMIT = 5_000_000
_DIGEST = "sha256"

type _Count = Annotated[int, Field(ge=0, le=2**62)]


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True)


class HistogramReference(_Stored):
    """A signal whose rows were counted in bins."""

    kind: Literal["histogram"] = "histogram"
    cuts: Annotated[tuple[float, ...], Field(min_length=1)]
    """The k inner bounds, rising."""

    counts: tuple[_Count, ...]
    """k + 1 counts."""

    rows: Annotated[_Count, Field(ge=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.counts) != len(self.cuts) + 1 or sum(self.counts) != self.rows:
            raise ValueError("needs one count more than cuts, together the rows")
        if not all(isfinite(cut) for cut in self.cuts) or any(low >= high for low, high in pairwise(self.cuts)):
            raise ValueError("needs finite cuts that rise")
        return self

    @property
    def distribution(self) -> Histogram:
        """The same as counts to compare with."""
        return Histogram(self.cuts, self.counts)


class CategoriesReference(_Stored):
    """A signal whose rows were counted by category."""

    kind: Literal["categories"] = "categories"
    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    """The categories that had rows, the most frequent first."""

    counts: tuple[_Count, ...]
    rows: Annotated[_Count, Field(ge=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.counts) != len(self.categories) or sum(self.counts) != self.rows:
            raise ValueError("needs a count for each category, together the rows")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("names a category twice")
        return self

    @property
    def distribution(self) -> Categories:
        """The same as counts to compare with."""
        return Categories(dict(zip(self.categories, self.counts, strict=True)))


SignalReference = Annotated[HistogramReference | CategoriesReference, Field(discriminator="kind")]


class ReferenceProfile(_Stored):
    """The signals of one model, as they were."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = SCHEMA
    """The version of the format."""

    model: str
    """The Model whose signals these are."""

    revision: str = ""
    """What was served, such as an image's digest or a version; empty where nobody said."""

    learned_at: AwareDatetime
    """The end of the time that was counted."""

    learned_over: str
    """Its length, such as `7d`."""

    signals: Mapping[str, SignalReference]

    def render(self) -> str:
        """The profile as the text of a file, with the SHA-256 of its content."""
        content = self.model_dump(mode="json", by_alias=True)
        return json.dumps(content | {_DIGEST: _digest(content)}, indent=1, ensure_ascii=False) + "\n"

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
        if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
            found = f"has the schema {schema}, and this failsoft reads {SCHEMA}"
            return _finding(PROFILE_NEWER, found, path, hint="update failsoft, or learn the reference again")
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


_AGAIN = "learn it again with `failsoft drift learn`"


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
    if not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string"):
        return Finding(PROFILE_UNREADABLE, "ends in the middle of its JSON", place, hint="it was truncated; " + _AGAIN)
    return Finding(PROFILE_UNREADABLE, f"is no JSON: {error.msg}", place, hint=_AGAIN)


def _finding(code: Code, message: str, path: str, *, hint: str = "") -> Finding:
    return Finding(code, message, Place(path), hint=hint)
