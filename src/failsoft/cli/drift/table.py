"""Scores as a table for people: the worst first."""

from collections.abc import Mapping, Sequence
from typing import Any

from failsoft.drift.explanation import clustered, explanation, tally, unpromised, verdict
from failsoft.drift.judgement import Judged
from failsoft.drift.stratified import Window, centroid_cosines
from failsoft.findings import amount

__all__ = ["table"]

_HEADER = ("", "feature", "PSI", "pooled", "limit", "KS", "JS", "TVD", "W1/IQR", "missing", "new", "why")
_ROLES = {"feature": "", "prediction": " (prediction)", "stratum": " (mix)"}


def table(window: Window, features: Sequence[Judged], details: Mapping[str, Any], *, calibrated: bool) -> str:
    """The verdict, and a line for each feature: PSI of all bins, and of the pooled ones, which has a limit."""
    profile, rows = window.profile, window.rows
    lines = [_HEADER, *(_line(one) for one in sorted(features, key=lambda one: one.rank))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER) - 1)]
    shown = ["  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in lines]
    for name, tests in details.items():
        shown.append(f"{name!r}, from rows: " + ", ".join(f"{test} {_tested(found)}" for test, found in tests.items()))
    for column, cosine in centroid_cosines(window).items():
        shown.append(f"{column!r}: cosine of the centroids {_number(cosine)}")
    if (alike := clustered(features)) is not None:
        shown.append(alike)
    if (warned := unpromised(calibrated=calibrated)) is not None:
        shown.append(warned)
    what = f"{verdict(features, calibrated=calibrated)} ({tally(features)}, {amount(rows, 'row')})"
    revision = f", revision {profile.revision}" if profile.revision else ""
    shown.append(explanation(features))
    return "\n".join([*shown, f"{what}; reference of {profile.learned_at:%Y-%m-%d %H:%M}{revision}"])


def _line(one: Judged) -> tuple[str, ...]:
    statistics = one.compared.statistics
    name = one.compared.name if one.compared.name.isprintable() else repr(one.compared.name)
    stratum = one.compared.stratum if one.compared.stratum.isprintable() else repr(one.compared.stratum)
    return (
        str(one.severity),
        name + _ROLES[one.compared.feature.role] + (f" [{stratum}]" if stratum else ""),
        _number(statistics.psi),
        _number(one.pooled),
        _number(one.limits.ticket),
        _number(statistics.ks),
        _number(statistics.js),
        _number(statistics.tvd),
        _number(statistics.w1_iqr),
        f"{_percent(one.compared.missing.reference)} -> {_percent(one.compared.missing.current)}",
        _percent(one.compared.new.current),
        one.reason,
    )


def _tested(found: Mapping[str, float] | None) -> str:
    return "-" if found is None else f"{found['statistic']:.3g} (log10 p {found['log10_p']:.3g})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3g}%"
