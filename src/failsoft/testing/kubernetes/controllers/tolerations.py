"""Taints and tolerations."""

from collections.abc import Iterable
from typing import Any

__all__ = ["tolerates", "untolerated"]

type Json = dict[str, Any]


def tolerates(toleration: Json, taint: Json) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def untolerated(taints: Iterable[Json], tolerations: Iterable[Json], effects: Iterable[str]) -> Json | None:
    """The first taint with one of these effects that nothing tolerates, or None."""
    covered, wanted = list(tolerations), set(effects)
    return next(
        (t for t in taints if t["effect"] in wanted and not any(tolerates(each, t) for each in covered)),
        None,
    )
