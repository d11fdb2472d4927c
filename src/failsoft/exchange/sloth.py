"""Sloth's documents, `prometheus/v1` and `sloth.slok.dev/v1`, as SLOs.

The keys are those of `pkg/prometheus/api/v1/v1.go`, `pkg/kubernetes/api/sloth/v1/types.go` and
`pkg/prometheus/alertwindows/v1` of Sloth 0.16.
"""

from decimal import Decimal
from typing import Annotated, Any

from failsoft.exchange import codes
from failsoft.exchange.averages import of_average
from failsoft.exchange.neutral import ForeignSlo, ForeignTier, Windows
from failsoft.exchange.queries import Indicator, Query, of_events, of_ratio
from failsoft.exchange.values import Foreign, Labels, Listed, Text, decoded
from failsoft.findings import Finding
from failsoft.workspace.tree import SourceOrigin

__all__ = ["is_sloth", "read_sloth"]

_VERSION = "prometheus/v1"
_API = "sloth.slok.dev/v1"
_OWNERS = ("owner", "team")


class _Raw(Foreign):
    error_ratio_query: Text


class _Events(Foreign):
    error_query: Text
    total_query: Text


class _Plugin(Foreign):
    id: Text
    options: Any = None


class _Sli(Foreign):
    raw: _Raw | None = None
    events: _Events | None = None
    plugin: _Plugin | None = None


class _Alert(Foreign):
    disable: bool = False
    labels: Labels = {}  # noqa: RUF012  # frozen with the model
    annotations: Labels = {}  # noqa: RUF012  # the same


class _Alerting(Foreign):
    name: Text = ""
    labels: Labels = {}  # noqa: RUF012  # frozen with the model
    annotations: Labels = {}  # noqa: RUF012  # the same
    page_alert: _Alert = _Alert()
    ticket_alert: _Alert = _Alert()


class _Slo(Foreign):
    name: Text
    description: Text = ""
    objective: Decimal
    labels: Labels = {}  # noqa: RUF012  # frozen with the model
    sli: _Sli
    alerting: _Alerting = _Alerting()
    plugins: Any = None


class _Service(Foreign):
    service: Text
    labels: Labels = {}  # noqa: RUF012  # frozen with the model
    slos: Annotated[tuple[_Slo, ...], Listed] = ()
    slo_plugins: Any = None


class _Plain(_Service):
    version: str


class _Object(Foreign):
    api_version: str
    kind: str
    metadata: Any = None
    status: Any = None
    spec: _Service


class _Tier(Foreign):
    error_budget_percent: Decimal
    short_window: Text
    long_window: Text


class _Severity(Foreign):
    quick: _Tier
    slow: _Tier


class _WindowsSpec(Foreign):
    slo_period: Text
    page: _Severity
    ticket: _Severity


class _WindowsObject(Foreign):
    api_version: str
    kind: str
    metadata: Any = None
    spec: _WindowsSpec


type Found = tuple[list[ForeignSlo], list[Windows], list[Finding]]


def is_sloth(data: dict[str, Any]) -> bool:
    """Whether a document is one of Sloth's."""
    return data.get("version") == _VERSION or data.get("apiVersion") == _API


def read_sloth(data: dict[str, Any], origin: SourceOrigin, period: str) -> Found:
    """The SLOs of a document of Sloth's, or the alert windows, and what is wrong.

    Args:
        data: the document.
        origin: where it was read.
        period: of its SLOs, for Sloth takes that from its command line.
    """
    if data.get("kind") == "AlertWindows":
        return _windows(data, origin)
    if "version" in data:
        plain, findings = decoded(_Plain, data, origin, snake=True)
        service: _Service | None = plain
        path: tuple[str | int, ...] = ()
    elif data.get("kind") == "PrometheusServiceLevel":
        wrapped, findings = decoded(_Object, data, origin)
        service, path = (wrapped.spec if wrapped else None), ("spec",)
    else:
        message = f"Sloth has no kind {data.get('kind')!r}"
        return [], [], [Finding(codes.FOREIGN_KIND, message, origin.place("kind"), "PrometheusServiceLevel")]
    if service is None:
        return [], [], findings
    findings += _group_kept(service, origin, path)
    found = []
    for index in range(len(service.slos)):
        slo, more = _slo(service, index, origin, (*path, "slos", index), period)
        findings += more
        if slo is not None:
            found.append(slo)
    return found, [], findings


def _group_kept(service: _Service, origin: SourceOrigin, path: tuple[str | int, ...]) -> list[Finding]:
    lost = sorted(set(service.labels) - set(_OWNERS))
    findings = []
    if lost:
        message = f"the labels {', '.join(lost)} are not kept: failsoft labels by slo, model and team"
        findings.append(Finding(codes.NOT_KEPT, message, origin.place(*path, "labels", key=True)))
    if service.slo_plugins is not None:
        key = "sloPlugins" if path else "slo_plugins"
        findings.append(_plugins(origin, *path, key))
    return findings


def _plugins(origin: SourceOrigin, *path: str | int) -> Finding:
    message = "Sloth's plugins change the rules that it writes; failsoft's rules are not changed"
    return Finding(codes.NOT_KEPT, message, origin.place(*path, key=True))


def _slo(
    service: _Service, index: int, origin: SourceOrigin, path: tuple[str | int, ...], period: str
) -> tuple[ForeignSlo | None, list[Finding]]:
    slo = service.slos[index]
    indicator, findings = _indicator(slo.sli, origin, (*path, "sli"))
    if not 0 < slo.objective < 100:  # noqa: PLR2004  # percent
        message = f"an objective of {slo.objective} leaves no error budget to burn"
        expected = "above 0 and below 100, such as 99.9"
        findings.append(Finding(codes.NOT_EXPRESSIBLE, message, origin.place(*path, "objective"), expected))
    if slo.plugins is not None:
        findings.append(_plugins(origin, *path, "plugins"))
    findings += _kept(slo, origin, path)
    windows, more = _alerting(slo.alerting, origin, path, period)
    findings += more
    if indicator is None or any(finding.severity == "error" for finding in findings):
        return None, findings
    labels = slo.labels | service.labels
    made = ForeignSlo(
        name=f"{service.service}-{slo.name}",
        service=service.service,
        owner=next((labels[label] for label in _OWNERS if labels.get(label)), ""),
        objective=slo.objective,
        period=period,
        indicator=indicator.written,
        selects=indicator.selects,
        description=" ".join(slo.description.split()),
        place=origin.place(*path, "name"),
        windows=windows,
        sloth=(service.service, slo.name),
    )
    return made, findings


def _indicator(sli: _Sli, origin: SourceOrigin, path: tuple[str | int, ...]) -> tuple[Indicator | None, list[Finding]]:
    chosen = [name for name in ("raw", "events", "plugin") if getattr(sli, name) is not None]
    if len(chosen) != 1:
        problem = "says nothing" if not chosen else f"says {' and '.join(chosen)}"
        message = f"the sli {problem}"
        return None, [Finding(codes.INVALID, message, origin.place(*path, key=True), "one of events, raw, plugin")]
    if sli.plugin is not None:
        message = f"the plugin {sli.plugin.id} is a program of Sloth's that makes the queries"
        hint = "`sloth generate` shows them; write them as events"
        place = origin.place(*path, "plugin", "id")
        return None, [Finding(codes.NOT_EXPRESSIBLE, message, place, "the queries themselves", hint)]
    if sli.raw is not None:
        query = _query(sli.raw.error_ratio_query, origin, *path, "raw", "error_ratio_query", "errorRatioQuery")
        return of_average(query) or of_ratio(query, success=False)
    assert sli.events is not None  # noqa: S101  # one of the three
    part = _query(sli.events.error_query, origin, *path, "events", "error_query", "errorQuery")
    total = _query(sli.events.total_query, origin, *path, "events", "total_query", "totalQuery")
    return of_events(part, total, good=False, windowed=True)


def _query(text: str, origin: SourceOrigin, *path: str | int) -> Query:
    *above, snake, camel = path
    node = origin.root
    for step in above:
        node = node.child(step) or node
    return Query(text, origin, (*above, snake if node.child(snake) else camel))


def _kept(slo: _Slo, origin: SourceOrigin, path: tuple[str | int, ...]) -> list[Finding]:
    lost = sorted(set(slo.labels) - set(_OWNERS))
    alerting = slo.alerting
    said = {
        f"the labels {', '.join(lost)}": ("labels",) if lost else (),
        f"the name {alerting.name!r} of the alerts": ("alerting", "name") if alerting.name else (),
        "labels of the alerts": ("alerting",)
        if alerting.labels or alerting.page_alert.labels or alerting.ticket_alert.labels
        else (),
        "annotations of the alerts": ("alerting",)
        if alerting.annotations or alerting.page_alert.annotations or alerting.ticket_alert.annotations
        else (),
    }
    hint = "alerts are FailsoftSLOBurn with slo, model, team, severity and burn_tier; routes go by these"
    return [
        Finding(codes.NOT_KEPT, f"{what} are not kept" if "labels" in what or "anno" in what else f"{what} is not kept",
                origin.place(*path, *where, key=True), hint=hint)
        for what, where in said.items()
        if where
    ]  # fmt: skip


def _alerting(
    alerting: _Alerting, origin: SourceOrigin, path: tuple[str | int, ...], period: str
) -> tuple[Windows | None, list[Finding]]:
    page, ticket = not alerting.page_alert.disable, not alerting.ticket_alert.disable
    if page and ticket:
        return None, []
    if period not in _GOOGLE:
        message = f"alerts of one severity alone are known for a period of {' or '.join(_GOOGLE)} only"
        return None, [Finding(codes.NOT_EXPRESSIBLE, message, origin.place(*path, "alerting", key=True))]
    findings = []
    if not page and not ticket:
        message = "Sloth makes no alert for this SLO; failsoft has no SLO without one and makes tickets"
        findings.append(Finding(codes.APPROXIMATED, message, origin.place(*path, "alerting", key=True)))
    severity = "page" if page else "ticket"
    tiers = tuple(tier for tier in _GOOGLE[period] if tier.severity == severity)
    return Windows(f"{severity}s-{period}", tiers), findings


def _google(last: str, long: str, short: str) -> tuple[ForeignTier, ...]:
    return (
        ForeignTier("page-fast", "page", Decimal(2), "5m", "1h"),
        ForeignTier("page-slow", "page", Decimal(5), "30m", "6h"),
        ForeignTier("ticket-fast", "ticket", Decimal(10), "2h", "1d"),
        ForeignTier("ticket-slow", "ticket", Decimal(last), short, long),
    )


_GOOGLE = {"30d": _google("10", "3d", "6h"), "28d": _google("10", "3d", "6h")}
"""The windows that Sloth has built in."""


def _windows(data: dict[str, Any], origin: SourceOrigin) -> Found:
    loaded, findings = decoded(_WindowsObject, data, origin)
    if loaded is None:
        return [], [], findings
    spec = loaded.spec
    tiers = (
        _tier("page-fast", "page", spec.page.quick),
        _tier("page-slow", "page", spec.page.slow),
        _tier("ticket-fast", "ticket", spec.ticket.quick),
        _tier("ticket-slow", "ticket", spec.ticket.slow),
    )
    return [], [Windows(f"sloth-{spec.slo_period}", tiers, spec.slo_period)], findings


def _tier(name: str, severity: Any, tier: _Tier) -> ForeignTier:
    return ForeignTier(name, severity, tier.error_budget_percent, tier.short_window, tier.long_window)
