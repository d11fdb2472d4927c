"""The reference profile: how a model's features were distributed when all was well, as a versioned JSON file."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from failsoft.drift.clusters import Clusters
from failsoft.drift.codes import PROFILE_HASH, PROFILE_NEWER, PROFILE_OLDER, PROFILE_SHAPE, PROFILE_UNREADABLE
from failsoft.drift.embedded import Embedding
from failsoft.drift.features import CategoricalReference, FeatureReference, Stored
from failsoft.drift.rhythm import Rhythm
from failsoft.drift.signed import DIGEST, Problems, Raw, as_text, digest_of, read_signed

if TYPE_CHECKING:
    from failsoft.findings import Finding

__all__ = ["OTHER_STRATUM", "SCHEMA", "Acceptance", "ReferenceProfile", "Strata"]

SCHEMA: Final = 3
"""The newest version of the format that this failsoft reads. It writes the oldest that holds what there is to say."""

_PLAIN: Final = 2
"""The version that knows features only."""

_ABOUT: Final = frozenset({"learnedAt", "learnedFrom", "accepted", "leftOut"})
"""What a profile says of its making."""

_SIZE_LIMIT = 5_000_000
_AGAIN = "make it again with `failsoft drift learn` or `failsoft drift fit`"
_PROBLEMS = Problems(
    PROFILE_UNREADABLE, PROFILE_NEWER, PROFILE_OLDER, PROFILE_SHAPE, PROFILE_HASH, _AGAIN, "is no profile"
)


class Acceptance(Stored):
    """Who took this reference in place of another, and why."""

    author: str
    reason: str
    at: AwareDatetime
    replaces: str
    """The SHA-256 of the reference until then; empty where there was none."""


class Strata(Stored):
    """The rows of each route, tenant or revision apart, so that a change of their mix is no change of the model."""

    by: str
    """The column that tells them apart."""

    mix: CategoricalReference
    """The rows of each of its values."""

    each: Mapping[str, Mapping[str, FeatureReference]]
    """The features by stratum, the one with most rows first."""

    pooled: Mapping[str, FeatureReference] | None = None
    """The features of all other strata together; None where there are none."""

    def of(self, value: str | None) -> str | None:
        """The stratum of a row: its value, `(other)`, or None where the reference has no row of the kind."""
        if value in self.each:
            return value
        known = value is None or value in self._known
        return OTHER_STRATUM if known and self.pooled is not None else None

    @property
    def features(self) -> Mapping[str, Mapping[str, FeatureReference]]:
        """The features by stratum, `(other)` last."""
        return dict(self.each) | ({OTHER_STRATUM: self.pooled} if self.pooled is not None else {})

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset((*self.mix.categories, *self.mix.rest))


OTHER_STRATUM: Final = "(other)"
"""The strata that have too few rows for a reference of their own."""


class ReferenceProfile(Stored):
    """The features of one model, as they were."""

    schema_: Annotated[Literal[2, 3], Field(alias="schema")] = _PLAIN
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

    strata: Strata | None = None
    """The same for each stratum; None where all rows are taken together."""

    embeddings: Mapping[str, Embedding] = Field(default_factory=dict)
    """Columns of vectors, each of which is as many features as it has directions."""

    rhythm: Rhythm | None = None
    """The rows of each hour of the week; None where all hours are taken together."""

    left_out: tuple[str, ...] = ()
    """Columns of the rows that are not compared, so that nobody is warned of them."""

    clusters: Clusters | None = None
    """How much alike rows of one tenant or request are; None where rows are taken for independent."""

    @model_validator(mode="after")
    def _versioned(self) -> Self:
        if self.schema_ == _PLAIN and (self.strata or self.embeddings or self.rhythm or self.clusters or self.left_out):
            raise ValueError(f"has what the schema {_PLAIN} does not know")
        if self.strata is not None and (self.rhythm or self.clusters):
            raise ValueError("has strata, and hours of the week or clusters as well")
        if self.rhythm is not None and self.rhythm.counts.keys() != self.features.keys():
            raise ValueError("lacks the hours of a feature")
        for column, embedding in self.embeddings.items():
            if not set(embedding.names(column)) <= self.features.keys():
                raise ValueError(f"lacks a feature for each direction of {column!r}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """What data needs to have to be scored."""
        home = {name: column for column, one in self.embeddings.items() for name in one.names(column)}
        keys = [self.strata.by] if self.strata is not None else []
        keys += [self.rhythm.time] if self.rhythm is not None else []
        keys += [self.clusters.column] if self.clusters is not None else []
        return tuple(dict.fromkeys([*(home.get(name, name) for name in self.features), *keys]))

    def stratum(self, name: str) -> "ReferenceProfile":
        """The profile of one stratum, as if there were no other rows; of `""`, of all rows together."""
        features = self.features if not name or self.strata is None else self.strata.features[name]
        return self.changed(features=features, strata=None)

    def changed(self, **fields: Any) -> "ReferenceProfile":
        """The same with some fields changed, and the hash that it then has."""
        made = self.model_copy(update=fields)
        for cached in ("digest", "counts_digest"):
            made.__dict__.pop(cached, None)
        return made

    def render(self) -> str:
        """The profile as the text of a file, a line for each feature, with the SHA-256 of its content."""
        content = self._content()
        features = content.pop("features")
        strata = content.pop("strata", None)
        lines = [f"{as_text(key)}: {as_text(value)}" for key, value in content.items()]
        lines.append(f'"features": {_lines(features, "  ")}')
        if strata is not None:
            each = {name: Raw(_lines(features, "    ")) for name, features in strata.pop("each").items()}
            pooled = strata.pop("pooled", None)
            parts = [f"{as_text(key)}: {as_text(value)}" for key, value in strata.items()]
            parts.append(f'"each": {_lines(each, "   ")}')
            if pooled is not None:
                parts.append(f'"pooled": {_lines(pooled, "   ")}')
            lines.append('"strata": {\n  ' + ",\n  ".join(parts) + "\n }")
        lines.append(f'"{DIGEST}": {as_text(self.digest)}')
        return "{\n " + ",\n ".join(lines) + "\n}\n"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content: two profiles are the same where it is."""
        return digest_of(self._content())

    @cached_property
    def counts_digest(self) -> str:
        """The SHA-256 of what was counted, and of which model: a calibration holds however that came to be accepted."""
        return digest_of({key: value for key, value in self._content().items() if key not in _ABOUT})

    def _content(self) -> dict[str, Any]:
        """The file's content; what is as usual is left out, but for what says how to read the rest."""
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        content["features"] = _with_kinds(self.features, content["features"])
        if self.strata is not None:
            strata = content["strata"]
            strata["mix"] = {"kind": self.strata.mix.kind} | strata["mix"]
            strata["each"] = {name: _with_kinds(of, strata["each"][name]) for name, of in self.strata.each.items()}
            if self.strata.pooled is not None:
                strata["pooled"] = _with_kinds(self.strata.pooled, strata["pooled"])
        return {"schema": self.schema_} | content

    @classmethod
    def parse(cls, data: bytes, path: str) -> "ReferenceProfile | Finding":
        """Read the bytes of a file; a Finding where they are no profile that can be trusted.

        Args:
            data: the whole file.
            path: the file's name, for the finding.
        """
        return read_signed(cls, data, path, schema=SCHEMA, oldest=_PLAIN, most=_SIZE_LIMIT, problems=_PROBLEMS)


def _lines(content: Mapping[str, Any], indent: str) -> str:
    """An object with a line for each member."""
    members = f",\n{indent}".join(f"{as_text(name)}: {as_text(value)}" for name, value in content.items())
    return f"{{\n{indent}{members}\n{indent[:-1]}}}"


def _with_kinds(features: Mapping[str, FeatureReference], dumped: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"kind": feature.kind} | dumped[name] for name, feature in features.items()}
