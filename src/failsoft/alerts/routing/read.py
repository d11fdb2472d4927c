"""Reading an Alertmanager configuration: text to routes, receivers, inhibitions and time intervals."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from failsoft.alerts import codes
from failsoft.alerts.routing.intervals import Interval, clock, span, zone
from failsoft.alerts.routing.matchers import Condition, parse_conditions
from failsoft.alerts.routing.tree import Configuration, Inhibition, Receiver, Route
from failsoft.findings import Finding, Place
from failsoft.workspace.read import read_nodes
from failsoft.workspace.tree import Node, SourceFile, SourceOrigin

__all__ = ["read_configuration", "single_node"]

_DEFAULT_TIMING = ("30s", "5m", "4h")
_ADDRESS = (
    "url",
    "url_file",
    "channel",
    "to",
    "routing_key_file",
    "service_key_file",
    "room_id",
    "chat_id",
    "topic_arn",
)


def _text(value: object) -> object:
    """A scalar as the text that Alertmanager reads from it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | list | dict) else "" if value is None else str(value)


def _entries(value: object) -> object:
    return () if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_entries)]
Mapped = Annotated[dict[str, Text], BeforeValidator(lambda value: {} if value is None else value)]


class _Part(BaseModel):
    # what decides nothing about who is told is amtool's to judge
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=False)


class _Route(_Part):
    receiver: Text = ""
    matchers: Texts = ()
    match: Mapped = Field(default_factory=dict)
    match_re: Mapped = Field(default_factory=dict)
    group_by: tuple[Text, ...] | None = None
    group_wait: Text = ""
    group_interval: Text = ""
    repeat_interval: Text = ""
    active_time_intervals: Texts = ()
    mute_time_intervals: Texts = ()
    continues: Annotated[bool, Field(alias="continue")] = False
    routes: Annotated[tuple["_Route", ...], BeforeValidator(_entries)] = ()


class _Inhibition(_Part):
    source_match: Mapped = Field(default_factory=dict)
    source_match_re: Mapped = Field(default_factory=dict)
    source_matchers: Texts = ()
    target_match: Mapped = Field(default_factory=dict)
    target_match_re: Mapped = Field(default_factory=dict)
    target_matchers: Texts = ()
    equal: Texts = ()


class _Times(_Part):
    start_time: Text
    end_time: Text


class _Interval(_Part):
    times: Annotated[tuple[_Times, ...], BeforeValidator(_entries)] = ()
    weekdays: Texts = ()
    days_of_month: Texts = ()
    months: Texts = ()
    years: Texts = ()
    location: Text = ""


class _Named(_Part):
    name: Text
    time_intervals: Annotated[tuple[_Interval, ...], BeforeValidator(_entries)] = ()


class _Whole(_Part):
    route: _Route
    receivers: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_entries)] = ()
    inhibit_rules: Annotated[tuple[_Inhibition, ...], BeforeValidator(_entries)] = ()
    time_intervals: Annotated[tuple[_Named, ...], BeforeValidator(_entries)] = ()
    mute_time_intervals: Annotated[tuple[_Named, ...], BeforeValidator(_entries)] = ()


class _Refused(Exception):  # noqa: N818  # a signal inside this module
    def __init__(self, message: str, path: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.message, self.path = message, path


def single_node(source: SourceFile) -> tuple[Node | None, tuple[Finding, ...]]:
    """The one document of a file, or what is wrong."""
    nodes, findings = read_nodes(source)
    if findings:
        return None, tuple(_as_routes(finding) for finding in findings)
    if len(nodes) != 1 or not isinstance(nodes[0].data, dict):
        message = "an Alertmanager configuration is one mapping"
        return None, (Finding(codes.ROUTES_UNREADABLE, message, Place(source.path)),)
    return nodes[0], ()


def _as_routes(finding: Finding) -> Finding:
    return Finding(codes.ROUTES_UNREADABLE, finding.message, finding.place, finding.expected, finding.hint)


def read_configuration(source: SourceFile) -> tuple[Configuration | None, tuple[Finding, ...]]:
    """The configuration in a file, or None and what is wrong with it."""
    node, findings = single_node(source)
    if node is None:
        return None, findings
    origin = SourceOrigin(source, node)
    try:
        whole = _Whole.model_validate(node.data)
        return _configuration(whole), ()
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, tuple(
            Finding(codes.ROUTES_UNREADABLE, _said(detail["loc"], detail["msg"]), origin.place(*detail["loc"]))
            for detail in details
        )
    except _Refused as refusal:
        return None, (Finding(codes.ROUTES_UNREADABLE, refusal.message, origin.place(*refusal.path)),)


def _said(loc: Iterable[str | int], message: str) -> str:
    where = ".".join(map(str, loc)) or "the configuration"
    return f"{where}: {message[0].lower()}{message[1:]}"


def _configuration(whole: _Whole) -> Configuration:
    root = _route(whole.route, None, ("route",))
    receivers = {}
    for index, data in enumerate(whole.receivers):
        name = data.get("name")
        if not isinstance(name, str) or not name:
            raise _Refused("a receiver has no name", ("receivers", index))
        receivers[name] = Receiver(name, tuple(_ways(data)))
    named = (*whole.mute_time_intervals, *whole.time_intervals)
    intervals = {one.name: tuple(_interval(part, one.name) for part in one.time_intervals) for one in named}
    _all_known(root, receivers, intervals)
    rules = tuple(_inhibition(rule, index) for index, rule in enumerate(whole.inhibit_rules))
    return Configuration(root, receivers, rules, intervals)


def _route(written: _Route, parent: Route | None, path: tuple[str | int, ...]) -> Route:
    if parent is None and not written.receiver:
        raise _Refused("the root route names no receiver", path)
    own = (written.group_wait, written.group_interval, written.repeat_interval)
    inherited = parent.timing if parent else _DEFAULT_TIMING
    wait, interval, repeat = (mine or theirs for mine, theirs in zip(own, inherited, strict=True))
    node = Route(
        conditions=_conditions(written.match, written.match_re, written.matchers, (*path, "matchers")),
        receiver=written.receiver or (parent.receiver if parent else ""),
        group_by=written.group_by if written.group_by is not None else parent.group_by if parent else (),
        timing=(wait, interval, repeat),
        active=written.active_time_intervals,
        mute=written.mute_time_intervals,
        continues=written.continues,
        children=(),
        path=path,
    )
    children = tuple(_route(child, node, (*path, "routes", index)) for index, child in enumerate(written.routes))
    return replace(node, children=children)


def _conditions(
    equal: Mapping[str, str], regex: Mapping[str, str], lines: Iterable[str], path: tuple[str | int, ...]
) -> tuple[Condition, ...]:
    found = [Condition(label, "=", value) for label, value in equal.items()]
    try:
        for label, value in regex.items():
            condition = Condition(label, "=~", value)
            condition.holds({})
            found.append(condition)
        for line in lines:
            found += parse_conditions(line)
    except ValueError as error:
        raise _Refused(str(error), path) from error
    return tuple(found)


def _inhibition(rule: _Inhibition, index: int) -> Inhibition:
    path = ("inhibit_rules", index)
    return Inhibition(
        _conditions(rule.source_match, rule.source_match_re, rule.source_matchers, (*path, "source_matchers")),
        _conditions(rule.target_match, rule.target_match_re, rule.target_matchers, (*path, "target_matchers")),
        rule.equal,
        path,
    )


def _interval(part: _Interval, name: str) -> Interval:
    try:
        return Interval(
            times=tuple((clock(one.start_time), clock(one.end_time)) for one in part.times),
            weekdays=tuple(span("weekdays", text) for text in part.weekdays),
            days_of_month=tuple(span("days_of_month", text) for text in part.days_of_month),
            months=tuple(span("months", text) for text in part.months),
            years=tuple(span("years", text) for text in part.years),
            location=zone(part.location),
        )
    except ValueError as error:
        raise _Refused(f"{name}: {error}", ("time_intervals",)) from error


def _all_known(route: Route, receivers: Mapping[str, Receiver], intervals: Mapping[str, object]) -> None:
    if route.receiver not in receivers:
        raise _Refused(f"there is no receiver {route.receiver!r}", (*route.path, "receiver"))
    for name in (*route.active, *route.mute):
        if name not in intervals:
            raise _Refused(f"there is no time interval {name!r}", route.path)
    for child in route.children:
        _all_known(child, receivers, intervals)


def _ways(data: Mapping[str, Any]) -> Iterable[str]:
    for key, configurations in data.items():
        if key.endswith("_configs") and isinstance(configurations, list):
            kind = key.removesuffix("_configs")
            for one in configurations:
                shown = [str(one[name]) for name in _ADDRESS if isinstance(one, dict) and one.get(name)]
                yield f"{kind} {_shown(shown[0])}" if shown else kind


def _shown(address: str) -> str:
    """An address without what may be a secret in it: people put tokens into paths."""
    try:
        parts = urlsplit(address)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return "at an address that cannot be read"
    return f"{parts.scheme}://{host}" if parts.scheme and host else address
