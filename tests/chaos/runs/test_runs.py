"""Whole runs, with Chaos Toolkit: from the guards to the verdict, and what a disturbed one leaves behind."""

import json
import os
import signal
import threading
import time

import pytest

from failsoft.chaos import codes
from failsoft.chaos.incidents import Ask, Incident, StepSeen
from failsoft.chaos.janitor import sweep
from failsoft.chaos.report import Report, write
from failsoft.chaos.run import Company, Finished, Refused
from failsoft.chaos.verdict import Verdict
from failsoft.chaos.watch import StopKind
from failsoft.clients.kubernetes import Ref

FULL = "{alert: {slo: chat-ttft, within: 3s}, asked: assistants, runbook: shift, recovered: {within: 8s}}"


class Service:
    """A service that suffers for a while after a node is lost, pages for it, and whose team is asked."""

    def __init__(self, stage, *, ratio=0.3, suffers_s=1.5):
        self.lost_at = None
        self._ratio, self._suffers_s = ratio, suffers_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(stage,))
        stage.prometheus.ratio = self.error_ratio
        stage.prometheus.alerts = self.alerts

    def _look(self, stage):
        while not self._over.wait(0.05):
            if stage.lost():
                self.lost_at = time.time()
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def error_ratio(self, slo, at):
        suffers = self.lost_at is not None and self.lost_at <= at < self.lost_at + self._suffers_s
        return self._ratio if suffers else 0.0

    def alerts(self, at):
        if self.lost_at is None or not self.lost_at + 0.5 <= at < self.lost_at + self._suffers_s:
            return []
        return [
            {
                "alertname": "FailsoftSLOBurn",
                "slo": "chat-ttft",
                "model": "chat",
                "severity": "page",
                "burn_tier": "fast",
            }
        ]

    def incidents(self, model, *, since):
        if self.lost_at is None:
            return ()
        at = self.lost_at
        step = StepSeen("inspect", "inspect", acts=False, started_at=at + 0.7, ended_at=at + 0.8, outcome="done")
        ask = Ask("assistants", "asked", at + 0.9, "approved", "ana", at + 1.2)
        return (Incident("1", "chat-ttft", model, "assistants", at + 0.6, None, "shift", (step,), (ask,)),)


def test_a_run_that_goes_as_expected_passes_and_its_report_says_all_of_it(stage):
    stage.write(expect=FULL)
    before = stage.world.settled_specs()
    said = []
    with Service(stage) as service:
        outcome = stage.run(Company(tell=said.append), incidents=service)
    assert isinstance(outcome, Finished)
    assert outcome.judgement.verdict is Verdict.PASSED, outcome.judgement
    assert stage.world.settled_specs() == before
    assert (stage.world.records(), stage.world.lease()) == ((), None)
    assert "past disruption budgets" in said[0], "the plan is shown before anything else"

    html, machine = write(
        Report(stage.load().experiments["chat-spot-reclaim"].spec, outcome.evidence, outcome.judgement), stage.root
    )
    told = json.loads(machine.read_text())
    assert told["verdict"] == "passed"
    order = ["startedAt", "faultAppliedAt", "alertFiredAt", "recoveredAt", "endedAt"]
    times = [told[key] for key in order]
    assert times == sorted(times)
    assert told["alertExpectedBy"] > told["alertFiredAt"]
    assert told["incidents"][0]["asks"][0]["team"] == "assistants"
    assert told["restored"]["complete"] is True
    assert told["restored"]["undone"] == [node["name"] for node in told["plan"]["nodes"]], "by the rollback"
    assert f"Undone on {told['plan']['nodes'][0]['name']}." in html.read_text()
    assert {budget["slo"]: budget["spent"] for budget in told["budgets"]} == {
        "chat-ttft": 0.01,
        "chat-availability": 0.01,
    }
    assert "passed" in html.read_text()


def test_a_service_that_degrades_too_far_is_saved_by_aborting(stage):
    stage.write(hold="60s")
    before = stage.world.settled_specs()
    began = time.monotonic()
    with Service(stage, ratio=0.95, suffers_s=60):
        outcome = stage.run()
    assert outcome.judgement.verdict is Verdict.ABORTED
    assert "95.0%" in outcome.judgement.reasons[0]
    assert time.monotonic() - began < 55, "and not the minute that it would hold"
    assert stage.world.settled_specs() == before


@pytest.mark.parametrize("blindness", ["down", "empty", "nan"])
def test_a_run_that_nobody_can_see_any_more_is_stopped_undone_and_never_passed(stage, blindness):
    stage.write(hold="60s")
    before = stage.world.settled_specs()

    def blind():
        stage.await_loss()
        if blindness == "down":
            stage.prometheus.status = 503
        else:
            stage.prometheus.ratio = lambda slo, at: None if blindness == "empty" else float("nan")

    watcher = threading.Thread(target=blind)
    watcher.start()
    outcome = stage.run()
    watcher.join()
    assert outcome.evidence.stop.kind is StopKind.BLIND
    assert outcome.judgement.verdict is Verdict.NO_DATA
    assert stage.world.settled_specs() == before


def test_prometheus_down_before_the_run_refuses_it(stage, fake):
    stage.prometheus.status = 503
    fake.forget_requests()
    outcome = stage.run()
    assert isinstance(outcome, Refused)
    assert {finding.code for finding in outcome.findings} == {codes.NO_DATA}
    assert {request.path.split("/")[-1] for request in fake.effects if stage.world.where in request.path} <= {
        "leases",
        "failsoft-chaos",
    }


def test_closing_the_namespace_stops_the_run(stage):
    stage.write(hold="60s")
    before = stage.world.settled_specs()

    def close():
        stage.await_loss()
        pointer = "/metadata/annotations/failsoft.dev~1chaos"
        patch = [{"op": "replace", "path": pointer, "value": "stop"}]
        stage.world.cluster.json_patch(Ref("Namespace", stage.world.where), patch)

    closer = threading.Thread(target=close)
    closer.start()
    outcome = stage.run()
    closer.join()
    assert outcome.evidence.stop.kind is StopKind.HALTED
    assert outcome.judgement.verdict is Verdict.INTERRUPTED
    assert stage.world.settled_specs() == before


def test_a_janitor_that_undoes_a_living_run_ends_it_for_good(stage):
    before = stage.world.settled_specs()
    stage.write(hold="60s")

    def meddle():
        stage.await_loss()
        sweep(stage.world.cluster, [stage.world.where], clock=stage.around().clock, everything=True)

    meddler = threading.Thread(target=meddle)
    meddler.start()
    outcome = stage.run()
    meddler.join()
    assert outcome.judgement.verdict in {Verdict.FAULT_NOT_APPLIED, Verdict.INTERRUPTED}
    assert stage.world.settled_specs() == before
    assert stage.world.records() == ()


def test_a_runner_that_dies_is_undone_by_its_supervisor(stage):
    before = stage.world.settled_specs()
    stage.write(hold="60s")

    def kill():
        stage.await_loss()
        for pid in stage.children():
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    outcome = stage.run()
    killer.join()
    assert outcome.judgement.verdict is Verdict.INTERRUPTED
    assert "no journal" in outcome.judgement.reasons[0]
    assert outcome.evidence.restored.undone != ()
    assert stage.world.settled_specs() == before


@pytest.mark.real_kubernetes
def test_a_whole_run_on_a_real_control_plane_passes_and_restores(real_stage):
    real_stage.write(expect=FULL)
    before = real_stage.world.settled_specs()
    with Service(real_stage) as service:
        outcome = real_stage.run(incidents=service)
    assert outcome.judgement.verdict is Verdict.PASSED, outcome.judgement
    assert real_stage.world.settled_specs() == before
    assert (real_stage.world.records(), real_stage.world.lease()) == ((), None)
