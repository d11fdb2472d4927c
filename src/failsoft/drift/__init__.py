"""Drift: how far a model's signals are from how they were, as numbers that never say "no data" means "no drift"."""

from failsoft.drift.distribution import Categories, Distribution, Histogram
from failsoft.drift.learn import learn
from failsoft.drift.profile import CategoriesReference, HistogramReference, ReferenceProfile
from failsoft.drift.psi import psi
from failsoft.drift.queries import counts_query
from failsoft.drift.score import Score, Verdict, score
from failsoft.drift.tvd import tvd
from failsoft.drift.watch import Watch, evaluate, watches

__all__ = [
    "Categories",
    "CategoriesReference",
    "Distribution",
    "Histogram",
    "HistogramReference",
    "ReferenceProfile",
    "Score",
    "Verdict",
    "Watch",
    "counts_query",
    "evaluate",
    "learn",
    "psi",
    "score",
    "tvd",
    "watches",
]
