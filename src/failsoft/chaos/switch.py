"""The kill switch as an experiment sees it: read before every change, by each process that makes one."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Protocol

from failsoft.errors import PermanentError, RefusedError

__all__ = ["HaltedError", "KillSwitch", "opened"]


class KillSwitch(Protocol):
    """The switch that stops everything, wherever it is kept."""

    @property
    def opener(self) -> str:
        """The function that opens this switch in the process that makes changes: `module:function`, no arguments."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What that function finds in its environment. It may be secret: it is never written down."""

    def reason(self) -> str:
        """Why everything is to stop; empty while it is not. Raises `UnavailableError` when nobody can say."""


class HaltedError(RefusedError):
    """The kill switch is on, or nobody can say whether it is."""


def opened(opener: str) -> KillSwitch | None:
    """The switch that `opener` opens here; None where it is empty. Raises `PermanentError` where it cannot."""
    if not opener:
        return None
    try:
        switch: KillSwitch = resolve_name(opener)()
    except (ImportError, AttributeError, LookupError) as error:
        raise PermanentError(f"the kill switch cannot be opened by {opener}: {error!r}") from error
    return switch
