"""One story on one clean lab: a spot node is reclaimed under load, and a person answers, or nobody does."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failsoft.clients.binaries import run_tool
from failsoft.errors import FailsoftError, PermanentError
from failsoft.lab.demo.narrator import Narrator
from failsoft.lab.demo.scene import Scene
from failsoft.lab.parts.process import Process
from failsoft.lab.sizing import SPEED
from failsoft.lab.world.compress import write_workspace
from failsoft.lab.world.history import openmetrics, write_history
from failsoft.lab.world.places import Places
from failsoft.lab.world.world import World, wait_until

__all__ = ["EXPERIMENT", "Ended", "Story", "tell_story"]

EXPERIMENT = "chat-spot-reclaim"

_TRACE_RATE = 5.0
_WARM_UP_S = 8.0
_READING_S = 2.0
_LOOK_S = 0.4
_LONGEST_S = 150.0
_RECORDING_STEP_S = 5.0


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
        _start(world, story, example, narrator)
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
            _janitor(world, narrator)
        scene.look()
        _keep(world, places)
        return Ended(scene, exit_code, _report(places.evidence), places.evidence, scene.node_marks())


def _start(world: World, story: Story, example: Path, narrator: Narrator) -> None:
    places = world.places
    _write_secrets(places)
    world.describe_monitoring()
    if world.prometheus is None or world.alertmanager is None:
        raise PermanentError("the monitoring was not described")
    urls = {"prometheus": world.prometheus.url, "alertmanager": world.alertmanager.url}
    write_workspace(example, places, **urls, approve_within=story.approve_within)
    _compile(places)
    kind = "a real control plane" if world.kubernetes == "real" else "the shipped fake"
    world.start_cluster()
    narrator.tell(f"lab       Kubernetes ({kind}), a gateway, three nodes with a GPU each")
    world.start_people()
    _write_past(world, narrator)
    # failsoft first: the rules call a drift evaluation that they have never seen a dead one
    world.start_failsoft()
    world.start_monitoring()
    narrator.tell("lab       Prometheus, Alertmanager, Slack and pager (fakes on sockets), failsoft serve")
    world.wait_for_pods()
    narrator.tell("lab       two replicas of chat-70b and one of chat-small are Ready")
    world.start_traffic(_LONGEST_S * 2)
    narrator.tell(f"lab       traffic: arrivals of the Azure trace at {SPEED:g}x, through the gateway")
    _wait_for_data(world)


def _compile(places: Places) -> None:
    argv = [sys.executable, "-m", "failsoft", "compile", str(places.workspace), "-o", str(places.compiled)]
    done = run_tool(argv, timeout=60)
    if not done.ok:
        raise PermanentError(f"the lab's workspace does not compile:\n{done.stderr}")


def _write_secrets(places: Places) -> None:
    secrets = {
        "slack-bot": "xoxb-fake",
        "slack-app": "xapp-fake",
        "webhook": "a-secret-of-the-lab",
        "pagerduty": "lab-routing-key-of-32-characters",
    }
    for name, value in secrets.items():
        path = places.secrets / name
        path.write_text(value, encoding="utf-8")
        path.chmod(0o600)


def _write_past(world: World, narrator: Narrator) -> None:
    from failsoft.workspace.load import load

    if world.prometheus is None:
        raise PermanentError("the monitoring was not described")
    workspace, _ = load(world.places.workspace)
    text = openmetrics(workspace, until=time.time() - 2, step=_RECORDING_STEP_S, rate=_TRACE_RATE * SPEED)
    write_history(text, world.prometheus.data)
    narrator.tell("lab       six hours of healthy past are written into Prometheus (invented, and said so)")


def _wait_for_data(world: World) -> None:
    from failsoft.clients.prometheus import PrometheusClient
    from failsoft.slo.queries import recorded_error_ratio
    from failsoft.workspace.load import load
    from failsoft.workspace.quantities import Duration

    if world.prometheus is None:
        raise PermanentError("the monitoring was not described")
    workspace, _ = load(world.places.workspace)
    client = PrometheusClient(world.prometheus.url)
    query = recorded_error_ratio(workspace, "chat-ttft", Duration.parse("10s"))
    begun = time.monotonic()

    def healthy() -> bool:
        with contextlib.suppress(FailsoftError):
            return bool(client.query(query)) and time.monotonic() - begun > _WARM_UP_S
        return False

    wait_until(healthy, "Prometheus records the error ratio of chat-ttft", within=60)


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


def _janitor(world: World, narrator: Narrator) -> None:
    argv = [sys.executable, "-m", "failsoft", "chaos", "janitor", str(world.places.workspace), "--all", "--once"]
    done = run_tool(argv, timeout=60)
    said = (done.stdout + done.stderr).strip()
    if said and said != "nothing to undo":
        narrator.tell(f"janitor   {said}")


def _keep(world: World, places: Places) -> None:
    """The thread as a page beside the report."""
    with contextlib.suppress(OSError):
        (places.evidence / "slack.html").write_text(world.slack.page(), encoding="utf-8")


def _report(folder: Path) -> dict[str, Any]:
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(ValueError):
            found = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(found, dict) and "verdict" in found:
                return found
    return {}
