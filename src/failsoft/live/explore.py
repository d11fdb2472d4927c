"""Why a selector matches nothing: the metric, one of its labels' values, or the bucket."""

from failsoft.clients.prometheus.port import Prometheus
from failsoft.live.model import Missing, Read
from failsoft.slo.promql import Matcher, selector

__all__ = ["missing"]

_VALUES = 30
_BOUNDS = 100


def missing(prometheus: Prometheus, read: Read) -> Missing:
    """Ask step by step; every answer is a number, or a few values of a label."""
    series = _count(prometheus, read.metric)
    if not series:
        other = read.metric.replace(":", "_")
        return Missing(0, spelled=other if other != read.metric and _count(prometheus, other) else "")
    others = tuple(matcher for matcher in read.matchers if matcher.label != "le")
    if len(others) < len(read.matchers) and _count(prometheus, selector(read.metric, others)):
        found = prometheus.query(f"topk({_BOUNDS}, count by (le) ({selector(read.metric, others)}))")
        return Missing(series, bounds=tuple(sorted((one.labels.get("le", "") for one in found), key=_bound)))
    wrong = [matcher for matcher in others if not _count(prometheus, selector(read.metric, (matcher,)))]
    return Missing(series, tuple((matcher, _values(prometheus, read.metric, matcher)) for matcher in wrong))


def _count(prometheus: Prometheus, series: str) -> int:
    return sum(int(one.value) for one in prometheus.query(f"count({series})"))


def _values(prometheus: Prometheus, metric: str, matcher: Matcher) -> tuple[str, ...]:
    """The most frequent values of the label; an empty one stands for series without it."""
    found = prometheus.query(f"topk({_VALUES}, count by ({matcher.label}) ({metric}))")
    return tuple(sorted(one.labels.get(matcher.label, "") for one in found))


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
