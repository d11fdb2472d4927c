"""Shares that are signals of their own: rows without a value, and rows of categories that the reference never had."""

__all__ = ["missing_share", "new_share"]


def missing_share(missing: float, rows: float) -> float | None:
    """The share of rows that are null or NaN, in [0, 1].

    Args:
        missing: rows without a value.
        rows: all rows, those included.

    Returns:
        None without rows.

    Raises `ValueError` where the part is not within the whole.

    >>> missing_share(2, 12), missing_share(0, 0)
    (0.16666666666666666, None)
    """
    return _share(missing, rows)


def new_share(new: float, present: float) -> float | None:
    """The share of the rows with a value whose category the reference never had, in [0, 1].

    Args:
        new: rows of new categories.
        present: rows that are not missing.

    Returns:
        None without such rows.

    Raises `ValueError` where the part is not within the whole.

    >>> new_share(1, 10), new_share(0, 0)
    (0.1, None)
    """
    return _share(new, present)


def _share(part: float, whole: float) -> float | None:
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no share")
    return part / whole if whole else None
