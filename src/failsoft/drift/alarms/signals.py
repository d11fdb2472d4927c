"""What is watched: a table of bins or a share, each with the law of its score and a critical value at any level."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from failsoft.drift.alarms import shares
from failsoft.drift.alarms.heldout import HeldOut, compare
from failsoft.drift.alarms.laws import Law, quadratic_form, raised, small_sample, yurdakul
from failsoft.drift.alarms.stored import Watched
from failsoft.drift.alarms.tables import Counts, Floats, merged, pools

__all__ = ["ShareTest", "Signal", "TableTest", "Test", "test_of"]

_PLENTY = 50
"""Expected rows in every bin from which on the chi-square law needs no help at 1 in 10,000."""


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """Counts of one feature in the reference and in the held-out windows, in the order of time.

    Attributes:
        name: of the feature.
        reference: shape (bins,).
        windows: shape (windows, bins); no windows where none were held out.
        ordered: whether neighbouring bins are alike, as those of a number are.
        share: the two bins are rows with an event (missing, a new category) and rows without; only more of them alarms.
        of: what of the profile it is; None for counts that come from no profile.
        rows: of a window, where they are fewer than all of the window's, as those of a stratum are.
        references: what each window is compared with, where windows have references of their own, as hours of the week
            ask for; shape (windows, bins).
    """

    name: str
    reference: Counts
    windows: Counts
    ordered: bool = True
    share: bool = False
    of: Watched | None = None
    rows: int | None = None
    references: Counts | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TableTest:
    """PSI of the pooled table.

    Attributes:
        name: of the feature.
        into: the pool of each bin.
        reference: pooled counts, shape (pools,).
        rows: rows of a window.
        base: the law where windows differ by chance only.
        law: the same, raised by what the held-out windows show.
        held: the held-out windows, or None.
        of: what of the profile it is.
    """

    name: str
    into: tuple[int, ...]
    reference: Floats
    rows: int
    base: Law
    law: Law
    held: HeldOut | None
    of: Watched | None = None

    @property
    def error(self) -> float:
        """1/n + 1/m, by which PSI is divided."""
        return float(1 / self.reference.sum() + 1 / self.rows)

    def critical(self, level: float, floor: float) -> float:
        """The score z above which a window is bad."""
        return max(self.law.critical(level), floor / self.error)

    def chance(self, z: Floats) -> Floats:
        """That a window is above z while nothing has changed."""
        return np.exp(self.law.log_sf(z))

    def levels(self) -> Floats:
        """-log(chance) of each held-out window, shape (windows,)."""
        return -self.law.log_sf(self.held.z) if self.held is not None else np.zeros(0)

    def redrawn(self, rng: np.random.Generator, weights: Floats | None) -> Law:
        """The law as it may really be: from other held-out blocks, or under the reference's own error."""
        if self.held is not None and weights is not None:
            return self.held.law(weights)
        dof = len(self.reference) - 1
        return reference_draw(self, float(chdtri(dof, rng.uniform())))

    def moved(self, shift: Floats | None) -> Law:
        """The law of the score when the shares have moved by these signed roots, shape (pools,)."""
        if self.held is not None:
            return self.held.law(shift=None if shift is None else shift / self.error**0.5)
        power = 0.0 if shift is None else float((shift**2).sum()) / self.error
        return quadratic_form(np.ones(len(self.reference) - 1), np.append(np.zeros(len(self.reference) - 2), power))


def reference_draw(test: TableTest, distance: float) -> Law:
    """The law of a window's score given how far the reference is from the truth.

    All windows are compared with the same reference, whose own error moves all their scores: given it, the score times
    m is a noncentral chi-square variable with noncentrality m/n x `distance`.

    Args:
        test: the test.
        distance: n times the chi-square distance of the reference from the truth, itself chi-square with B - 1 degrees.
    """
    ratio = test.rows / float(test.reference.sum())
    dof = len(test.reference) - 1
    given = quadratic_form(np.full(dof, 1 / (1 + ratio)), np.append(np.zeros(dof - 1), ratio * distance))
    # what small counts change is the same under any draw
    correction = test.base.log_sf(given.z) - yurdakul(dof + 1).log_sf(given.z)
    log_tail = np.minimum.accumulate(np.minimum(given.log_tail + correction, 0.0))
    return Law(given.z, log_tail, given.mean, given.variance)


@dataclass(frozen=True, slots=True, eq=False)
class ShareTest:
    """The number of rows with an event, by the exact test of two samples.

    Attributes:
        name: of the feature, with what is counted.
        events, total: of the reference.
        rows: of a window.
        held: rows with an event in each held-out window, shape (windows,).
        tails: log(chance) of at least x events, x = 0 .. , shape (counts,).
    """

    name: str
    events: int
    total: int
    rows: int
    held: Floats
    tails: Floats

    def critical(self, level: float, floor: float) -> float:  # noqa: ARG002  # a share has no PSI to be below a floor
        """The number of events from which on a window is bad, less a half."""
        return float(np.searchsorted(-self.tails, level)) - 0.5

    def chance(self, z: Floats) -> Floats:
        """That a window has more events than z while nothing has changed."""
        at = np.minimum(np.ceil(z).astype(np.int64), len(self.tails) - 1)
        return np.exp(self.tails[at])

    def levels(self) -> Floats:
        """-log(chance) of each held-out window, shape (windows,)."""
        return -self.tails[np.minimum(self.held.astype(np.int64), len(self.tails) - 1)]


type Test = TableTest | ShareTest


def test_of(signal: Signal, rows: int, block: int, *, inside: bool) -> Test | None:
    """The test of a signal; None where nothing can be judged.

    That is where its table has one bin only, or where windows were held out and none has a row of it.

    Args:
        signal: its counts.
        rows: of a window, unless the signal has its own.
        block: held-out windows that belong together.
        inside: whether the windows' rows are among the reference's.
    """
    rows = rows if signal.rows is None else signal.rows
    if signal.share:
        return _share(signal, rows)
    into = pools(signal.reference.tolist(), rows, ordered=signal.ordered)
    if len(set(into)) == 1 or (len(signal.windows) and not signal.windows.any()):
        return None
    reference = merged(signal.reference, into)
    base = yurdakul(len(reference))
    if reference.min() * min(1.0, rows / reference.sum()) < _PLENTY:
        base = raised(base, small_sample(tuple(reference.tolist()), rows))
    own = None if signal.references is None else merged(signal.references, into)
    windows = merged(signal.windows, into)
    held = compare(reference, windows, block, inside=inside, references=own) if len(windows) else None
    law = raised(base, held.law()) if held is not None else base
    return TableTest(signal.name, into, reference, rows, base, law, held, signal.of)


def _share(signal: Signal, rows: int) -> ShareTest:
    events, total = int(signal.reference[0]), int(signal.reference.sum())
    # windows of other sizes count as if they had the planned rows
    held = np.rint(signal.windows[:, 0] * rows / np.maximum(signal.windows.sum(axis=1), 1.0))
    likely = 60 + 4 * rows * events / total + float(held.max(initial=0))
    return ShareTest(
        signal.name, events, total, rows, held, shares.log_tails(events, total, rows, min(rows, int(likely)))
    )
