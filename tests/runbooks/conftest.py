"""A small world to run runbooks in: a workspace, a fake cluster, a Prometheus that says what it is told, a pager."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import sqlalchemy as sa

from failsoft.clients.kubernetes import Ref
from failsoft.clients.pager import PageEvent
from failsoft.clients.prometheus import Sample
from failsoft.runbooks.alerts import Alert, Delivery
from failsoft.runbooks.service import Service, ServiceSettings, open_service
from failsoft.runbooks.store.engine import open_engine, transaction
from failsoft.runbooks.store.migrations import migrate
from failsoft.runbooks.views import Entry, IncidentCard, MessageRef, QuestionCard
from failsoft.testing.kubernetes import HTTP_ROUTE_CRD, FakeKubernetes, deployment, namespace
from failsoft.workspace import Workspace
from failsoft.workspace.load import load

ROUTE = Ref("HTTPRoute", "chat", "prod")
DEPLOYMENT = Ref("Deployment", "chat-70b", "prod")

WORKSPACE = """\
kind: Workspace
metadata: {name: test}
spec:
  links: {dashboard: "https://grafana.example.com/d/{slo}", runbook: "https://git.example.com/{runbook}.yaml"}
---
kind: Team
metadata: {name: assistants}
spec:
  slack: "#assistants-oncall"
  pager: {stdout: {}}
  people: [{name: ana, slack: U0ANA}, {name: ben, slack: U0BEN}, {name: cem, slack: U0CEM}]
  oncall: [ana, ben]
---
kind: Model
metadata: {name: chat}
spec:
  engine: vllm
  select: {job: vllm-chat, model_name: chat-70b}
  workload: {deployment: prod/chat-70b}
  route: {httpRoute: prod/chat, backend: chat-70b}
  owner: assistants
  fallback: chat-small
---
kind: Model
metadata: {name: chat-small}
spec:
  engine: vllm
  select: {job: vllm-chat-small}
  workload: {deployment: prod/chat-small}
  route: {httpRoute: prod/chat, backend: chat-small}
  owner: assistants
---
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30d}
---
kind: SLO
metadata: {name: chat-availability}
spec: {model: chat, indicator: {availability: {}}, objective: 99%, period: 30d}
---
kind: SLO
metadata: {name: small-ttft}
spec: {model: chat-small, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30d}
"""

SHIFT = """\
kind: Runbook
metadata: {name: shift}
spec:
  answers: {slos: [chat-ttft]}
  mode: approve
  steps:
    - inspect: {nodes: false}
    - approve: {within: 2m}
    - shiftTraffic: {to: fallback}
    - verify: {for: 200ms, within: 60s, otherwise: [undo, page]}
"""


def runbook(steps: str, *, name: str = "shift", mode: str = "approve", answers: str = "slos: [chat-ttft]") -> str:
    """A runbook with its steps as YAML lines."""
    lines = indent(dedent(steps).strip(), "    ")
    head = f"kind: Runbook\nmetadata: {{name: {name}}}\nspec:\n  answers: {{{answers}}}\n  mode: {mode}\n"
    return f"{head}  steps:\n{lines}\n"


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Workspace]:
    """Makes a workspace with the runbooks given."""

    def made(*runbooks: str) -> Workspace:
        root = tmp_path / "workspace"
        root.mkdir(exist_ok=True)
        (root / "all.yaml").write_text("---\n".join([WORKSPACE, *runbooks]))
        workspace, findings = load(root)
        assert not [finding for finding in findings if finding.severity == "error"], findings
        return workspace

    return made


def route(*weights: tuple[str, int | None], rules: int = 1) -> dict[str, Any]:
    refs = [{"name": name, "port": 80} | ({} if weight is None else {"weight": weight}) for name, weight in weights]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"rules": [{"backendRefs": [dict(ref) for ref in refs]} for _ in range(rules)]},
    }


@pytest.fixture
def kubernetes() -> Iterator[FakeKubernetes]:
    """A fake cluster with the model, its fallback and their route."""
    with FakeKubernetes() as fake:
        fill(fake)
        yield fake


def fill(fake: FakeKubernetes) -> None:
    fake.load(
        [
            namespace("prod"),
            HTTP_ROUTE_CRD,
            route(("chat-70b", None), ("chat-small", 0)),
            deployment("chat-70b", "prod", replicas=2, gpus=0),
            deployment("chat-small", "prod", replicas=1, gpus=0),
        ]
    )
    fake.forget_requests()


@dataclass
class SaidPrometheus:
    """Answers every query with `ratio`: a number, several, None for no data, or an error to raise."""

    ratio: float | list[float] | Exception | None = 0.001
    asked: list[str] = field(default_factory=list)

    def query(self, expression: str, *, at: float | None = None) -> tuple[Sample, ...]:
        self.asked.append(expression)
        if isinstance(self.ratio, Exception):
            raise self.ratio
        if self.ratio is None:
            return ()
        values = self.ratio if isinstance(self.ratio, list) else [self.ratio]
        return tuple(Sample({}, value, time.time()) for value in values)

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[()]:
        raise NotImplementedError


@dataclass
class SaidPager:
    """Keeps the events; raises the errors of `failing` first."""

    events: list[PageEvent] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)

    async def send(self, event: PageEvent) -> None:
        if self.failing:
            raise self.failing.pop(0)
        self.events.append(event)


@dataclass
class SaidAnnouncer:
    """Keeps what it is told, as a thread would show it."""

    incidents: dict[int, IncidentCard] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    questions: dict[int, QuestionCard] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)

    async def incident(self, card: IncidentCard, at: MessageRef | None) -> MessageRef:
        self._call("edit incident" if at else "post incident")
        self.incidents[card.number] = card
        return at or MessageRef("C1", f"{card.number}.0")

    async def entry(self, card: IncidentCard, entry: Entry, thread: MessageRef) -> None:
        self._call("entry")
        self.entries.append(entry)

    async def question(
        self, card: IncidentCard, question: QuestionCard, thread: MessageRef, at: MessageRef | None
    ) -> MessageRef:
        self._call("edit question" if at else "post question")
        self.questions[question.number] = question
        return at or MessageRef("C1", f"{card.number}.{question.number}")

    def _call(self, what: str) -> None:
        if self.failing:
            raise self.failing.pop(0)
        self.calls.append(what)

    @property
    def told(self) -> str:
        return "\n".join(entry.text for entry in self.entries)


STARTED = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def alert(
    status: str = "firing",
    *,
    slo: str = "chat-ttft",
    model: str = "chat",
    tier: str = "fast",
    severity: str = "page",
    minute: int = 0,
    **labels: str,
) -> Alert:
    names = {"alertname": f"{slo}-{tier}", "slo": slo, "model": model, "severity": severity, "burn_tier": tier} | labels
    names = {name: value for name, value in names.items() if value}
    starts = STARTED.replace(minute=minute)
    return Alert.model_validate(
        {
            "status": status,
            "labels": names,
            "annotations": {"summary": "Users wait too long", "description": "1 of 5 waits"},
            "starts_at": starts,
            "ends_at": starts.replace(hour=4) if status == "resolved" else None,
            "fingerprint": f"{hash(tuple(sorted(names.items()))) & (2**64 - 1):016x}",
        }
    )


def delivery(*alerts: Alert) -> Delivery:
    status = "firing" if any(one.status == "firing" for one in alerts) else "resolved"
    return Delivery(status=status, group_key="{}:{}", receiver="failsoft", alerts=alerts)


@pytest.fixture(name="alert")
def _alert() -> Callable[..., Alert]:
    return alert


@pytest.fixture(name="delivery")
def _delivery() -> Callable[..., Delivery]:
    return delivery


@pytest.fixture(name="runbook")
def _runbook() -> Callable[..., str]:
    return runbook


@pytest.fixture(name="route")
def _route() -> Callable[..., dict[str, Any]]:
    return route


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    return until


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'failsoft.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(any_url: str) -> Iterator[sa.Engine]:
    """A migrated database, of each kind."""
    engine = open_engine(any_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["memory-sqlite", "dbos-sqlite", "dbos-postgres"])
def how(request: pytest.FixtureRequest) -> ServiceSettings:
    """How a worker works: every engine, on every database."""
    engine, kind = request.param.split("-")
    return settings(str(request.getfixturevalue(f"{kind}_url")), durable=engine == "dbos")


def settings(url: str, *, durable: bool) -> ServiceSettings:
    return ServiceSettings(database=url, lease=2.0, poll=0.03, patience=3.0, durable=durable)


@dataclass
class World:
    """Everything around a service; `open()` opens one more worker on the same database, in this process."""

    workspace: Workspace
    how: ServiceSettings
    kubernetes: FakeKubernetes
    prometheus: SaidPrometheus = field(default_factory=SaidPrometheus)
    pager: SaidPager = field(default_factory=SaidPager)
    announcer: SaidAnnouncer = field(default_factory=SaidAnnouncer)
    experimenter: Callable[[str], str | None] = lambda _: None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Service]:
        async with open_service(
            self.workspace,
            self.how,
            cluster=self.kubernetes.cluster(),
            prometheus=self.prometheus,
            pagers={"assistants": self.pager},
            announcer=self.announcer,
            experimenter=self.experimenter,
        ) as service:
            yield service

    async def question(self, number: int = 0) -> QuestionCard:
        """The question of that number once it is in the thread; by default the newest that waits."""

        def there() -> QuestionCard | None:
            waiting = [one for one in self.announcer.questions.values() if one.state == "waiting"]
            return self.announcer.questions.get(number) if number else (waiting[-1] if waiting else None)

        return await until(there)

    async def outcome(self, number: int = 1) -> str:
        """How the newest run of the incident ended, once it has and everybody was told."""

        def ended() -> str | None:
            card = self.announcer.incidents.get(number)
            return card.run.outcome if card and card.run and card.run.outcome else None

        return await until(ended)

    async def hears(self, text: str) -> None:
        """Wait until the thread says it."""
        try:
            await until(lambda: text in self.announcer.told)
        except TimeoutError:
            raise AssertionError(f"{text!r} is not in\n{self.announcer.told}") from None

    async def page(self, number: int = 0) -> PageEvent:
        """The page of that number, once it was sent."""
        await until(lambda: len(self.pager.events) > number)
        return self.pager.events[number]

    @property
    def weights(self) -> dict[str, int]:
        """Of the backends of the route."""
        refs = self.kubernetes.cluster().get(ROUTE)["spec"]["rules"][0]["backendRefs"]
        return {ref["name"]: ref.get("weight", 1) for ref in refs}

    @property
    def replicas(self) -> int:
        """Of the model's deployment."""
        return int(self.kubernetes.cluster().get(DEPLOYMENT)["spec"]["replicas"])

    def writes(self, what: str = "httproutes") -> list[str]:
        """The methods of the requests that changed something of that resource."""
        return [request.method for request in self.kubernetes.effects if what in request.path]

    def rows(self, query: str) -> list[Any]:
        engine = open_engine(self.how.database)
        with transaction(engine) as connection:
            rows = list(connection.execute(sa.text(query)))
        engine.dispose()
        return rows


async def until[T](there: Callable[[], T | None], within: float = 60.0) -> T:
    """What `there()` gives as soon as it gives something true."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := there():
            return found
        await asyncio.sleep(0.01)
    raise TimeoutError(f"{there} gave nothing within {within} s")


@pytest.fixture
def world(declare: Callable[..., Workspace], how: ServiceSettings, kubernetes: FakeKubernetes) -> World:
    """The world with the runbook `shift`, on every engine and database."""
    return World(declare(SHIFT), how, kubernetes)


@pytest.fixture
def quick(declare: Callable[..., Workspace], sqlite_url: str, kubernetes: FakeKubernetes) -> Callable[..., World]:
    """Makes a world with other runbooks, on the engine in memory and SQLite."""
    return lambda *runbooks: World(declare(*runbooks), settings(sqlite_url, durable=False), kubernetes)
