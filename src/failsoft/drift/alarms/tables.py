"""The alarm's tables: how bins are pooled, and the PSI of many windows at once, bin by bin."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST_EXPECTED", "Counts", "Floats", "merged", "pools", "signed_roots"]

LEAST_EXPECTED = 5.0
"""The rows that each bin of the alarm's table is expected to hold on the smaller side (Cochran 1954, "Some methods for
strengthening the common chi-square tests")."""

type Floats = npt.NDArray[np.float64]
type Counts = npt.NDArray[np.number]


def pools(reference: Sequence[float], rows: float, *, ordered: bool) -> tuple[int, ...]:
    """Which bins of the reference are counted together in a window of so many rows.

    Bins of a number are merged with their neighbours, from the left, until each is expected to hold 5 rows on the
    smaller of the two sides. Of categories the rare ones are merged into one, which takes in the next rarest until it
    holds enough; a bin that the reference never had is always among them. The pools depend on the reference and the
    window's rows only, never on what a window holds, so that they do not bend the law of its score.

    Args:
        reference: counts of rows, not negative.
        rows: rows of a window.
        ordered: whether neighbouring bins are alike, as those of a number are.

    Returns:
        For each bin the index of its pool. One pool only means that nothing can be judged.

    >>> pools([50, 20, 1, 30, 2], 100, ordered=True)
    (0, 1, 2, 2, 2)
    >>> pools([50, 20, 1, 30, 0], 100, ordered=False)
    (0, 2, 2, 1, 2)
    """
    total = sum(reference)
    if total <= 0 or rows <= 0:
        return (0,) * len(reference)
    expected = [count * min(1.0, rows / total) for count in reference]
    return _neighbours(expected) if ordered else _rare(expected)


def _neighbours(expected: Sequence[float]) -> tuple[int, ...]:
    pool, held, made = 0, 0.0, []
    for share in expected:
        if held >= LEAST_EXPECTED:
            pool, held = pool + 1, 0.0
        made.append(pool)
        held += share
    if held < LEAST_EXPECTED and pool:  # what is left over at the right end joins the last pool
        made = [min(index, pool - 1) for index in made]
    return tuple(made)


def _rare(expected: Sequence[float]) -> tuple[int, ...]:
    order = sorted(range(len(expected)), key=lambda index: expected[index])
    rare: set[int] = set()
    held = 0.0
    for index in order:
        if expected[index] >= LEAST_EXPECTED and (not rare or held >= LEAST_EXPECTED):
            break
        rare.add(index)
        held += expected[index]
    kept = [index for index in range(len(expected)) if index not in rare]
    number = {index: position for position, index in enumerate(kept)}
    return tuple(number.get(index, len(kept)) for index in range(len(expected)))


def merged(counts: Counts, into: Sequence[int]) -> Floats:
    """Counts with the bins of each pool added up.

    Args:
        counts: shape (..., bins).
        into: the pool of each bin, as `pools` gives them.

    Returns:
        Shape (..., pools).

    >>> merged(np.array([[1, 2, 3], [4, 5, 6]]), (0, 1, 1)).tolist()
    [[1.0, 5.0], [4.0, 11.0]]
    """
    table = np.zeros((*counts.shape[:-1], max(into, default=-1) + 1))
    for bin_, pool in enumerate(into):
        table[..., pool] += counts[..., bin_]
    return table


def signed_roots(reference: Counts, windows: Counts) -> Floats:
    """The bins' parts of PSI as roots with a sign: their squares add up to `failsoft.drift.psi`.

    A root is positive where the window has the larger share. Without drift the roots of one window are nearly normal
    with mean 0 and the variance 1/n + 1/m of a share's error, so that their covariance over many windows says how
    windows differ from each other (the generalised design effects of Rao and Scott 1981, see `laws`).

    Args:
        reference: shape (bins,) or (windows, bins), where each window has a reference of its own.
        windows: shape (windows, bins); each window holds rows.

    Returns:
        Shape (windows, bins).

    >>> from failsoft.drift import psi
    >>> roots = signed_roots(np.array([139, 364, 346, 151]), np.array([[94, 290, 390, 226]]))
    >>> round(float((roots**2).sum()), 9) == round(psi([139, 364, 346, 151], [94, 290, 390, 226]), 9)
    True
    """
    bins = reference.shape[-1]
    p = (reference + 0.5) / (reference.sum(axis=-1, keepdims=True) + 0.5 * bins)
    q = (windows + 0.5) / (windows.sum(axis=-1, keepdims=True) + 0.5 * bins)
    moved = q - p
    roots: Floats = np.sign(moved) * np.sqrt(moved * np.log(q / p))
    return roots
