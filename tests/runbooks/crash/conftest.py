"""Worlds in which workers die: a cluster, a pager and a database that outlive them, and workers made to order."""

import itertools
import json
import queue
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import run_dbos_database_migrations

from failsoft.clients.kubernetes import Ref
from failsoft.runbooks.store.engine import open_engine, reading
from failsoft.runbooks.store.migrations import migrate
from failsoft.testing import FakePager
from failsoft.testing.kubernetes import HTTP_ROUTE_CRD, FakeKubernetes, deployment, namespace

LEASE_S = 0.8
PATIENCE_S = 60
ROUTE = Ref("HTTPRoute", "chat", "prod")
SMALL = Ref("Deployment", "chat-small", "prod")

type Point = tuple[str, int]


class Mortals:
    """The process that forks workers; loading everything once makes a thousand deaths cheap."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._started: dict[str, queue.Queue[int]] = {}
        self._ended: dict[str, Future[int]] = {}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mortal.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, job: dict[str, Any]) -> tuple[int, "Future[int]"]:
        """Start a worker: its process id, and how it ends: 0, or minus the signal."""
        name = job["name"]
        self._started[name], self._ended[name] = queue.Queue(), Future()
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        return self._started[name].get(timeout=60), self._ended[name]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "pid" in told:
                self._started[told["job"]].put(told["pid"])
            else:
                self._ended[told["job"]].set_result(told["ended"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._reader.join(10)
        self._process.stdout.close()


@dataclass
class CrashWorld:
    """What outlives the workers of one case."""

    name: str
    folder: Path
    mortals: Mortals
    workspace: Path
    database: str
    kubernetes: FakeKubernetes
    pager: FakePager
    ratio: float
    durable: bool = True
    workers: int = 0

    def start(
        self, *, die: Point | None = None, trace: Path | None = None, answers: bool = True, delivers: bool = True
    ) -> tuple[int, "Future[int]"]:
        """Start one more worker."""
        self.workers += 1
        job = {
            "name": f"{self.name}-{self.workers}",
            "workspace": str(self.workspace),
            "database": self.database,
            "kubernetes": self.kubernetes.url,
            "token": self.kubernetes.token,
            "pager": self.pager.webhook_url,
            "lease": LEASE_S,
            "ratio": self.ratio,
            "durable": self.durable,
            "die": die,
            "trace": str(trace) if trace else "",
            "log": str(self.folder / f"{self.name}.log"),
            "patience": PATIENCE_S - 5,
            "answers": answers,
            "delivers": delivers,
        }
        return self.mortals.start(job)

    def run(self, **how: Any) -> int:
        """A worker's whole life: how it ended."""
        try:
            return self.start(**how)[1].result(PATIENCE_S)
        except TimeoutError:
            stuck = [self.rows(f"SELECT * FROM {table}") for table in ("runs", "steps", "approvals", "wakes", "leases")]  # noqa: S608
            stuck.append(self.rows("SELECT * FROM outbox WHERE state <> 'sent'"))
            raise AssertionError(f"{self.name} {how} does not end:\n{self.log}\n{stuck}") from None

    @property
    def log(self) -> str:
        path = self.folder / f"{self.name}.log"
        return path.read_text()[-8000:] if path.exists() else ""

    def rows(self, query: str) -> list[sa.Row[Any]]:
        engine = open_engine(self.database)
        with reading(engine) as connection:
            rows = list(connection.execute(sa.text(query)))
        engine.dispose()
        return rows

    @property
    def weights(self) -> list[int]:
        refs = self.kubernetes.cluster().get(ROUTE)["spec"]["rules"][0]["backendRefs"]
        return [ref.get("weight", 1) for ref in refs]

    @property
    def replicas(self) -> int:
        return int(self.kubernetes.cluster().get(SMALL)["spec"]["replicas"])

    def effects(self) -> Counter[str]:
        """How often each thing was changed, counted at the cluster."""
        paths = (request.path for request in self.kubernetes.effects if request.method == "PUT")
        return Counter("route" if "httproutes" in path else "scale" for path in paths)

    def posts(self, what: str) -> Counter[Any]:
        return Counter(post[what] for post in self.pager.posts if what in post)


@pytest.fixture(scope="session")
def mortals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortals]:
    made = Mortals(tmp_path_factory.mktemp("mortals"))
    yield made
    made.close()


@pytest.fixture
def worlds(
    request: pytest.FixtureRequest, declare: Callable[..., Any], tmp_path: Path, mortals: Mortals
) -> Callable[..., Callable[[], AbstractContextManager[CrashWorld]]]:
    """Prepares a maker of worlds, each with a cluster, a pager and a database of its own, migrated beforehand."""

    def prepare(
        kind: str, runbook: str, ratio: float, *, durable: bool = True
    ) -> Callable[[], AbstractContextManager[CrashWorld]]:
        template = _template(request, kind, tmp_path)
        root = declare(runbook).root
        numbers = itertools.count()

        @contextmanager
        def make() -> Iterator[CrashWorld]:
            number = next(numbers)
            database = _copied(template, tmp_path / f"{number}.sqlite", number)
            with database as url, FakeKubernetes() as kubernetes, FakePager() as pager:
                kubernetes.load(_objects())
                kubernetes.forget_requests()
                name = f"w{number}"
                yield CrashWorld(name, tmp_path, mortals, root, url, kubernetes, pager, ratio, durable)

        return make

    return prepare


def _objects() -> Iterator[dict[str, Any]]:
    refs = [{"name": "chat-70b", "weight": 1}, {"name": "chat-small", "weight": 0}]
    yield namespace("prod")
    yield HTTP_ROUTE_CRD
    yield {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"rules": [{"backendRefs": refs}]},
    }
    yield deployment("chat-70b", "prod", replicas=1, gpus=0)
    yield deployment("chat-small", "prod", replicas=1, gpus=0)


def _template(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """A database in which our tables and DBOS's are made, to be copied."""
    sqlite = f"sqlite:///{folder / 'template.sqlite'}"
    url = str(request.getfixturevalue("postgres_url")) if kind == "postgres" else sqlite
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    run_dbos_database_migrations(system_database_url=url)
    return url


@contextmanager
def _copied(template: str, path: Path, number: int) -> Iterator[str]:
    if template.startswith("sqlite"):
        shutil.copyfile(template.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    url = sa.make_url(template)
    server = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    name = f"{url.database}_{number}"
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"')
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
