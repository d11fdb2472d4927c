"""How many of something there are, as every room says it."""

__all__ = ["amount"]


def amount(count: float, what: str) -> str:
    """How many of what there are; rows and requests of a histogram may be no whole number.

    >>> amount(1, "file"), amount(20_000, "row"), amount(0.5, "row")
    ('1 file', '20,000 rows', '0.5 rows')
    """
    shown = f"{count:,.0f}" if count == round(count) else f"{count:,g}"
    return f"{shown} {what}{'' if count == 1 else 's'}"
