"""Quantities such as `500m` and `4Gi`, and counts that may be percentages."""

import math
import re
from fractions import Fraction

__all__ = ["quantity", "scaled"]

_QUANTITY = re.compile(r"([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_SUFFIXES = {
    "": Fraction(1),
    **{suffix: Fraction(1, 1000 ** (3 - power)) for power, suffix in enumerate("num")},
    **{suffix: Fraction(1000 ** (power + 1)) for power, suffix in enumerate("kMGTPE")},
    **{f"{suffix}i": Fraction(1024 ** (power + 1)) for power, suffix in enumerate("KMGTPE")},
}


def quantity(text: str | float) -> Fraction:
    """A resource quantity as a number.

    >>> quantity("500m"), quantity("2Ki"), quantity(3), quantity("1e3")
    (Fraction(1, 2), Fraction(2048, 1), Fraction(3, 1), Fraction(1000, 1))
    """
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no resource quantity")
    number, exponent, suffix = found.groups()
    return Fraction(number) * (Fraction(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""])


def scaled(amount: int | str, total: int, *, up: bool) -> int:
    """A count, or a percentage of `total` rounded up or down.

    >>> scaled("25%", 3, up=True), scaled("25%", 3, up=False), scaled(2, 3, up=True)
    (1, 0, 2)
    """
    if isinstance(amount, int):
        return amount
    share = Fraction(int(amount.removesuffix("%")), 100) * total
    return math.ceil(share) if up else math.floor(share)
