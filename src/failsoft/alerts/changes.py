"""What changes between two compiled workspaces, in words: SLOs, tiers, other alerts, and who hears them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from failsoft.alerts.compile import ALERTMANAGER_FILE, Compiled
from failsoft.alerts.routing import Configuration, Inhibition, deliveries, read_configuration
from failsoft.alerts.rules import Alert
from failsoft.slo.indicators import Slices
from failsoft.slo.promql import number, range_text
from failsoft.slo.resolve import Objective
from failsoft.slo.windows import BurnTier
from failsoft.workspace.tree import SourceFile

__all__ = ["Change", "changes"]

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new, gone or different.

    Attributes:
        subject: what, such as `SLO chat-ttft`, `alert GpuNodeLost` or `routes`.
        how: whether it is new, gone or changed.
        lines: what about it, one sentence each.
    """

    subject: str
    how: Literal["new", "gone", "changed"]
    lines: tuple[str, ...]


def changes(before: Compiled, after: Compiled) -> tuple[Change, ...]:
    """Everything that differs, SLOs first, then the alerts that are no SLO's, then the routes."""
    return (*_slos(before, after), *_alerts(before, after), *_routes(before, after))


def _slos(before: Compiled, after: Compiled) -> Iterator[Change]:
    old = {one.name: one for one in before.objectives}
    new = {one.name: one for one in after.objectives}
    for name in sorted(old.keys() | new.keys()):
        subject = f"SLO {name}"
        if name not in old:
            yield Change(subject, "new", tuple(_about(new[name])))
        elif name not in new:
            yield Change(subject, "gone", tuple(_about(old[name])))
        elif lines := tuple(_different(old[name], new[name])):
            yield Change(subject, "changed", lines)


def _about(one: Objective) -> Iterator[str]:
    of_class = one.document.spec.class_
    promise = f"{one.target} (class {of_class})" if of_class else f"{one.target}"
    yield f"{promise} over {range_text(one.period)}: at most {_percent(one.budget)} of {one.sli.sentence}"
    yield f"owner: {one.team}"
    for tier in one.tiers:
        yield f"{tier.name} ({tier.severity}) fires above {_limit(one, tier)}"
    yield from (f"left out of its budget: {text}" for text in _left_out(one).values())


def _left_out(one: Objective) -> dict[str, str]:
    return {each.name: f"{each.name}, {each.when} ({each.author}: {each.reason})" for each in one.exclusions}


def _different(old: Objective, new: Objective) -> Iterator[str]:
    was, now = _flat(old.document.spec), _flat(new.document.spec)
    for key in [*now, *(key for key in was if key not in now)]:
        if was.get(key) != now.get(key):
            yield f"{key.removeprefix('indicator.')}: {was.get(key, 'not said')} -> {now.get(key, 'not said')}"
    if old.budget != new.budget:
        whole = "slices of time" if isinstance(new.sli, Slices) else "events"
        yield f"the error budget: {_percent(old.budget)} -> {_percent(new.budget)} of all {whole}"
    if old.team != new.team:
        yield f"owner: {old.team} -> {new.team}"
    if old.pulse != new.pulse:
        yield f"alerts evaluated every {range_text(old.pulse)} -> every {range_text(new.pulse)}"
    if old.step != new.step:
        yield f"budget recorded every {range_text(old.step)} -> every {range_text(new.step)}"
    indicator = {key: value for key, value in was.items() if key.startswith("indicator.")}
    same = all(now.get(key) == value for key, value in indicator.items()) and old.step == new.step
    if same and old.sli != new.sli:
        yield f"counts other series: {_cut(old.sli.total(old.step))} -> {_cut(new.sli.total(new.step))}"
    if old.definition != new.definition:
        yield "its budget begins anew, for another thing is counted: failsoft backfill writes its past"
    yield from _tiers(old, new)
    yield from _exclusions(old, new)
    if old.keep_firing_for != new.keep_firing_for:
        yield f"alerts go on for {range_text(old.keep_firing_for)} -> {range_text(new.keep_firing_for)} after the end"


def _exclusions(old: Objective, new: Objective) -> Iterator[str]:
    was, now = _left_out(old), _left_out(new)
    yield from (f"counts again in its budget: {text}" for name, text in was.items() if name not in now)
    yield from (f"left out of its budget: {text}" for name, text in now.items() if was.get(name) != text)


def _tiers(old: Objective, new: Objective) -> Iterator[str]:
    was = {tier.name: tier for tier in old.tiers}
    now = {tier.name: tier for tier in new.tiers}
    for name in [*now, *(name for name in was if name not in now)]:
        if name not in was:
            yield f"{name} ({now[name].severity}) is new: fires above {_limit(new, now[name])}"
        elif name not in now:
            yield f"{name} ({was[name].severity}) is gone: it fired above {_limit(old, was[name])}"
        else:
            if was[name].severity != now[name].severity:
                yield f"{name}: {was[name].severity} -> {now[name].severity}"
            limits = _limit(old, was[name]), _limit(new, now[name])
            if limits[0] != limits[1]:
                yield f"{name} fires above {limits[0]} -> above {limits[1]}"


def _limit(one: Objective, tier: BurnTier) -> str:
    lasting = f" for {range_text(tier.wait)}" if tier.wait else ""
    what = "bad slices" if isinstance(one.sli, Slices) else "of errors"
    return f"{_percent(tier.threshold)} {what} in {range_text(tier.long)} and {range_text(tier.short)}{lasting}"


def _percent(share: Any) -> str:
    text = number(share * 100)
    return f"{text if len(text) <= len('99.999999') else f'{float(share * 100):.6g}'}%"


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """A document's spec as dotted keys, as written, and texts; what was not said has no key."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        parts = {(field.alias or name): getattr(value, name) for name, field in fields.items()}
    elif isinstance(value, Mapping):
        parts = {str(key): one for key, one in value.items()}
    elif isinstance(value, list | tuple):
        return {path: ", ".join(map(str, value))} if value else {}
    else:
        return {} if value is None or value == "" else {path: str(value)}
    found: dict[str, str] = {}
    for key, one in parts.items():
        found |= _flat(one, f"{path}.{key}" if path else key)
    return found if found or not path else {path: "{}"}


def _alerts(before: Compiled, after: Compiled) -> Iterator[Change]:
    """The alerts that are no SLO's; an alert is its name and its labels, the severity apart."""
    old, new = _others(before), _others(after)
    for key in sorted(old.keys() | new.keys()):
        labels = ", ".join(f'{name}="{value}"' for name, value in key[1])
        subject = f"alert {key[0]}" + (f"{{{labels}}}" if labels else "")
        if key not in old:
            yield Change(subject, "new", (_cut(new[key].expression),))
        elif key not in new:
            yield Change(subject, "gone", (_cut(old[key].expression),))
        elif lines := tuple(_edited(old[key], new[key])):
            yield Change(subject, "changed", lines)


def _others(compiled: Compiled) -> dict[tuple[str, tuple[tuple[str, str], ...]], Alert]:
    names = {one.name for one in compiled.objectives}
    return {
        (alert.name, tuple(sorted(label for label in alert.labels if label[0] != "severity"))): alert
        for unit in compiled.units
        if unit.subject not in names
        for alert in unit.alerts
    }


def _edited(old: Alert, new: Alert) -> Iterator[str]:
    was, now = dict(old.labels).get("severity", ""), dict(new.labels).get("severity", "")
    if was != now:
        yield f"severity: {was} -> {now}"
    if old.expression != new.expression:
        yield f"{_cut(old.expression)} -> {_cut(new.expression)}"
    for what, one, other in (("has to hold for", old.wait, new.wait), ("goes on for", old.keep, new.keep)):
        if one != other:
            yield f"{what} {range_text(one)} -> {range_text(other)}"


def _routes(before: Compiled, after: Compiled) -> Iterator[Change]:
    texts = [compiled.files[ALERTMANAGER_FILE] for compiled in (before, after)]
    read = [read_configuration(SourceFile(ALERTMANAGER_FILE, text))[0] for text in texts]
    if read[0] is None or read[1] is None:
        return
    lines = [*_heard(before, after, read[0], read[1]), *_receivers(*texts), *_settings(read[0], read[1])]
    if lines:
        yield Change("routes", "changed", tuple(lines))


def _heard(before: Compiled, after: Compiled, old: Configuration, new: Configuration) -> Iterator[str]:
    relevant = (old.labels() | new.labels()) & {"alertname", "severity", "team"}
    both = _kinds(before, relevant) & _kinds(after, relevant)
    for key in sorted(both):
        was, now = (_receivers_of(configuration, dict(key)) for configuration in (old, new))
        if was != now:
            labels = ", ".join(f'{name}="{value}"' for name, value in key)
            yield f"{{{labels}}}: {was} -> {now}"


def _kinds(compiled: Compiled, relevant: frozenset[str]) -> set[tuple[tuple[str, str], ...]]:
    alerts = ({"alertname": one.name} | dict(one.labels) for unit in compiled.units for one in unit.alerts)
    return {tuple((name, one[name]) for name in sorted(relevant) if name in one) for one in alerts}


def _receivers_of(configuration: Configuration, labels: dict[str, str]) -> str:
    found = []
    for delivery in deliveries(configuration, labels):
        when = [f"within {name}" for name in delivery.route.active] + [f"not in {name}" for name in delivery.route.mute]
        found.append(" ".join((delivery.route.receiver, *when)))
    return ", ".join(found)


def _receivers(old: str, new: str) -> Iterator[str]:
    was, now = (_named(text, "receivers") for text in (old, new))
    for name in sorted(was.keys() | now.keys()):
        if name not in was or name not in now:
            yield f"receiver {name} is {'new' if name not in was else 'gone'}"
        elif was[name] != now[name]:
            yield f"receiver {name} is configured differently"
    was, now = (_named(text, "time_intervals") for text in (old, new))
    for name in sorted(was.keys() & now.keys()):
        if was[name] != now[name]:
            yield f"{name} has other hours"


def _named(text: str, key: str) -> dict[str, Any]:
    loaded = yaml.load(text, Loader=yaml.CSafeLoader)
    return {one.get("name", ""): one for one in loaded.get(key) or ()}


def _settings(old: Configuration, new: Configuration) -> Iterator[str]:
    names = ("first told after", "changes told after", "told again every")
    for what, was, now in zip(names, old.root.timing, new.root.timing, strict=True):
        if was != now:
            yield f"{what} {was} -> {now}"
    if old.root.group_by != new.root.group_by:
        yield f"grouped by {', '.join(old.root.group_by)} -> {', '.join(new.root.group_by)}"
    gone, made = (
        [rule for rule in one.inhibitions if _silences(rule) not in {_silences(other) for other in two.inhibitions}]
        for one, two in ((old, new), (new, old))
    )
    yield from (f"no longer: {_silences(rule)}" for rule in gone)
    yield from (f"now: {_silences(rule)}" for rule in made)


def _silences(rule: Inhibition) -> str:
    source, target = (", ".join(map(str, conditions)) for conditions in (rule.source, rule.target))
    return f"{{{source}}} silences {{{target}}} of the same {', '.join(rule.equal)}"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
