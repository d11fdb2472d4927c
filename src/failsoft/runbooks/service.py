"""The runbooks as a service: alerts and answers in, runs driven, pages and messages out, over one database."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from failsoft.clients.kubernetes import Cluster
from failsoft.clients.pager import Pager
from failsoft.clients.prometheus import Prometheus
from failsoft.errors import UnavailableError
from failsoft.runbooks.alerts import Delivery
from failsoft.runbooks.decisions import Answer, Verdict, Via, decide
from failsoft.runbooks.deliver import Deliverer
from failsoft.runbooks.intake import Receipt, take_in
from failsoft.runbooks.interpreter import Interpreter, World, nobody
from failsoft.runbooks.port import Engine
from failsoft.runbooks.start import Started, start_by_hand
from failsoft.runbooks.stats import Stats, stats
from failsoft.runbooks.store import settings
from failsoft.runbooks.store.database import Database
from failsoft.runbooks.store.engine import database_url
from failsoft.runbooks.store.migrations import migrate, migrated
from failsoft.runbooks.together import Together
from failsoft.runbooks.views import Announcer, IncidentCard, QuestionCard, incident_card, question_card
from failsoft.runbooks.worker import Drained, Worker
from failsoft.workspace import Workspace

__all__ = ["Service", "ServiceSettings", "open_service"]

_COMMIT_S = 2.0
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How a worker works.

    Attributes:
        database: the URL; empty for the one of the workspace.
        lease: seconds for which a silent worker keeps its runs; 0 for that of the workspace.
        poll: seconds between two looks for work that other processes left in the database.
        patience: seconds after which a run that a worker was told to drive, and that nobody drives, is handed out
            again.
        durable: DBOS; else runs are driven by tasks of this process alone, and by nobody after it.
    """

    database: str = ""
    lease: float = 0.0
    poll: float = 0.1
    patience: float = 10.0
    durable: bool = True


class Service:
    """What `open_service` opens; to be called from the event loop in which it was opened."""

    def __init__(self, database: Database, workspace: Workspace, worker: Worker) -> None:
        self._database = database
        self._workspace = workspace
        self._worker = worker
        self._deliveries = Together(self._take_in, _AT_ONCE)

    async def receive(self, delivery: Delivery) -> Receipt:
        """Take a delivery in; returns after the commit. Raises `UnavailableError` within two seconds or so."""
        try:
            async with asyncio.timeout(_COMMIT_S):
                return await self._deliveries.add(delivery)
        except TimeoutError:
            # Should it be committed after all, it is found, and the delivery that comes again changes nothing.
            raise UnavailableError("the database did not take the delivery in time") from None

    async def decide(self, token: str, verdict: Verdict, *, user: str, via: Via) -> Answer:
        """Judge and record a click; see `decisions.decide`. Raises `UnavailableError`."""
        return await self._commit(lambda c: decide(c, self._workspace, token, verdict, user=user, via=via))

    async def start_run(self, runbook: str, slo: str, requester: str) -> Started:
        """Start a runbook by hand; see `start.start_by_hand`."""
        return await self._commit(lambda c: start_by_hand(c, self._workspace, runbook, slo, requester))

    async def kill(self, by: str, runbook: str = "") -> None:
        """Turn the kill switch on, of one runbook or of all. Raises `UnavailableError`."""
        await self._commit(lambda c: settings.kill(c, runbook, by))

    async def revive(self, by: str, runbook: str = "") -> None:
        """Turn the kill switch off again; what it stopped stays stopped. Raises `UnavailableError`."""
        await self._commit(lambda c: settings.revive(c, runbook, by))

    async def incident(self, number: int) -> IncidentCard | None:
        """The incident of that number. Raises `UnavailableError`."""
        return await self._database.read(lambda c: incident_card(c, self._workspace, number))

    async def question(self, answer: Answer) -> QuestionCard | None:
        """The question that an answer is about, as it stands. Raises `UnavailableError`."""
        asked = answer.approval
        return None if asked is None else await self._database.read(lambda c: question_card(c, self._workspace, asked))

    async def stats(self) -> Stats:
        """Numbers for `/metrics`. Raises `UnavailableError`."""
        return await self._database.read(lambda c: stats(c, self._worker.name, self._worker.lease))

    async def ready(self) -> bool:
        """Whether the database is there and at the present version."""
        try:
            return await self._database.call(partial(migrated, self._database.engine))
        except UnavailableError:
            return False

    async def _take_in(self, some: Sequence[Delivery]) -> list[Receipt]:
        return await self._commit(lambda c: [take_in(c, self._workspace, one) for one in some], urgent=True)

    async def _commit[T](self, work: Callable[[sa.Connection], T], *, urgent: bool = False) -> T:
        done = await self._database.commit(work, urgent=urgent)
        self._worker.work.set()
        return done


@contextlib.asynccontextmanager
async def open_service(  # noqa: PLR0913  # the outside world has so many parts
    workspace: Workspace,
    how: ServiceSettings | None = None,
    *,
    cluster: Cluster,
    prometheus: Prometheus,
    pagers: Mapping[str, Pager],
    announcer: Announcer | None = None,
    experimenter: Callable[[str], str | None] = nobody,
) -> AsyncIterator[Service]:
    """Migrate the database, and drive runs until the block ends; then runs that wait stay for the next worker.

    Args:
        workspace: what is declared.
        how: how to work.
        cluster: the cluster that the steps see and change.
        prometheus: the Prometheus that they ask.
        pagers: by the name of the team.
        announcer: who tells people; None for nobody.
        experimenter: who runs an experiment on a model by hand, see `World`.

    Raises:
        UnavailableError: the database does not answer.
        PermanentError: the database was made by a newer failsoft, or `server.database` is no URL.
    """
    how = how or ServiceSettings()
    database = Database(how.database or database_url(workspace))
    name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    world = World(workspace, cluster, prometheus, experimenter)
    worker = Worker(
        database=database,
        engine=_engine(database.engine, durable=how.durable),
        driver=Drained(Interpreter(database.engine, world, name)),
        deliverer=Deliverer(database, name, workspace, pagers, announcer),
        name=name,
        lease=how.lease or workspace.config.server.lease.seconds,
        poll=how.poll,
        patience=how.patience,
    )
    try:
        await database.call(partial(migrate, database.engine))
        async with worker.at_work():
            yield Service(database, workspace, worker)
    finally:
        await database.close()


def _engine(database: sa.Engine, *, durable: bool) -> Engine:
    if not durable:
        from failsoft.runbooks.memory_engine import MemoryEngine

        return MemoryEngine()
    from failsoft.runbooks.dbos_engine import DbosEngine

    return DbosEngine(database)
