"""OpenSLO v1's SLOs as ours: their indicators, time windows, objectives and policies, references followed.

The keys are those of the specification, `README.md` of OpenSLO/OpenSLO.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from failsoft.exchange import codes
from failsoft.exchange.neutral import ForeignSlo, Windows
from failsoft.exchange.openslo_alerts import HOURS, windows_of
from failsoft.exchange.openslo_given import OWNERS, Given, Spec, referred
from failsoft.exchange.openslo_sli import Objective, indicator_of
from failsoft.exchange.values import Foreign, Listed, Text, decoded
from failsoft.findings import Finding

__all__ = ["read_openslo"]

_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhdwMQY])")
_MONTHS = {"M": 30, "Q": 90, "Y": 365}
_SHIPPED = {"30d": "burn-30d", "28d": "burn-28d", "7d": "burn-7d", "1d": "burn-1d"}
_LONGEST_HOURS = 366 * 24
_DEFAULT = "30d"


class _Period(NamedTuple):
    """A period: as failsoft writes it, and in hours."""

    text: str
    hours: Decimal


class _Calendar(Foreign):
    start_time: Any = None
    time_zone: Text = ""


class _Window(Foreign):
    duration: Text
    is_rolling: bool = False
    calendar: _Calendar | None = None


class _Inline(Foreign):
    api_version: str = ""
    kind: str = "SLI"
    metadata: Any = None
    spec: Any


class _Slo(Foreign):
    description: Text = ""
    service: Text
    indicator: _Inline | None = None
    indicator_ref: Text | None = None
    time_window: Annotated[tuple[_Window, ...], Listed] = ()
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"]
    objectives: Annotated[tuple[Objective, ...], Listed] = ()
    alert_policies: Annotated[tuple[Any, ...], Listed] = ()


def read_openslo(given: Given) -> tuple[list[ForeignSlo], list[Finding]]:
    """The SLOs among the documents given, and what is wrong."""
    found: list[ForeignSlo] = []
    findings: list[Finding] = []
    for (kind, name), spec in given.specs.items():
        if kind == "SLO":
            made, more = _slos(name, spec, given)
            found += made
            findings += more
        elif kind == "AlertNotificationTarget":
            message = f"the target {name} is not kept: who is told is the Team's to say"
            findings.append(Finding(codes.NOT_KEPT, message, spec.origin.place("metadata", "name")))
    return found, findings


def _slos(name: str, at: Spec, given: Given) -> tuple[list[ForeignSlo], list[Finding]]:
    slo, findings = decoded(_Slo, at.data, at.origin, *at.path)
    if slo is None:
        return [], findings
    sli, more = _sli(slo, at, given)
    period, wrong = _period(slo, at)
    findings += [*more, *wrong]
    if not slo.objectives:
        place = at.origin.place(*at.path, "objectives", key=True)
        findings.append(Finding(codes.INVALID, "an SLO without an objective promises nothing", place, "objectives"))
    if sli is None or period is None:
        return [], findings
    windows, more = _windows(slo, at, given, period, name=name)
    findings += more
    labels = {**given.labels.get(("Service", slo.service), {}), **given.labels[("SLO", name)]}
    owner = next((labels[label] for label in OWNERS if labels.get(label)), "")
    made = []
    for index, objective in enumerate(slo.objectives):
        path = (*at.path, "objectives", index)
        target, more = _target(objective, at, path)
        indicator, wrong = indicator_of(sli, slo.budgeting_method, objective, given)
        findings += [*more, *wrong]
        if target is None or indicator is None:
            continue
        suffix = f"-{objective.display_name or index + 1}" if len(slo.objectives) > 1 else ""
        about = " ".join(slo.description.split())
        place = at.origin.place("metadata", "name")
        made.append(
            ForeignSlo(
                f"{name}{suffix}", slo.service, owner, target, period.text, indicator.written, indicator.selects, about,
                place, windows,
            )
        )  # fmt: skip
    return made, findings


def _sli(slo: _Slo, at: Spec, given: Given) -> tuple[Spec | None, list[Finding]]:
    for index, objective in enumerate(slo.objectives):
        said = [
            key for key in ("indicator", "indicator_ref", "composite_weight") if getattr(objective, key) is not None
        ]
        if said:
            place = at.origin.place(*at.path, "objectives", index)
            message = "a composite SLO is several indicators in one budget, which failsoft has not"
            hint = "write an SLO for each objective"
            return None, [Finding(codes.NOT_EXPRESSIBLE, message, place, "one indicator for an SLO", hint)]
    if (slo.indicator is None) == (slo.indicator_ref is None):
        message = "an SLO has exactly one of indicator and indicatorRef"
        return None, [Finding(codes.INVALID, message, at.origin.place(*at.path, key=True))]
    if slo.indicator is not None:
        return Spec(slo.indicator.spec, at.origin, (*at.path, "indicator", "spec")), []
    return referred(given, "SLI", str(slo.indicator_ref), at.origin, *at.path, "indicatorRef")


def _period(slo: _Slo, at: Spec) -> tuple[_Period | None, list[Finding]]:
    path = (*at.path, "timeWindow")
    if not slo.time_window:
        message = f"there is no time window; {_DEFAULT} is taken"
        place = at.origin.place(*path, key=True)
        return _Period(_DEFAULT, Decimal(720)), [Finding(codes.APPROXIMATED, message, place)]
    if len(slo.time_window) > 1:
        return None, [Finding(codes.INVALID, "there is more than one time window", at.origin.place(*path, 1))]
    window = slo.time_window[0]
    place = at.origin.place(*path, 0, "duration")
    match = _DURATION.fullmatch(window.duration)
    if match is None:
        message = f"{window.duration!r} is no duration"
        return None, [Finding(codes.INVALID, message, place, "a number and one of m, h, d, w, M, Q, Y")]
    count, unit = int(match[1]), match[2]
    hours = count * (_MONTHS[unit] * Decimal(24) if unit in _MONTHS else HOURS[unit])
    if hours > _LONGEST_HOURS or hours < 1:
        why = "longer than 366d" if hours > 1 else "shorter than any SLO's; a month is M"
        message = f"a period of {window.duration} is {why}"
        return None, [Finding(codes.NOT_EXPRESSIBLE, message, place, "from 1h to 366d")]
    period = f"{hours / 24:f}d" if hours % 24 == 0 else f"{hours.normalize():f}h" if hours % 1 == 0 else window.duration
    findings = []
    if window.calendar is not None or not window.is_rolling or unit in _MONTHS:
        message = f"a calendar window starts anew at its end; failsoft takes the last {period} at any time"
        findings.append(Finding(codes.APPROXIMATED, message, place))
    return _Period(period, hours), findings


def _windows(
    slo: _Slo, at: Spec, given: Given, period: _Period, *, name: str
) -> tuple[Windows | str | None, list[Finding]]:
    own, findings = windows_of(slo.alert_policies, at, given, name, period.hours)
    if own is not None or period.text in _SHIPPED:
        return own, findings
    for shipped, windows in _SHIPPED.items():
        if int(shipped[:-1]) * 24 <= period.hours:
            return windows, findings
    message = f"a period of {period.text} is shorter than any that failsoft has alert windows for"
    hint = "say what alerts by alertPolicies, or write a document of kind AlertWindows"
    place = at.origin.place(*at.path, "timeWindow", 0, "duration")
    return None, [*findings, Finding(codes.NOT_EXPRESSIBLE, message, place, "1d or more", hint)]


def _target(objective: Objective, at: Spec, path: tuple[str | int, ...]) -> tuple[Decimal | None, list[Finding]]:
    given = (objective.target, objective.target_percent)
    if (given[0] is None) == (given[1] is None):
        message = "an objective has exactly one of target and targetPercent"
        return None, [Finding(codes.INVALID, message, at.origin.place(*path), "target: 0.99")]
    percent = objective.target * 100 if objective.target is not None else objective.target_percent
    key = "target" if objective.target is not None else "targetPercent"
    if percent is None or not 0 < percent < 100:  # noqa: PLR2004  # percent
        message = f"an objective of {percent}% leaves no error budget to burn"
        return None, [Finding(codes.NOT_EXPRESSIBLE, message, at.origin.place(*path, key), "above 0% and below 100%")]
    return percent, []
