"""The loop of a monitor with a budget: critical values beside scores, small changes added up, inputs told apart."""

import re
from datetime import UTC, datetime

import pytest

from failsoft.cli.check import findings_of
from failsoft.clients.prometheus import Sample
from failsoft.drift import HistogramReference, ReferenceProfile
from failsoft.drift.alarms.stored import StoredCalibration, StoredCusum, StoredRule, StoredTest
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
  reference: r.json
  signals: [prompt-length, output-length]
  window: 1h
  maxAge: 6h
  every: 1m
  falsePagesPer30d: 1
"""
LENGTHS = HistogramReference(cuts=(10.0, 100.0), counts=(10_000, 30_000, 10_000), rows=50_000)


def profile(revision=""):
    return ReferenceProfile(
        model="chat",
        revision=revision,
        learned_at=datetime(2026, 11, 20, tzinfo=UTC),
        learned_from="14d",
        features={"prompt-length": LENGTHS, "output-length": LENGTHS},
    )


PROFILE = profile()
START = 1_795_000_000.0
HOUR = 3600


def kept(**changes):
    tests = [
        StoredTest(
            feature=name,
            rows=500,
            pools=(0, 1, 2),
            page=20.0,
            ticket=15.0,
            cusum=StoredCusum(mean=2.0, sd=2.0, threshold=6.0),
        )
        for name in PROFILE.features
    ]
    made = {
        "reference": PROFILE.counts_digest,
        "rows": 500,
        "window": HOUR * 1000,
        "least_window": HOUR * 1000,
        "every": 60_000,
        "rule": StoredRule(least=1, among=1),
        "floor": 0.02,
        "false_pages_per_30d": 1.0,
        "false_tickets_per_30d": 4.0,
        "pages_per_30d": 0.9,
        "promised": True,
        "page_level": 9.0,
        "ticket_level": 7.0,
        "tests": tuple(tests),
    }
    return StoredCalibration(**(made | changes))


class FakePrometheus:
    """Counts a window by its metric; `an_hour` is what comes in an hour, `remembers` what failsoft exported before."""

    def __init__(self):
        self.an_hour = {"prompt": (100.0, 300.0, 100.0), "generation": (100.0, 300.0, 100.0)}
        self.remembers = {}
        self.asked = []

    def query(self, expression, *, at=None):
        self.asked.append(expression)
        if "failsoft_" in expression:
            name = re.search(r"failsoft_\w+", expression)[0]
            signal = re.search(r'signal="([^"]+)"', expression)[1]
            value = self.remembers.get((name, signal))
            return () if value is None else (Sample({}, value, 0),)
        bins = self.an_hour["prompt" if "prompt" in expression else "generation"]
        hours = int(re.search(r"\[(\d+)h\]", expression)[1])
        at_most = (sum(bins[: index + 1]) * hours for index in range(3))
        return tuple(Sample({"le": le}, n, 0) for le, n in zip(("10", "100", "+Inf"), at_most, strict=True))


class World:
    def __init__(self, folder, calibration):
        (folder / "failsoft.yaml").write_text(WORKSPACE)
        (folder / "r.json").write_text(PROFILE.render())
        if calibration is not None:
            (folder / "r.alarms.json").write_text(calibration.render())
        self.folder = folder
        self.workspace, findings = load(folder)
        assert not findings
        self.now = START
        self.prometheus = FakePrometheus()
        self.start()

    def start(self):
        self.metrics = Metrics()
        board = DriftBoard(lambda: self.now)
        self.metrics.registry.register(board)
        self.loop = DriftLoop(self.workspace, self.prometheus, board)

    async def evaluate(self, after=0):
        self.now += after
        await self.loop.evaluate(self.workspace.monitors["output"])

    def value(self, name, signal="output-length", **labels):
        labels = {"model": "chat", "monitor": "output"} | ({"signal": signal} if signal else {}) | labels
        return self.metrics.registry.get_sample_value(f"failsoft_drift_{name}", labels)

    def critical(self, severity="page", statistic="pooled_psi"):
        return self.value("score_critical", statistic=statistic, severity=severity)

    def verdict(self, signal="output-length"):
        names = ("judged", "in-tolerance", "drifted", "drifted-with-input", "too-few-rows", "failed")
        (shown,) = [one for one in names if self.value("verdict", signal, verdict=one) == 1]
        return shown


@pytest.fixture
def world(tmp_path):
    return lambda calibration=None: World(tmp_path, kept() if calibration is None else calibration)


async def test_a_score_is_exported_with_what_it_must_not_exceed(world):
    here = world()
    await here.evaluate()
    assert here.value("score", statistic="pooled_psi") == pytest.approx(0, abs=1e-4)
    assert here.critical() == pytest.approx(20 * (1 / 50_000 + 1 / 500))
    assert here.critical("ticket") is None
    assert here.verdict() == "in-tolerance"
    here.prometheus.an_hour["generation"] = (200.0, 250.0, 50.0)
    await here.evaluate(60)
    assert here.value("score", statistic="pooled_psi") > here.critical()
    assert here.verdict() == "drifted"
    assert here.value("input_moved", None) == 0


async def test_a_change_of_prompts_is_not_called_a_change_of_the_model(world):
    here = world()
    here.prometheus.an_hour = {"prompt": (50.0, 250.0, 200.0), "generation": (200.0, 250.0, 50.0)}
    await here.evaluate()
    assert here.verdict() == "drifted-with-input"
    assert here.verdict("prompt-length") == "drifted"
    assert here.value("input_moved", None) == 1


async def test_what_is_not_promised_is_exported_as_a_ticket(world):
    here = world(kept(promised=False, doubts=("too few windows",)))
    await here.evaluate()
    assert (here.critical(), here.critical("ticket")) == (None, pytest.approx(20 * (1 / 50_000 + 1 / 500)))


async def test_a_window_of_more_rows_is_judged_as_one_of_the_planned_ones(world):
    here = world()
    here.prometheus.an_hour["generation"] = (1000.0, 3000.0, 1000.0)
    await here.evaluate()
    assert here.critical() == pytest.approx(20 * (1 / 50_000 + 1 / 500))


@pytest.mark.parametrize(("an_hour", "hours"), [(500, 1), (200, 2), (100, 4), (60, 6)])
async def test_a_window_grows_until_it_holds_enough_rows(world, an_hour, hours):
    here = world()
    bins = (0.2 * an_hour, 0.6 * an_hour, 0.2 * an_hour)
    here.prometheus.an_hour = {"prompt": bins, "generation": bins}
    await here.evaluate()
    assert here.verdict() == "in-tolerance"
    assert here.value("window_seconds") == hours * HOUR
    assert here.value("window_rows") == pytest.approx(an_hour * hours)


async def test_a_window_that_never_holds_enough_is_not_judged(world):
    here = world()
    here.prometheus.an_hour["generation"] = (8.0, 24.0, 8.0)
    await here.evaluate()
    assert here.verdict() == "too-few-rows"
    assert here.value("score", statistic="pooled_psi") is None


async def test_small_changes_add_up_to_a_ticket_that_stands_until_they_are_gone(world):
    here = world()
    here.prometheus.an_hour["generation"] = (120.0, 300.0, 80.0)
    sums = []
    for _ in range(3):
        await here.evaluate(HOUR)
        sums.append((round(here.value("score", statistic="cusum"), 1), here.value("creeps")))
    assert here.verdict() == "in-tolerance", "no window shows it"
    assert [raised for _, raised in sums] == [0, 0, 1]
    assert here.critical("ticket", "cusum") == 6
    here.prometheus.an_hour["generation"] = (100.0, 300.0, 100.0)
    await here.evaluate(HOUR)
    assert here.value("score", statistic="cusum") < here.critical("ticket", "cusum")
    assert here.value("creeps") == 1, "the same ticket"
    for _ in range(7):
        await here.evaluate(HOUR)
    assert (here.value("score", statistic="cusum"), here.value("creeps")) == (0, 0)


async def test_windows_that_share_rows_are_added_once(world):
    here = world()
    here.prometheus.an_hour["generation"] = (120.0, 300.0, 80.0)
    await here.evaluate()
    first = here.value("score", statistic="cusum")
    await here.evaluate(HOUR / 2)
    assert here.value("score", statistic="cusum") == first > 0
    await here.evaluate(HOUR / 2)
    assert here.value("score", statistic="cusum") > first


async def test_the_sum_survives_a_restart_and_not_another_reference(world):
    here = world()
    here.prometheus.remembers = {
        ("failsoft_drift_score", "output-length"): 5.5,
        ("failsoft_drift_creeps", "output-length"): 1.0,
    }
    await here.evaluate()
    assert (here.value("score", statistic="cusum"), here.value("creeps")) == (5.5, 1)
    assert here.value("score", "prompt-length", statistic="cusum") == 0
    other = profile("r2")
    (here.folder / "r.json").write_text(other.render())
    (here.folder / "r.alarms.json").write_text(kept(reference=other.counts_digest).render())
    await here.evaluate(60)
    assert (here.value("score", statistic="cusum"), here.value("creeps")) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "0" * 64},
        {"least_window": 600_000},
        {"every": 1000},
        {"floor": 0.1},
        {"false_pages_per_30d": 2.0},
        {"false_tickets_per_30d": 9.0},
        {"rule": StoredRule(least=2, among=12)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_outdated_critical_values_are_not_used_and_that_is_said_once(world, caplog, change):
    here = world(kept(**change))
    await here.evaluate()
    await here.evaluate(60)
    assert here.critical() is None
    assert here.value("score", statistic="pooled_psi") is None
    assert here.verdict() == "judged"
    assert here.value("score", statistic="psi") is not None
    assert len([one for one in caplog.records if one.name == "failsoft.server.drift"]) == 1


def said(folder):
    found = {one.code.id: one for one in findings_of(folder)[1]}
    return {id_: one for id_, one in found.items() if id_ in {"FS608", "FS616", "FS617", "FS618"}}


def test_check_says_what_is_wrong_with_critical_values(world, tmp_path):
    world()
    assert said(tmp_path) == {}
    (tmp_path / "r.alarms.json").write_text(kept(promised=False, doubts=("too few windows",)).render())
    (found,) = said(tmp_path).values()
    assert (found.code.id, found.severity, found.place.line) == ("FS616", "warning", 19)
    assert "too few windows" in found.message
    (tmp_path / "r.alarms.json").write_text(kept(least_window=600_000, floor=0.1).render())
    (found,) = said(tmp_path).values()
    assert (found.code.id, found.severity) == ("FS617", "error")
    (tmp_path / "r.alarms.json").write_text(kept(reference="0" * 64).render())
    assert list(said(tmp_path)) == ["FS608"]
    (tmp_path / "r.alarms.json").unlink()
    assert list(said(tmp_path)) == ["FS618"]


async def test_a_budget_that_was_never_calibrated_judges_nothing(world, tmp_path):
    here = world()
    (tmp_path / "r.alarms.json").unlink()
    await here.evaluate()
    assert (here.critical(), here.verdict()) == (None, "judged")
