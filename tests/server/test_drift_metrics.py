"""What is exported about drift: a score only where one was made, and a clock that stands still when nothing is."""

import asyncio
import math
from datetime import UTC, datetime

import pytest

from failsoft.clients.prometheus import Sample
from failsoft.drift import CategoricalReference, HistogramReference, ReferenceProfile
from failsoft.errors import UnavailableError
from failsoft.server.drift import DriftLoop
from failsoft.server.drift_board import DriftBoard
from failsoft.server.metrics import Metrics
from failsoft.slo.series import DRIFT_EVALUATED
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
spec: {model: chat, reference: r.json, signals: [output-length, finish-reason], every: 1m, minRows: 200}
---
kind: DriftMonitor
metadata: {name: quick}
spec: {model: chat, reference: r.json, signals: [finish-reason], every: 10ms, minRows: 200}
"""
PROFILE = ReferenceProfile(
    model="chat",
    learned_at=datetime(2026, 11, 20, tzinfo=UTC),
    learned_from="7d",
    features={
        "output-length": HistogramReference(cuts=(10.0, 100.0), counts=(100, 300, 100), rows=500),
        "finish-reason": CategoricalReference(categories=("stop", "length"), counts=(450, 50), rows=500),
    },
)
START = 1_795_000_000.0


class FakePrometheus:
    """Answers by the metric in the query; `fails` is raised instead."""

    def __init__(self):
        self.lengths = (100.0, 400.0, 500.0)
        self.reasons = {"stop": 450.0, "length": 50.0}
        self.fails = None
        self.asked = []

    def query(self, expression, *, at=None):
        self.asked.append(expression)
        if self.fails:
            raise self.fails
        if "_bucket" in expression:
            bounds = ("10", "100", "+Inf") if self.lengths else ()
            return tuple(Sample({"le": le}, n, 0) for le, n in zip(bounds, self.lengths, strict=True))
        return tuple(Sample({"finished_reason": reason}, n, 0) for reason, n in self.reasons.items())


class World:
    def __init__(self, folder):
        (folder / "failsoft.yaml").write_text(WORKSPACE)
        self.reference = folder / "r.json"
        self.reference.write_text(PROFILE.render())
        self.workspace, findings = load(folder)
        assert not findings
        self.now = START
        self.prometheus = FakePrometheus()
        self.metrics = Metrics()
        board = DriftBoard(lambda: self.now)
        self.metrics.registry.register(board)
        self.loop = DriftLoop(self.workspace, self.prometheus, board)

    async def evaluate(self):
        await self.loop.evaluate(self.workspace.monitors["output"])

    def value(self, name, **labels):
        labels = {"model": "chat", "monitor": "output"} | labels
        return self.metrics.registry.get_sample_value(f"failsoft_drift_{name}", labels)

    def score(self, signal="output-length", statistic="psi"):
        return self.value("score", signal=signal, statistic=statistic)

    def verdict(self, signal="output-length"):
        verdicts = ("judged", "too-few-rows", "no-data", "not-comparable", "failed")
        shown = [one for one in verdicts if self.value("verdict", signal=signal, verdict=one) == 1]
        assert len(shown) <= 1
        return shown[0] if shown else None

    @property
    def evaluated_at(self):
        labels = {"model": "chat", "monitor": "output", "signal": "output-length"}
        return self.metrics.registry.get_sample_value(DRIFT_EVALUATED, labels)

    @property
    def errors(self):
        return self.value("evaluation_errors_total")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


async def test_before_the_first_evaluation_nothing_is_claimed(world):
    assert world.score() is None
    assert world.evaluated_at is None
    assert world.verdict() is None
    assert world.errors == 0


async def test_a_judged_window_is_a_score_with_its_rows_and_its_time(world):
    world.prometheus.lengths = (400.0, 450.0, 500.0)
    await world.evaluate()
    assert world.score() > 0.25
    assert world.score(statistic="tvd") == pytest.approx(0.6)
    assert world.score(statistic="ks") == pytest.approx(0.6), "80 % are below the first bound, 20 % were"
    assert world.score("finish-reason", "ks") is None, "categories have no order"
    assert world.score("finish-reason") == 0
    assert world.value("window_rows", signal="output-length") == 500
    assert world.evaluated_at == START
    assert world.verdict() == "judged"
    assert world.errors == 0


async def test_too_few_rows_are_an_evaluation_without_a_score(world):
    await world.evaluate()
    world.now += 60
    world.prometheus.lengths = (1.0, 2.0, 3.0)
    await world.evaluate()
    assert world.score() is None
    assert world.score(statistic="tvd") is None
    assert world.value("window_rows", signal="output-length") == 3
    assert world.evaluated_at == START + 60, "an idle night is not a broken monitor"
    assert world.verdict() == "too-few-rows"


@pytest.mark.parametrize(
    ("lengths", "verdict"), [((), "no-data"), ((math.nan, 1.0, 2.0), "not-comparable"), ((9.0, 5.0, 500.0), "judged")]
)
async def test_what_was_not_measured_leaves_the_clock_standing(world, lengths, verdict):
    await world.evaluate()
    world.now += 60
    world.prometheus.lengths = lengths
    await world.evaluate()
    assert world.verdict() == verdict
    judged = verdict == "judged"
    assert (world.score() is not None) is judged
    assert world.evaluated_at == (START + 60 if judged else START)
    assert world.errors == (0 if judged else 1)
    assert world.verdict("finish-reason") == "judged", "one signal does not silence the other"


async def test_a_prometheus_that_is_away_takes_the_scores_down_and_is_counted(world):
    await world.evaluate()
    world.now += 60
    world.prometheus.fails = UnavailableError("away")
    await world.evaluate()
    assert world.score() is None
    assert world.value("window_rows", signal="output-length") is None
    assert (world.evaluated_at, world.verdict(), world.errors) == (START, "failed", 2)
    world.prometheus.fails = None
    await world.evaluate()
    assert (world.evaluated_at, world.verdict(), world.errors) == (START + 60, "judged", 2)


async def test_a_score_is_not_shown_longer_than_its_monitor_allows(world):
    await world.evaluate()
    world.now += 180
    assert world.score() is not None
    world.now += 1
    assert world.score() is None, "three evaluations were missed"
    assert world.evaluated_at == START


async def test_a_reference_that_is_damaged_or_learned_anew_while_we_run(world):
    good = world.reference.read_text()
    world.reference.write_text(good.replace("300", "301"))
    await world.evaluate()
    assert (world.score(), world.evaluated_at, world.errors) == (None, None, 2)
    world.reference.unlink()
    await world.evaluate()
    assert world.errors == 4
    world.reference.write_text(good)
    await world.evaluate()
    assert world.score() == 0


async def test_the_loop_outlives_every_error(world, caplog):
    for error in (UnavailableError("away"), RuntimeError("a defect of the client library"), None):
        world.prometheus.fails = error
        asked = len(world.prometheus.asked)
        task = asyncio.create_task(world.loop.run())
        async with asyncio.timeout(60):
            while len(world.prometheus.asked) < asked + 5:  # another thread acts
                assert not task.done()
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert world.verdict() == "judged"
    assert world.metrics.registry.get_sample_value(
        "failsoft_drift_evaluation_errors_total", {"model": "chat", "monitor": "quick"}
    )
    assert "quick broke" in caplog.text


async def test_no_number_is_ever_nan(world):
    for lengths in ((), (0.0, 0.0, 0.0), (math.nan,) * 3, (math.inf,) * 3, (-1.0, 0.0, 500.0)):
        world.prometheus.lengths = lengths
        await world.evaluate()
        for family in world.metrics.registry.collect():
            assert not [sample for sample in family.samples if math.isnan(sample.value)]
