"""What a workspace asks of a Prometheus, and what that one answered, as values that checks judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from failsoft.slo.promql import Matcher
from failsoft.slo.resolve import Objective
from failsoft.workspace.model import Workspace

__all__ = ["Answers", "LoadedGroup", "LoadedRule", "Missing", "Read", "Subject", "Target", "Version"]


class Read(NamedTuple):
    """Series that an SLO reads.

    Attributes:
        metric, matchers: which.
        role: what they are to the SLO; `bad` ones may rightly not be there before the first failure.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    role: Literal["all events", "good events", "bad events", "gauge", "score"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A workspace and what it compiles to.

    Attributes:
        workspace: its documents.
        objectives: its SLOs.
        rules: the text of each rule file, by path.
        reads: what each SLO reads, by its name.
    """

    workspace: Workspace
    objectives: tuple[Objective, ...]
    rules: Mapping[str, str]
    reads: Mapping[str, tuple[Read, ...]]


class Version(NamedTuple):
    """A version of Prometheus itself."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Target(NamedTuple):
    """A scrape target: its labels, and milliseconds between two scrapes of it."""

    labels: Mapping[str, str]
    interval: int


class LoadedRule(NamedTuple):
    """A rule as the server has it; `record` is False for an alert, times are in milliseconds."""

    name: str
    record: bool
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    wait: int
    keep: int
    problem: str


class LoadedGroup(NamedTuple):
    """A group as the server has it; the interval is in milliseconds."""

    name: str
    file: str
    interval: int
    rules: tuple[LoadedRule, ...]


class Missing(NamedTuple):
    """Why a selector matches nothing.

    Attributes:
        series: how many series the metric has at all.
        wrong: matchers that match none of them by themselves, each with values that their label has.
        bounds: for a bucket: the bounds that the series have when the bound is not asked for; else empty.
        spelled: the name under which the metric is there all the same, with _ for each colon; else empty.
    """

    series: int
    wrong: tuple[tuple[Matcher, tuple[str, ...]], ...] = ()
    bounds: tuple[str, ...] = ()
    spelled: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server answered; a None is a question that it could not be asked.

    Attributes:
        url: its address.
        down: why it cannot be asked at all; then all else is empty.
        version: of Prometheus; None for another server.
        product: its version as it says it.
        retention: milliseconds for which it keeps samples.
        targets: what it scrapes.
        groups: the rules it has loaded.
        counts: how many series each `Read` matches.
        missing: why those match none.
        recorded: how many series of its remaining budget each SLO has, of those with more than one.
        refused: expressions that it refuses, with the reason.
        unasked: what could not be asked, and why, a sentence each.
        gave_up: why nothing more was asked, after questions in a row without an answer; empty where all were.
    """

    url: str
    down: str = ""
    version: Version | None = None
    product: str = ""
    retention: int | None = None
    targets: tuple[Target, ...] | None = None
    groups: tuple[LoadedGroup, ...] | None = None
    counts: Mapping[Read, int] = field(default_factory=dict)
    missing: Mapping[Read, Missing] = field(default_factory=dict)
    recorded: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    unasked: tuple[str, ...] = ()
    gave_up: str = ""
