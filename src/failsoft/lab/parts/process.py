"""A child process of the lab: started in a session of its own, waited for until it answers, ended with its children."""

import contextlib
import os
import pwd
import secrets
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

from failsoft.errors import MissingPartError, PermanentError, UnavailableError
from failsoft.lab.parts.leftovers import MARK, Record, await_exit

__all__ = ["Process", "answers_http", "free_port", "listens"]

# Below the range from which Linux takes ports for outgoing connections (net.ipv4.ip_local_port_range), so that no
# client socket can take a port between our choosing it and the server's binding it.
_FIRST_PORT, _PORTS = 20_000, 12_000
_POLL = 0.05
_TAIL_LINES, _TAIL_BYTES = 20, 16_384


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now.

    Raises:
        UnavailableError: none was found.
    """
    for _ in range(1000):
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise UnavailableError("no free TCP port on 127.0.0.1")


def answers_http(port: int, path: str) -> Callable[[], bool]:
    """A readiness check: does `GET path` on `port` of 127.0.0.1 answer 200?"""

    def check() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=2.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return check


def listens(port: int) -> Callable[[], bool]:
    """A readiness check: does somebody accept connections on `port` of 127.0.0.1?"""

    def check() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2.0):
                return True
        except OSError:
            return False

    return check


@dataclass(slots=True, eq=False)
class Process:
    """A program that runs until it is told to stop.

    Nothing runs before `start`. Used as a context manager it starts on entry and is stopped on exit. Not for use by
    several threads at once.

    Attributes:
        argv: the program and its arguments.
        log: the file that its output is appended to.
        registry: the folder for `reap_leftovers`; without one nothing is written down.
        env: its whole environment; ours by default.
        cwd: the folder it runs in; the current one by default.
        user: the user it runs as, when we are root; ours by default.
        stop_signal: what asks it to end.
    """

    argv: Sequence[str | Path]
    log: Path
    registry: Path | None = field(default=None, kw_only=True)
    env: Mapping[str, str] | None = field(default=None, kw_only=True, repr=False)
    cwd: Path | None = field(default=None, kw_only=True)
    user: str | None = field(default=None, kw_only=True)
    stop_signal: signal.Signals = field(default=signal.SIGTERM, kw_only=True)
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _record: Record | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Starts the program.

        Raises:
            PermanentError: it runs already.
            MissingPartError: there is no such program, or it does not start here.
        """
        if self._child is not None:
            raise PermanentError(f"{self} runs already")
        words = tuple(str(word) for word in self.argv)
        environment = dict(os.environ if self.env is None else self.env)
        if self.registry is not None:
            self._record = Record.open(self.registry, words)
            environment[MARK] = self._record.mark
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as log:
                self._child = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.cwd,
                    env=environment,
                    user=self.user,
                    group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                    extra_groups=None if self.user is None else [],
                    start_new_session=True,
                )
        except OSError as error:
            self._forget()
            raise MissingPartError(f"{words[0]} does not start: {error.strerror}") from error
        if self._record is not None:
            self._record = self._record.running(self._child.pid)

    @property
    def pid(self) -> int:
        """Its process id, which is its process group and its session too.

        Raises:
            PermanentError: it does not run.
        """
        if self._child is None:
            raise PermanentError(f"{self} does not run")
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the program itself still runs."""
        if self._child is None:
            return False
        # Not reaped here: as long as it is a zombie, its process group cannot become somebody else's.
        return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait_ready(self, ready: Callable[[], bool], *, timeout: float = 30.0) -> None:
        """Returns as soon as `ready` says yes.

        Args:
            ready: asked every 50 ms; it must not block for long.
            timeout: seconds.

        Raises:
            PermanentError: the program ended instead; the text holds the end of its log.
            UnavailableError: it was not ready in time; the text holds the end of its log.
        """
        deadline = time.monotonic() + timeout
        while True:
            if not self.alive:
                raise PermanentError(f"{self} ended at its start:\n{self.log_tail()}")
            if ready():
                return
            if time.monotonic() > deadline:
                raise UnavailableError(f"{self} was not ready within {timeout:g} s:\n{self.log_tail()}")
            self._await_exit(_POLL)

    def wait(self, timeout: float) -> bool:
        """Waits until the program ends by itself, for `timeout` seconds; whether it did."""
        return not self.alive or self._await_exit(timeout)

    def stop(self, grace: float = 10.0) -> int:
        """Ends the program and everything in its process group; nothing happens when it was stopped before.

        Args:
            grace: seconds between the polite signal and SIGKILL.

        Returns:
            the program's exit status, as `subprocess` gives it; 0 when it never ran.
        """
        child = self._child
        if child is None:
            return 0
        if self.alive:
            self._signal_group(self.stop_signal)
            self._await_exit(grace)
        self._signal_group(signal.SIGKILL)  # whatever of the group has not ended by now
        status = child.wait()
        self._child = None
        self._forget()
        return status

    def kill(self) -> None:
        """Ends the program and its process group at once, as a crash would."""
        if self._child is not None:
            self._signal_group(signal.SIGKILL)
        self.stop(0.0)

    def log_tail(self) -> str:
        """The last lines of the log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])
        except OSError:
            return ""

    def __str__(self) -> str:
        return shlex.join(str(word) for word in self.argv)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _await_exit(self, timeout: float) -> bool:
        descriptor = os.pidfd_open(self.pid)
        try:
            return await_exit(descriptor, timeout)
        finally:
            os.close(descriptor)

    def _forget(self) -> None:
        if self._record is not None:
            self._record.close()
            self._record = None
