"""KS, W1 and the tests of diagnosis from the rows of both sides, one column in memory at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from failsoft.cli.drift.files import Told, names, opened, stop
from failsoft.drift import Accumulator, Numbers, NumericReference, codes
from failsoft.drift.comparison import Compared, compare, exactly
from failsoft.drift.diagnosis import Tested, anderson_darling, cramer_von_mises, energy, mmd
from failsoft.drift.projection import Projected
from failsoft.errors import UsageError
from failsoft.findings import Finding, Place

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile, Source

__all__ = ["from_rows"]


def from_rows(  # noqa: PLR0913  # two files, how they are read, and what is asked for
    window: Accumulator, reference: Path, data: Path, *, form: str, delimiter: str, diagnose: Sequence[str]
) -> tuple[tuple[Compared, ...], dict[str, Any]]:
    """Every feature with what rows say better than counts, and the diagnosis of those that were asked for."""
    features = window.profile.features
    numeric = [name for name, feature in features.items() if isinstance(feature, NumericReference)]
    types = {name: features[name].type for name in numeric}  # type: ignore[union-attr]  # all are numeric
    before = _along(opened(reference, form, delimiter=delimiter, types=types), window)
    now = _along(opened(data, form, delimiter=delimiter, types=types), window)
    if gone := [name for name in numeric if name not in before.columns]:
        stop([Finding(codes.COLUMN_GONE, f"has no column {gone[0]!r}", Place(reference.name))], form)
    _are_of_the_reference(before, window.profile, numeric, reference.name)
    found, details = [], {}
    told = Told("comparing rows")
    for done, compared in enumerate(compare(window), 1):
        if compared.name in types:
            sides = _rows(before, compared.name), _rows(now, compared.name)
            found.append(exactly(compared, *sides))
            if compared.name in diagnose:
                details[compared.name] = _diagnosis(*sides)
        else:
            found.append(compared)
        told(done, len(features), "features")
    return tuple(found), details


def _are_of_the_reference(rows: "Source", profile: "ReferenceProfile", numeric: "Sequence[str]", shown: str) -> None:
    """Distances from other rows than the reference was made from would stand beside its counts as if they were of it.

    Raises:
        UsageError: the rows are counted otherwise than those of the reference were.
    """
    features = {name: profile.features[name] for name in numeric}
    counted = Accumulator(profile.changed(features=features, embeddings={}, rhythm=None, clusters=None))
    for batch in rows.batches(numeric):
        counted.update(batch)
    other = [
        one.name
        for one in compare(counted)
        if one.missing.reference != one.missing.current
        or (one.laid is not None and tuple(one.laid.reference) != tuple(one.laid.current))
    ]
    if other:
        raise UsageError(f"{shown} holds other rows than the reference was made from, by the counts of {names(other)}")


def _along(source: "Source", window: Accumulator) -> "Source":
    """The rows with embeddings along the directions of the reference."""
    embeddings = {column: one for column, one in window.profile.embeddings.items() if column in source.columns}
    return Projected(source, embeddings) if embeddings else source


def _rows(source: "Source", name: str) -> NDArray[np.float64]:
    parts = [batch[name] for batch in source.batches([name])]
    return np.concatenate([p.values.astype(np.float64) for p in parts if isinstance(p, Numbers)] or [np.empty(0)])


def _diagnosis(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Mapping[str, Any]:
    tests = {
        "cramer_von_mises": cramer_von_mises(reference, current),
        "anderson_darling": anderson_darling(reference, current),
        "energy": energy(reference, current),
        "mmd": mmd(reference, current),
    }
    return {name: _as_json(tested) for name, tested in tests.items()}


def _as_json(tested: Tested | None) -> dict[str, float] | None:
    return None if tested is None else {"statistic": tested.statistic, "log10_p": tested.log10_p}
