"""Chaos Toolkit as a child: in a session of its own, one signal to stop it, then waiting for its rollbacks."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from failsoft.chaos.lock import Lock
from failsoft.chaos.toolkit import Files
from failsoft.chaos.watch import Stop
from failsoft.errors import FailsoftError, MissingPartError, PermanentError

__all__ = ["Child", "Heart", "began", "supervise"]

_LOOK_EVERY_S = 1.0
_WAIT_S = 0.1
_UNDO_PATIENCE_S = 120.0


class Heart:
    """Renews the lock in a thread of its own, so that a slow Prometheus does not look like a dead runner."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="chaos-lock", daemon=True)
        self.lost = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._lock.renew_every_s):
            try:
                self._lock.renew()
            except PermanentError as error:
                self.lost = str(error)
                return
            except FailsoftError:
                continue  # tried again soon; two of three may fail before the lock expires


class Child:
    """Chaos Toolkit, while it runs. As a context manager it is started on entry; on exit it has ended.

    Raises `MissingPartError` on entry when it is not installed.

    Args:
        command: its command line.
        files: where it writes.
        environment: what its environment holds beside ours.
    """

    def __init__(self, command: list[str], files: Files, environment: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._files = files
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_at: float | None = None

    def __enter__(self) -> Self:
        from importlib.util import find_spec

        if find_spec("chaostoolkit") is None:
            raise MissingPartError("Chaos Toolkit is not installed: pip install 'failsoft[chaos]'")
        with self._files.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._files.folder,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.ended(0.0):
            self.ask_to_end()
            if not self.ended(_UNDO_PATIENCE_S):
                # The rollback is bounded well below this: it hangs. Whoever comes next undoes from the record.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._running.pid, signal.SIGKILL)
                self._running.wait()

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise PermanentError("Chaos Toolkit was not started")
        return self._process

    @property
    def pid(self) -> int:
        """Its process id, which is its session's too."""
        return self._running.pid

    def ended(self, wait_s: float) -> bool:
        """Whether it has ended, waiting for that."""
        try:
            self._running.wait(wait_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def ask_to_end(self) -> None:
        """One SIGTERM, and never a second: a signal during the rollbacks would drop the rest of them."""
        if self._asked_at is None and began(self._files.events, "rollbacks-started") is None:
            self._running.terminate()
        self._asked_at = self._asked_at or time.monotonic()

    @property
    def hangs(self) -> bool:
        """Whether it was asked to end so long ago that it never will."""
        return self._asked_at is not None and time.monotonic() > self._asked_at + _UNDO_PATIENCE_S


def supervise(child: Child, should_stop: Callable[[], Stop | None], on_stop: Callable[[Stop], None]) -> Stop | None:
    """Wait until the child has ended, asking `should_stop` about once a second; why it was stopped, if it was.

    `on_stop` is called once, after the signal was sent.
    """
    stop: Stop | None = None
    next_look = 0.0
    while not child.ended(_WAIT_S) and not child.hangs:
        if stop is None and time.monotonic() >= next_look:
            stop = should_stop()
            next_look = time.monotonic() + _LOOK_EVERY_S
            if stop is not None:
                child.ask_to_end()
                on_stop(stop)
    return stop


def began(events: Path, kind: str, name: str = "") -> float | None:
    """When the events file first tells of something, in seconds since the epoch; None when it does not."""
    for event in _events(events):
        if event.get("type") == kind and (not name or event.get("name") == name):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return datetime.fromisoformat(event["timestamp"]).timestamp()
    return None


def _events(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line of a killed run may be half
            event = json.loads(line)
            if isinstance(event, dict):
                found.append(event)
    return found
