"""An alert is answered for what it says of itself, where an alert of its SLO can say that, and for nothing else."""

from shutil import copy

import pytest
import sqlalchemy as sa

from failsoft.alerts import STALE_FAILURE_MODE
from failsoft.lab.demo.demo import example_folder
from failsoft.runbooks.choose import choose
from failsoft.runbooks.intake import take_in
from failsoft.runbooks.start import start_by_hand
from failsoft.runbooks.store.engine import transaction
from failsoft.runbooks.store.schema import incidents, runs
from failsoft.workspace.load import load

DRIFT = """\
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: reference.json, signals: [output-length], every: 1m}
---
kind: SLO
metadata: {name: chat-drift}
spec:
  model: chat
  indicator: {drift: {monitor: output, signal: output-length, statistic: psi, below: 0.25}}
  objective: 99%
"""
LOOK = "- notify: {text: look}"


@pytest.fixture
def reference(tmp_path):
    """The workspace has the profile that its drift monitor compares with."""
    (tmp_path / "workspace").mkdir()
    copy(example_folder() / "drift" / "chat-output.json", tmp_path / "workspace" / "reference.json")


@pytest.fixture
def told(reference, database, declare, runbook, alert, delivery):
    """Takes alerts of chat-drift in, and gives the runbooks that answered so far and the incident's failure mode."""
    drift = runbook(LOOK, name="drift", answers="failureModes: [model-degraded]")
    stale = runbook(LOOK, name="stale", answers="failureModes: [drift-evaluation-stale]")
    latency = runbook(LOOK, name="latency", answers="failureModes: [latency-degraded]")
    workspace = declare(DRIFT, drift, stale, latency)

    def take(mode, *, minute=0, slo="chat-drift", outcome=""):
        with transaction(database) as connection:
            wanted = sa.update(runs).where(runs.c.state != "ended")
            if outcome:
                connection.execute(wanted.values(state="ended", outcome=outcome, ended_at=4e9))
            one = alert(slo=slo, tier=mode or "none", severity="ticket", minute=minute, failure_mode=mode)
            take_in(connection, workspace, delivery(one))
        return seen()

    def seen():
        with transaction(database) as connection:
            books = list(connection.scalars(sa.select(runs.c.runbook).order_by(runs.c.created_at)))
            return books, connection.scalar(sa.select(incidents.c.failure_mode))

    take.by_hand = lambda book: (_by_hand(database, workspace, book), seen())[1]
    return take


def _by_hand(database, workspace, book):
    with transaction(database) as connection:
        start_by_hand(connection, workspace, book, "", "ana")


def test_a_dead_evaluation_is_answered_with_its_own_runbook_and_not_with_that_of_drift(told):
    assert told(STALE_FAILURE_MODE) == (["stale"], STALE_FAILURE_MODE)


@pytest.mark.parametrize("mode", ["model-degraded", "latency-degraded", "forged", ""])
def test_a_label_that_no_alert_of_the_slo_can_carry_is_not_believed(told, mode):
    assert told(mode) == (["drift"], "model-degraded")


def test_only_a_drift_slo_has_an_evaluation_that_can_be_dead(told):
    assert told(STALE_FAILURE_MODE, slo="chat-ttft") == (["latency"], "latency-degraded")


def test_drift_that_is_seen_after_a_dead_evaluation_is_answered_too_and_each_once(told):
    told(STALE_FAILURE_MODE)
    assert told("model-degraded", minute=1, outcome="recovered") == (["stale", "drift"], "model-degraded")
    assert told(STALE_FAILURE_MODE, minute=2, outcome="suggested")[0] == ["stale", "drift"]


def test_a_run_by_hand_is_of_the_mode_that_its_runbook_answers(told):
    assert told.by_hand("stale") == (["stale"], STALE_FAILURE_MODE)


def test_a_runbook_that_no_slo_can_reach_is_told_with_the_modes_that_there_are(reference, declare, runbook):
    stale = runbook(LOOK, name="stale", answers="failureModes: [drift-evaluation-stale]")
    root = declare(DRIFT, stale).root
    document = (root / "all.yaml").read_text()
    (root / "all.yaml").write_text(document.replace("[drift-evaluation-stale]", "[meteor]"))
    _, findings = load(root)
    (found,) = [finding for finding in findings if finding.code.id == "FS303"]
    assert (
        found.hint == "failure modes here: drift-evaluation-stale, latency-degraded, metrics-vanished, model-degraded, "
        "requests-failing"
    )


def test_the_example_says_nothing_of_drift_where_nobody_looked():
    workspace, _ = load(example_folder())
    assert choose(workspace, "chat-output-drift").name == "chat-look-at-drift"
    assert choose(workspace, "chat-output-drift", STALE_FAILURE_MODE).name == "chat-look-at-drift-evaluation"
