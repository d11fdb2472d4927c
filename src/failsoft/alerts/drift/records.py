"""The recording rules of a counted drift monitor.

Rows. The increase of every bin is recorded once a step, over all replicas, in the way of `failsoft.slo.records`: over a
step and a scrape, less a millisecond, and scaled back, so that neighbouring increments meet and none counts twice. A
window adds up its increments: a replica that comes, goes or starts anew changes nothing, and any window costs the same.

References. Counts and the reference's own rows are joined by the label `reference`, the profile's hash, and only those
of the profiles that the monitor names are read: bins of two references never mix.

Judging. A window with fewer rows than the monitor asks for has no `PRESENT`, and so no score; a division by zero or a
NaN cannot come up. An evaluation is one of which the counters were really seen: where they are gone it stands still,
and the SLO is blind.

All rules of a window stand in one group and read what was recorded at the same instant.
"""

from collections.abc import Iterator
from fractions import Fraction

from failsoft.alerts.drift.limits import limits_of, together
from failsoft.alerts.drift.monitored import Monitored, any_of
from failsoft.alerts.drift.names import (
    BIN_INCREASE,
    BIN_REFERENCE,
    BIN_SHARE,
    BIN_SUM,
    BINS,
    PRESENT,
    PRESENT_REFERENCE,
)
from failsoft.alerts.drift.pooling import pooled
from failsoft.drift.counting.series import BIN_ROWS, MISSING_BIN, NEW_BIN, PRESENT_BIN, REFERENCE_ROWS
from failsoft.slo.promql import Matcher, number, quoted, range_text, selector
from failsoft.slo.records import Record
from failsoft.slo.series import (
    ALL_SIGNALS,
    DRIFT_CRITICAL,
    DRIFT_DEGREES,
    DRIFT_EVALUATED,
    DRIFT_ROWS,
    DRIFT_SCORE,
    DRIFT_VERDICT,
)

__all__ = ["evaluation_records", "window_records"]

_EACH = "model, monitor, reference, signal"
_BIN = f"{_EACH}, bin"
_NOT_COMPARED = f"{MISSING_BIN}|{PRESENT_BIN}"
_COMPARED = f'bin!~"{_NOT_COMPARED}"'
_PER_SIGNAL = f" / on ({_EACH}) group_left () "


def window_records(of: Monitored) -> Iterator[Record]:
    """What is recorded of each window, in order; they belong in one group."""
    mine = _Mine(of)
    yield mine.record(BIN_INCREASE, _increase(of))
    summed = f"sum by ({_BIN}) (sum_over_time({mine.of(BIN_INCREASE)}[{range_text(of.window - of.every // 2)}]))"
    yield mine.record(BIN_SUM, pooled(summed, of))
    reference = f"max by ({_BIN}) ({_signal(_raw(REFERENCE_ROWS, of))})"
    yield mine.record(BIN_REFERENCE, pooled(reference, of))
    yield mine.record(DRIFT_ROWS, f"sum by ({_EACH}) ({mine.of(BIN_SUM)})")
    present = f"bin!={quoted(MISSING_BIN)}"
    yield mine.record(PRESENT, f"sum by ({_EACH}) ({mine.of(BIN_SUM, present)}) >= {of.rows}")
    yield mine.record(PRESENT_REFERENCE, f"sum by ({_EACH}) ({mine.of(BIN_REFERENCE, present)})")
    yield mine.record(BINS, f"count by ({_EACH}) ({_filled(mine)})")
    for side, rows, whole in (("window", BIN_SUM, PRESENT), ("reference", BIN_REFERENCE, PRESENT_REFERENCE)):
        yield mine.record(BIN_SHARE, mine.of(rows, _COMPARED) + _PER_SIGNAL + mine.of(whole), side=side)
    yield from _statistics(of, mine)
    yield from _critical(of, mine)
    yield from _excess(mine)


def evaluation_records(of: Monitored) -> Iterator[Record]:
    """Which signals were evaluated, when, and what came of it.

    The time comes from the raw counters only, so that their end is seen at once.
    """
    mine = _Mine(of)
    seen = f"count by (reference, signal) ({_signal(_grown(of))})"
    yield mine.record(DRIFT_EVALUATED, f"0 * {seen} + time()")
    # all of them: the oldest, and only where none is missing
    for one in of.references:
        matchers = f"signal!={quoted(ALL_SIGNALS)}", f"reference={quoted(one.label)}"
        found = mine.of(DRIFT_EVALUATED, *matchers)
        oldest = f"min by (reference) ({found})\nand on (reference) count by (reference) ({found}) >= {one.features}"
        yield mine.record(DRIFT_EVALUATED, oldest, signal=ALL_SIGNALS)
    # recorded in the other group, up to a step ago; where it is older, the counters are gone
    rows = f"last_over_time({mine.of(DRIFT_ROWS)}[{range_text(of.every * 3 // 2)}])"
    judged = _labelled(f"{rows} >= bool {of.rows}", "verdict", "judged")
    few = _labelled(f"{rows} < bool {of.rows}", "verdict", "too-few-rows")
    seen = f"\nand on ({_EACH}) {mine.of(DRIFT_EVALUATED)}"
    yield mine.record(DRIFT_VERDICT, f"({judged}\nor {few}){seen}")


class _Mine:
    """The monitor's own labels, and its own series."""

    def __init__(self, of: Monitored) -> None:
        self.labels = (("model", of.model), ("monitor", of.monitor))
        self._matchers = ", ".join(str(Matcher(name, "=", value)) for name, value in self.labels)

    def record(self, name: str, expression: str, **more: str) -> Record:
        return Record(name, expression, (*self.labels, *more.items()))

    def of(self, name: str, *matchers: str) -> str:
        return f"{name}{{{', '.join((self._matchers, *matchers))}}}"


def _raw(metric: str, of: Monitored, reach: int = 0) -> str:
    references = "|".join(one.label for one in of.references)
    matchers = [Matcher("model", "=", of.model), Matcher("reference", "=~", references)]
    if of.features:
        matchers.append(Matcher("feature", "=~", any_of(of.features)))
    return selector(metric, tuple(matchers), reach)


def _grown(of: Monitored) -> str:
    reach = of.every + of.scrape - 1
    return f"increase({_raw(BIN_ROWS, of, reach)} offset {range_text(of.delay)})"


def _increase(of: Monitored) -> str:
    return f"sum by ({_BIN}) ({_signal(_grown(of))})\n* {of.every} / {of.every + of.scrape - 1}"


def _signal(vector: str) -> str:
    return f'label_replace({vector}, "signal", "$1", "feature", "(?s)(.*)")'


def _filled(mine: _Mine) -> str:
    """The bins of the window that are compared: categories that the reference never had only where there are some."""
    known = mine.of(BIN_SUM, f'bin!~"{_NOT_COMPARED}|{NEW_BIN}"')
    return f"({known} or {mine.of(BIN_SUM, f'bin={quoted(NEW_BIN)}')} > 0)"


def _statistics(of: Monitored, mine: _Mine) -> Iterator[Record]:
    left, right = mine.of(BIN_REFERENCE, _COMPARED), mine.of(BIN_SUM, _COMPARED)
    yield mine.record(DRIFT_SCORE, _psi(left, _filled(mine), mine.of(BINS), mine), statistic="psi")
    pools = f"sum by ({_EACH}, pool)"
    many = f"count by ({_EACH}) ({pools} ({left}))"
    yield mine.record(DRIFT_SCORE, _psi(f"{pools} ({left})", f"{pools} ({right})", many, mine), statistic="pooled_psi")
    p, q = mine.of(BIN_SHARE, 'side="reference"'), mine.of(BIN_SHARE, 'side="window"')
    apart = f"({q} - ignoring (side) {p})"
    yield mine.record(DRIFT_SCORE, f"sum by ({_EACH}) (abs{apart}) / 2", statistic="tvd")
    yield mine.record(DRIFT_SCORE, _js(p, q), statistic="js")
    both = f"({left} + {right} > 0)"
    present, reference = mine.of(PRESENT), mine.of(PRESENT_REFERENCE)
    pearson = f"sum by ({_EACH}) (\n{apart} ^ 2\n/ {both}\n)\n* {present} * {reference}"
    yield mine.record(DRIFT_SCORE, pearson, statistic="chi2")
    yield mine.record(DRIFT_DEGREES, f"count by ({_EACH}) {both} - 1\nand on ({_EACH}) {present}")
    rows = f"({mine.of(DRIFT_ROWS)} >= {of.rows})"
    shares = ((MISSING_BIN, rows), (NEW_BIN, present))
    parts = (
        _labelled(f"sum by ({_EACH}) ({mine.of(BIN_SUM, f'bin={quoted(bin_)}')}) / {whole}", "statistic", bin_)
        for bin_, whole in shares
    )
    yield mine.record(DRIFT_SCORE, "\nor ".join(parts))


def _labelled(vector: str, label: str, value: str) -> str:
    return f'label_replace({vector}, "{label}", "{value}", "", "")'


def _psi(left: str, right: str, bins: str, mine: _Mine) -> str:
    """Of counts, half a row added to each bin of both sides."""
    p = f"(({left} + 0.5)\n{_PER_SIGNAL}({mine.of(PRESENT_REFERENCE)} + 0.5 * {bins}))"
    q = f"(({right} + 0.5)\n{_PER_SIGNAL}({mine.of(PRESENT)} + 0.5 * {bins}))"
    return f"sum by ({_EACH}) (\n({q}\n- {p})\n* ln(\n{q}\n/ {p}\n)\n)"


def _js(p: str, q: str) -> str:
    """0 log 0 is 0: bins without rows are left out of their own side's sum."""
    middle = f"(({p} + ignoring (side) {q}) / 2)"
    sides = (
        f"sum by ({_EACH}) (({side} > 0) * ignoring (side) log2(({side} > 0) / ignoring (side) {middle}))"
        for side in (p, q)
    )
    return "sqrt(clamp((\n" + "\n+ ".join(sides) + "\n) / 2, 0, 1))"


def _critical(of: Monitored, mine: _Mine) -> Iterator[Record]:
    """The limits of the three signals: what chance allows, or what matters, whichever is larger.

    Of constants that signals share there is one term; what depends on the window is its number of rows.
    """
    limits = [limit for one in of.references for limit in limits_of(one, of.matters)]
    by_statistic: dict[str, list[str]] = {}
    for limit, signals in together(limits).items():
        whose = [str(Matcher("reference", "=", limit.reference)), str(Matcher("signal", "=~", any_of(signals)))]
        whole = f"({mine.of(DRIFT_ROWS, *whose)} >= {of.rows})"
        rows = whole if limit.statistic == MISSING_BIN else mine.of(PRESENT, *whose)
        rows = rows if limit.most is None else f"clamp_max({rows}, {limit.most})"
        noise = f"({number(1 / Fraction(limit.rows))} + 1 / {rows})"
        grown = f"{_text(limit.factor)} * " + (noise if limit.statistic == "pooled_psi" else f"sqrt{noise}")
        chance = grown if not limit.base else f"{_text(limit.base)} + {grown}"
        term = _labelled(f"clamp_min({chance}, {_text(limit.least)})", "severity", limit.severity)
        by_statistic.setdefault(limit.statistic, []).append(term)
    shares = [
        _labelled("(" + "\nor ".join(by_statistic[name]) + ")", "statistic", name)
        for name in (MISSING_BIN, NEW_BIN)
        if name in by_statistic
    ]
    if "pooled_psi" in by_statistic:
        yield mine.record(DRIFT_CRITICAL, "\nor ".join(by_statistic["pooled_psi"]), statistic="pooled_psi")
    if shares:
        yield mine.record(DRIFT_CRITICAL, "\nor ".join(shares))


def _text(value: float) -> str:
    return number(Fraction(repr(value)))


def _excess(mine: _Mine) -> Iterator[Record]:
    """How many times its limit each signal is at its worst, and the worst of all signals.

    Where no rate of pages is promised the limit is that of tickets.
    """
    score = mine.of(DRIFT_SCORE, f'statistic=~"pooled_psi|{MISSING_BIN}|{NEW_BIN}"')
    page, ticket = (mine.of(DRIFT_CRITICAL, f'severity="{severity}"') for severity in ("page", "ticket"))
    ratio = f"{score} / on ({_EACH}, statistic) ({page}\nor on ({_EACH}, statistic) {ticket})"
    yield mine.record(DRIFT_SCORE, f"max by ({_EACH}) ({ratio})", statistic="excess")
    each = mine.of(DRIFT_SCORE, 'statistic="excess"', f"signal!={quoted(ALL_SIGNALS)}")
    yield mine.record(DRIFT_SCORE, f"max by (reference) ({each})", signal=ALL_SIGNALS, statistic="excess")
