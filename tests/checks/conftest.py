"""What ships with failsoft, read once for all pages: two hundred workspaces are checked here."""

from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

_LOAD = import_module("failsoft.workspace.load")


@pytest.fixture(scope="session")
def shipped():
    return _LOAD._documents(_LOAD._shipped_files(), Path(str(files("failsoft"))), [], set(), shipped=True)


@pytest.fixture(autouse=True)
def read_once(shipped, monkeypatch):
    read = _LOAD._documents
    monkeypatch.setattr(
        _LOAD,
        "_documents",
        lambda *given, **how: shipped if how["shipped"] else read(*given, **how),
    )
