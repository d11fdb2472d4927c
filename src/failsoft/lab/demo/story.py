"""One story on one clean lab: a spot node is reclaimed under load, and a person answers, or nobody does."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failsoft.lab.demo.narrator import Narrator
from failsoft.lab.demo.scene import Scene
from failsoft.lab.parts.process import Process
from failsoft.lab.world.places import Places
from failsoft.lab.world.start import EXPERIMENT, start, sweep
from failsoft.lab.world.world import World

__all__ = ["REPORT", "Ended", "Story", "tell_story"]

REPORT = "report"
"""The name of the experiment's report, as HTML and as JSON."""

_READING_S = 2.0
_LOOK_S = 0.4
_LONGEST_S = 150.0


@dataclass(frozen=True, slots=True)
class Story:
    """Which story.

    Attributes:
        title: of its chapter.
        answers: whether the person who is asked says yes.
        approve_within: how long the runbook waits for that person.
    """

    title: str
    answers: bool
    approve_within: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a story ended.

    Attributes:
        scene: all that was seen.
        exit_code: of `failsoft chaos run`.
        report: what its JSON report says; empty when there is none.
        folder: where its report lies.
        nodes: node -> how it is still marked.
    """

    scene: Scene
    exit_code: int
    report: dict[str, Any]
    folder: Path
    nodes: dict[str, str]


def tell_story(story: Story, places: Places, kubernetes: str, example: Path, narrator: Narrator) -> Ended:
    """Start a clean lab, reclaim a node, tell what happens, end the lab."""
    narrator.chapter(story.title)
    with World(places, kubernetes, narrator.tell) as world:
        start(world, example, approve_within=story.approve_within, traffic_s=_LONGEST_S * 2)
        scene = Scene(world, narrator)
        scene.look()
        narrator.tell(f"chaos     failsoft chaos run {EXPERIMENT}: a spot node of chat is reclaimed under load")
        options = ("--yes", "--as", "game-day", "-o", places.evidence)
        argv = world.python("failsoft", "chaos", "run", EXPERIMENT, places.workspace, *options)
        chaos = Process(argv, places.logs / "chaos.log", registry=places.registry)
        chaos.start()
        try:
            _watch(chaos, scene, story, narrator)
        finally:
            # One signal, then patience: it undoes what it did before it goes.
            exit_code = chaos.stop(grace=60.0)
            sweep(world)
        scene.look()
        _keep(world, places)
        return Ended(scene, exit_code, _report(places.evidence), places.evidence, scene.node_marks())


def _watch(chaos: Process, scene: Scene, story: Story, narrator: Narrator) -> None:
    """Look until the experiment is over; play the person on call."""
    deadline = time.monotonic() + _LONGEST_S
    person = _person(scene, story, narrator)
    while chaos.alive and time.monotonic() < deadline:
        scene.look()
        next(person, None)
        chaos.wait(_LOOK_S)
    if chaos.alive:
        narrator.tell(f"chaos     not over after {_LONGEST_S:g} s: stopping it")


def _person(scene: Scene, story: Story, narrator: Narrator) -> Iterator[None]:
    """The person on call, moved on once a look: sees the question, reads it, answers or sleeps on."""
    slack = scene.world.slack
    while not any(button["label"] == "Approve" for message in slack.messages() for button in message["buttons"]):
        yield
    if not story.answers:
        narrator.tell("on call   nobody answers")
        return
    asked = time.monotonic()
    while time.monotonic() - asked < _READING_S:
        yield
    clicked = slack.click("U0ANA", "Approve")
    narrator.tell(f"on call   ana clicks Approve; acknowledged in {float(clicked['ack_seconds']) * 1000:.0f} ms")


def _keep(world: World, places: Places) -> None:
    """The thread as a page beside the report."""
    with contextlib.suppress(OSError):
        (places.evidence / "slack.html").write_text(world.slack.page(), encoding="utf-8")


def _report(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((folder / f"{REPORT}.json").read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
