"""The reference profile: how a model's features were distributed when all was well, as a versioned JSON file."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from failsoft.drift.codes import PROFILE_HASH, PROFILE_NEWER, PROFILE_OLDER, PROFILE_SHAPE, PROFILE_UNREADABLE
from failsoft.drift.features import FeatureReference, Stored
from failsoft.drift.signed import DIGEST, Problems, as_text, digest_of, read_signed
from failsoft.findings import Finding, Place

__all__ = ["SCHEMA", "Acceptance", "ReferenceProfile"]

SCHEMA: Final = 2
"""The version of the format that this failsoft writes, and the newest that it reads."""

_SIZE_LIMIT = 5_000_000
_AGAIN = "make it again with `failsoft drift learn` or `failsoft drift fit`"
_PROBLEMS = Problems(PROFILE_UNREADABLE, PROFILE_NEWER, PROFILE_OLDER, PROFILE_SHAPE, PROFILE_HASH, _AGAIN)


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
        lines = [f"{as_text(key)}: {as_text(value)}" for key, value in content.items()]
        each = ",\n  ".join(f"{as_text(name)}: {as_text(value)}" for name, value in features.items())
        lines += [f'"features": {{\n  {each}\n }}', f'"{DIGEST}": {as_text(self.digest)}']
        return "{\n " + ",\n ".join(lines) + "\n}\n"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content: two profiles are the same where it is."""
        return digest_of(self._content())

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
        content = read_signed(data, path, schema=SCHEMA, most=_SIZE_LIMIT, problems=_PROBLEMS)
        if isinstance(content, Finding):
            return content
        try:
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return Finding(PROFILE_SHAPE, f"is no profile: {where or 'it'}: {first['msg']}", Place(path), hint=_AGAIN)
