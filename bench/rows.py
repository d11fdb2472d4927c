"""A measured figure, and how a table of them is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Row", "table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        what: what was measured, in words.
        value: the figure.
        unit: its unit.
        bound: what it must not exceed; None where there is no bound.
    """

    what: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the bound holds."""
        return self.bound is None or self.value <= self.bound


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, a mark behind each bound that is broken."""
    lines = ["| what | measured | bound |", "|---|---:|---:|"]
    for row in rows:
        bound = "" if row.bound is None else f"<= {_figure(row.bound, row.unit)}{'' if row.holds else ' BROKEN'}"
        lines.append(f"| {row.what} | {_figure(row.value, row.unit)} | {bound} |")
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}".rstrip()
