"""Looking at Prometheus before, during and after: what is no number is no data, and what stops a run."""

import math
from types import SimpleNamespace

import pytest
from chaoslib.exceptions import ActivityFailed

from failsoft.chaos.objectives import Objective
from failsoft.chaos.probes import slo_holds
from failsoft.chaos.readings import read
from failsoft.chaos.watch import StopKind, Watch
from failsoft.clients.prometheus import Sample
from failsoft.errors import UnavailableError
from failsoft.workspace.kinds.experiment import Abort

OBJECTIVES = (Objective("a", 0.01, "ratio-a", "left-a"), Objective("b", 0.01, "ratio-b", "left-b"))
ABORT = Abort.model_validate({"errorRatio": "50%", "window": "10s"})


class Canned:
    """A Prometheus that answers each query from a table; a list is several series."""

    def __init__(self, **answers):
        self.answers = answers

    def query(self, expression, *, at=None):
        value = self.answers.get(expression.replace("-", "_"))
        if isinstance(value, Exception):
            raise value
        values = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(Sample({}, each, 0.0) for each in values)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "no data"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        ([0.1, 0.2], "2 series"),
        (UnavailableError("Prometheus is down"), "is down"),
    ],
)
def test_what_is_not_one_number_is_no_data(answer, why):
    reading = read(Canned(x=answer), "x")
    assert reading.value is None
    assert why in reading.why


def test_zero_is_a_number():
    assert read(Canned(x=0.0), "x").value == 0.0


class Around:
    def __init__(self, annotation="enabled"):
        self.now = 100.0
        self.prometheus = Canned(ratio_a=0.0, ratio_b=0.0)
        self.kill_switch = None
        self.clock = SimpleNamespace(now=lambda: self.now)
        self.annotation = annotation
        self.cluster = SimpleNamespace(get=self.get)

    def get(self, ref):
        if isinstance(self.annotation, Exception):
            raise self.annotation
        return {"metadata": {"annotations": {"failsoft.dev/chaos": self.annotation} if self.annotation else None}}


def watch(around):
    return Watch(around, OBJECTIVES, ABORT, "prod")


def test_a_service_that_is_merely_degraded_goes_on():
    around = Around()
    around.prometheus = Canned(ratio_a=0.5, ratio_b=0.2)
    each = watch(around)
    assert [each.look() for _ in range(5)] == [None] * 5


def test_two_readings_in_a_row_above_the_threshold_abort_one_does_not():
    around = Around()
    each = watch(around)
    for ratio, stops in ((0.9, False), (0.1, False), (0.9, False), (0.9, True)):
        around.prometheus = Canned(ratio_a=0.0, ratio_b=ratio)
        stop = each.look()
        assert (stop is not None) == stops
    assert stop.kind is StopKind.ABORTED
    assert "SLO b" in stop.why


def test_a_run_that_nobody_sees_for_the_abort_window_is_stopped():
    around = Around()
    each = watch(around)
    around.prometheus = Canned(ratio_a=None, ratio_b=math.nan)
    for seconds, stops in ((5, False), (4, False), (2, True)):
        around.now += seconds
        stop = each.look()
        assert (stop is not None) == stops
    assert stop.kind is StopKind.BLIND


def test_one_slo_that_is_seen_is_enough_to_go_on():
    around = Around()
    each = watch(around)
    around.prometheus = Canned(ratio_a=None, ratio_b=0.3)
    around.now += 60
    assert each.look() is None


@pytest.mark.parametrize("annotation", ["", "disabled", "stop"])
def test_taking_the_namespaces_annotation_away_stops_the_run(annotation):
    assert watch(Around(annotation)).look().kind is StopKind.HALTED


def test_the_kill_switch_stops_the_run():
    around = Around()
    around.kill_switch = SimpleNamespace(reason=lambda: "ana: not now")
    stop = watch(around).look()
    assert (stop.kind, "ana: not now" in stop.why) == (StopKind.HALTED, True)


def test_a_kill_switch_that_cannot_be_read_hides_no_closed_namespace():
    def away():
        raise UnavailableError("the database is away")

    around = Around()
    around.kill_switch = SimpleNamespace(reason=away)
    assert watch(around).look() is None
    around.annotation = "stop"
    assert watch(around).look().kind is StopKind.HALTED


def test_a_cluster_that_does_not_answer_is_no_reason_to_stop():
    assert watch(Around(UnavailableError("no answer"))).look() is None


@pytest.mark.parametrize(("value", "holds"), [(0.0, True), (0.01, True), (0.0101, False), (1.0, False)])
def test_the_probe_is_true_or_false_where_there_is_a_number(prometheus, value, holds):
    prometheus.ratio = lambda slo, at: value
    assert slo_holds({"url": prometheus.url}, "chat-ttft", "ratio", 0.01) is holds


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_the_probe_fails_where_there_is_none(prometheus, value):
    prometheus.ratio = lambda slo, at: value
    with pytest.raises(ActivityFailed, match="no data for SLO"):
        slo_holds({"url": prometheus.url}, "chat-ttft", "ratio", 0.01)


def test_the_probe_fails_when_prometheus_is_broken_or_down_or_its_token_is_gone(prometheus):
    with pytest.raises(ActivityFailed, match="NO_SUCH_VARIABLE"):
        slo_holds({"url": prometheus.url, "token_env": "NO_SUCH_VARIABLE"}, "chat-ttft", "ratio", 0.01)
    prometheus.status = 503
    with pytest.raises(ActivityFailed, match="no data"):
        slo_holds({"url": prometheus.url}, "chat-ttft", "ratio", 0.01)
    with pytest.raises(ActivityFailed, match="no data"):
        slo_holds({"url": "http://127.0.0.1:9"}, "chat-ttft", "ratio", 0.01)
