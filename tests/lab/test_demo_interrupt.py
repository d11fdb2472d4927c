"""A demo that is interrupted undoes what it did and leaves nothing running."""

import os
import signal
import subprocess
import sys
import time

import pytest

from .conftest import running


def started(root, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "failsoft", "lab", "demo", "--kubernetes", "fake", "-o", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | environment,
    )


def until_it_says(demo, text):
    said = []
    for line in demo.stdout:
        said.append(line)
        if text in line:
            return "".join(said)
    raise AssertionError("".join(said))


@pytest.mark.timeout(400)
def test_what_a_killed_demo_left_running_is_ended_by_the_next_one(tmp_path, promtool):
    state = str(tmp_path / "state")
    killed = started(tmp_path / "killed", XDG_STATE_HOME=state)
    until_it_says(killed, "replicas of chat-70b")
    killed.kill()
    killed.communicate()
    assert running(tmp_path / "killed")
    following = started(tmp_path / "following", XDG_STATE_HOME=state)
    until_it_says(following, "an earlier lab had left running")
    assert running(tmp_path / "killed") == []
    for number in (signal.SIGINT, signal.SIGTERM):  # an impatient second one changes nothing
        following.send_signal(number)
        time.sleep(0.5)
    rest, _ = following.communicate(timeout=180)
    assert following.returncode == 130, rest
    assert "nothing is left running" in rest
    assert running(tmp_path / "following") == []


@pytest.mark.slow  # tests/chaos/runs shows the same of an experiment alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_the_fault_leaves_nothing_behind(tmp_path, number, promtool):
    root = tmp_path / "demo"
    demo = started(root)
    said = until_it_says(demo, "is marked: cordoned")
    demo.send_signal(number)
    time.sleep(0.5)
    demo.send_signal(number)  # an impatient second one changes nothing
    rest, _ = demo.communicate(timeout=180)
    story = said + rest
    assert demo.returncode == 130, story
    assert "nothing is left running" in story
    assert running(root) == []
    log = (root / "lab-1" / "logs" / "chaos.log").read_text()
    assert "verdict: interrupted" in log
