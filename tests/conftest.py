"""A small workspace, and the real parts: one that is missing is a skip with its reason here, a failure in CI."""

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from failsoft.alerts import compile_workspace
from failsoft.alerts.compile import Compiled
from failsoft.cli import main
from failsoft.clients.binaries import find
from failsoft.errors import MissingPartError
from failsoft.lab import parts
from failsoft.lab.parts import Server
from failsoft.slo import resolve
from failsoft.workspace.load import load

# a loaded machine is no defect: pytest's own timeout tells what hangs; and examples may share a folder
CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("failsoft", deadline=None, suppress_health_check=CHECKS)
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


# What most tests of compilers begin with.
WORKSPACE = """
kind: Workspace
metadata: {name: test}
spec:
  prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}
  server: {url: "http://failsoft:8080", webhookSecret: {file: /etc/failsoft/webhook}}
---
kind: Team
metadata: {name: assistants}
spec:
  slack: "#assistants"
  pager: {pagerduty: {routingKey: {file: /etc/failsoft/pagerduty}}}
  people: [{name: ana, slack: U0ANA}]
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
"""

# What a lab has: a short period, windows of seconds.
LAB_WINDOWS = """
kind: AlertWindows
metadata: {name: lab}
spec:
  period: 30m
  keepFiringFor: 5s
  tiers:
    - {name: page-fast, severity: page, budget: 20%, short: 5s, long: 60s}
    - {name: ticket, severity: ticket, budget: 25%, short: 30s, long: 5m}
"""


class Written:
    """A workspace in a folder, and what was found in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace, self.found = load(root)

    def resolve(self, name: str) -> tuple[Any, Any]:
        """The objective of an SLO, and the findings about it."""
        return resolve(self.workspace, self.workspace.slos[name])

    def compiled(self, *, tests: bool = False, runbooks: Any = None) -> tuple[Compiled, Any]:
        """What the workspace compiles to, and the findings."""
        return compile_workspace(self.workspace, runbooks or {}, tests=tests)

    def output(self, folder: Path, *, tests: bool = False, of: str = "") -> Compiled:
        """Write what the workspace compiles to, and hand it back; of what is proven, only that of one subject."""
        made, _ = self.compiled(tests=tests)
        put(made.files, folder)
        return replace(made, units=tuple(unit for unit in made.units if unit.subject == of)) if of else made


def put(files: Mapping[str, str], folder: Path) -> None:
    """Write texts to paths below a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


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


@pytest.fixture(name="put", scope="session")
def _put() -> Callable[..., None]:
    """Writes texts to paths below a folder: `put({"rules/a.yaml": text}, folder)`."""
    return put


@pytest.fixture(scope="session")
def base() -> str:
    """The documents of every workspace that `written` writes."""
    return WORKSPACE


@pytest.fixture(scope="session")
def lab_windows() -> str:
    return LAB_WINDOWS


@pytest.fixture(scope="session")
def write() -> Callable[..., Written]:
    """Writes documents beside those of `base` into a folder, which then stand in `slo/0.yaml` and so on, and loads all.

    `write(folder, TTFT)`; a workspace with errors is a failure unless it is expected to be `faulty`.
    """

    def write(root: Path, *documents: str, base: str = WORKSPACE, faulty: bool = False) -> Written:
        texts = {f"slo/{index}.yaml": dedent(document).lstrip() for index, document in enumerate(documents)}
        put({"reference.json": "{}", "failsoft.yaml": base.lstrip(), **texts}, root)
        made = Written(root)
        assert faulty or not [finding for finding in made.found if finding.severity == "error"], made.found
        return made

    return write


@pytest.fixture
def written(write: Callable[..., Written], tmp_path: Path) -> Callable[..., Written]:
    """The same in the test's own folder: `written(TTFT)`."""
    return partial(write, tmp_path / "workspace")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """Runs `failsoft`: exit code, standard output, standard error."""

    def call(*words: object) -> tuple[Any, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call


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
