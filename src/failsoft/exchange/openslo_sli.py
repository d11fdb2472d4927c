"""OpenSLO's indicators as failsoft's: ratios of counters, stored ratios and thresholds, by budgeting method."""

from decimal import Decimal
from typing import Any, Literal

from failsoft.exchange import codes
from failsoft.exchange.openslo_given import Given, Spec, referred
from failsoft.exchange.queries import Indicator, Made, Query, gauge, of_events, of_ratio, refused
from failsoft.exchange.values import Foreign, Text, decoded
from failsoft.findings import Finding

__all__ = ["Objective", "indicator_of"]


class Objective(Foreign):
    """One objective of an SLO."""

    display_name: Text = ""
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    value: Decimal | None = None
    target: Decimal | None = None
    target_percent: Decimal | None = None
    time_slice_target: Decimal | None = None
    time_slice_window: Text | None = None
    indicator: Any = None
    indicator_ref: Text | None = None
    composite_weight: Any = None


class _Source(Foreign):
    metric_source_ref: Text | None = None
    type: Text | None = None
    spec: Any = None


class _Metric(Foreign):
    metric_source: _Source


class _Ratio(Foreign):
    counter: bool | None = None
    good: _Metric | None = None
    bad: _Metric | None = None
    total: _Metric | None = None
    raw_type: Literal["success", "failure"] | None = None
    raw: _Metric | None = None


class _Sli(Foreign):
    description: Text = ""
    threshold_metric: _Metric | None = None
    ratio_metric: _Ratio | None = None


class _DataSource(Foreign):
    description: Text = ""
    type: Text
    connection_details: Any = None


def indicator_of(spec: Spec, method: str, objective: Objective, given: Given) -> Made:
    """The indicator of one objective.

    Args:
        spec: of the SLI.
        method: the budgeting method.
        objective: with the thresholds and the slices of time.
        given: the data sources.
    """
    sli, findings = decoded(_Sli, spec.data, spec.origin, *spec.path)
    if sli is None:
        return None, findings
    if (sli.threshold_metric is None) == (sli.ratio_metric is None):
        message = "an SLI has exactly one of thresholdMetric and ratioMetric"
        return None, [*findings, Finding(codes.INVALID, message, spec.origin.place(*spec.path, key=True))]
    reading = _Reading(spec, method, objective, given)
    made, more = reading.threshold(sli.threshold_metric) if sli.threshold_metric else reading.ratio(sli.ratio_metric)
    return made, findings + more


class _Reading:
    """One SLI read for one objective."""

    def __init__(self, spec: Spec, method: str, objective: Objective, given: Given) -> None:
        self._spec, self._method, self._objective, self._given = spec, method, objective, given

    def threshold(self, metric: _Metric) -> Made:
        """Slices of time in which a gauge stays within its limit."""
        query, findings = self._query(metric, "thresholdMetric")
        if query is None:
            return None, findings
        wanted = self._objective
        if wanted.op is None or wanted.value is None:
            message = "an objective of a thresholdMetric needs op and value"
            return None, [*findings, Finding(codes.INVALID, message, query.place)]
        side = "below" if wanted.op in {"lt", "lte"} else "above"
        made, more = gauge(query, {side: f"{wanted.value:f}"})
        return made, [*findings, *more, *([self._sliced(query)] if made else [])]

    def ratio(self, ratio: _Ratio | None) -> Made:
        """Counted events; or a stored ratio as a gauge, which only slices of time can be made of."""
        assert ratio is not None  # noqa: S101  # one of the two metrics is there
        if ratio.raw is not None:
            return self._stored(ratio, ratio.raw)
        part, key = (ratio.bad, "bad") if ratio.bad is not None else (ratio.good, "good")
        if part is None or ratio.total is None or (ratio.good is not None and ratio.bad is not None):
            message = "a ratioMetric has a total and either good or bad, or raw"
            place = self._spec.origin.place(*self._spec.path, "ratioMetric", key=True)
            return None, [Finding(codes.INVALID, message, place)]
        counted, findings = self._query(part, "ratioMetric", key)
        total, more = self._query(ratio.total, "ratioMetric", "total")
        findings += more
        if counted is None or total is None:
            return None, findings
        made, more = of_events(counted, total, good=key == "good", windowed=False)
        if ratio.counter is False and "[" not in counted.text:
            why = "is of a number that is no counter (counter: false), so its events cannot be counted"
            made, more = None, [refused(counted, why)]
        return (None, [*findings, *more]) if made is None else self._budgeted(made, counted, [*findings, *more])

    def _budgeted(self, made: Indicator, query: Query, findings: list[Finding]) -> Made:
        if self._method == "Timeslices":
            return self._by_slice(made, query, findings)
        if self._method == "RatioTimeslices":
            message = (
                "failsoft counts events, and does not average the ratios of slices of time: busy slices count more"
            )
            findings = [*findings, Finding(codes.APPROXIMATED, message, query.place)]
        return made, findings

    def _by_slice(self, made: Indicator, query: Query, findings: list[Finding]) -> Made:
        """Slices of time that are judged by the share of good events in each."""
        target = self._objective.time_slice_target
        if target is None:
            message = "an objective of Timeslices over events needs a timeSliceTarget"
            return None, [*findings, Finding(codes.INVALID, message, query.place, "such as timeSliceTarget: 0.95")]
        if not Decimal("0.5") <= target < 1:
            why = f"is to be judged by a timeSliceTarget of {target:f}"
            return None, [*findings, refused(query, why, "a timeSliceTarget from 0.5 to less than 1")]
        events = made.written["events"] | {"perSlice": f"{(target * 100).normalize():f}%"}
        return Indicator({"events": events}, made.selects), [*findings, self._sliced(query)]

    def _stored(self, ratio: _Ratio, metric: _Metric) -> Made:
        query, findings = self._query(metric, "ratioMetric", "raw")
        if query is None:
            return None, findings
        target = self._objective.time_slice_target
        if ratio.raw_type is None:
            message = "a raw ratio needs a rawType"
            return None, [*findings, Finding(codes.INVALID, message, query.place, "success or failure")]
        if self._method != "Timeslices":
            made, more = of_ratio(query, success=ratio.raw_type == "success", windowed=False)
            if made is not None:  # it says from which counters it is made
                return self._budgeted(made, query, [*findings, *more])
        if self._method != "Timeslices" or target is None:
            hint = "give the counters that it was made of; or budget by Timeslices, with a timeSliceTarget"
            why = "is of a stored ratio, which forgets how many events there were"
            return None, [*findings, refused(query, why, hint)]
        limit = {"above": target} if ratio.raw_type == "success" else {"below": 1 - target}
        made, more = gauge(query, {side: f"{value:f}" for side, value in limit.items()})
        return made, [*findings, *more, *([self._sliced(query)] if made else [])]

    def _sliced(self, query: Query) -> Finding:
        wanted = self._objective.time_slice_window
        instead = f", and not {wanted}" if wanted else ""
        message = f"a slice of time is one recording step{instead}: 5m for 30d, less for shorter periods"
        return Finding(codes.APPROXIMATED, message, query.place)

    def _query(self, metric: _Metric, *keys: str) -> tuple[Query | None, list[Finding]]:
        origin, path = self._spec.origin, (*self._spec.path, *keys, "metricSource")
        source = metric.metric_source
        kind = source.type
        findings: list[Finding] = []
        if source.metric_source_ref is not None:
            name = source.metric_source_ref
            found, findings = referred(self._given, "DataSource", name, origin, *path, "metricSourceRef")
            if found is None and kind is None:
                return None, findings
            if found is not None:
                read, more = decoded(_DataSource, found.data, found.origin, *found.path)
                findings = [*findings, *more]
                kind = kind or (read.type if read else None)
            else:
                findings = []  # the type is said here, which is all that matters
        if kind is None:
            message = "neither a type nor a metricSourceRef says where the metric is"
            return None, [*findings, Finding(codes.INVALID, message, origin.place(*path, key=True))]
        if kind.lower() != "prometheus":
            message = f"failsoft reads Prometheus, and no source of the type {kind}"
            return None, [*findings, Finding(codes.NOT_EXPRESSIBLE, message, origin.place(*path, "type"), "Prometheus")]
        text = source.spec.get("query") if isinstance(source.spec, dict) else None
        if not isinstance(text, str):
            message = "the metric source has no query"
            place = origin.place(*path, "spec", key=True)
            return None, [*findings, Finding(codes.NOT_EXPRESSIBLE, message, place, "spec: {query: PromQL}")]
        return Query(text, origin, (*path, "spec", "query")), findings
