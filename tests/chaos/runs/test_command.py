"""`failsoft chaos` as people and machines use it: its output, its exit codes, and every way of stopping it."""

import json
import os
import signal
import time

import pytest
from click.testing import CliRunner

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.lock import Lock
from failsoft.chaos.marks import RUN
from failsoft.cli.incidents import command as incidents
from failsoft.runbooks.store.engine import database_url, open_engine
from failsoft.runbooks.store.migrations import migrate
from failsoft.testing.kubernetes import Fault


def finish(process, within_s=90):
    out, err = process.communicate(timeout=within_s)
    return process.returncode, out, err


def start(stage, *options, **more):
    out = str(stage.root / "out")
    return stage.command(
        "run", "chat-spot-reclaim", str(stage.root), "--yes", "--as", "ana", "-o", out, *options, **more
    )


def test_a_plan_is_shown_and_changes_nothing(stage, fake):
    fake.forget_requests()
    code, out, err = finish(stage.command("plan", "chat-spot-reclaim", str(stage.root)))
    assert (code, [request for request in fake.effects if stage.world.where in request.path]) == (0, []), err
    assert "1 node: " in out
    assert "undo: uncordon it" in out
    assert "may be evicted now" in out
    assert "failsoft chaos run chat-spot-reclaim --plan" in out


def test_a_plan_for_programs_is_one_json_document_and_its_exit_code_says_whether_it_may_run(stage):
    stage.prometheus.remaining = lambda slo, at: 0.1
    code, out, _ = finish(stage.command("plan", "chat-spot-reclaim", str(stage.root), "--output", "json"))
    told = json.loads(out)
    assert code == 1
    assert {finding["code"] for finding in told["findings"]} == {"FS705"}
    assert len(told["plan"]["hash"]) == 12
    assert [answer["allowed"] for answer in told["dryRun"]] == [True]


def test_an_eviction_that_would_be_refused_now_is_told_before_anything_is_done(stage):
    stage.world.unprotect()
    stage.world.protect(minAvailable=2)
    _, out, err = finish(stage.command("plan", "chat-spot-reclaim", str(stage.root)))
    assert "may not be evicted now" in out
    assert "warning[FS716]" in err
    assert "disruption budget" in err
    assert (stage.world.records(), stage.world.lease()) == ((), None)


def test_a_run_needs_a_plan_that_was_looked_at(stage):
    process = stage.command("run", "chat-spot-reclaim", str(stage.root), stdin=-3)
    code, _, err = finish(process)
    assert (code, "--plan HASH" in err) == (2, True)

    process = stage.command("run", "chat-spot-reclaim", str(stage.root), "--plan", "000000000000")
    code, _, err = finish(process)
    assert (code, "the plan is now" in err) == (2, True)
    assert (stage.world.records(), stage.world.lease()) == ((), None)


def test_an_experiment_that_is_not_there_is_said_with_the_nearest_name(stage):
    code, _, err = finish(stage.command("plan", "chat-spot-reclam", str(stage.root)))
    assert (code, "chat-spot-reclaim" in err) == (2, True)


def test_a_run_ends_with_its_verdict_its_reasons_and_a_report(stage):
    _, out, _ = finish(stage.command("plan", "chat-spot-reclaim", str(stage.root), "--output", "json"))
    plan = json.loads(out)["plan"]["hash"]
    folder = stage.root / "out"
    process = stage.command(
        "run", "chat-spot-reclaim", str(stage.root), "--plan", plan, "-o", str(folder), "--output", "json"
    )
    code, out, err = finish(process)
    assert code == 0, err
    assert json.loads(out)["verdict"] == "passed"
    assert "verdict: passed" in err
    assert (folder / "report.html").is_file()
    assert {path.name for path in folder.iterdir()} >= {"experiment.json", "journal.json", "events.ndjson", "chaos.log"}


@pytest.mark.parametrize(("number", "times", "word"), [(signal.SIGTERM, 1, "SIGTERM"), (signal.SIGINT, 3, "Ctrl-C")])
def test_a_signal_in_the_middle_leaves_the_cluster_as_it_was(stage, number, times, word):
    """To the whole process group, as a terminal sends it; impatient people press Ctrl-C more than once."""
    stage.write(hold="60s")
    before = stage.world.settled_specs()
    process = start(stage, start_new_session=True)
    stage.await_loss()
    for _ in range(times):
        os.killpg(process.pid, number)
        time.sleep(0.05)
    code, _, err = finish(process)
    assert code == 15, err
    assert f"stopping, and undoing: {word}" in err
    assert stage.world.settled_specs() == before
    assert (stage.world.records(), stage.world.lease()) == ((), None)
    told = json.loads((stage.root / "out" / "report.json").read_text())
    assert (told["verdict"], told["restored"]["complete"]) == ("interrupted", True)
    assert told["stop"] == {"kind": "asked", "why": word}


def test_the_kill_switch_stops_a_run_undoes_it_and_lets_no_other_one_begin(stage):
    """`failsoft incidents stop`, in the database that `failsoft serve` made."""
    stage.write(hold="60s")
    engine = open_engine(database_url(stage.load()))
    migrate(engine)
    engine.dispose()
    before = stage.world.settled_specs()
    process = start(stage)
    stage.await_loss()
    thrown = CliRunner().invoke(incidents, ["stop", str(stage.root), "--as", "ana"])
    assert thrown.exit_code == 0, thrown.output
    code, _, err = finish(process)
    assert code == 15, err
    assert "the kill switch is on: ana turned the kill switch of all runbooks on" in err
    assert stage.world.settled_specs() == before
    assert (stage.world.records(), stage.world.lease()) == ((), None)
    told = json.loads((stage.root / "out" / "report.json").read_text())
    assert (told["verdict"], told["stop"]["kind"]) == ("interrupted", "halted")

    stage.world.ready(2)
    code, _, err = finish(stage.command("plan", "chat-spot-reclaim", str(stage.root)))
    assert (code, "FS711" in err, "ana turned" in err) == (1, True, True), err
    CliRunner().invoke(incidents, ["stop", str(stage.root), "--as", "ana", "--off"])
    code, _, err = finish(stage.command("plan", "chat-spot-reclaim", str(stage.root)))
    assert code == 0, err


def test_a_database_of_another_place_is_read_by_the_runner_too_and_written_down_nowhere(stage, tmp_path):
    stage.write(hold="60s")
    url = f"sqlite:///{tmp_path / 'elsewhere' / 'secret-name.sqlite'}"
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    process = start(stage, "--database", url)
    stage.await_loss()
    os.kill(process.pid, signal.SIGSTOP)  # a supervisor that sees nothing: the runner reads the switch itself
    try:
        CliRunner().invoke(incidents, ["stop", str(stage.root), "--as", "ana", "--database", url])
        stage.world.eventually(lambda: not stage.lost())
    finally:
        os.kill(process.pid, signal.SIGCONT)
    code, _, err = finish(process)
    assert (code, "ana turned" in err) == (15, True), err
    written = [path.read_text() for path in (stage.root / "out").iterdir()]
    assert not any("secret-name" in text for text in written)


def test_when_the_supervisor_is_killed_the_runner_undoes_by_itself(stage):
    stage.write(hold="60s")
    before = stage.world.settled_specs()
    process = start(stage)
    stage.await_loss()
    process.kill()
    process.communicate()
    stage.world.eventually(lambda: not stage.lost())
    stage.world.eventually(lambda: not stage.children())
    assert stage.world.settled_specs() == before
    assert stage.world.records() == ()
    code, out, _ = finish(stage.command("janitor", str(stage.root), "--all"))
    assert (code, out) == (0, "nothing to undo\n")
    assert stage.world.lease() is None


def test_when_all_are_killed_the_janitor_undoes(stage):
    stage.write(hold="60s")
    before = stage.world.settled_specs()
    process = start(stage)
    stage.await_loss()
    process.kill()
    for pid in stage.children():
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    stage.world.eventually(lambda: not stage.children())
    assert stage.lost()

    (record,) = stage.world.records()
    # as if it had renewed its lease as late as a machine with much to do lets the janitor look
    Lock(stage.world.cluster, stage.world.where, record["metadata"]["labels"][RUN], SystemClock(), lease_s=600).renew()
    code, out, _ = finish(stage.command("janitor", str(stage.root)))
    assert (code, "its runner lives" in out) == (0, True), "its lease has not expired yet"
    code, out, err = finish(stage.command("janitor", str(stage.root), "--all"))
    assert code == 0, err
    assert "undone on" in out
    assert stage.world.settled_specs() == before
    assert (stage.world.records(), stage.world.lease()) == ((), None)


def test_a_watching_janitor_undoes_what_is_left_and_ends_when_it_is_told_to(stage):
    stage.write(hold="60s")
    before = stage.world.settled_specs()
    process = start(stage)
    stage.await_loss()
    janitor = stage.command("janitor", str(stage.root), "--watch", "--every", "0.2", "--all")
    stage.world.eventually(lambda: not stage.lost())
    janitor.terminate()
    code, out, _ = finish(janitor)
    assert (code, "undone on" in out) == (0, True)
    code, _, _ = finish(process)
    assert code in {13, 15}
    assert stage.world.settled_specs() == before


def test_a_signal_in_the_middle_of_the_rollback_does_not_disturb_it(stage, fake):
    """The third patch of a node is the undo; it is slow, and the signal comes while it waits for its answer."""
    before = stage.world.settled_specs()
    fake.inject(Fault("PATCH", "/nodes/", skip=2, delay_s=1.0))
    process = start(stage)
    events = stage.root / "out" / "events.ndjson"
    stage.world.eventually(lambda: events.is_file() and "rollbacks-started" in events.read_text())
    stage.world.eventually(lambda: not fake._faults.pending)
    for pid in stage.children():
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    code, _, err = finish(process)
    assert code == 0, err
    assert stage.world.settled_specs() == before
    journal = json.loads((stage.root / "out" / "journal.json").read_text())
    assert [activity["status"] for activity in journal["rollbacks"]] == ["succeeded"]
