"""Workers that die: each job, one line of JSON on standard input, is a fork that kills itself with SIGKILL at a point.

A point is a moment before or after a durable write or an outbound call, named by what is written or called, and by
how often that happened before. Points are counted where they happen, so a new write or call is a new point by itself.
The hooks stand here alone: what is under test knows nothing of them. An answer is one line for each job that ended.
"""

import asyncio
import contextlib
import faulthandler
import json
import os
import re
import select
import signal
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import dbos  # noqa: F401  # so that forks need not load it
import psycopg  # noqa: F401  # the same
import sqlalchemy as sa
from aiohttp import ClientSession

from failsoft.clients.kubernetes import connect
from failsoft.clients.pager import WebhookPager
from failsoft.clients.prometheus import Sample
from failsoft.errors import UnavailableError
from failsoft.runbooks import service as service_module
from failsoft.runbooks.alerts import Alert, Delivery
from failsoft.runbooks.dbos_engine import DbosEngine  # noqa: F401  # as above
from failsoft.runbooks.service import ServiceSettings, open_service
from failsoft.runbooks.store import approvals, database
from failsoft.runbooks.store.engine import reading
from failsoft.runbooks.store.schema import outbox, runs
from failsoft.runbooks.views import MessageRef
from failsoft.workspace.load import load

WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:"?\w+"?\.)?"?(\w+)"?', re.IGNORECASE)
CALLS = ("get", "list", "replace", "scale")


class Fate:
    """Counts the points, writes them down, and ends the process at one of them."""

    def __init__(self, job):
        self._die = tuple(job["die"]) if job["die"] else None
        self._trace = os.open(job["trace"], os.O_WRONLY | os.O_CREAT | os.O_APPEND) if job["trace"] else None
        self._seen = Counter()
        self._lock = threading.Lock()

    def point(self, name):
        with self._lock:
            self._seen[name] += 1
            if self._trace is not None:
                os.write(self._trace, f"{name}\n".encode())
            if self._die == (name, self._seen[name]):
                os.kill(os.getpid(), signal.SIGKILL)


def watch_commits(engine, fate):
    """Before and after each commit that writes anything, ours and DBOS's alike, for they share the engine."""
    written = {}

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _note(connection, cursor, statement, *_):
        if found := WRITES.match(statement):
            written.setdefault(id(connection.connection.dbapi_connection), set()).add(found[1])

    commit, rollback = engine.dialect.do_commit, engine.dialect.do_rollback

    def committed(connection):
        tables = written.pop(id(connection.dbapi_connection), None)
        # what is told goes with what is done, except when that is being sent already
        named = (tables or set()) - {"outbox", "timeline"} or tables
        name = "commit " + "+".join(sorted(named)) if named else ""
        if name:
            fate.point(f"before {name}")
        commit(connection)
        if name:
            fate.point(f"after {name}")

    def rolled_back(connection):
        written.pop(id(connection.dbapi_connection), None)
        rollback(connection)

    engine.dialect.do_commit, engine.dialect.do_rollback = committed, rolled_back


class Watched:
    """Something whose calls are points."""

    def __init__(self, what, fate, calls, name):
        self._what, self._fate, self._calls, self._name = what, fate, calls, name

    def __getattr__(self, attribute):
        method = getattr(self._what, attribute)
        if attribute not in self._calls:
            return method

        def call(*arguments, **options):
            name = self._name(attribute, arguments)
            self._fate.point(f"before {name}")
            result = method(*arguments, **options)
            if asyncio.iscoroutine(result):
                return self._finished(result, name)
            self._fate.point(f"after {name}")
            return result

        return call

    async def _finished(self, result, name):
        answer = await result
        self._fate.point(f"after {name}")
        return answer


class Prometheus:
    def __init__(self, ratio):
        self._ratio = ratio

    def query(self, expression):
        return (Sample({}, self._ratio, time.time()),)


class Threads:
    """An announcer that posts every message to a webhook, where the test counts them."""

    def __init__(self, url):
        self._url = url

    async def _post(self, **message):
        async with ClientSession() as session, session.post(self._url, json=message) as answer:
            answer.raise_for_status()

    async def incident(self, card, at):
        await self._post(incident=card.number, state=card.state, edited=at is not None)
        return at or MessageRef("C1", str(card.number))

    async def entry(self, card, entry, thread):
        await self._post(entry=entry.number, kind=entry.kind)

    async def question(self, card, question, thread, at):
        await self._post(question=question.number, state=question.state, edited=at is not None)
        return at or MessageRef("C1", f"q{question.number}")


def delivery():
    alert = {
        "status": "firing",
        "labels": {"alertname": "Burn", "slo": "chat-ttft", "model": "chat", "severity": "page", "burn_tier": "fast"},
        "starts_at": datetime(2026, 11, 21, tzinfo=UTC),
        "fingerprint": "0123456789abcdef",
    }
    return Delivery(status="firing", alerts=(Alert.model_validate(alert),))


async def live(job):
    """A worker's life: it hears of the alert, says yes to what is asked, and ends when nothing is left to do."""
    fate = Fate(job)
    open_engine = database.open_engine

    def watched(url):
        engine = open_engine(url)
        watch_commits(engine, fate)
        engines.append(engine)
        return engine

    engines = []
    database.open_engine = watched
    service_module.secrets.token_hex = lambda _: job["name"]
    workspace, _ = load(Path(job["workspace"]))
    cluster = connect(url=job["kubernetes"], token=job["token"])
    pager = Watched(WebhookPager(job["pager"]), fate, ("send",), lambda *_: "page")
    threads = Watched(Threads(job["pager"]), fate, ("incident", "entry", "question"), lambda name, _: f"Slack {name}")
    opened = open_service(
        workspace,
        ServiceSettings(database=job["database"], lease=job["lease"], poll=0.05, patience=2.0, durable=job["durable"]),
        cluster=Watched(cluster, fate, CALLS, lambda name, given: f"{name} {_kind(given[0])}"),
        prometheus=Watched(Prometheus(job["ratio"]), fate, ("query",), lambda *_: "query Prometheus"),
        pagers={"assistants": pager},
        announcer=threads,
    )
    async with opened as service:
        while job["delivers"]:
            # as Alertmanager does: again until it is told 200
            with contextlib.suppress(UnavailableError):
                await service.receive(delivery())
                break
        while not await asyncio.to_thread(_over, engines[0]):
            for token in await asyncio.to_thread(_asked, engines[0]) if job["answers"] else ():
                await service.decide(token, "approve", user="U0ANA", via="slack")
            await asyncio.sleep(0.05)


def _kind(given):
    return given if isinstance(given, str) else given["kind"] if isinstance(given, dict) else given.kind


def _over(engine):
    with reading(engine) as connection:
        left = connection.scalar(sa.select(sa.func.count()).where(runs.c.state != "ended"))
        begun = connection.scalar(sa.select(sa.func.count()).select_from(runs))
        unsent = connection.scalar(sa.select(sa.func.count()).where(outbox.c.state == "pending"))
    return begun and not left and not unsent


def _asked(engine):
    with reading(engine) as connection:
        return [question.token for question in approvals.waiting(connection)]


def fork(line):
    job = json.loads(line)
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child, job["name"]
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (0, 1, 2):
        os.dup2(log, stream)
    faulthandler.dump_traceback_later(job["patience"])
    try:
        asyncio.run(live(job))
    except BaseException:  # noqa: BLE001  # into the log, whatever it is
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main():
    connect(url="http://127.0.0.1:1", token="none")  # loads the client, once for all forks
    living = {}
    buffer = b""
    while True:
        ready, _, _ = select.select([0], [], [], 0.01 if living else None)
        if ready:
            read = os.read(0, 65536)
            if not read:
                break
            *lines, buffer = (buffer + read).split(b"\n")
            for line in lines:
                pid, name = fork(line)
                living[pid] = name
                print(json.dumps({"job": name, "pid": pid}), flush=True)
        with contextlib.suppress(ChildProcessError):
            while living:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                ended = os.waitstatus_to_exitcode(status)
                print(json.dumps({"job": living.pop(pid), "ended": ended}), flush=True)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
