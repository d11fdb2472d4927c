"""`DriftCounter`: counts the bins of features while a model serves, so that Prometheus can say how far they moved."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from failsoft.drift.columns import column_of
from failsoft.drift.counting.bins import Bins, WrongTypeError, bins_of
from failsoft.drift.counting.series import (
    BIN_ROWS,
    DROPPED_FEATURES,
    DROPPED_ROWS,
    REFERENCE_INFO,
    REFERENCE_ROWS,
    reference_label,
)
from failsoft.drift.profile import ReferenceProfile
from failsoft.findings import Finding

__all__ = ["MAX_SERIES", "DriftCounter"]

MAX_SERIES: Final = 2_000
"""Bins that one counter exports when nothing else is said; the reference takes as many series again."""

_CAPPED, _UNKNOWN, _TYPE, _UNREADABLE = "capped", "unknown-feature", "wrong-type", "unreadable"
_REASONS = (_CAPPED, _UNKNOWN, _TYPE, _UNREADABLE)


class DriftCounter:
    """Counts of a model's features, in the bins of a reference, as counters of Prometheus.

    Made once, when the model is loaded; then `observe` or `observe_many` for what it takes and what it answers. Neither
    ever raises: what cannot be counted is counted as dropped, with the reason. Threads may share one, and with
    `PROMETHEUS_MULTIPROC_DIR` processes, too, also when they are forked. Counters of several models, or of several
    references of one while a rollout goes on, stand side by side in one registry.

    Args:
        profile: whose bins, and what the rules compare with: its own rows are exported beside the counts. Raises
            `ValueError` where it is why `ReferenceProfile.parse` found none.
        model: the Model's name; the profile's, when left out. Raises `ValueError` where neither has one.
        features: which ones; all, when left out. Raises `ValueError` on one that the profile lacks.
        registry: where the series go.
        max_series: features that would bring more bins than this are not counted, the last ones first: predictions
            come first in a profile, then features by importance. Their values are counted as dropped.

    >>> from failsoft.drift import fit_arrays
    >>> profile = fit_arrays({"age": [31, 44, 58, 23], "plan": ["free", "pro", "free", None]}, model="chat")
    >>> registry = CollectorRegistry()
    >>> counter = DriftCounter(profile, registry=registry)
    >>> counter.observe(age=30, plan="gold")
    >>> counter.observe_many({"age": [70.0, float("nan")], "plan": ["pro", 7]})
    >>> here = {"model": "chat", "reference": profile.digest[:12]}
    >>> registry.get_sample_value("failsoft_drift_bin_rows_total", {**here, "feature": "plan", "bin": "new"})
    2.0
    >>> registry.get_sample_value("failsoft_drift_bin_rows_total", {**here, "feature": "age", "bin": "missing"})
    1.0
    """

    def __init__(
        self,
        profile: ReferenceProfile | Finding,
        *,
        model: str = "",
        features: Iterable[str] | None = None,
        registry: CollectorRegistry = REGISTRY,
        max_series: int = MAX_SERIES,
    ) -> None:
        if isinstance(profile, Finding):
            raise ValueError(f"{profile.place}: {profile.message}")  # noqa: TRY004  # what `ReferenceProfile.parse` gave
        self.profile = profile
        self.model = model or profile.model
        if not self.model:
            raise ValueError("the profile names no model: say which one it is")
        chosen = tuple(profile.features) if features is None else tuple(features)
        if unknown := [name for name in chosen if name not in profile.features]:
            raise ValueError(f"the profile has no feature {unknown[0]!r}")
        kept, capped = _capped({name: bins_of(profile.features[name]) for name in chosen}, max_series)
        families = _families(registry)
        reference = reference_label(profile.digest)
        self._counted = {
            name: _Feature(bins, tuple(families.rows.labels(self.model, reference, name, bin_) for bin_ in bins.names))
            for name, bins in kept.items()
        }
        self._capped = frozenset(capped)
        self._known = frozenset(profile.features)
        self._dropped = {reason: families.dropped.labels(self.model, reference, reason) for reason in _REASONS}
        for name, bins in kept.items():
            for bin_, holds, rows in zip(bins.names, bins.holds, bins.reference, strict=True):
                families.reference.labels(self.model, reference, name, bin_, holds).set(rows)
        families.info.labels(self.model, reference, profile.revision, profile.digest).set(1)
        families.lost.labels(self.model, reference).set(len(capped))

    def observe(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Count one row, or the part of it that is known: `observe(age=31, plan="free")`, or a mapping by name.

        A feature that is left out is not counted; None and NaN are rows without a value.
        """
        try:
            for name, value in (more if values is None else {**values, **more}).items():
                self._one(name, value)
        except Exception:  # noqa: BLE001  # a gauge of drift must never break what it watches
            self._drop(_UNREADABLE, 1)

    def observe_many(self, columns: Any, names: Sequence[str] | None = None) -> None:
        """Count a batch of rows.

        Args:
            columns: a mapping or a data frame of columns by name, each what numpy takes for an array of one dimension;
                or, with `names`, an array of shape (rows, features).
            names: of the array's columns.
        """
        try:
            for name, values in _columns(columns, names):
                self._many(name, values)
        except Exception:  # noqa: BLE001  # as above
            self._drop(_UNREADABLE, 1)

    def _one(self, name: str, value: Any) -> None:
        feature = self._counted.get(name)
        if feature is None:
            if name in self.profile.embeddings:
                self._along(name, [value])
            else:
                self._refuse(name, 1)
            return
        try:
            at = feature.bins.of_value(value)
        except Exception:  # noqa: BLE001  # what a value of another library does when it is looked at
            at = None
        if at is None:
            self._many(name, [value])
        else:
            feature.children[at].inc()

    def _many(self, name: str, values: Any) -> None:
        if name in self.profile.embeddings:
            self._along(name, values)
            return
        feature = self._counted.get(name)
        if feature is None:
            self._refuse(name, _length(values))
            return
        try:
            counts = feature.bins.of_column(column_of(values))
        except WrongTypeError:
            self._drop(_TYPE, _length(values))
        except Exception:  # noqa: BLE001  # as above
            self._drop(_UNREADABLE, _length(values))
        else:
            for child, count in zip(feature.children, counts, strict=True):
                if count:
                    child.inc(count)

    def _along(self, name: str, vectors: Any) -> None:
        """Count the vectors of an embedding along each of its directions."""
        from failsoft.drift.projection import expanded

        try:
            parts = expanded({name: vectors}, {name: self.profile.embeddings[name]})
        except ValueError:
            self._drop(_TYPE, _length(vectors))
        else:
            for part, along in parts.items():
                self._many(part, along)

    def _refuse(self, name: str, rows: int) -> None:
        if name in self._capped:
            self._drop(_CAPPED, rows)
        elif name not in self._known:  # the others the author left out
            self._drop(_UNKNOWN, rows)

    def _drop(self, reason: str, rows: int) -> None:
        self._dropped[reason].inc(rows)


class _Feature(NamedTuple):
    bins: Bins
    children: tuple[Counter, ...]


class _Families(NamedTuple):
    rows: Counter
    reference: Gauge
    info: Gauge
    dropped: Counter
    lost: Gauge


_made: WeakKeyDictionary[CollectorRegistry, _Families] = WeakKeyDictionary()
_making = Lock()


def _families(registry: CollectorRegistry) -> _Families:
    """The families of a registry, which its counters share. Gauges are the same in all processes of a model."""
    with _making:
        found = _made.get(registry)
        if found is None:
            own = ("model", "reference")
            bin_ = (*own, "feature", "bin")
            found = _made[registry] = _Families(
                Counter(BIN_ROWS, "Rows by bin.", bin_, registry=registry),
                _gauge(REFERENCE_ROWS, "Rows of the reference by bin.", (*bin_, "holds"), registry),
                _gauge(REFERENCE_INFO, "1 for each reference.", (*own, "revision", "sha256"), registry),
                Counter(DROPPED_ROWS, "Values that were not counted.", (*own, "reason"), registry=registry),
                _gauge(DROPPED_FEATURES, "Features that are not counted.", own, registry),
            )
        return found


def _gauge(name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, labels, registry=registry, multiprocess_mode="max")


def _capped(bins: Mapping[str, Bins], most: int) -> tuple[dict[str, Bins], list[str]]:
    """The features that fit, in their order, and the names of those from the first on that does not."""
    kept: dict[str, Bins] = {}
    series = 0
    for name, made in bins.items():
        series += len(made.names)
        if series > most:
            break
        kept[name] = made
    return kept, [name for name in bins if name not in kept]


def _columns(columns: Any, names: Sequence[str] | None) -> Iterator[tuple[str, Any]]:
    if names is not None:
        array = np.asarray(columns)
        if array.ndim != 2 or array.shape[1] != len(names):  # noqa: PLR2004  # rows and features
            raise ValueError("the array has other columns than the names")
        yield from ((name, array[:, index]) for index, name in enumerate(names))
    elif isinstance(columns, Mapping):
        yield from columns.items()
    else:
        # pandas and polars say `columns`, Arrow says `column_names`
        listed = columns.column_names if hasattr(columns, "column_names") else columns.columns
        yield from ((name, columns[name]) for name in listed)


def _length(values: Any) -> int:
    try:
        return len(values)
    except Exception:  # noqa: BLE001  # as above
        return 1
