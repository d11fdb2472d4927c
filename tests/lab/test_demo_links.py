"""The demo's end: a link that did not happen is said to be missing, whatever the rest did."""

from dataclasses import replace

import pytest

from failsoft.lab.demo.demo import STORIES
from failsoft.lab.demo.links import links
from failsoft.lab.demo.narrator import Narrator
from failsoft.lab.demo.scene import Scene, _short
from failsoft.lab.demo.story import Ended
from failsoft.lab.world.start import PAGER_KEY

ANSWERED, SILENT = STORIES
RECOVERED = "the SLO recovered, as Prometheus and the runbook's verify saw"


@pytest.fixture
def answered(tmp_path):
    (tmp_path / "slack.html").write_text("passed")
    (tmp_path / "report.html").write_text("<html>passed or no-data</html>")
    scene = Scene(None, Narrator(write=lambda _: None))
    scene.alerts = ["chat-ttft fast page"]
    scene.said = ["May failsoft do this on chat?", "🟢 chat-ttft: late. Recovered."]
    scene.weights = [{"chat-70b": 100, "chat-small": 0}, {"chat-70b": 20, "chat-small": 80}]
    scene.tainted = ["spot-a"]
    scene.first = {"tainted": 1, "alert": 2, "asked": 3, "shifted": 4}
    report = {"verdict": "passed", "exitCode": 0, "recoveredAt": "2026-11-21T03:00:00Z"}
    return Ended(scene, 0, report, tmp_path, {"spot-a": "", "spot-b": ""})


@pytest.fixture
def silent(answered):
    (answered.folder / "report.html").write_text("<html>failed</html>")
    answered.scene.weights = [{"chat-70b": 100, "chat-small": 0}]
    answered.scene.pages = [{"summary": "nobody answered", "severity": "critical", "routing_key": PAGER_KEY}]
    answered.scene.first = {"tainted": 1, "alert": 2, "asked": 3, "paged": 4}
    return replace(answered, report={"verdict": "failed", "exitCode": 10}, exit_code=10)


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
        (lambda ended: ended.scene.said.pop(), RECOVERED),
        (lambda ended: ended.scene.said.__setitem__(1, "Not recovered within 60s: no data"), RECOVERED),
        (lambda ended: ended.report.update(recoveredAt=None), RECOVERED),
        (lambda ended: ended.scene.pages.append({"summary": "x"}), "nobody was paged"),
        (lambda ended: ended.report.update(verdict="no-data"), "the experiment passed"),
        (lambda ended: ended.nodes.update({"spot-a": "cordoned"}), "the node is as it was"),
        (lambda ended: (ended.folder / "report.html").unlink(), "the report is written"),
        (lambda ended: (ended.folder / "report.html").write_text("<html>"), "the report is written"),
        (lambda ended: ended.scene.first.update(alert=0.5), "all of it in this order"),
        (lambda ended: ended.scene.first.pop("asked"), "all of it in this order"),
    ],
)
def test_each_link_can_be_missed(answered, breaks, what):
    breaks(answered)
    assert missing(ANSWERED, answered) == [what]


@pytest.mark.parametrize(
    ("breaks", "what"),
    [
        (lambda ended: ended.scene.pages.clear(), "the silence paged the owner"),
        (lambda ended: ended.scene.pages[0].update(routing_key="another team's"), "the silence paged the owner"),
        (lambda ended: ended.report.update(exitCode=14), "the experiment came to a verdict"),
        (
            lambda ended: ended.scene.weights.append({"chat-70b": 20, "chat-small": 80}),
            "without an answer nothing was changed",
        ),
    ],
)
def test_each_link_of_a_silent_story_can_be_missed(silent, breaks, what):
    breaks(silent)
    assert missing(SILENT, silent) == [what]


def test_messages_are_told_without_slacks_marks():
    assert _short("<!date^1^{time}|08:05 UTC>  Done: shifted\nmore") == "Done: shifted"
    assert _short("Answer until <!date^1^{time}|08:05 UTC>.") == "Answer until 08:05 UTC."
    assert len(_short("x" * 500)) == 170
