"""References of a model's revisions: a rollout switches them, and a revision without one is never healthy."""

import re
from datetime import UTC, datetime

import pytest

from failsoft.cli.check import findings_of
from failsoft.clients.prometheus import Sample
from failsoft.drift import HistogramReference, ReferenceProfile
from failsoft.errors import UnavailableError
from failsoft.server.drift import DriftLoop
from failsoft.server.drift_board import DriftBoard
from failsoft.server.metrics import Metrics
from failsoft.workspace.load import load

WORKSPACE = """
kind: Team
metadata: {name: team}
spec: {slack: "#t", pager: {stdout: {}}, people: [{name: ann}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {model_name: chat}, owner: team}
---
kind: DriftMonitor
metadata: {name: output}
spec:
  model: chat
  reference: drift/chat
  revision: REVISION
  signals: [output-length]
  window: 1h
  maxAge: 4h
"""
SERIES = "{series: {metric: kube_pod_container_info, select: {container: vllm}, label: image_id}}"
SHORT, LONG = (80.0, 400.0, 500.0), (10.0, 100.0, 500.0)


def profile(revision, lengths):
    counts = (int(lengths[0]), int(lengths[1] - lengths[0]), int(lengths[2] - lengths[1]))
    return ReferenceProfile(
        model="chat",
        revision=revision,
        learned_at=datetime(2026, 11, 20, tzinfo=UTC),
        learned_from="14d",
        features={"output-length": HistogramReference(cuts=(10.0, 100.0), counts=counts, rows=sum(counts))},
    )


class FakePrometheus:
    """Answers with `lengths` an hour, and with the revisions now and within so many hours."""

    def __init__(self):
        self.lengths = SHORT
        self.now = ("r1",)
        self.within = {1: ("r1",), 2: ("r1",), 4: ("r1",)}
        self.fails = None

    def query(self, expression, *, at=None):
        hours = re.search(r"\[(\d+)h\]", expression)
        if "kube_pod_container_info" in expression:
            if self.fails:
                raise self.fails
            found = self.within[int(hours[1])] if hours else self.now
            return tuple(Sample({"image_id": one}, 1.0, 0) for one in found)
        return tuple(
            Sample({"le": le}, n * int(hours[1]), 0) for le, n in zip(("10", "100", "+Inf"), self.lengths, strict=True)
        )


class World:
    def __init__(self, folder, revision=SERIES):
        (folder / "failsoft.yaml").write_text(WORKSPACE.replace("REVISION", revision))
        self.references = folder / "drift" / "chat"
        self.references.mkdir(parents=True)
        self.learn("r1", SHORT)
        self.learn("r2", LONG)
        self.workspace, findings = load(folder)
        assert not findings
        self.prometheus = FakePrometheus()
        self.metrics = Metrics()
        board = DriftBoard(lambda: 1_795_000_000.0)
        self.metrics.registry.register(board)
        self.loop = DriftLoop(self.workspace, self.prometheus, board)

    def learn(self, revision, lengths):
        (self.references / f"{revision}.json").write_text(profile(revision, lengths).render())

    async def evaluate(self):
        await self.loop.evaluate(self.workspace.monitors["output"])
        return self.verdict, self.value("score", statistic="psi")

    def value(self, name, **labels):
        labels = {"model": "chat", "monitor": "output", "signal": "output-length"} | labels
        return self.metrics.registry.get_sample_value(f"failsoft_drift_{name}", labels)

    @property
    def verdict(self):
        names = ("judged", "too-few-rows", "rollout", "no-data", "not-comparable", "failed")
        (shown,) = [one for one in names if self.value("verdict", verdict=one) == 1]
        return shown


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


async def test_each_revision_is_compared_with_its_own_reference(world):
    assert await world.evaluate() == ("judged", pytest.approx(0, abs=1e-9))
    world.prometheus.now, world.prometheus.within = ("r2",), dict.fromkeys((1, 2, 4), ("r2",))
    world.prometheus.lengths = LONG
    assert await world.evaluate() == ("judged", pytest.approx(0, abs=1e-9))
    world.prometheus.lengths = SHORT
    assert (await world.evaluate())[1] > 0.5


async def test_while_a_rollout_goes_on_nothing_is_compared_and_nothing_goes_stale(world):
    world.prometheus.now = ("r1", "r2")
    world.prometheus.within = dict.fromkeys((1, 2, 4), ("r1", "r2"))
    assert await world.evaluate() == ("rollout", None)
    assert world.value("evaluated_timestamp_seconds") == 1_795_000_000
    world.prometheus.now = ("r2",)
    assert await world.evaluate() == ("rollout", None), "the window holds rows of r1 still"


async def test_no_window_grows_back_into_another_revision(world):
    world.prometheus.lengths = tuple(one / 10 for one in LONG)
    world.prometheus.now = ("r2",)
    world.prometheus.within = {1: ("r2",), 2: ("r2",), 4: ("r1", "r2")}
    assert await world.evaluate() == ("too-few-rows", None)
    assert world.value("window_rows") == pytest.approx(100), "of two hours, not of four"


async def test_a_revision_without_a_reference_is_not_comparable_and_goes_stale(world):
    world.prometheus.now, world.prometheus.within = ("r3",), dict.fromkeys((1, 2, 4), ("r3",))
    assert await world.evaluate() == ("not-comparable", None)
    assert world.value("evaluated_timestamp_seconds") is None
    world.learn("r3", SHORT)
    assert await world.evaluate() == ("judged", pytest.approx(0, abs=1e-9))


async def test_nobody_says_which_revision_is_served(world):
    world.prometheus.now = ()
    assert await world.evaluate() == ("not-comparable", None)
    world.prometheus.fails = UnavailableError("away")
    assert await world.evaluate() == ("failed", None)


async def test_a_document_can_name_the_revision(tmp_path):
    here = World(tmp_path, "{value: r2}")
    here.prometheus.lengths = LONG
    assert await here.evaluate() == ("judged", pytest.approx(0, abs=1e-9))


def test_check_looks_at_every_reference_of_the_folder(world, tmp_path):
    assert not [one for one in findings_of(tmp_path)[1] if one.code.id.startswith("FS5")]
    (world.references / "r2.json").write_text("{")
    (world.references / "r1.alarms.json").write_text("{}")
    found = [one for one in findings_of(tmp_path)[1] if one.code.id.startswith("FS5")]
    assert [(one.code.id, one.place.path) for one in found] == [("FS501", "drift/chat/r2.json")]


def test_a_folder_needs_to_be_told_which_revision_is_served(world, tmp_path):
    text = (tmp_path / "failsoft.yaml").read_text().replace(f"  revision: {SERIES}\n", "")
    (tmp_path / "failsoft.yaml").write_text(text)
    (found,) = load(tmp_path)[1]
    assert "there is no file drift/chat" in found.message
