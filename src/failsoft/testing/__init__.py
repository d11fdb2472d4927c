"""Fakes of the outside world as real servers on loopback, for failsoft's tests, its lab and your own tests."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from failsoft.testing.endpoint import FakeEndpoint
    from failsoft.testing.kubernetes import FakeKubernetes
    from failsoft.testing.pager import FakePager
    from failsoft.testing.slack import FakeSlack

__all__ = ["FakeEndpoint", "FakeKubernetes", "FakePager", "FakeSlack"]

# Imported when they are asked for: who tests with one fake need not install what another one needs.
_PLACES = {
    "FakeEndpoint": "failsoft.testing.endpoint",
    "FakeKubernetes": "failsoft.testing.kubernetes",
    "FakePager": "failsoft.testing.pager",
    "FakeSlack": "failsoft.testing.slack",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PLACES[name]), name)
