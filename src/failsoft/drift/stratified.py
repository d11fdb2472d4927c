"""Counting rows stratum by stratum, so that a change of the mix of routes or tenants is told from one of the model."""

from collections.abc import Callable, Mapping
from typing import Any

from failsoft.drift.accumulator import Accumulator, CategoryCounts, empty_counts
from failsoft.drift.columns import Labels
from failsoft.drift.profile import ReferenceProfile, Strata
from failsoft.drift.source import KeyedSource, Source

__all__ = ["Stratified", "Window", "centroid_cosines", "count"]


class Stratified:
    """Counts of a window of rows in the strata of a reference; rows of strata that it never had are in the mix only.

    Any split of the rows gives exactly the counts of the whole, as with an `Accumulator`.

    Args:
        profile: whose strata.

    Attributes:
        mix: rows of each stratum.
        parts: the counts of each stratum that has a reference.
    """

    def __init__(self, profile: ReferenceProfile) -> None:
        if profile.strata is None:
            raise ValueError("the reference has no strata")
        self.profile = profile
        self.strata: Strata = profile.strata
        self.mix = _mix(profile.strata)
        self.parts = {name: Accumulator(profile.stratum(name)) for name in profile.strata.features}

    @property
    def rows(self) -> int:
        """All rows."""
        return self.mix.rows + self.mix.missing

    def update(self, stratum: str | None, batch: Mapping[str, Any]) -> None:
        """Count rows that are all of one stratum.

        Raises `WrongColumnError` as an `Accumulator` does; nothing is counted then.

        Args:
            stratum: the value of the column that tells them apart; None for rows without one.
            batch: by name, columns or what `column_of` takes, all of one length.
        """
        name = self.strata.of(stratum)
        # of rows without a reference only the types are looked at
        part = Accumulator(self.profile.stratum("")) if name is None else self.parts[name]
        before = part.rows
        part.update(batch)
        rows = part.rows - before
        self.mix.update(Labels({}, rows) if stratum is None else Labels({stratum: rows}))

    def merge(self, other: "Stratified") -> None:
        """Add the counts of another part of the rows. Raises `ValueError` where it has another reference."""
        if other.profile.digest != self.profile.digest:
            raise ValueError("the two were counted with different references")
        self.mix.merge(other.mix)
        for name, part in self.parts.items():
            part.merge(other.parts[name])

    def as_json(self) -> dict[str, Any]:
        """The counts as plain JSON, to be sent to where they are merged."""
        unseen = {"rows": self.mix.unseen.rows, "kept": dict(sorted(self.mix.unseen.kept.items()))}
        return {
            "reference": self.profile.digest,
            "mix": {"known": self.mix.known, "unseen": unseen, "missing": self.mix.missing},
            "strata": {name: part.as_json() for name, part in self.parts.items()},
        }

    @classmethod
    def from_json(cls, profile: ReferenceProfile, content: Mapping[str, Any]) -> "Stratified":
        """What `as_json` gave. Raises `ValueError` where it is of another reference."""
        if content["reference"] != profile.digest:
            raise ValueError("the counts are of another reference")
        made, mix = cls(profile), content["mix"]
        made.mix.known = {name: int(mix["known"][name]) for name in made.mix.known}
        made.mix.unseen.rows, made.mix.unseen.kept = int(mix["unseen"]["rows"]), dict(mix["unseen"]["kept"])
        made.mix.missing = int(mix["missing"])
        made.parts = {
            name: Accumulator.from_json(profile.stratum(name), content["strata"][name]) for name in made.parts
        }
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stratified) and self.as_json() == other.as_json()

    __hash__ = None  # type: ignore[assignment]  # it changes


type Window = Accumulator | Stratified
"""A window's counts: of all rows together, or stratum by stratum."""


def count(profile: ReferenceProfile, source: Source, progress: Callable[[int], None] = lambda _rows: None) -> Window:
    """The counts of the rows of a source, stratum by stratum where the reference has strata.

    Raises `WrongColumnError` where a column is not there or of another type, and `ValueError` where the reference has
    strata and the source cannot tell rows apart.

    Args:
        profile: the reference.
        source: the rows.
        progress: is told how many rows are counted.
    """
    if profile.strata is None:
        whole = Accumulator(profile)
        for batch in source.batches(profile.columns):
            whole.update(batch)
            progress(whole.rows)
        return whole
    if not isinstance(source, KeyedSource):
        raise ValueError("the reference has strata: count a file or a data frame")  # noqa: TRY004  # it is the reference
    window = Stratified(profile)
    for value, batch in source.keyed(profile.stratum("").columns, profile.strata.by):
        window.update(value, batch)
        progress(window.rows)
    return window


def centroid_cosines(window: Window) -> dict[str, float | None]:
    """Of each embedding, the cosine between the centroids of the reference and of the window; None where one is at 0.

    It is information, not a signal: directions say what moved.
    """
    from failsoft.drift.projection import cosine

    parts = list(window.parts.values()) if isinstance(window, Stratified) else [window]
    return {
        column: cosine(
            embedding, [sum(numbers) for numbers in zip(*(part.sums[column].tolist() for part in parts), strict=True)]
        )
        for column, embedding in window.profile.embeddings.items()
    }


def _mix(strata: Strata) -> CategoryCounts:
    made = empty_counts(strata.mix)
    assert isinstance(made, CategoryCounts)  # noqa: S101  # a mix is categorical
    return made
