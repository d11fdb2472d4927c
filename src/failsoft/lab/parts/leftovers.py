"""The registry of started processes: how a start after a SIGKILL finds and ends what the killed one left running."""

import contextlib
import json
import os
import secrets
import select
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

__all__ = ["MARK", "Identity", "Record", "await_exit", "reap_leftovers"]

# Children carry the record's name in this variable, so that one whose parent was killed between starting it and
# writing down its pid is found all the same, and so are its own children in sessions of their own.
MARK = "FAILSOFT_PART"
_STARTED_FIELD = 19  # of /proc/PID/stat, counted after the command's name: field 22, `starttime`, see proc(5)


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be mistaken for a later one with the same pid.

    Attributes:
        pid: its process id.
        started: when it started, in clock ticks since boot, from `/proc/PID/stat`.
        boot: the boot it belongs to, from `/proc/sys/kernel/random/boot_id`.
    """

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The process that has `pid` now, or None when there is none (a zombie has ended)."""
        try:
            state, *rest = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(") ")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except OSError:
            return None
        return None if state in "ZX" else cls(pid, int(rest[_STARTED_FIELD - 1]), boot)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return Identity.of(self.pid) == self


@dataclass(frozen=True, slots=True)
class Record:
    """One started process, written down before it starts and completed when its pid is known.

    Attributes:
        path: the record's file.
        mark: what the process and its children carry in the variable `MARK`.
        owner: the process that started it and ends it in the ordinary case.
        child: the process itself, once it runs.
        argv: what was started, for the reader of the file.
    """

    path: Path
    mark: str
    owner: Identity
    argv: tuple[str, ...]
    child: Identity | None = None

    @classmethod
    def open(cls, registry: Path, argv: Iterable[str]) -> "Record":
        """Writes down, durably enough to outlive a SIGKILL of this process, that `argv` is about to start."""
        owner = Identity.of(os.getpid())
        if owner is None:  # pragma: no cover - only without /proc
            raise OSError("/proc is not mounted: leftovers could not be told from strangers")
        mark = secrets.token_hex(8)
        record = cls(registry / f"{mark}.json", mark, owner, tuple(argv))
        registry.mkdir(parents=True, exist_ok=True)
        record.write()
        return record

    def running(self, pid: int) -> "Record":
        """The record completed with the process that now runs, written down again."""
        record = replace(self, child=Identity.of(pid))
        record.write()
        return record

    def close(self) -> None:
        """Forgets the record: the process has ended."""
        self.path.unlink(missing_ok=True)

    def write(self) -> None:
        """Writes the record to its file, whole or not at all."""
        content = {key: value for key, value in asdict(self).items() if key != "path"}
        half = self.path.with_suffix(".tmp")
        half.write_text(json.dumps(content), "utf-8")
        half.replace(self.path)


def reap_leftovers(registry: Path, *, grace: float = 5.0) -> list[tuple[str, ...]]:
    """Ends what a killed owner left running, children of its children included, and forgets its records.

    A process counts as left over only when it carries a record's mark, or is the recorded one by pid, start time and
    boot; so a pid that was given to a stranger since is never touched. Records whose owner still lives are left alone.

    Args:
        registry: the folder that was given to `Process`; it need not exist.
        grace: seconds between SIGTERM and SIGKILL, for all of them together.

    Returns:
        the argument lists of the records whose processes were ended.
    """
    orphans = [record for record in _records(registry) if not record.owner.alive]
    found = {record: _descendants(record) for record in orphans}
    everyone = [process for processes in found.values() for process in processes]
    _signal(everyone, signal.SIGTERM)
    _await_end(everyone, grace)
    # Looked up again: one of them may have started another while it was ending.
    survivors = [process for record in orphans for process in _descendants(record)]
    _signal(survivors, signal.SIGKILL)
    _await_end(survivors, grace)
    for record in orphans:
        record.close()
    return [record.argv for record, processes in found.items() if processes]


def await_exit(descriptor: int, seconds: float) -> bool:
    """Waits until the process behind a pid descriptor has ended, for at most `seconds`; whether it has."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _records(registry: Path) -> Iterator[Record]:
    for path in sorted(registry.glob("*.json")):
        # A file that another start reaps at the same time, or that a full disk cut short, is no record.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_text("utf-8"))
            child = content["child"]
            yield Record(
                path,
                content["mark"],
                Identity(**content["owner"]),
                tuple(content["argv"]),
                None if child is None else Identity(**child),
            )


def _descendants(record: Record) -> list[Identity]:
    mark = f"{MARK}={record.mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while we look, and those of other users show us nothing.
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(Identity.of(int(folder.name)))
    if record.child is not None and record.child.alive:
        found.append(record.child)  # PostgreSQL overwrites its environment with its title
    return list({process for process in found if process is not None})


def _signal(processes: Iterable[Identity], number: signal.Signals) -> None:
    for process in processes:
        with _pinned(process) as descriptor:
            if descriptor is not None:
                signal.pidfd_send_signal(descriptor, number)


def _await_end(processes: Iterable[Identity], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        with _pinned(process) as descriptor:
            if descriptor is not None:
                await_exit(descriptor, deadline - time.monotonic())


@contextlib.contextmanager
def _pinned(process: Identity) -> Iterator[int | None]:
    """A descriptor of the process, or None when it has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        # Compared only now that the descriptor holds on to one process: the pid cannot be recycled in between.
        yield descriptor if process.alive else None
    finally:
        os.close(descriptor)
