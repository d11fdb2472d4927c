"""The durable engine on DBOS 3.4, with what has to stand around it.

DBOS keeps the time of waits over restarts, delivers wake-ups, and re-runs what a dead worker had begun. It runs in a
thread with an event loop of its own: DBOS replaces the default executor of the loop that it runs in, and its database
calls must not delay the webhook. What is guarded here, and why:

* a fixed application version, for else a changed comment or a new DBOS strands every waiting run;
* JSON instead of pickle in the database, for else whoever writes to it runs code;
* an executor id of its own for each process, for else a second process takes the live runs of the first;
* a look into the database every 5 s beside the notifications of PostgreSQL, which are lost while DBOS does not listen
  yet or again: DBOS would look after a minute, for which a click would wait;
* nothing ever ends in DBOS's state ERROR, which cannot be resumed: what is no end leaves as `HandedOverError`, which
  DBOS takes for a cancelled task, so that the run stays pending for whoever takes it over.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa

from failsoft.errors import RefusedError, UnavailableError
from failsoft.runbooks.port import Driver, Ended, HandedOverError, Pause, drive

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from dbos import DBOS, WorkflowStatus

__all__ = ["DbosEngine"]

_log = logging.getLogger(__name__)

# Part of the schema: the order of DBOS calls in `_run`. Runs that wait under another version are not recovered.
_VERSION = "failsoft-runs-1"
_POLL_S = 0.1
_RECHECK_S = 5.0
_LIMIT_S = 20.0
_LEAVE_S = 5.0


class DbosEngine:
    """Implements `Engine` with one DBOS workflow for each run. At most one may be open in a process.

    Args:
        engine: the database, which DBOS shares with our own tables.
    """

    _opened: ClassVar[bool] = False

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._threads: Executor | None = None
        self._workflow: Callable[[str], Coroutine[Any, Any, str]] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._worker = ""

    async def open(self, driver: Driver, worker: str) -> None:
        """As the port says."""
        if DbosEngine._opened:
            # DBOS is one for the whole process: a second one would silently be the first
            raise RefusedError("this process drives runbooks already: DBOS can be opened once in a process")
        DbosEngine._opened = True
        self._worker = worker
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="failsoft-runs", daemon=True)
        self._thread.start()
        try:
            await self._call(self._launch(driver))
        except BaseException:
            await self.close()
            raise

    async def take_over(self, run_id: str) -> None:
        """As the port says."""
        await self._call(self._take_over(run_id))

    async def wake(self, run_id: str, topic: str) -> None:
        """As the port says."""
        await self._call(self._wake(run_id, topic))

    async def close(self) -> None:
        """As the port says."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._leave(), loop))
        await asyncio.to_thread(_destroy)
        # DBOS does not wait for its threads: one that still asks the database would open a connection for nobody
        if self._threads is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await asyncio.to_thread(self._threads.shutdown)
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(self._thread.join)
        loop.close()
        DbosEngine._opened = False

    async def _call[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the engine's own loop."""
        if self._loop is None:
            work.close()
            raise UnavailableError("the engine of the runbooks is not open")
        try:
            # DBOS itself tries again for ever when the database is away
            async with asyncio.timeout(_LIMIT_S):
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        except TimeoutError:
            raise UnavailableError("the engine of the runbooks did not answer") from None
        except Exception as error:
            # DBOS raises its own errors and those of the database driver
            raise UnavailableError(f"the engine of the runbooks failed: {error}") from error

    async def _launch(self, driver: Driver) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        dbos = DBOS(
            config={
                "name": "failsoft",
                "system_database_engine": self._engine,
                "application_version": _VERSION,
                "executor_id": self._worker,
                "serializer": DBOSPortableJSONSerializer(),
                "notification_listener_polling_interval_sec": _POLL_S,
                "log_level": "ERROR",
            }
        )

        async def run(run_id: str) -> str:
            task = asyncio.current_task()
            if task is not None:
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return await _run(DBOS, driver, run_id)

        self._workflow = DBOS.workflow(name="run")(run)
        # in this thread, where the loop runs: so DBOS drives what it picks up here, too
        DBOS.launch()
        dbos._sys_db._notification_fallback_polling_interval = _RECHECK_S  # noqa: SLF001  # no option is there for it
        self._threads = dbos._executor  # noqa: SLF001  # what stands in the loop in its place is deaf to `shutdown`

    async def _take_over(self, run_id: str) -> None:
        from dbos import DBOS, SetWorkflowID

        known = await self._workflows(run_id)
        last = known[-1] if known else None
        state = _state_of(last) if last is not None else "over"
        if last is not None and state == "driven":
            await DBOS.resume_workflow_async(last.workflow_id)
        elif state == "over" and self._workflow is not None:
            if last is not None:
                _log.error("the workflow %s is over (%s), its run is not: begun anew", last.workflow_id, last.status)
            with SetWorkflowID(f"{run_id}/{len(known)}"):
                await DBOS.start_workflow_async(self._workflow, run_id)

    async def _wake(self, run_id: str, topic: str) -> None:
        from dbos import DBOS

        known = await self._workflows(run_id)
        if known and _state_of(known[-1]) != "over":
            await DBOS.send_async(known[-1].workflow_id, None, topic)

    async def _workflows(self, run_id: str) -> "list[WorkflowStatus]":
        """The workflows of a run, oldest first: one, and another for each time that DBOS gave it up."""
        from dbos import DBOS

        return await DBOS.list_workflows_async(workflow_id_prefix=f"{run_id}/", load_input=False, load_output=False)

    async def _leave(self) -> None:
        """Drop what this process drives; in DBOS's eyes it stays pending."""
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(dbos: "type[DBOS]", driver: Driver, run_id: str) -> str:
    """The workflow: the same calls of DBOS in the same order, whatever happened before a restart.

    Claiming is no step: every incarnation has to take the run anew, so that the one before is fenced off.
    """

    async def advance(fence: int) -> Pause | Ended:
        def step() -> list[Any]:
            try:
                pause = driver.advance(run_id, fence)
            except Exception as error:
                # DBOS would keep it as this step's result, and raise it again after every restart
                raise HandedOverError(f"advancing {run_id} failed: {type(error).__name__}: {error}") from error
            return ["ended", pause.outcome] if isinstance(pause, Ended) else [pause.topic, pause.seconds]

        first, second = await dbos.run_step_async({"name": "advance"}, step)
        return Ended(second) if first == "ended" else Pause(second, first)

    async def wait(pause: Pause) -> None:
        await dbos.recv_async(pause.topic, timeout_seconds=pause.seconds)

    try:
        return await drive(driver, run_id, advance, wait)
    except HandedOverError as error:
        _log.info("%s", error)
        raise


def _state_of(workflow: "WorkflowStatus") -> str:
    return {"PENDING": "driven", "ENQUEUED": "queued", "DELAYED": "queued"}.get(workflow.status, "over")


def _destroy() -> None:
    from dbos import DBOS

    DBOS.destroy(destroy_registry=True)
