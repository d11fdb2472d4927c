"""Boards, panels and queries as values, whoever draws them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Board", "First", "Kind", "Limit", "Panel", "Query", "Unit", "Variable", "filled", "latest"]

type Kind = Literal["figure", "lines", "table"]
"""One number, series over time, or a list of what is there now."""

type Unit = Literal["share", "count", "seconds", "celsius", "watts", "plain"]
"""What the numbers are; a share is 0 to 1, and shown in percent."""

type First = Literal["highest", "lowest"]
"""Which lines matter where there is no room for all: those that went highest, or lowest."""

type Limit = tuple[float, Literal["good", "warning", "bad"]]
"""From which value on a number means what."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus.

    Attributes:
        expression: PromQL; `$name` stands for the value of a variable, within a regular expression's quotes.
        legend: how its series are called; `{{label}}` stands for a label's value.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing.

    Attributes:
        title: what is seen.
        kind, unit: how it is drawn.
        queries: what is asked.
        about: what it means and what to do about it, for somebody who sees it for the first time.
        limits: of a figure, rising; below the first one it is plain.
        width: of 24 columns.
        first: of lines, which to draw on failsoft's own page where there is no room for all.
    """

    title: str
    kind: Kind
    unit: Unit
    queries: tuple[Query, ...]
    about: str = ""
    limits: tuple[Limit, ...] = ()
    width: int = 12
    first: First = "highest"


@dataclass(frozen=True, slots=True)
class Variable:
    """What the reader chooses: a value of `label` among the series `metric`; `.*` is all of them."""

    name: str
    metric: str
    label: str
    several: bool = True


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard.

    Attributes:
        name: its address; stable, for links lead to it.
        title: its title.
        variables: what the reader chooses.
        rows: titles and their panels.
    """

    name: str
    title: str
    variables: tuple[Variable, ...]
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels."""
        return tuple(panel for _, panels in self.rows for panel in panels)


def filled(expression: str, values: Mapping[str, str]) -> str:
    """The expression with its variables filled in, as regular expressions; all values where one is not given.

    >>> filled('up{job=~"$job", pod=~"$pod"}', {"job": "vllm"})
    'up{job=~"vllm", pod=~".*"}'
    """

    def value(match: re.Match[str]) -> str:
        chosen = values.get(match[1])
        return (
            ".*" if chosen is None else re.escape(chosen).replace("\\-", "-").replace("\\", "\\\\").replace('"', '\\"')
        )

    return re.sub(r"\$([a-z]+)", value, expression)


def latest(series: str, matchers: str, window: str = "15m") -> str:
    """The newest value of a record, which may be older than Prometheus looks back for a plain name."""
    return f"last_over_time({series}{matchers}[{window}])"
