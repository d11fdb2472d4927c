"""The law of a window's score when nothing has changed: how likely a score above any value is."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import chdtri, gammaln, log_ndtr

from failsoft.drift.alarms.tables import Floats, signed_roots

__all__ = ["Law", "quadratic_form", "raised", "small_sample", "yurdakul"]

_LEAST_LOG = -34.0
"""Where the tables end; beyond, their last slope goes on."""

_DRAWS = 16_000
_NEAR_MEAN = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """The upper tail of a score z, as a table.

    The score is z = PSI / (1/n + 1/m) with n reference and m window rows.

    Attributes:
        z: rising scores, shape (points,).
        log_tail: the natural logarithm of the chance to exceed each, falling, shape (points,).
        mean, variance: of the score.
    """

    z: Floats
    log_tail: Floats
    mean: float
    variance: float

    def log_sf(self, z: Floats) -> Floats:
        """The logarithm of the chance to exceed z; beyond the table its last slope goes on. Shape as z."""
        inside = np.interp(z, self.z, self.log_tail, left=0.0)
        slope = (self.log_tail[-1] - self.log_tail[-2]) / (self.z[-1] - self.z[-2])
        beyond: Floats = np.where(z > self.z[-1], self.log_tail[-1] + slope * (z - self.z[-1]), inside)
        return beyond

    def critical(self, level: float) -> float:
        """The score that is exceeded with the chance exp(-level)."""
        if level > -self.log_tail[-1]:
            slope = (self.log_tail[-1] - self.log_tail[-2]) / (self.z[-1] - self.z[-2])
            return float(self.z[-1] + (-level - self.log_tail[-1]) / slope)
        return float(np.interp(level, -self.log_tail, self.z))

    def hazard(self, level: float) -> float:
        """How fast the logarithm of the chance falls per unit of score, at the score that `critical(level)` gives."""
        low, high = self.critical(level), self.critical(level + 0.5)
        return 0.5 / (high - low) if high > low else float("inf")


@lru_cache(maxsize=256)
def yurdakul(bins: int) -> Law:
    """The chi-square law with B - 1 degrees of freedom, both sides being samples.

    B. Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University 2018, theorem 3.1.

    >>> round(yurdakul(10).critical(9.064), 2)
    33.36
    """
    dof = bins - 1
    tail = np.concatenate([np.linspace(0.999, 0.05, 200), np.exp(np.linspace(np.log(0.05), _LEAST_LOG, 400))[1:]])
    z: Floats = chdtri(dof, tail)
    return Law(z, np.log(tail), float(dof), 2.0 * dof)


def quadratic_form(weights: Floats, shifts: Floats | None = None) -> Law:
    """The law of sum w (Z + b)^2 with independent standard normal Z.

    What the score of a window follows when windows differ from each other by more than chance (traffic wanders, rows
    come in clusters): its weights are the generalised design effects of J. N. K. Rao and A. J. Scott, "The analysis of
    categorical data from complex sample surveys", JASA 76 (1981), which are all 1 where rows are independent. The tail
    is the saddlepoint approximation of D. Kuonen, "Saddlepoint approximations for distributions of quadratic forms in
    normal variables", Biometrika 86 (1999), within about 2 % of exact.

    Args:
        weights: shape (terms,), positive.
        shifts: b^2 of each term, shape (terms,); 0 when left out.

    >>> round(quadratic_form(np.ones(9)).critical(9.064), 1)
    33.4
    """
    w = weights
    b2 = np.zeros_like(w) if shifts is None else shifts
    # the saddlepoints t below and above 0, from far out in the lower tail up to the pole at 1 / (2 max w)
    t = np.concatenate([-np.logspace(2.5, -3, 150), -np.expm1(-np.logspace(-3, 0.9, 400))]) / (2 * w.max())
    g = 1 - 2 * t[:, None] * w
    cumulant = (-0.5 * np.log(g) + t[:, None] * w * b2 / g).sum(axis=1)
    z = (w / g + w * b2 / g**2).sum(axis=1)
    spread = (2 * (w / g) ** 2 + 4 * w**2 * b2 / g**3).sum(axis=1)
    root = np.sign(t) * np.sqrt(2 * np.maximum(t * z - cumulant, 0))
    scaled = t * np.sqrt(spread)
    usable = np.abs(root) > _NEAR_MEAN  # there the formula is 0 / 0; the table spans it
    z, root, scaled = z[usable], root[usable], scaled[usable]
    log_tail = np.minimum.accumulate(log_ndtr(-(root + np.log(scaled / root) / root)))
    return Law(z, log_tail, float((w * (1 + b2)).sum()), float((2 * w**2 * (1 + 2 * b2)).sum()))


@lru_cache(maxsize=512)
def small_sample(reference: tuple[float, ...], rows: int, seed: int = 20261121) -> Law:
    """The law of the score where bins hold so few rows that the chi-square law is only a likeness.

    With 10 expected rows a bin the chi-square law alarms three times as often as it says at 1 in 8,640. Windows are
    drawn from the reference's own shares with both sides' error, half of them from wider (Dirichlet-multinomial)
    shares, and weighted back by the ratio of the two likelihoods (A. Owen and Y. Zhou, "Safe and effective importance
    sampling", JASA 95 (2000)), so that 16,000 draws show chances down to 1e-8 within a few per cent.

    Args:
        reference: counts of rows, each positive.
        rows: rows of a window.
        seed: of the draws; the same seed gives the same law.
    """
    rng = np.random.default_rng(seed)
    counts = np.asarray(reference)
    bins, total = len(counts), int(counts.sum())
    share = counts / counts.sum()
    concentrations = [_concentration(bins, rows, alpha) for alpha in (1e-2, 1e-4, 1e-7)]
    each = _DRAWS // 4
    shares = [rng.standard_gamma(a * share, size=(each, bins)) + 1e-300 for a in concentrations]
    drawn = np.concatenate(
        [
            rng.multinomial(rows, share, size=each),
            *(rng.multinomial(rows, wide / wide.sum(axis=1, keepdims=True)) for wide in shares),
        ]
    )
    plain = drawn @ np.log(share)
    wide = [_log_dirichlet_multinomial(drawn, a * share) for a in concentrations]
    proposal = np.logaddexp.reduce([plain, *wide]) - np.log(4)
    weight = np.exp(plain - proposal)
    others = rng.multinomial(total, share, size=len(drawn))
    z = (signed_roots(others, drawn) ** 2).sum(axis=1) / (1 / total + 1 / rows)
    mean = float((weight * z).sum() / weight.sum())
    variance = float((weight * (z - mean) ** 2).sum() / weight.sum())
    order = np.argsort(-z)
    log_tail = np.log(np.cumsum(weight[order]) / len(drawn))
    levels = np.arange(-0.2, _LEAST_LOG / 1.8, -0.2)
    levels = levels[levels > log_tail[40]]  # fewer than 40 draws say too little
    scores = np.interp(levels, log_tail, z[order])
    rising = np.append(True, np.diff(scores) > 0)  # few rows have few scores: of the levels of one the likeliest stays
    scores, levels = scores[rising], levels[rising]
    if len(scores) == 1:  # beyond the only score, the chance falls as fast as a normal law's
        scores, levels = np.append(scores, scores + 1), np.append(levels, levels - 1)
    return Law(scores, levels, mean, variance)


def _concentration(bins: int, rows: int, alpha: float) -> float:
    inflation = max(1.2, float(chdtri(bins - 1, alpha)) / (bins - 1))
    return max(1.0, (rows - 1) / (inflation - 1) - 1)


def _log_dirichlet_multinomial(drawn: Floats, alpha: Floats) -> Floats:
    """The logarithm of its chance, without the multinomial coefficient. Shape (draws,)."""
    rows, whole = drawn.sum(axis=1), alpha.sum()
    log: Floats = gammaln(whole) - gammaln(whole + rows) + (gammaln(drawn + alpha) - gammaln(alpha)).sum(axis=1)
    return log


def raised(*laws: Law) -> Law:
    """The law whose chance to exceed a score is the largest of those given.

    >>> raised(yurdakul(4), yurdakul(10)).critical(9) == yurdakul(10).critical(9)
    True
    """
    if len(laws) == 1:
        return laws[0]
    z = np.unique(np.concatenate([law.z for law in laws]))
    log_tail = np.minimum.accumulate(np.max([law.log_sf(z) for law in laws], axis=0))
    falling = np.concatenate([[True], np.diff(log_tail) < 0])
    return Law(z[falling], log_tail[falling], max(law.mean for law in laws), max(law.variance for law in laws))
