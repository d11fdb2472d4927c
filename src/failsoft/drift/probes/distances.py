"""How far two answers are from each other: their texts, and what else their first token could have been."""

from collections.abc import Mapping
from math import exp

__all__ = ["edit_distance", "first_token_distance"]


def edit_distance(left: str, right: str) -> float:
    """The Levenshtein distance of two texts over the length of the longer one: 0 for equal ones, 1 for strangers.

    >>> edit_distance("kitten", "sitting") == 3 / 7
    True
    """
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(left, right))


def first_token_distance(before: Mapping[str, float], now: Mapping[str, float]) -> float | None:
    """The total variation distance of two distributions of which only the largest parts are known.

    A token that is in one list only counts with its whole probability there, and all that is in neither list as one.

    Args:
        before: the natural logarithms of the probabilities, by token.
        now: the same of another reply.

    Returns:
        From 0 to 1; None where one of the sides is empty.

    >>> round(first_token_distance({"a": -0.1, "b": -3.0}, {"a": -0.2, "c": -2.0}), 3)
    0.136
    """
    if not before or not now:
        return None
    left, right = ({token: exp(min(value, 0.0)) for token, value in side.items()} for side in (before, now))
    tokens = set(left) | set(right)
    parts = [abs(left.get(token, 0.0) - right.get(token, 0.0)) for token in tokens]
    rest = abs(max(0.0, 1 - sum(left.values())) - max(0.0, 1 - sum(right.values())))
    return min(1.0, (sum(parts) + rest) / 2)
