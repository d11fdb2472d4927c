"""What moved, in words: the bins and categories of a feature with both shares, and those that changed most."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from failsoft.drift.comparison import Compared
from failsoft.drift.features import HistogramReference, NumericReference

__all__ = ["Bin", "bins_of", "moves", "value_text"]

_DAY = 86_400
_YEARS = (-62_000_000_000, 250_000_000_000)


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin or category: what it holds, and its share of both sides."""

    label: str
    reference: float
    current: float

    @property
    def change(self) -> float:
        """How much larger the share is now."""
        return self.current - self.reference


def bins_of(compared: Compared) -> tuple[Bin, ...]:
    """The bins of a feature; none where either side has no rows."""
    laid = compared.laid
    if laid is None:
        return ()
    before, now = sum(laid.reference), sum(laid.current)
    if not before or not now:
        return ()
    labels = _spans(compared) or laid.bins
    sides = zip(labels, laid.reference, laid.current, strict=True)
    return tuple(Bin(label, left / before, right / now) for label, left, right in sides)


def moves(compared: Compared, most: int = 3) -> tuple[Bin, ...]:
    """The bins whose share changed most, the largest change first."""
    changed = [one for one in bins_of(compared) if one.change]
    return tuple(sorted(changed, key=lambda one: -abs(one.change))[:most])


def value_text(value: float, type_: str) -> str:
    """A value of a feature: times as dates, durations in seconds.

    >>> value_text(86_400.0, "time"), value_text(0.30000000000000004, "number"), value_text(90.0, "duration")
    ('1970-01-02', '0.3', '90 s')
    """
    if type_ == "time" and _YEARS[0] < value < _YEARS[1]:
        moment = datetime.fromtimestamp(value, UTC)
        return f"{moment:%Y-%m-%d}" if value % _DAY == 0 else f"{moment:%Y-%m-%d %H:%M}"
    return f"{value:.5g}" + (" s" if type_ == "duration" else "")


def _spans(compared: Compared) -> tuple[str, ...]:
    """What the bins of a number hold; a bin that is one value wide is that value."""
    feature = compared.feature
    if not isinstance(feature, NumericReference | HistogramReference):
        return ()
    type_ = feature.type if isinstance(feature, NumericReference) else "number"
    cuts = feature.cuts
    if not cuts:
        return ("all",)
    texts = [value_text(cut, type_) for cut in cuts]
    if type_ == "time":
        return (*(f"to {text}" for text in texts), f"after {texts[-1]}")
    inner = (f"= {high}" if low == high else f"{low} to {high}" for low, high in pairwise(texts))
    first = f"below {texts[0]}" if len(texts) > 1 and texts[0] == texts[1] else f"up to {texts[0]}"
    return (first, *inner, f"above {texts[-1]}")
