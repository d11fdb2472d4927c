"""A demo that is interrupted undoes what it did and leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def running(root):
    """Command lines of processes that belong to the demo in this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if str(root) in words and int(entry.parent.name) != os.getpid():
            found.append(words)
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_the_fault_leaves_nothing_behind(tmp_path, number, promtool):
    root = tmp_path / "demo"
    demo = subprocess.Popen(
        [sys.executable, "-m", "failsoft", "lab", "demo", "-o", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = []
    for line in demo.stdout:
        said.append(line)
        if "is marked: cordoned" in line:
            break
    demo.send_signal(number)
    time.sleep(0.5)
    demo.send_signal(number)  # an impatient second one changes nothing
    rest, _ = demo.communicate(timeout=120)
    story = "".join(said) + rest
    assert demo.returncode == 130, story
    assert "nothing is left running" in story
    assert running(root) == []
    log = (root / "lab-1" / "logs" / "chaos.log").read_text()
    assert "verdict: interrupted" in log
