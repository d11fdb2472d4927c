"""The demo's end: a link that did not happen is said to be missing, whatever the rest did."""

from dataclasses import replace

import pytest

from failsoft.lab.demo.demo import STORIES
from failsoft.lab.demo.links import links
from failsoft.lab.demo.narrator import Narrator
from failsoft.lab.demo.scene import Scene, _short
from failsoft.lab.demo.story import Ended

ANSWERED, SILENT = STORIES


@pytest.fixture
def answered(tmp_path):
    (tmp_path / "report.html").write_text("<html>")
    scene = Scene(None, Narrator(write=lambda _: None))
    scene.alerts = ["chat-ttft fast page"]
    scene.said = ["May failsoft do this on chat?", "🟢 chat-ttft: late. Recovered."]
    scene.weights = [{"chat-70b": 100, "chat-small": 0}, {"chat-70b": 20, "chat-small": 80}]
    scene.tainted = ["spot-a"]
    return Ended(scene, 0, {"verdict": "passed"}, tmp_path, {"spot-a": "", "spot-b": ""})


@pytest.fixture
def silent(answered):
    answered.scene.weights = [{"chat-70b": 100, "chat-small": 0}]
    answered.scene.pages = [{"summary": "nobody answered", "severity": "critical"}]
    return replace(answered, report={"verdict": "failed"}, exit_code=10)


def missing(story, ended):
    return [link.what for link in links(story, ended) if not link.happened]


def test_a_whole_chain_misses_nothing(answered):
    assert missing(ANSWERED, answered) == []


def test_a_silent_chain_misses_nothing_when_the_owner_was_paged(silent):
    assert missing(SILENT, silent) == []


@pytest.mark.parametrize(
    ("breaks", "what"),
    [
        (lambda ended: ended.scene.tainted.clear(), "a spot node was reclaimed"),
        (lambda ended: ended.scene.alerts.clear(), "the alert fired"),
        (lambda ended: ended.scene.said.remove("May failsoft do this on chat?"), "the runbook asked in Slack"),
        (lambda ended: ended.scene.weights.pop(), "traffic shifted to the fallback"),
        (lambda ended: ended.scene.said.pop(), "the SLO recovered, as the runbook's verify saw"),
        (lambda ended: ended.scene.pages.append({"summary": "x"}), "nobody was paged"),
        (lambda ended: ended.report.update(verdict="no-data"), "the experiment passed"),
        (lambda ended: ended.nodes.update({"spot-a": "cordoned"}), "the node is as it was"),
        (lambda ended: (ended.folder / "report.html").unlink(), "the report is written"),
    ],
)
def test_each_link_can_be_missed(answered, breaks, what):
    breaks(answered)
    assert missing(ANSWERED, answered) == [what]


def test_a_silent_story_without_a_page_is_broken(silent):
    silent.scene.pages.clear()
    assert missing(SILENT, silent) == ["the silence paged the owner"]


def test_messages_are_told_without_slacks_marks():
    assert _short("<!date^1^{time}|08:05 UTC>  Done: shifted\nmore") == "Done: shifted"
    assert len(_short("x" * 500)) == 170
