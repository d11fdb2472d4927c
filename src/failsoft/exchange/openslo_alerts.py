"""OpenSLO's alert policies as alert windows: each burn rate over a window is a tier."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from failsoft.exchange import codes
from failsoft.exchange.neutral import ForeignTier, Windows
from failsoft.exchange.openslo_given import Given, Spec, referred
from failsoft.exchange.values import Foreign, Listed, Text, decoded
from failsoft.findings import Finding

__all__ = ["HOURS", "windows_of"]

HOURS = {"m": Decimal(1) / 60, "h": Decimal(1), "d": Decimal(24), "w": Decimal(168)}
"""Hours of the units of a duration that Prometheus knows too."""

_PAGES = re.compile(r"page|critical|sev-?[01]|p[01]|high", re.IGNORECASE)
_SHORT = 12
_MOST = 8


class _Listed(NamedTuple):
    """A list whose entries stand for themselves or name a document: its key, the key of a name, and the kind."""

    key: str
    name: str
    kind: str


_POLICIES = _Listed("alertPolicies", "alertPolicyRef", "AlertPolicy")
_CONDITIONS = _Listed("conditions", "conditionRef", "AlertCondition")


class _Condition(Foreign):
    kind: Literal["burnrate", "Burnrate"] = "burnrate"
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    threshold: Decimal
    lookback_window: Text
    alert_after: Text | None = None


class _ConditionSpec(Foreign):
    description: Text = ""
    severity: Text = ""
    condition: _Condition


class _PolicySpec(Foreign):
    description: Text = ""
    alert_when_no_data: bool = False
    alert_when_resolved: bool = False
    alert_when_breaching: bool = False
    conditions: Annotated[tuple[Any, ...], Listed] = ()
    notification_targets: Annotated[tuple[Any, ...], Listed] = ()


def windows_of(
    policies: Sequence[Any], at: Spec, given: Given, name: str, hours: Decimal
) -> tuple[Windows | None, list[Finding]]:
    """The alert windows that the policies of an SLO ask for; None where there is none.

    Args:
        policies: as written under `alertPolicies`.
        at: the spec of the SLO.
        given: the policies, conditions and targets that are referred to.
        name: of the SLO.
        hours: of its period.
    """
    findings: list[Finding] = []
    tiers: list[ForeignTier] = []
    for index, written in enumerate(policies):
        spec, more = _entry(written, at, given, _POLICIES, index)
        findings += more
        if spec is None:
            continue
        policy, more = decoded(_PolicySpec, spec.data, spec.origin, *spec.path)
        findings += more
        if policy is None:
            continue
        findings += _not_kept(policy, spec, given)
        for position, inner in enumerate(policy.conditions):
            found, more = _entry(inner, spec, given, _CONDITIONS, position)
            findings += more
            if found is not None:
                tier, more = _tier(found, len(tiers) + 1, hours)
                findings += more
                tiers += [tier] if tier else []
    if len(tiers) > _MOST:
        place = at.origin.place(*at.path, "alertPolicies", key=True)
        findings.append(Finding(codes.NOT_EXPRESSIBLE, f"there are {len(tiers)} conditions", place, f"{_MOST} at most"))
        return None, findings
    ordered = sorted(tiers, key=lambda tier: (tier.severity != "page", _hours(tier.long) or 0))
    return (Windows(f"{name}-windows", tuple(ordered)) if ordered else None), findings


def _entry(written: Any, at: Spec, given: Given, listed: _Listed, index: int) -> tuple[Spec | None, list[Finding]]:
    path = (*at.path, listed.key, index)
    if isinstance(written, dict) and isinstance(written.get("spec"), dict):
        return Spec(written["spec"], at.origin, (*path, "spec")), []
    name = written.get(listed.name) if isinstance(written, dict) else written
    if not isinstance(name, str):
        message = f"this names no {listed.kind} and is none"
        return None, [
            Finding(codes.INVALID, message, at.origin.place(*path), f"{listed.name}: NAME, or the document itself")
        ]
    return referred(given, listed.kind, name, at.origin, *path, listed.name)


def _not_kept(policy: _PolicySpec, spec: Spec, given: Given) -> list[Finding]:
    findings = []
    if not policy.alert_when_breaching:
        message = "the policy does not alert when the condition holds; failsoft's tiers do"
        findings.append(Finding(codes.APPROXIMATED, message, spec.origin.place(*spec.path, "alertWhenBreaching")))
    if policy.alert_when_no_data:
        message = "alertWhenNoData is not kept: a tier is quiet where there is no data"
        findings.append(Finding(codes.NOT_KEPT, message, spec.origin.place(*spec.path, "alertWhenNoData")))
    for index, target in enumerate(policy.notification_targets):
        name = target.get("targetRef") if isinstance(target, dict) else None
        if isinstance(name, str):
            path = (*spec.path, "notificationTargets", index, "targetRef")
            findings += referred(given, "AlertNotificationTarget", name, spec.origin, *path)[1]
    return findings


def _tier(spec: Spec, number: int, hours: Decimal) -> tuple[ForeignTier | None, list[Finding]]:
    read, findings = decoded(_ConditionSpec, spec.data, spec.origin, *spec.path)
    if read is None:
        return None, findings
    condition, path = read.condition, (*spec.path, "condition")
    long = _hours(condition.lookback_window)
    if long is None or not 0 < condition.threshold < 1_000_000:  # noqa: PLR2004  # far beyond any burn rate
        message = f"a burn rate of {condition.threshold} over {condition.lookback_window} is none"
        return None, [*findings, Finding(codes.INVALID, message, spec.origin.place(*path, "threshold"))]
    share = (condition.threshold * long / hours * 100).quantize(Decimal("0.000001")).normalize()
    if not 0 < share <= 100:  # noqa: PLR2004  # percent
        message = f"a burn rate of {condition.threshold} over {condition.lookback_window} is {share:f}% of the budget"
        place = spec.origin.place(*path, "threshold")
        return None, [*findings, Finding(codes.NOT_EXPRESSIBLE, message, place, "at most 100%")]
    if condition.op in {"lt", "lte"}:
        message = f"op: {condition.op} would alert while the budget burns slowly; it is read as gte, as it is meant"
        findings.append(Finding(codes.APPROXIMATED, message, spec.origin.place(*path, "op")))
    lasting = "" if condition.alert_after in {None, "0m"} else str(condition.alert_after)
    if lasting and _hours(lasting) is None:
        message = f"alertAfter: {lasting} is no duration"
        place = spec.origin.place(*path, "alertAfter")
        return None, [*findings, Finding(codes.INVALID, message, place, "a whole number of m, h, d or w, such as 5m")]
    severity: Literal["page", "ticket"] = "page" if _PAGES.search(read.severity) else "ticket"
    short = max(1, int(long * 60 / _SHORT))
    window = condition.lookback_window
    return ForeignTier(f"{severity}-{number}", severity, share, f"{short}m", window, lasting), findings


def _hours(text: str) -> Decimal | None:
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    return int(match[1]) * HOURS[match[2]] if match else None
