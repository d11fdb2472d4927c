"""kill -9 around every durable write and outbound call: the run goes on, and no finished step's effect repeats.

Every point of a run without a crash becomes a case: one worker dies there, and the next one has to end the run. What
was changed is counted at the cluster, what was said at the pager; what the database says is not believed. The complete
matrix is described in docs/crash-matrix.md.
"""

import random
import re
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

STEPS = """
- inspect: {nodes: false}
- approve: {within: 60s}
- scale: {model: fallback, replicas: 2}
- shiftTraffic: {to: fallback}
- verify: {for: 200ms, within: 300ms, otherwise: [undo, page]}
"""
RECOVERS = """
- inspect: {nodes: false}
- approve: {within: 60s}
- shiftTraffic: {to: fallback}
- verify: {for: 200ms, within: 20s, otherwise: [undo, page]}
"""
# How often a point comes is partly a matter of time for these: letters go out while the run goes on.
FIRST = {"commit outbox": 5, "commit leases": 2, "commit incidents": 3, "commit approvals": 1}
FIRST |= {"Slack entry": 3, "Slack incident": 3, "query Prometheus": 2}
AT_ONCE = 4
GOES = 2
SECONDS_PER_CASE = 60
DOCUMENT = Path(__file__).parents[3] / "docs" / "crash-matrix.md"


# These change nothing: who dies before one, during it or after it leaves the same world behind.
LOOKS = ("get ", "list ", "query ")


def points_of(trace):
    """The points of a run without a crash: (name, how often it had come)."""
    seen = Counter()
    for name in trace:
        seen[name] += 1
        if seen[name] <= FIRST.get(name.split(" ", 1)[1], 1000):
            yield name, seen[name]


def different(points):
    """The points without those at which the world is as at the one before.

    Between the end of one write and the beginning of the next, nothing is left behind that was not there. One point of
    each such stretch is enough, and the first of each name, so that every name is there with both its sides. Letters
    go out beside the run, at any time: theirs all stay.
    """
    names, same = set(), False
    for name, number in points:
        side, what = name.split(" ", 1)
        beside = what in FIRST
        if side == "after" and not beside and not what.startswith(LOOKS):
            same = False
        if beside or name not in names or not same:
            names.add(name)
            same = same or not beside
            yield name, number


def dry_run(make, tmp_path):
    trace = tmp_path / "trace"
    with make() as world:
        assert world.run(trace=trace) == 0, world.log
    return list(points_of(trace.read_text().splitlines()))


def every_point(make, tmp_path):
    """The points that come in each of two runs: how often a step looks is a matter of time."""
    points = dry_run(make, tmp_path)
    (tmp_path / "trace").unlink()
    again = set(dry_run(make, tmp_path))
    return [point for point in points if point in again]


def crash(make, *deaths):
    """One worker dies at each point; the last one ends the run. How many of them died, and what is to be judged.

    What may have happened twice is what was under way when one of them died: a change, a page, an entry in the thread.
    """
    with make() as world:
        died, twice, doubtful = 0, Counter(), set()
        for die in deaths:
            if world.run(die=die) != -signal.SIGKILL:
                continue
            died += 1
            doubt = "state = 'started' AND effect IS NOT NULL AND interrupted < attempts"
            doubtful.update(map(tuple, world.rows(f"SELECT phase, position, attempts FROM steps WHERE {doubt}")))  # noqa: S608
            twice["change"] = len(doubtful)
            flying = world.rows("SELECT kind FROM outbox WHERE state = 'pending' AND claimed_by IS NOT NULL")
            twice.update(row.kind for row in flying)
        assert world.run() == 0, f"{deaths}\n{world.log}"
        return died, twice, judged(world)


def judged(world):
    """What the world says in the end."""
    (run,) = world.rows("SELECT outcome FROM runs")
    clicks = world.rows("SELECT honoured FROM clicks")
    told = world.posts("entry")
    entries = world.rows("SELECT kind FROM timeline")
    return {
        "outcome": run.outcome,
        "effects": dict(world.effects()),
        "weights": world.weights,
        "replicas": world.replicas,
        "interrupted": world.rows("SELECT sum(interrupted) AS n FROM steps")[0].n,
        "honoured": [bool(click.honoured) for click in clicks].count(True),
        "questions": len(world.posts("question")),
        "inspected": [entry.kind for entry in entries].count("inspect"),
        "pages": dict(world.posts("dedup_key")),
        "untold": len(world.rows("SELECT 1 FROM outbox WHERE state <> 'sent'")),
        "said twice": sum(count - 1 for count in told.values()),
        "incidents": len(world.rows("SELECT 1 FROM incidents")),
    }


def check(ended, twice, expected):
    """Every crash leaves the same world; letters in flight may arrive twice, and interrupted steps are flagged."""
    pages = ended.pop("pages")
    said_twice = ended.pop("said twice")
    assert ended == expected | {"interrupted": twice["change"]}
    assert len(pages) == (1 if expected["outcome"] == "undone" else 0)
    assert sum(pages.values()) <= len(pages) + twice["page"]
    assert said_twice <= twice["entry"]


UNDONE = {
    "outcome": "undone",
    "effects": {"scale": 2, "route": 2},
    "weights": [1, 0],
    "replicas": 1,
    "honoured": 1,
    "questions": 1,
    "inspected": 1,
    "untold": 0,
    "incidents": 1,
}
RECOVERED = UNDONE | {"outcome": "recovered", "effects": {"route": 1}, "weights": [0, 1]}


def crash_everywhere(make, cases, expected):
    """All cases, a few at a time, and in how many of its deaths each one had somebody die."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(lambda deaths: (deaths, *crash(make, *deaths)), cases))
    for deaths, _, twice, world in ended:
        try:
            check(world, twice, expected)
        except AssertionError as error:
            raise AssertionError(f"killed at {deaths}: {error}") from None
    return {deaths: died for deaths, died, _, _ in ended}


def crash_at_every_one(make, points, expected):
    """A kill at each of the points. Some come by chance, in one run and not in the next: those have several goes."""
    missed = [(point,) for point in points]
    for _ in range(GOES):
        missed = [deaths for deaths, died in crash_everywhere(make, missed, expected).items() if not died]
        print(f"{len(missed)} of {len(points)} points did not come: {missed}")
    assert len(missed) <= max(1, len(points) // 20), f"nobody came to {missed}"


ACTS = [(f"{side} {what}", 1) for what in ("scale Deployment", "page") for side in ("before", "after")]


@pytest.mark.parametrize(("kind", "every"), [("sqlite", 40), ("postgres", 70)])
def test_a_kill_at_some_points(worlds, runbook, tmp_path, kind, every):
    """Here and there, and around what changes the world and what wakes people."""
    make = worlds(kind, runbook(STEPS), 0.5)
    points = [*dry_run(make, tmp_path)[::every], *(ACTS if kind == "sqlite" else ())]
    crash_at_every_one(make, points, UNDONE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_kill_at_every_point(worlds, runbook, tmp_path, kind):
    make = worlds(kind, runbook(STEPS), 0.5)
    points = every_point(make, tmp_path)
    assert len(points) > 140
    crash_at_every_one(make, list(different(points)), UNDONE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_kill_at_every_point_of_the_example_runbook(worlds, runbook, tmp_path, kind):
    make = worlds(kind, runbook(RECOVERS), 0.001)
    points = every_point(make, tmp_path)
    assert len(points) > 80
    crash_at_every_one(make, list(different(points)), RECOVERED)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_two_kills_anywhere(worlds, runbook, tmp_path, kind):
    make = worlds(kind, runbook(STEPS), 0.5)
    points = every_point(make, tmp_path)
    seed = random.randrange(10_000)
    print("seed", seed)
    dice = random.Random(seed)
    cases = [tuple(dice.sample(points, 2)) for _ in range(20)]
    assert sum(crash_everywhere(make, cases, UNDONE).values()) >= len(cases)


def test_points_that_are_left_out_are_the_same_as_one_that_is_not():
    trace = ["before commit runs", "after commit runs", "before get Pod", "after get Pod", "before commit runs"]
    trace += ["after commit runs", "before Slack entry", "before get Pod", "after get Pod", "before scale Pod"]
    kept = [f"{name} {number}" for name, number in different(points_of(trace))]
    assert kept == [
        "before commit runs 1",
        "after commit runs 1",
        "before get Pod 1",
        "after get Pod 1",
        "after commit runs 2",
        "before Slack entry 1",
        "before scale Pod 1",
    ]


def test_a_kill_at_some_points_without_the_durable_engine(worlds, runbook, tmp_path):
    """What is durable is ours: the engine only drives."""
    make = worlds("sqlite", runbook(STEPS), 0.5, durable=False)
    crash_at_every_one(make, dry_run(make, tmp_path)[::40], UNDONE)


@pytest.mark.parametrize(
    ("on_interrupted", "where", "scaled"),
    [
        ("rerun", "before", 1),
        ("rerun", "after", 2),
        ("verify", "before", 1),
        ("verify", "after", 1),
        ("ask", "before", 1),
        ("ask", "after", 1),
    ],
)
def test_an_interrupted_step_is_handled_as_the_runbook_says(worlds, runbook, on_interrupted, where, scaled):
    step = f"- scale: {{model: fallback, replicas: 2, onInterrupted: {on_interrupted}}}"
    make = worlds("sqlite", runbook(f"- approve: {{within: 60s}}\n{step}"), 0.001, durable=False)
    with make() as world:
        assert world.run(die=(f"{where} scale Deployment", 1)) == -signal.SIGKILL
        assert world.run() == 0, world.log
        assert (world.effects(), world.replicas) == ({"scale": scaled}, 2)
        assert [row.interrupted for row in world.rows("SELECT interrupted FROM steps WHERE kind = 'scale'")] == [1]
        assert len(world.rows("SELECT 1 FROM timeline WHERE kind = 'interrupted'")) == 1
        assert len(world.posts("question")) == (2 if on_interrupted == "ask" else 1)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_of_two_workers_one_is_killed_and_the_other_takes_over(worlds, runbook, kind):
    make = worlds(kind, runbook(STEPS), 0.5)
    with make() as world:
        _, first = world.start(die=("after replace HTTPRoute", 1), answers=False)
        _, second = world.start(delivers=False)
        assert {first.result(SECONDS_PER_CASE), second.result(SECONDS_PER_CASE)} <= {0, -signal.SIGKILL}
        world.run(delivers=False)
        ended = judged(world)
        ended.pop("pages")
        ended.pop("said twice")
        assert ended == UNDONE | {"interrupted": ended["interrupted"]}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_waiting_run_of_a_killed_worker_is_taken_over_by_one_that_lives(worlds, runbook, kind):
    make = worlds(kind, runbook(RECOVERS), 0.001)
    with make() as world:
        dead = world.run(die=("after Slack question", 1), answers=False)
        assert dead == -signal.SIGKILL
        assert world.run(delivers=False) == 0, world.log
        owners = world.rows("SELECT owner FROM runs")
        assert [row.owner.endswith("w0-2") for row in owners] == [True]
        assert (world.effects(), world.weights) == ({"route": 1}, [0, 1])


def test_the_document_names_every_kind_of_point(worlds, runbook, tmp_path):
    """A write or a call that is new has to be described, and one that is gone has to be struck out."""
    described = set(re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    found = set()
    for number, (steps, ratio) in enumerate(((STEPS, 0.5), (RECOVERS, 0.001))):
        folder = tmp_path / str(number)
        folder.mkdir()
        points = dry_run(worlds("sqlite", runbook(steps), ratio), folder)
        found |= {name.split(" ", 1)[1] for name, _ in points}
    assert sorted(found) == sorted(described)
