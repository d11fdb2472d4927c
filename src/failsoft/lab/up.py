"""`failsoft lab up`: the demo's world without its story, to try things in until Ctrl-C."""

import math
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from failsoft.lab.world.claim import claimed
from failsoft.lab.world.places import Places
from failsoft.lab.world.start import EXPERIMENT, start, sweep
from failsoft.lab.world.world import Say, World

__all__ = ["directions", "up"]

_LOOK_S = 0.5
_APPROVE_WITHIN = "10m"


def up(root: Path, example: Path, *, kubernetes: str, say: Say, show: Say) -> None:
    """Start a lab in a folder of its own and stay until `KeyboardInterrupt`; whatever ends it, nothing is left running.

    Args:
        root: the folder; what an earlier lab left in it is deleted.
        example: the workspace that is run.
        kubernetes: `fake` or `real`.
        say: told what happens, a sentence each.
        show: given the lines that a person copies from, to be shown as they are.

    Raises:
        UsageError: the folder is not the lab's.
        MissingPartError: a program is missing.
        FailsoftError: a part did not start.
    """
    places = Places(root)
    with claimed(root, places.registry) as ended:
        if ended:
            say(f"ended {ended} processes that an earlier lab had left running")
        with World(places, kubernetes, say) as world:
            start(world, example, approve_within=_APPROVE_WITHIN, traffic_s=math.inf)
            for line in directions(world):
                show(line)
            try:
                _stay(world)
            finally:
                sweep(world)


def directions(world: World) -> Iterator[str]:
    """Where each thing listens, and what to do with it."""
    places = world.places
    workspace = shlex.quote(str(places.workspace))
    if world.prometheus is not None and world.alertmanager is not None:
        yield f"Prometheus      {world.prometheus.url}"
        yield f"Alertmanager    {world.alertmanager.url}"
    yield f"failsoft serve  http://127.0.0.1:{places.serve}/metrics"
    yield f"gateway         http://127.0.0.1:{places.gateway}/v1/completions, and /metrics"
    yield f"Slack (fake)    http://127.0.0.1:{places.slack}/_fake/page"
    yield f"pager (fake)    http://127.0.0.1:{places.pager}/_fake/alerts"
    yield f"Kubernetes      kubectl --kubeconfig {shlex.quote(str(places.kubeconfig))} get nodes"
    yield f"workspace       {workspace}"
    yield f"reclaim a node  failsoft chaos run {EXPERIMENT} {workspace} --as ben --yes"
    yield f"see what it did failsoft incidents list {workspace}"
    yield f"answer          failsoft approve 1 {workspace} --as ana"
    yield f"stop everything failsoft incidents stop {workspace} --as ana"
    yield "Ctrl-C ends the lab"


def _stay(world: World) -> None:
    told: set[str] = set()
    while True:
        for name in world.ended():
            if name not in told:
                told.add(name)
                world.say(f"{name} has ended: its log is {world.places.logs / name}.log")
        time.sleep(_LOOK_S)
