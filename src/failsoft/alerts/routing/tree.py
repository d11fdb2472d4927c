"""The tree of routes and the rules of inhibition, and what they do with an alert: Alertmanager's own algorithm."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from failsoft.alerts.routing.intervals import LOCAL, Interval
from failsoft.alerts.routing.matchers import Condition, all_hold

__all__ = ["Configuration", "Delivery", "Inhibition", "Receiver", "Route", "Step", "deliveries", "silencers"]


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the tree, with what it inherits filled in.

    Attributes:
        conditions: what an alert has to fulfil.
        receiver: who gets it.
        group_by: the labels by which alerts become one notification; `...` alone is every label.
        timing: wait, interval and repeat, as written.
        active, mute: names of time intervals; these two are not inherited.
        continues: whether later routes beside it are tried too.
        children: tried in order before the node itself counts.
        path: where it stands in the configuration.
    """

    conditions: tuple[Condition, ...]
    receiver: str
    group_by: tuple[str, ...]
    timing: tuple[str, str, str]
    active: tuple[str, ...]
    mute: tuple[str, ...]
    continues: bool
    children: "tuple[Route, ...]"
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told.

    Attributes:
        name: unique.
        ways: one line for each way out, such as `webhook http://...`; none where nobody is told.
    """

    name: str
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert of the source fires, one of the target with equal labels is silent."""

    source: tuple[Condition, ...]
    target: tuple[Condition, ...]
    equal: tuple[str, ...]
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """An Alertmanager configuration, as far as it decides who is told."""

    root: Route
    receivers: Mapping[str, Receiver]
    inhibitions: tuple[Inhibition, ...]
    intervals: Mapping[str, tuple[Interval, ...]]

    def labels(self) -> frozenset[str]:
        """The labels on which any route depends."""
        return frozenset(condition.label for route in _all(self.root) for condition in route.conditions)

    def silencing_labels(self) -> frozenset[str]:
        """The labels by which alerts silence each other, those apart that only have to be equal."""
        return frozenset(one.label for rule in self.inhibitions for one in (*rule.source, *rule.target))


@dataclass(frozen=True, slots=True)
class Step:
    """A route that was tried on the way, and the condition that did not hold; None where all did."""

    route: Route
    failed: Condition | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One route that an alert ends at.

    Attributes:
        route: the node.
        steps: what was tried, from the root on, in order.
    """

    route: Route
    steps: tuple[Step, ...]

    def muted(self, configuration: Configuration, moment: datetime) -> str:
        """Why nothing is sent at this moment, such as `outside assistants-hours`; empty where it is sent."""
        for name in self.route.mute:
            if any(interval.holds(moment) for interval in configuration.intervals.get(name, ())):
                return f"in {name}"
        inside = [
            name
            for name in self.route.active
            if any(interval.holds(moment) for interval in configuration.intervals.get(name, ()))
        ]
        return "" if inside or not self.route.active else "outside " + ", ".join(self.route.active)

    def by_local(self, configuration: Configuration) -> bool:
        """Whether `muted` took the zone of this machine for that of Alertmanager's."""
        named = (*self.route.mute, *self.route.active)
        return any(one.location == LOCAL for name in named for one in configuration.intervals.get(name, ()))


def deliveries(configuration: Configuration, labels: Mapping[str, str]) -> tuple[Delivery, ...]:
    """Every route that an alert with these labels ends at; at least the root."""
    return tuple(_reached(configuration.root, labels, ()))


def _reached(route: Route, labels: Mapping[str, str], before: tuple[Step, ...]) -> Iterator[Delivery]:
    tried = (*before, Step(route, None))
    found = False
    for child in route.children:
        failed = next((one for one in child.conditions if not one.holds(labels)), None)
        if failed is not None:
            tried = (*tried, Step(child, failed))
            continue
        found = True
        yield from _reached(child, labels, tried)
        if not child.continues:
            return
        tried = (*tried, Step(child, None))
    if not found:
        yield Delivery(route, tried)


def silencers(
    configuration: Configuration, labels: Mapping[str, str], others: Iterable[Mapping[str, str]]
) -> tuple[tuple[Inhibition, Mapping[str, str]], ...]:
    """The alerts among `others` that silence one with these labels while they fire, and the rules that say so.

    An alert that fulfils both sides of a rule is not silenced by another one that does.
    """
    listed = tuple(others)
    return tuple(
        (rule, other)
        for rule in configuration.inhibitions
        if all_hold(rule.target, labels)
        for other in listed
        if all_hold(rule.source, other)
        and all(other.get(name, "") == labels.get(name, "") for name in rule.equal)
        and not (all_hold(rule.source, labels) and all_hold(rule.target, other))
    )


def _all(route: Route) -> Iterator[Route]:
    yield route
    for child in route.children:
        yield from _all(child)
