import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from failsoft.lab.parts import Process, reap_leftovers
from failsoft.lab.parts.leftovers import MARK, Identity, Record

SLEEP = "import time; time.sleep(600)"
# A program that starts another one in a session of its own, as `failsoft chaos run` starts Chaos Toolkit.
FAMILY = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
{SLEEP}
"""
# A lab: it starts the family, says that it did, and waits to be killed.
LAB = f"""
import sys
from pathlib import Path
from failsoft.lab.parts import Process
folder = Path(sys.argv[1])
Process([sys.executable, "-c", {FAMILY!r}], folder / "log", registry=folder / "registry").start()
{SLEEP}
"""


@contextmanager
def running(script, *arguments, **environment):
    """A Python program that says that it is up, and is gone after the block whatever happens."""
    argv = [sys.executable, "-c", "print('up', flush=True);" + script, *arguments]
    with subprocess.Popen(argv, env=os.environ | environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"up\n"
            yield process
        finally:
            process.kill()


@contextmanager
def lab(folder):
    """A lab whose family runs, and the family's pids."""
    with running(LAB, str(folder)) as process:
        try:
            yield process, await_family(folder / "registry")
        finally:
            process.kill()
            process.wait()
            reap_leftovers(folder / "registry")


def marked(registry):
    """The processes that carry the mark of a record in the registry."""
    marks = {f"{MARK}={path.stem}".encode() for path in registry.glob("*.json")}
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if marks & set(environ.read_bytes().split(b"\0")):
                found.append(int(environ.parent.name))
    return found


def await_family(registry):
    for _ in range(6000):
        if len(family := marked(registry)) == 2:
            return family
        signal.sigtimedwait([], 0.01)
    pytest.fail("the family did not start")


@pytest.fixture
def bystander():
    with running(SLEEP) as process:
        yield process


def test_what_a_killed_lab_left_running_ends_at_the_next_start(tmp_path):
    registry = tmp_path / "registry"
    with lab(tmp_path) as (parent, family):
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert all(Identity.of(pid) for pid in family)

        (argv,) = reap_leftovers(registry)

        assert argv[0] == sys.executable
        assert not any(Identity.of(pid) for pid in family)
        assert list(registry.iterdir()) == []
        assert reap_leftovers(registry) == []


def test_a_lab_that_still_runs_keeps_its_processes(tmp_path):
    with lab(tmp_path) as (_, family):
        assert reap_leftovers(tmp_path / "registry") == []
        assert all(Identity.of(pid) for pid in family)


def test_a_process_started_just_before_its_pid_was_written_down_is_found(tmp_path, bystander):
    record = orphan(Record.open(tmp_path, ["sleeper"]))
    with running(SLEEP, **{MARK: record.mark}) as child:
        assert reap_leftovers(tmp_path) == [("sleeper",)]
        assert child.wait(60) == -signal.SIGTERM
    assert bystander.poll() is None


@pytest.mark.parametrize(
    "other",
    [{"started": 1}, {"boot": "an earlier boot"}, {"started": 1, "boot": "an earlier boot"}],
    ids=["started-earlier", "other-boot", "both"],
)
def test_a_stranger_that_got_the_pid_of_a_dead_process_is_never_touched(tmp_path, bystander, other):
    record = orphan(Record.open(tmp_path, ["sleeper"]).running(bystander.pid))
    content = json.loads(record.path.read_text())
    content["child"] |= other
    record.path.write_text(json.dumps(content))

    assert reap_leftovers(tmp_path) == []

    assert bystander.poll() is None
    assert not record.path.exists()


def test_a_recorded_process_without_its_mark_is_known_by_its_start(tmp_path, bystander):
    # PostgreSQL overwrites its environment, where the mark is.
    orphan(Record.open(tmp_path, ["postgres"]).running(bystander.pid))
    assert reap_leftovers(tmp_path) == [("postgres",)]
    assert bystander.wait(60) == -signal.SIGTERM


def test_a_deaf_process_is_killed_after_the_grace(tmp_path):
    with running(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);" + SLEEP
    ) as child:
        assert child.stdout.readline() == b"deaf\n"
        orphan(Record.open(tmp_path, ["deaf"]).running(child.pid))
        reap_leftovers(tmp_path, grace=0.2)
        assert child.wait(60) == -signal.SIGKILL


def test_a_stopped_process_leaves_no_record(tmp_path):
    with Process([sys.executable, "-c", SLEEP], tmp_path / "log", registry=tmp_path / "registry"):
        assert len(list((tmp_path / "registry").iterdir())) == 1
    assert list((tmp_path / "registry").iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"mark": "a"}', "\udcff"], ids=repr)
def test_a_damaged_record_ends_nothing_and_stops_nothing(tmp_path, content):
    (tmp_path / "damaged.json").write_text(content, "utf-8", "surrogateescape")
    assert reap_leftovers(tmp_path) == []


def test_a_registry_that_does_not_exist_is_empty(tmp_path):
    assert reap_leftovers(tmp_path / "none") == []


def orphan(record):
    """Makes the record one whose owner was killed."""
    content = json.loads(record.path.read_text())
    content["owner"]["started"] = 1
    record.path.write_text(json.dumps(content))
    return record
