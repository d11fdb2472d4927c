"""What Chaos Toolkit is given and what it gives back, held against the installed Chaos Toolkit itself."""

import json
import warnings
from importlib import import_module

import pytest
from chaoslib.experiment import ensure_experiment_is_valid
from hypothesis import given
from hypothesis import strategies as st

from failsoft.chaos.journal import read_journal
from failsoft.chaos.objectives import Objective
from failsoft.chaos.plan import Plan
from failsoft.chaos.record import Target
from failsoft.chaos.supervise import began
from failsoft.chaos.toolkit import METHOD, Files, Site, command, experiment

PLAN = Plan("e", "chat", "prod/chat", (Target("n", "u"),), (Target("p", "v"),), (), 5, 10)
SITE = Site("r1", "prod", "", "", {"url": "http://p"}, supervisor=1, requester="ana", owner="h:1")


def made():
    return experiment(PLAN, (Objective("ttft", 0.01, "up", "left"),), SITE)


def test_chaos_toolkit_finds_the_experiment_valid_and_every_argument_in_its_place():
    ensure_experiment_is_valid(made())
    typo = made()
    typo["method"][0]["provider"]["arguments"]["drafts"] = {}
    with pytest.raises(Exception, match="drafts"):
        ensure_experiment_is_valid(typo)


def test_the_undo_is_recorded_first_and_played_as_the_rollback():
    actions = [activity["name"] for activity in made()["method"]]
    assert actions == list(METHOD)
    assert actions[0] == "record-undo"
    assert [activity["name"] for activity in made()["rollbacks"]] == ["undo"]


def test_the_experiment_is_plain_json_without_secrets():
    assert json.loads(json.dumps(made())) == made()
    assert "token" not in json.dumps(made())


def test_every_option_of_the_command_is_one_that_chaos_toolkit_has(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Chaos Toolkit's own, in its logging
        cli, run_command = (import_module(f"chaostoolkit.commands.{name}") for name in ("root", "run"))
    words = command(Files(tmp_path), every_s=2.5)
    split = words.index("run")
    known = {option for parameter in cli.cli.params for option in parameter.opts}
    assert {word for word in words[3:split] if word.startswith("--")} <= known
    known = {option for parameter in run_command.run.params for option in parameter.opts}
    assert {word for word in words[split:] if word.startswith("--")} <= known
    assert words[words.index("--rollback-strategy") + 1] == "always"
    assert "--no-version-check" in words


JOURNAL = {
    "status": "interrupted",
    "steady_states": {"before": {"steady_state_met": True, "probes": []}, "after": None, "during": []},
    "run": [
        {"activity": {"name": "cordon"}, "status": "succeeded", "start": "2026-01-01T00:00:00+00:00", "output": {}},
        {"activity": {"name": "evict"}, "output": None, "start": "2026-01-01T00:00:01+00:00"},
        {"activity": {"name": "x"}, "status": "failed", "exception": ["Traceback\n", "ActivityFailed: no\n"]},
    ],
    "rollbacks": [],
}


def test_an_interrupted_action_has_no_status_and_is_read_as_interrupted(tmp_path):
    path = tmp_path / "journal.json"
    path.write_text(json.dumps(JOURNAL))
    journal = read_journal(path)
    assert [action.status for action in journal.method] == ["succeeded", "interrupted", "failed"]
    assert journal.method[2].error == "ActivityFailed: no"
    assert journal.action("evict").ended_at is None
    assert journal.after is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"status": 1, "steady_states": null}'])
def test_a_journal_that_is_not_whole_is_no_journal(tmp_path, text):
    path = tmp_path / "journal.json"
    path.write_text(text)
    assert read_journal(path) is None
    assert read_journal(tmp_path / "nowhere.json") is None


@given(st.data())
def test_no_journal_however_broken_is_a_crash(tmp_path_factory, data):
    broken = json.loads(json.dumps(JOURNAL))
    parent, key = data.draw(st.sampled_from(list(places(broken))))
    parent[key] = data.draw(st.none() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({}))
    path = tmp_path_factory.getbasetemp() / "broken.json"
    path.write_text(json.dumps(broken))
    read_journal(path)


def places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield value, key
        yield from places(below)


def test_events_of_a_killed_run_are_read_as_far_as_they_go(tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_text(
        '{"type": "activity-started", "timestamp": "1970-01-01T00:00:05+00:00", "name": "cordon"}\n[]\n{"type": "rollb'
    )
    assert began(path, "activity-started", "cordon") == 5.0
    assert began(path, "activity-started", "taint") is None
    assert began(path, "rollbacks-started") is None
    assert began(tmp_path / "nowhere", "rollbacks-started") is None
