"""What the recording rules of a counted monitor have to say about a window, from the statistics of `failsoft.drift`.

It knows nothing of PromQL; only the critical scores, which both take from the reference, are the same numbers.
"""

from collections.abc import Mapping, Sequence

from failsoft.alerts.drift.monitored import Monitored
from failsoft.drift.alarms.analytic import Critical, Severities, share_base
from failsoft.drift.counting.bins import Bins
from failsoft.drift.counting.series import MISSING_BIN, NEW_BIN, PRESENT_BIN
from failsoft.drift.statistics import chi_square, js, psi, tvd
from failsoft.slo.series import DRIFT_CRITICAL, DRIFT_DEGREES, DRIFT_ROWS, DRIFT_SCORE

__all__ = ["Expected", "expected"]

type Expected = dict[tuple[str, tuple[tuple[str, str], ...]], float | None]
"""By metric and labels, the value; None where there has to be no series."""


def expected(  # noqa: PLR0913  # a window, and all that it is held against
    of: Monitored,
    bins: Bins,
    window: Sequence[float],
    critical: Critical,
    pooled: Sequence[str],
    *,
    promised: bool = False,
) -> Expected:
    """Every series of one signal.

    Args:
        of: the monitor.
        bins: of the feature.
        window: rows of each bin, `missing` last.
        critical: what is too much.
        pooled: the bins' names in the order of `critical.into`.
        promised: whether pages are; where not, no series says what is worth one.
    """
    scores = _scores(of, bins, window, critical, pooled)
    limits = _limits(of, bins, window, critical)
    found: Expected = {(DRIFT_ROWS, ()): sum(window)}
    found |= {(DRIFT_SCORE, (("statistic", name),)): value for name, value in scores.items() if name != "chi2_dof"}
    found[DRIFT_DEGREES, ()] = scores["chi2_dof"]
    ratios = []
    for name, limit in limits.items():
        for severity in ("ticket", "page"):
            silent = limit is None or (severity == "page" and not promised)
            value = None if silent else getattr(limit, severity)
            found[DRIFT_CRITICAL, (("statistic", name), ("severity", severity))] = value
        score = scores.get(name)
        if score is not None and limit is not None:
            ratios.append(score / (limit.page if promised else limit.ticket))
    found[DRIFT_SCORE, (("statistic", "excess"),)] = max(ratios, default=None)
    return found


def _scores(
    of: Monitored, bins: Bins, window: Sequence[float], critical: Critical, pooled: Sequence[str]
) -> dict[str, float | None]:
    rows = dict(zip(bins.names, zip(bins.reference, window, strict=True), strict=True))
    missing, total = rows.pop(MISSING_BIN)[1], sum(window)
    present = total - missing
    found: dict[str, float | None] = {"missing": missing / total if total and total >= of.rows else None}
    compared = {name: pair for name, pair in rows.items() if name != PRESENT_BIN}
    if present < of.rows or not compared:
        return found | dict.fromkeys(("psi", "pooled_psi", "tvd", "js", "chi2", "chi2_dof", "new"))
    left, right = zip(*compared.values(), strict=True)
    filled = [pair for name, pair in compared.items() if name != NEW_BIN or pair[1]]
    pearson = chi_square(left, right)
    found |= {
        "psi": psi(*zip(*filled, strict=True)),
        "tvd": tvd(left, right),
        "js": js(left, right),
        "chi2": pearson.statistic if pearson else None,
        "chi2_dof": pearson.dof if pearson else None,
        "new": rows[NEW_BIN][1] / present if NEW_BIN in rows else None,
    }
    if critical.z is not None:
        found["pooled_psi"] = psi(*_merged(compared, critical, pooled))
    return found


def _merged(
    compared: Mapping[str, tuple[float, float]], critical: Critical, pooled: Sequence[str]
) -> tuple[list[float], list[float]]:
    sides = [0.0] * (max(critical.into) + 1), [0.0] * (max(critical.into) + 1)
    for name, pool in zip(pooled, critical.into, strict=True):
        for side, count in zip(sides, compared.get(name, (0, 0)), strict=True):
            side[pool] += count
    return sides


def _limits(of: Monitored, bins: Bins, window: Sequence[float], critical: Critical) -> dict[str, Severities | None]:
    total, events = sum(bins.reference), bins.reference[-1]
    rows, present = sum(window), sum(window[:-1])
    found: dict[str, Severities | None] = dict.fromkeys(("pooled_psi", "missing", "new"))
    if critical.z is not None and present >= of.rows:
        error = 1 / (total - events) + 1 / min(present, critical.most or present)
        floor = of.matters.floor
        found["pooled_psi"] = Severities(
            max(critical.z.ticket * error, floor.ticket), max(critical.z.page * error, floor.page)
        )
    if rows >= of.rows and events / total + of.matters.share < 1:
        found["missing"] = _share_limit(of, critical.missing, events, total, rows)
    if critical.new is not None and present >= of.rows:
        found["new"] = _share_limit(of, critical.new, 0, total - events, present)
    return found


def _share_limit(of: Monitored, factor: Severities, events: float, total: float, rows: float) -> Severities:
    base = share_base(events, total)
    noise = (base * (1 - base) * (1 / total + 1 / rows)) ** 0.5
    matters = events / total + of.matters.share
    return Severities(max(base + factor.ticket * noise, matters), max(base + factor.page * noise, matters))
