"""Starting the lab's world in the order in which its parts need each other, and ending it in the other order."""

import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from failsoft.clients.kubernetes import ApiCluster, Ref, connect
from failsoft.errors import PermanentError, UnavailableError
from failsoft.lab.parts.alertmanager import alertmanager_server
from failsoft.lab.parts.control_plane import control_plane
from failsoft.lab.parts.leftovers import reap_leftovers
from failsoft.lab.parts.process import Process, answers_http, listens
from failsoft.lab.parts.prometheus import prometheus_server
from failsoft.lab.parts.server import Server
from failsoft.lab.sizing import MAX_TOKENS, PROMPT_CAP, SPEED
from failsoft.lab.world import objects
from failsoft.lab.world.places import Places
from failsoft.testing.slack.control import SlackControl

__all__ = ["Say", "World", "wait_until"]

type Say = Callable[[str], None]

_POLL = 0.1
_COLD_START_S = 8.0


def wait_until(question: Callable[[], bool], what: str, *, within: float) -> None:
    """Returns as soon as the answer is yes. Raises `UnavailableError` after `within` seconds."""
    deadline = time.monotonic() + within
    while not question():
        if time.monotonic() > deadline:
            raise UnavailableError(f"{what}: not within {within:g} s")
        time.sleep(_POLL)


@dataclass(slots=True)
class World:
    """A running lab. Use it as a context manager: whatever happens inside, nothing is left running.

    Attributes:
        places: its folder and ports.
        kubernetes: `fake` for the shipped HTTP fake, `real` for a real control plane.
        say: told what is started, a sentence each.
    """

    places: Places
    kubernetes: str
    say: Say
    cluster: ApiCluster | None = None
    prometheus: Server | None = None
    alertmanager: Server | None = None
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _running: dict[str, Process] = field(default_factory=dict)

    def __enter__(self) -> Self:
        for path in (self.places.root, self.places.logs, self.places.secrets):
            path.mkdir(parents=True, exist_ok=True)
        left = reap_leftovers(self.places.registry)
        if left:
            self.say(f"ended {len(left)} processes that an earlier lab had left running")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(
        self, name: str, argv: Sequence[str | Path], ready: Callable[[], bool] | None, *, within: float = 30
    ) -> Process:
        """Start a program of the world; it is ended with the world."""
        process = Process(argv, self.places.logs / f"{name}.log", registry=self.places.registry)
        self._stack.enter_context(process)
        self._running[name] = process
        if ready is not None:
            process.wait_ready(ready, timeout=within)
        return process

    def ended(self) -> tuple[str, ...]:
        """The names of the programs that have ended by themselves."""
        return tuple(name for name, process in self._running.items() if not process.alive)

    def python(self, module: str, *arguments: str | Path) -> list[str | Path]:
        """The command line of one of our own modules."""
        return [sys.executable, "-m", module, *arguments]

    def start_cluster(self) -> None:
        """Kubernetes with the lab's objects, its kubelet with real engine processes, and the gateway."""
        places = self.places
        if self.kubernetes == "real":
            plane = self._stack.enter_context(control_plane(places.root / "control-plane", registry=places.registry))
            places.kubeconfig.unlink(missing_ok=True)
            places.kubeconfig.symlink_to(plane.kubeconfig)
        else:
            port = places.kubernetes
            argv = self.python("failsoft.testing.kubernetes", "--port", str(port), "--kubeconfig", places.kubeconfig)
            self.run("kubernetes", argv, lambda: places.kubeconfig.exists() and listens(port)())
        self.cluster = connect(places.kubeconfig)
        objects.create_all(self.cluster, cold_start=_COLD_START_S)
        nodes = [f"--node={name},gpus=1,{objects.POOL_LABEL}={pool}" for name, pool in objects.NODES.items()]
        kubelet = ("--kubeconfig", places.kubeconfig, "--home", places.root / "kubelet", "--targets", places.targets)
        self.run("kubelet", self.python("failsoft.lab.kubelet", *kubelet, *nodes), places.targets.exists)
        route = ("--kubeconfig", places.kubeconfig, "--route", objects.ROUTE, "--port", str(places.gateway))
        self.run("gateway", self.python("failsoft.lab.gateway", *route), answers_http(places.gateway, "/metrics"))

    def start_people(self) -> None:
        """The chat in which people are asked, and the pager that wakes them."""
        places = self.places
        slack = (
            "--port",
            str(places.slack),
            "--record",
            places.root / "slack.jsonl",
            "--page",
            places.root / "slack.html",
        )
        people = ("--user=U0ANA=ana", "--user=U0BEN=ben", "--channel=C0ASSIST=assistants-oncall")
        self.run(
            "slack", self.python("failsoft.testing.slack", *slack, *people), answers_http(places.slack, "/_fake/status")
        )
        pager = ("--port", str(places.pager))
        self.run("pager", self.python("failsoft.testing.pager", *pager), listens(places.pager))

    def start_monitoring(self) -> None:
        """Prometheus with the compiled rules and its invented past, and Alertmanager with the compiled routes."""
        if self.prometheus is None or self.alertmanager is None:
            raise PermanentError("the monitoring was not described")
        self._stack.enter_context(self.alertmanager)
        self._stack.enter_context(self.prometheus)

    def describe_monitoring(self) -> None:
        """Choose addresses for Prometheus and Alertmanager, so that the workspace can name them before they run."""
        places = self.places
        registry = places.registry
        config = places.compiled / "alertmanager.yaml"
        self.alertmanager = alertmanager_server(places.root / "alertmanager", config, registry=registry)
        text = _prometheus_config(places, self.alertmanager.url)
        self.prometheus = prometheus_server(places.root / "prometheus", text, registry=registry)

    def start_failsoft(self) -> Process:
        """`failsoft serve` on the lab's workspace."""
        places = self.places
        argv = self.python("failsoft", "serve", places.workspace, "--port", str(places.serve))
        return self.run("failsoft", argv, answers_http(places.serve, "/readyz"), within=60)

    def start_traffic(self, seconds: float) -> Process:
        """The real trace, compressed, through the gateway."""
        url = f"http://127.0.0.1:{self.places.gateway}"
        numbers = {"speed": SPEED, "prompt-cap": PROMPT_CAP, "max-tokens": MAX_TOKENS, "seed": 7, "duration": seconds}
        arguments = ["--model=chat-70b", *(f"--{name}={value:g}" for name, value in numbers.items())]
        return self.run("traffic", self.python("failsoft.lab.traffic", f"--url={url}", *arguments), None)

    def wait_for_pods(self, within: float = 60) -> None:
        """Until every replica that is wanted is Ready."""

        def ready() -> bool:
            found = [self._ready_replicas(name) for name in objects.DEPLOYMENTS]
            return found == list(objects.DEPLOYMENTS.values())

        wait_until(ready, "all replicas are Ready", within=within)

    def _ready_replicas(self, name: str) -> int:
        if self.cluster is None:
            return 0
        deployment = self.cluster.get(Ref("Deployment", name, objects.NAMESPACE))
        return int((deployment.get("status") or {}).get("readyReplicas") or 0)

    @property
    def slack(self) -> SlackControl:
        """The chat, to read and to click in."""
        return SlackControl(f"http://127.0.0.1:{self.places.slack}")

    def pages(self) -> list[dict[str, object]]:
        """What the pager was told, oldest first."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.places.pager}/_fake/alerts", timeout=5) as answer:
            found: list[dict[str, object]] = json.load(answer)
            return found


def _prometheus_config(places: Places, alertmanager: str) -> str:
    """What Prometheus scrapes, once a second, and which rules it evaluates. JSON is YAML."""
    serve = {"job_name": "failsoft", "static_configs": [{"targets": [f"127.0.0.1:{places.serve}"]}]}
    gateway = {"job_name": "gateway", "static_configs": [{"targets": [f"127.0.0.1:{places.gateway}"]}]}
    engines = {"job_name": "engines", "file_sd_configs": [{"files": [str(places.targets)], "refresh_interval": "1s"}]}
    address = alertmanager.removeprefix("http://")
    return json.dumps(
        {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(places.compiled / "rules" / "*.yaml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]},
            "scrape_configs": [engines, serve, gateway],
        },
        indent=2,
    )
