"""Drift: how far a model's signals are from how they were, as numbers that never say "no data" means "no drift".

Names are imported when they are first used: who checks a workspace needs no numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from failsoft.drift.accumulator import Accumulator, WrongColumnError
    from failsoft.drift.columns import Labels, Numbers
    from failsoft.drift.counting.counter import DriftCounter
    from failsoft.drift.distribution import Categories, Distribution, Histogram
    from failsoft.drift.features import CategoricalReference, HistogramReference, NumericReference, UncomparedReference
    from failsoft.drift.fitting import fit, fit_arrays
    from failsoft.drift.monitors.learn import learn
    from failsoft.drift.monitors.queries import counts_query
    from failsoft.drift.monitors.score import Score, Verdict, score
    from failsoft.drift.monitors.watch import Watch, evaluate, watches
    from failsoft.drift.profile import ReferenceProfile
    from failsoft.drift.source import Source
    from failsoft.drift.statistics.psi import psi
    from failsoft.drift.statistics.tvd import tvd

__all__ = [
    "Accumulator",
    "CategoricalReference",
    "Categories",
    "Distribution",
    "DriftCounter",
    "Histogram",
    "HistogramReference",
    "Labels",
    "Numbers",
    "NumericReference",
    "ReferenceProfile",
    "Score",
    "Source",
    "UncomparedReference",
    "Verdict",
    "Watch",
    "WrongColumnError",
    "counts_query",
    "evaluate",
    "fit",
    "fit_arrays",
    "learn",
    "psi",
    "score",
    "tvd",
    "watches",
]

_HOMES = {
    "accumulator": ("Accumulator", "WrongColumnError"),
    "columns": ("Labels", "Numbers"),
    "counting.counter": ("DriftCounter",),
    "fitting": ("fit", "fit_arrays"),
    "distribution": ("Categories", "Distribution", "Histogram"),
    "features": ("CategoricalReference", "HistogramReference", "NumericReference", "UncomparedReference"),
    "monitors.learn": ("learn",),
    "monitors.queries": ("counts_query",),
    "monitors.score": ("Score", "Verdict", "score"),
    "monitors.watch": ("Watch", "evaluate", "watches"),
    "profile": ("ReferenceProfile",),
    "source": ("Source",),
    "statistics.psi": ("psi",),
    "statistics.tvd": ("tvd",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
