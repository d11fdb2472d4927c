"""Starting a whole lab: the compiled workspace, every part in its order, traffic, and a past that is healthy."""

import contextlib
import sys
import time
from pathlib import Path

from failsoft.clients.binaries import run_tool
from failsoft.errors import FailsoftError, PermanentError
from failsoft.lab.sizing import SPEED
from failsoft.lab.world.compress import write_workspace
from failsoft.lab.world.history import openmetrics, write_history
from failsoft.lab.world.past import learn_past
from failsoft.lab.world.places import Places
from failsoft.lab.world.world import World, wait_until
from failsoft.workspace.quantities import Duration

__all__ = ["EXPERIMENT", "PAGER_KEY", "start", "sweep"]

PAGER_KEY = "lab-routing-key-of-32-characters"
"""The routing key of the team that owns the models."""

EXPERIMENT = "chat-spot-reclaim"
"""The example's Experiment."""

_TRACE_RATE = 5.0
_DRIFT_PAST = Duration.parse("6h")
_WARM_UP_S = 8.0
_RECORDING_STEP_S = 5.0


def start(world: World, example: Path, *, approve_within: str, traffic_s: float) -> None:
    """Start everything in a world that was entered; it returns when Prometheus records the SLO of the traffic.

    Args:
        world: the world; it says what is started.
        example: the example workspace's folder.
        approve_within: how long the runbook waits for a person.
        traffic_s: seconds of traffic; infinite for no end.

    Raises:
        MissingPartError: a program is missing.
        PermanentError: the workspace does not compile, or a part ended.
        UnavailableError: a part did not answer in time.
    """
    places = world.places
    _write_secrets(places)
    world.describe_monitoring()
    if world.prometheus is None or world.alertmanager is None:
        raise PermanentError("the monitoring was not described")
    urls = {"prometheus": world.prometheus.url, "alertmanager": world.alertmanager.url}
    write_workspace(example, places, **urls, approve_within=approve_within)
    for promise in learn_past(places.workspace, _DRIFT_PAST, per_second=_TRACE_RATE):
        world.say(f"lab       {promise}")
    _compile(places)
    kind = "a real control plane" if world.kubernetes == "real" else "the shipped fake"
    world.start_cluster()
    world.say(f"lab       Kubernetes ({kind}), a gateway, three nodes with a GPU each")
    world.start_people()
    _write_past(world)
    # failsoft first: the rules call a drift evaluation that they have never seen a dead one
    world.start_failsoft()
    world.start_monitoring()
    world.say("lab       Prometheus, Alertmanager, Slack and pager (fakes on sockets), failsoft serve")
    world.wait_for_pods()
    world.say("lab       two replicas of chat-70b and one of chat-small are Ready")
    world.start_traffic(traffic_s)
    world.say(f"lab       traffic: arrivals of the Azure trace at {SPEED:g}x, through the gateway")
    _wait_for_data(world)


def sweep(world: World) -> None:
    """Let the janitor undo what an experiment may have left."""
    argv = [sys.executable, "-m", "failsoft", "chaos", "janitor", str(world.places.workspace), "--all", "--once"]
    done = run_tool(argv, timeout=60)
    said = (done.stdout + done.stderr).strip()
    if said and said != "nothing to undo":
        world.say(f"janitor   {said}")


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
        "pagerduty": PAGER_KEY,
    }
    for name, value in secrets.items():
        path = places.secrets / name
        path.write_text(value, encoding="utf-8")
        path.chmod(0o600)


def _write_past(world: World) -> None:
    from failsoft.workspace.load import load

    if world.prometheus is None:
        raise PermanentError("the monitoring was not described")
    workspace, _ = load(world.places.workspace)
    text = openmetrics(workspace, until=time.time() - 2, step=_RECORDING_STEP_S, rate=_TRACE_RATE * SPEED)
    write_history(text, world.prometheus.data)
    world.say("lab       six hours of healthy past are written into Prometheus (invented, and said so)")


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
