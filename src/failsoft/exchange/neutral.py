"""What an SLO says, whichever tool's document said it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from failsoft.findings import Place

__all__ = ["ForeignSlo", "ForeignTier", "Windows"]


@dataclass(frozen=True, slots=True)
class ForeignTier:
    """One pair of windows; durations as failsoft writes them, and none for how long both have to stay above it."""

    name: str
    severity: Literal["page", "ticket"]
    budget: Decimal
    short: str
    long: str
    lasting: str = ""


@dataclass(frozen=True, slots=True)
class Windows:
    """Alert windows that are none of the shipped ones.

    Attributes:
        name: as it will be called.
        tiers: fastest first.
        period: for which they are the default; empty for none.
    """

    name: str
    tiers: tuple[ForeignTier, ...]
    period: str = ""


@dataclass(frozen=True, slots=True)
class ForeignSlo:
    """An SLO.

    Attributes:
        name: as failsoft will call it, before it is made a valid name.
        service: what it is about.
        owner: who answers for it; empty where nobody is named.
        objective: percent.
        period: as failsoft writes a duration.
        indicator: as failsoft's documents write it.
        selects: labels that all series of it share, for its Model.
        description: may be empty.
        windows: those of its own, or the name of shipped ones; None for the period's default.
        place: where it stands.
        sloth: service and name in Sloth, where it comes from there.
    """

    name: str
    service: str
    owner: str
    objective: Decimal
    period: str
    indicator: dict[str, Any]
    selects: dict[str, str]
    description: str
    place: Place
    windows: Windows | str | None = field(default=None)
    sloth: tuple[str, str] | None = None
