"""The alarm on a share, such as of missing rows or of new categories, which a reference may not have at all."""

import numpy as np
from scipy.special import gammaln

from failsoft.drift.alarms.tables import Floats

__all__ = ["least_events", "log_tails"]


def log_tails(events: int, reference: int, rows: int, most: int) -> Floats:
    """The logarithm of the chance of at least x events in a window, for x = 0 .. most.

    Both sides are samples: given how many events there are in both together, those of the window follow the
    hypergeometric law (R. A. Fisher's exact test, one-sided). So a reference without any event is no reason to alarm
    on the first one.

    Args:
        events: rows with the event in the reference.
        reference: rows of the reference.
        rows: of a window.
        most: the largest x; at most `rows`.

    Returns:
        Shape (most + 1,), falling.

    >>> np.exp(log_tails(0, 20_000, 500, 3)).round(7).tolist()
    [1.0, 0.0243902, 0.0005937, 1.44e-05]
    """
    return np.array([_log_tail(x, events, reference, rows) for x in range(most + 1)])


def least_events(events: int, reference: int, rows: int, level: float) -> int:
    """The least number of events in a window whose chance is at most exp(-level).

    Args:
        events: rows with the event in the reference.
        reference: rows of the reference.
        rows: of a window.
        level: -log(chance).

    Returns:
        `rows` + 1 where even a window of nothing else is no rarer.

    >>> least_events(0, 20_000, 500, 9.064), least_events(400, 20_000, 500, 9.064)
    (3, 25)
    """
    low, high = 0, rows + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if -_log_tail(middle, events, reference, rows) >= level else (middle, high)
    return high


def _log_tail(x: int, events: int, reference: int, rows: int) -> float:
    if x == 0:
        return 0.0
    together = x + events
    seen = np.arange(x, min(together, rows) + 1, dtype=np.float64)
    log = (
        _log_choose(rows, seen)
        + _log_choose(reference, together - seen)
        - _log_choose(rows + reference, np.array([float(together)]))
    )
    return min(0.0, float(np.logaddexp.reduce(log)))


def _log_choose(n: int, k: Floats) -> Floats:
    inside = (k >= 0) & (k <= n)
    value: Floats = np.where(inside, gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(np.maximum(n - k, 0) + 1.0), -np.inf)
    return value
