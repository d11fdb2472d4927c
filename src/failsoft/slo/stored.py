"""As what Prometheus stores a histogram, and where the bucket of a native one begins and ends."""

import json
from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from math import ceil, inf, isclose, isinf, log2
from typing import NamedTuple

from failsoft.errors import RefusedError
from failsoft.workspace.kinds import EngineLockSpec, ModelSpec
from failsoft.workspace.kinds.families import Histograms
from failsoft.workspace.model import Document, Workspace

__all__ = ["Stored", "bucket_around", "form_of", "locks_of", "stored_as"]

_FLOAT = Context(prec=17)
_SCHEMAS = range(-4, 9)


class Stored(NamedTuple):
    """As what Prometheus stores a histogram; the schema where it is a native one."""

    form: Histograms
    schema: int | None = None


def locks_of(workspace: Workspace, model: Document[ModelSpec], family: str) -> list[Document[EngineLockSpec]]:
    """The locks that say something about a histogram of a model: those that name the model, else those of its engine.

    More than one contradict each other.
    """
    fitting = [
        lock for lock in workspace.locks.values() if lock.spec.engine == model.spec.engine and lock.spec.knows(family)
    ]
    own = [lock for lock in fitting if model.name in lock.spec.models]
    return own or [lock for lock in fitting if not lock.spec.models]


def form_of(model: Document[ModelSpec], locks: Sequence[Document[EngineLockSpec]], family: str) -> Histograms:
    """As what Prometheus stores it: what the model says goes before what a lock found."""
    if model.spec.histograms is not None:
        return model.spec.histograms
    if any(family in lock.spec.native for lock in locks):
        return "native"
    return "custom" if any(family in lock.spec.custom for lock in locks) else "classic"


def stored_as(answer: str, bounds: Sequence[Decimal], source: str) -> Stored | None:
    """As what a histogram is stored, by Prometheus' answer to a query for it; None where it has no native one.

    The answer names the edges of buckets that hold something, and no schema. Edges that all are among the bounds of the
    classic histogram are those of custom buckets; else a bucket's width tells the schema. The widest counts.

    Args:
        answer: JSON of `/api/v1/query`.
        bounds: the classic bounds, as far as they are known.
        source: where the answer came from, for people.

    Raises:
        RefusedError: this is no such answer.
    """
    try:
        result = json.loads(answer)["data"]["result"]
        buckets = [bucket for one in result if "histogram" in one for bucket in one["histogram"][1].get("buckets", ())]
        edges = [(float(lower), float(upper)) for _, lower, upper, _ in buckets]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RefusedError(f"{source} does not answer as a Prometheus does") from None
    if not edges:
        return None
    known = {*map(float, bounds), inf, -inf, 0.0}
    if all(edge in known for pair in edges for edge in pair) or any(isinf(edge) for pair in edges for edge in pair):
        return Stored("custom")
    wide = max((log2(upper / lower) for lower, upper in edges if lower > 0), default=None)
    schema = next((one for one in _SCHEMAS if wide is not None and isclose(wide, 2.0**-one, rel_tol=1e-6)), None)
    return Stored("custom") if schema is None and wide is not None else Stored("native", schema)


def bucket_around(value: Decimal, schema: int) -> tuple[Decimal, Decimal] | None:
    """The bounds of the bucket of a native histogram that holds a value above 0; None where the value is a bound.

    Bounds are the powers of 2^(2^-schema); an upper bound is a part of its bucket.
    https://prometheus.io/docs/specs/native_histograms/

    >>> [f"{bound:.4f}" for bound in bucket_around(Decimal("0.3"), 3) or ()], bucket_around(Decimal("0.5"), 3)
    (['0.2973', '0.3242'], None)
    """
    steps = Fraction(2) ** schema  # of a doubling
    if _is_power(value, 1 / steps if steps < 1 else Fraction(1)):
        return None
    index = ceil(log2(value) * float(steps))
    lower, upper = (_FLOAT.create_decimal_from_float(2.0 ** (at / float(steps))) for at in (index - 1, index))
    return lower, upper


def _is_power(value: Decimal, doublings: Fraction) -> bool:
    """Whether a value is a power of 2^doublings; between them, bounds are irrational and no decimal is one."""
    exact = Fraction(value)
    over, under = exact.numerator, exact.denominator
    if over & (over - 1) or under & (under - 1):
        return False
    return (over.bit_length() - under.bit_length()) % int(doublings) == 0
