import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from failsoft.errors import MissingPartError, PermanentError, UnavailableError
from failsoft.lab.parts import Process, answers_http, free_port, listens

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"


def python(script, tmp_path, *arguments, **settings):
    return Process([sys.executable, "-c", script, *arguments], tmp_path / "log", **settings)


def says(process, word):
    return lambda: word in process.log_tail()


def test_a_server_is_waited_for_and_gone_after_the_block(tmp_path):
    port = free_port()
    argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with Process(argv, tmp_path / "log") as process:
        process.wait_ready(answers_http(port, "/"))
        assert listens(port)()
        assert process.alive
    assert not listens(port)()
    assert not process.alive


def test_an_answer_other_than_200_is_not_ready(tmp_path):
    port = free_port()
    argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with Process(argv, tmp_path / "log") as process:
        process.wait_ready(listens(port))
        assert not answers_http(port, "/missing")()


def test_the_end_of_the_log_is_shown_when_a_program_dies_at_its_start(tmp_path):
    with python("raise SystemExit('no such flag: --frobnicate')", tmp_path) as process:
        with pytest.raises(PermanentError, match="no such flag: --frobnicate"):
            process.wait_ready(lambda: False)
        assert process.stop() == 1


def test_a_program_that_never_becomes_ready_is_given_up_at_the_deadline(tmp_path):
    with (
        python("import time; print('thinking', flush=True); time.sleep(600)", tmp_path) as process,
        pytest.raises(UnavailableError, match=r"not ready within 0\.5 s"),
    ):
        process.wait_ready(lambda: False, timeout=0.5)


def test_a_program_deaf_to_sigterm_is_killed_after_the_grace(tmp_path):
    process = python(STUBBORN, tmp_path)
    process.start()
    process.wait_ready(says(process, "deaf"))
    assert process.stop(grace=0.2) == -signal.SIGKILL


def test_a_polite_program_is_only_asked(tmp_path):
    process = python("import time; print('up', flush=True); time.sleep(600)", tmp_path)
    process.start()
    process.wait_ready(says(process, "up"))
    assert process.stop() == -signal.SIGTERM


def members(group):
    """The living processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, process_group, *_ = stat.read_text().rpartition(") ")[2].split()
            if int(process_group) == group and state not in "ZX":
                found.append(stat.parent.name)
    return found


def test_what_a_program_started_ends_with_it_even_when_it_ended_first(tmp_path):
    process = python(PARENT, tmp_path)
    process.start()
    assert process.wait(60)
    group = process.pid
    assert len(members(group)) == 1
    process.stop()
    for _ in range(6000):  # the kernel takes a moment
        if not members(group):
            return
        signal.sigtimedwait([], 0.01)
    pytest.fail("the child still runs")


def test_a_ctrl_c_at_the_terminal_does_not_reach_the_children(tmp_path):
    with python("import time; time.sleep(600)", tmp_path) as process:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_stopping_twice_or_before_the_start_is_nothing(tmp_path):
    process = python("pass", tmp_path)
    assert process.stop() == 0
    process.start()
    process.wait(60)
    process.stop()
    assert process.stop() == 0


def test_starting_twice_is_refused(tmp_path):
    with python("import time; time.sleep(600)", tmp_path) as process, pytest.raises(PermanentError, match="already"):
        process.start()


def test_a_program_that_is_not_there_is_a_missing_part_and_leaves_no_record(tmp_path):
    process = Process(["/nowhere/prometheus"], tmp_path / "log", registry=tmp_path / "registry")
    with pytest.raises(MissingPartError, match="/nowhere/prometheus does not start"):
        process.start()
    assert list((tmp_path / "registry").iterdir()) == []


def test_the_log_of_an_earlier_run_is_kept(tmp_path):
    for word in ("first", "second"):
        with python(f"print('{word}')", tmp_path) as process:
            process.wait(60)
    assert process.log_tail().split() == ["first", "second"]


def test_a_chosen_port_can_be_bound_and_lies_below_those_of_outgoing_connections():
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 1
    assert max(ports) < max(lowest, 32_768)
