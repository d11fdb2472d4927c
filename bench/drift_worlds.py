"""Worlds in which nothing has changed, or something has, as counts: equal in law to rows that are binned."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, gammaln, ndtr, ndtri

from failsoft.drift.alarms.tables import Floats, merged, signed_roots

__all__ = ["DECILES", "ZIPF", "Wander", "World", "calm", "chance", "cycle", "heavy", "normal", "scores"]

DECILES: Floats = np.full(10, 0.1)
"""Ten bins of equal share: the reference's own deciles."""

ZIPF: Floats = 1 / np.arange(1, 53) / (1 / np.arange(1, 53)).sum()
"""52 categories, the share of the k-th being as 1/k."""

type Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True, slots=True)
class Wander:
    """How the mean of a window differs from the long-run mean, in standard deviations, while nothing has changed.

    Attributes:
        draw: so many windows in the order of time.
        wide: so many from a wider law, for rare events.
        log_ratio: the logarithm of the density of `draw` over that of `wide`, where they are independent.
    """

    draw: Draw
    wide: Draw
    log_ratio: Callable[[Floats], Floats]


def calm() -> Wander:
    """Windows differ by chance only."""
    return Wander(_zeros, _zeros, np.zeros_like)


def normal(sd: float) -> Wander:
    """Each window's mean is its own."""
    scales = np.array([1.0, 2.0, 3.5]) * sd

    def wide(rng: np.random.Generator, n: int) -> Floats:
        mixed: Floats = rng.standard_normal(n) * rng.choice(scales, size=n)
        return mixed

    def log_ratio(delta: Floats) -> Floats:
        log = -0.5 * (delta[:, None] / scales) ** 2 - np.log(scales)
        found: Floats = log[:, 0] - np.logaddexp.reduce(log, axis=1) + np.log(len(scales))
        return found

    return Wander(lambda rng, n: rng.normal(0, sd, n), wide, log_ratio)


def heavy(sd: float) -> Wander:
    """The same with Student's law of 4 degrees, which has outliers; its standard deviation is `sd`."""
    scales = np.array([1.0, 2.5]) * sd / 2**0.5

    def wide(rng: np.random.Generator, n: int) -> Floats:
        mixed: Floats = rng.standard_t(4, n) * rng.choice(scales, size=n)
        return mixed

    def log_ratio(delta: Floats) -> Floats:
        log = -2.5 * np.log1p((delta[:, None] / scales) ** 2 / 4) - np.log(scales)
        found: Floats = log[:, 0] - np.logaddexp.reduce(log, axis=1) + np.log(len(scales))
        return found

    return Wander(lambda rng, n: rng.standard_t(4, n) * sd / 2**0.5, wide, log_ratio)


def cycle(height: float, length: int) -> Wander:
    """A daily cycle of so many windows; rare events at hours drawn evenly."""

    def at_random(rng: np.random.Generator, n: int) -> Floats:
        found: Floats = height * np.sin(2 * np.pi * rng.uniform(size=n))
        return found

    return Wander(lambda _, n: height * np.sin(2 * np.pi * np.arange(n) / length), at_random, np.zeros_like)


def _zeros(_: np.random.Generator, n: int) -> Floats:
    return np.zeros(n)


@dataclass(frozen=True, slots=True)
class World:
    """Where windows come from.

    Attributes:
        share: of each bin in the long run, shape (bins,).
        rows: of a window.
        wander: how windows differ.
    """

    share: Floats
    rows: int
    wander: Wander

    def shares(self, delta: Floats) -> Floats:
        """Of windows whose mean is moved by delta standard deviations, shape (windows, bins)."""
        cuts = ndtri(np.cumsum(self.share)[:-1])
        below = ndtr(cuts - delta[:, None])
        ends = np.zeros((len(delta), 1))
        moved: Floats = np.diff(np.hstack([ends, below, ends + 1]), axis=1)
        return moved

    def windows(self, rng: np.random.Generator, n: int, shift: float = 0.0) -> Floats:
        """Counts of so many windows in the order of time, all moved by `shift`; shape (windows, bins)."""
        delta = self.wander.draw(rng, n) + shift
        share = self.shares(delta) if delta.any() else np.broadcast_to(self.share, (n, len(self.share)))
        return rng.multinomial(self.rows, share).astype(np.float64)

    def reference(self, rng: np.random.Generator, rows: int) -> Floats:
        """Counts of a reference of so many rows, taken evenly over a long time."""
        share = self.shares(self.wander.draw(rng, 8640)).mean(axis=0)
        return rng.multinomial(rows, share).astype(np.float64)


def scores(reference: Floats, windows: Floats) -> Floats:
    """PSI / (1/n + 1/m) of each window."""
    error = 1 / reference.sum() + 1 / windows.sum(axis=1)
    z: Floats = (signed_roots(reference, windows) ** 2).sum(axis=1) / error
    return z


def chance(  # noqa: PLR0913  # a world, a test and how well it is to be measured
    rng: np.random.Generator, world: World, reference: Floats, into: tuple[int, ...], z: float, *, draws: int = 12_000
) -> float:
    """That a window without any change has a score above z, by importance sampling; about 5 % exact at 1 in 10,000.

    A third of the windows is drawn as they come, the others from shares that vary more, and all are weighted back.
    """
    delta = world.wander.wide(rng, draws)
    share = merged(world.shares(delta), into)
    bins = share.shape[1]
    inflations = (1.0, *(max(1.2, float(chdtri(bins - 1, alpha)) / (bins - 1)) for alpha in (1e-3, 1e-6)))
    concentrations = [0.0, *((world.rows - 1) / (inflation - 1) - 1 for inflation in inflations[1:])]
    third = draws // 3
    drawn = np.empty_like(share)
    for index, concentration in enumerate(concentrations):
        part = slice(index * third, (index + 1) * third if index < 2 else draws)
        wide = share[part]
        if concentration:
            gamma = rng.standard_gamma(concentration * wide) + 1e-300
            wide = gamma / gamma.sum(axis=1, keepdims=True)
        drawn[part] = rng.multinomial(world.rows, wide)
    above = scores(reference, drawn) > z
    drawn, share, delta = drawn[above], share[above], delta[above]
    plain = (drawn * np.log(share)).sum(axis=1)
    proposals = [plain]
    for concentration in concentrations[1:]:
        a = concentration * share
        parts = (gammaln(drawn + a) - gammaln(a)).sum(axis=1)
        proposals.append(gammaln(concentration) - gammaln(concentration + world.rows) + parts)
    log = plain - np.logaddexp.reduce(proposals) + np.log(3) + world.wander.log_ratio(delta)
    return float(np.exp(log).sum() / draws)
