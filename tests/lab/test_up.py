"""`failsoft lab up`: a world that can be used as its lines say, and of which nothing is left after Ctrl-C."""

import json
import re
import shlex
import signal
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

from failsoft.cli.lab import _kubernetes
from failsoft.errors import UsageError
from failsoft.lab.world.claim import claimed
from failsoft.slo.series import TOTAL

from .conftest import running


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def asked(prometheus, expression):
    answer = json.loads(get(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
    return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in answer["data"]["result"]}


@pytest.mark.timeout(400)
def test_a_lab_is_up_is_used_as_its_lines_say_and_leaves_nothing_behind(tmp_path, promtool):
    root = tmp_path / "lab"
    lab = subprocess.Popen(
        [sys.executable, "-m", "failsoft", "lab", "up", "--kubernetes", "fake", "-o", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = []
        for line in lab.stdout:
            said.append(line.rstrip())
            if "Ctrl-C ends the lab" in line:
                break
        story = "\n".join(said)
        assert lab.poll() is None, story
        prometheus = re.search(r"Prometheus +(\S+)$", story, re.MULTILINE)[1]
        serve = re.search(r"failsoft serve +(\S+)$", story, re.MULTILINE)[1]
        assert set(asked(prometheus, "up").values()) == {1.0}, "everything that is scraped answers"
        assert any(asked(prometheus, TOTAL).values())
        assert "failsoft_kill_switches 0" in get(serve)
        assert "<html" in get(re.search(r"Slack \(fake\) +(\S+)$", story, re.MULTILINE)[1])
        assert json.loads(get(re.search(r"pager \(fake\) +(\S+)$", story, re.MULTILINE)[1])) == []

        reclaim = shlex.split(re.search(r"reclaim a node +(failsoft chaos run .+)$", story, re.MULTILINE)[1])
        plan = [sys.executable, "-m", "failsoft", "chaos", "plan", *reclaim[3:5]]
        done = subprocess.run(plan, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "aws-node-termination-handler/spot-itn" in done.stdout
    finally:
        lab.send_signal(signal.SIGINT)
        rest, _ = lab.communicate(timeout=180)
    assert lab.returncode == 0, rest
    assert "nothing is left running" in rest
    assert running(root) == []


def test_a_lab_takes_no_folder_that_holds_something_else(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="no lab's"), claimed(tmp_path, tmp_path / "processes"):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_is_one_labs_alone_and_empty_for_the_next(tmp_path):
    root = tmp_path / "lab"
    with claimed(root, tmp_path / "processes"):
        (root / "data").mkdir()
        (root / "data" / "wal").write_text("old")
        with pytest.raises(UsageError, match="a lab runs in"), claimed(root, tmp_path / "processes"):
            pass
        assert (root / "data" / "wal").exists()
    with claimed(root, tmp_path / "processes"):
        assert not (root / "data").exists()


def test_the_control_plane_is_the_real_one_where_there_is_a_whole_one(tmp_path, monkeypatch):
    parts = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    chosen = [_kubernetes()]
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    for name in parts:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        chosen.append(_kubernetes())
    assert chosen == ["fake"] * len(parts) + ["real"]
