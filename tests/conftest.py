"""The real parts as fixtures, and what happens where one is missing: a skip with its reason here, a failure in CI."""

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

from failsoft.clients.binaries import find
from failsoft.errors import MissingPartError
from failsoft.lab import parts
from failsoft.lab.parts import Server

# a loaded machine is no defect: pytest's own timeout tells what hangs
settings.register_profile("failsoft", deadline=None)
settings.load_profile("failsoft")

CACHE = Path(__file__).resolve().parent.parent / ".cache"
SLOW_S = 900
IN_CI = os.environ.get("CI") == "true"
# What a test with this marker needs, and the argument of tools/parts.py that brings it.
NEEDS: dict[str, tuple[str, Callable[[], bool]]] = {
    "real_kubernetes": ("kubernetes", lambda: _is_there("kube-apiserver") and _is_there("etcd")),
    "newest_prometheus": ("newest-promtool", (CACHE / "newest" / "promtool").is_file),
    "real_data": ("real-data", lambda: len(list((CACHE / "data").glob("*-*"))) >= 3),
    "pushgateway": ("pushgateway", lambda: os.access(CACHE / "parts" / "pushgateway", os.X_OK)),
    "spark": ("spark", (CACHE / "spark" / ".unpacked-from").is_file),
}


class StartServer(Protocol):
    """Starts a server with the configuration given, and stops it when the test is over."""

    def __call__(
        self, config: str | Path, *, flags: dict[str, str] | None = None, binary: Path | None = None
    ) -> Server:
        """The server, ready."""


def pytest_configure() -> None:
    # For tests, and programs that tests start, that run in folders outside the checkout.
    if (CACHE / "parts").is_dir():
        os.environ.setdefault("FAILSOFT_PARTS", str(CACHE / "parts"))
    if (CACHE / "kubernetes").is_dir():
        os.environ.setdefault("KUBEBUILDER_ASSETS", str(CACHE / "kubernetes"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))
    if IN_CI:
        return  # there, a part that is missing is a failure
    for marker, (_, there) in NEEDS.items():
        needy = [item for item in items if item.get_closest_marker(marker)]
        if needy and not there():
            config.hook.pytest_deselected(items=needy)
            items[:] = [item for item in items if item not in needy]


def pytest_report_header() -> list[str]:
    missing = [
        f"{marker}: not run, python3 tools/parts.py {part}" for marker, (part, there) in NEEDS.items() if not there()
    ]
    return [] if IN_CI else missing


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The oldest promtool that we support, as Debian has it."""
    return _part("promtool")


@pytest.fixture(scope="session")
def amtool() -> Path:
    return _part("amtool")


@pytest.fixture(scope="session")
def newest_promtool() -> Path:
    """The newest promtool; a test that asks for it carries the marker `newest_prometheus`."""
    return _newest("promtool")


@pytest.fixture(scope="session")
def newest_prometheus() -> Path:
    """The newest Prometheus; a test that asks for it carries the marker `newest_prometheus`."""
    return _newest("prometheus")


@pytest.fixture
def port() -> int:
    """A port on which nobody listens, and which no outgoing connection takes, not even one to this very port."""
    return parts.free_port()


@pytest.fixture(scope="session")
def parts_registry() -> Path:
    """Where started servers are written down, so that the next run ends what a killed run left."""
    registry = CACHE / "leftovers"
    parts.reap_leftovers(registry)
    return registry


@pytest.fixture
def prometheus_server(tmp_path: Path, parts_registry: Path) -> Iterator[StartServer]:
    """Starts a real Prometheus: `prometheus_server("global: {}").url`."""
    _part("prometheus")
    yield from _starter(parts.prometheus_server, tmp_path, parts_registry)


@pytest.fixture
def alertmanager_server(tmp_path: Path, parts_registry: Path) -> Iterator[StartServer]:
    """Starts a real Alertmanager: `alertmanager_server(config).url`."""
    _part("alertmanager")
    yield from _starter(parts.alertmanager_server, tmp_path, parts_registry)


@pytest.fixture
def inhibited(alertmanager_server: StartServer) -> Callable[..., list[dict[str, str]]]:
    """Which alerts a real Alertmanager silences: `inhibited(config)(alerts, last)`, all of them by their labels.

    Its inhibitor reads alerts in the order sent, in its own time: once it silences the last one, it knows them all.
    """

    def start(config: str) -> Callable[..., list[dict[str, str]]]:
        url = f"{alertmanager_server(config).url}/api/v2/alerts"

        def silenced() -> list[dict[str, str]]:
            with urllib.request.urlopen(url) as answer:
                return [one["labels"] for one in json.load(answer) if one["status"]["inhibitedBy"]]

        def post(alerts: list[dict[str, str]], last: dict[str, str]) -> list[dict[str, str]]:
            sent = json.dumps([{"labels": labels} for labels in alerts]).encode()
            urllib.request.urlopen(urllib.request.Request(url, sent, {"Content-Type": "application/json"})).close()
            deadline = time.monotonic() + 60
            while last not in silenced():
                assert time.monotonic() < deadline, "Alertmanager never silenced the last alert"
                time.sleep(0.05)
            return silenced()

        return post

    return start


@pytest.fixture(scope="session")
def _postgres(parts_registry: Path) -> Iterator[str]:
    if given := os.environ.get("FAILSOFT_TEST_POSTGRES"):
        yield given
        return
    _part("initdb")
    with parts.postgres_server(registry=parts_registry) as url:
        yield url


@pytest.fixture
def postgres_url(_postgres: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database, on the server that `FAILSOFT_TEST_POSTGRES` names or on our own."""
    with parts.database(_postgres) as url:
        yield url


def _starter(describe: Callable[..., Server], folder: Path, registry: Path) -> Iterator[StartServer]:
    with ExitStack() as stack:
        started = 0

        def start(config: str | Path, *, flags: dict[str, str] | None = None, binary: Path | None = None) -> Server:
            nonlocal started
            started += 1
            workdir = folder / f"{describe.__name__}-{started}"
            return stack.enter_context(describe(workdir, config, flags=flags or {}, binary=binary, registry=registry))

        yield start


def _part(name: str) -> Path:
    try:
        return find(name)
    except MissingPartError as error:
        return _missing(str(error))


def _newest(name: str) -> Path:
    program = CACHE / "newest" / name
    return program if program.is_file() else _missing("run python3 tools/parts.py newest-promtool")


def _missing(reason: str) -> Path:
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


def _is_there(name: str) -> bool:
    try:
        find(name)
    except MissingPartError:
        return False
    return True
