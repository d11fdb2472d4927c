"""Looking at a running world from outside, as a visitor would: alerts, chat, pager, route and nodes; told when new."""

import contextlib
import re
import time
from dataclasses import dataclass, field
from typing import Any

from failsoft.clients.kubernetes import Ref
from failsoft.clients.prometheus import PrometheusClient
from failsoft.errors import FailsoftError, UnavailableError
from failsoft.lab.demo.narrator import Narrator
from failsoft.lab.world import objects
from failsoft.lab.world.world import World
from failsoft.slo.series import BURN_ALERT

__all__ = ["ASKS", "Scene"]

ASKS = "May failsoft do this"
"""How a question begins."""

_LONGEST = 170

type Json = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """What has been seen so far.

    Attributes:
        alerts: alerts seen firing, as "slo tier severity".
        said: texts of messages in the channel, first message and thread.
        pages: what the pager was told.
        weights: the route's weights, each time they changed.
        tainted: nodes that were seen cordoned or tainted.
        first: what was seen for the first time when: `tainted`, `alert`, `asked`, `shifted`, `paged`.
    """

    world: World
    narrator: Narrator
    alerts: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    pages: list[Json] = field(default_factory=list)
    weights: list[dict[str, int]] = field(default_factory=list)
    tainted: list[str] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)
    _nodes: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Look at everything once; what cannot be seen at the moment is looked at again next time."""
        for glance in (self._cluster, self._prometheus, self._slack, self._pager):
            with contextlib.suppress(FailsoftError, OSError, LookupError):
                glance()

    def node_marks(self) -> dict[str, str]:
        """Node -> how it is marked: cordon and taints; empty where it is as it was."""
        if self.world.cluster is None:
            return {}
        return {node["metadata"]["name"]: _marks(node) for node in self.world.cluster.list("Node")}

    def _cluster(self) -> None:
        if self.world.cluster is None:
            return
        for name, marks in self.node_marks().items():
            before = self._nodes.get(name, "")
            if marks and not before:
                self.tainted.append(name)
                self._see("tainted")
                self.narrator.tell(f"cluster   {name} is marked: {marks}")
            elif before and not marks:
                self.narrator.tell(f"cluster   {name} is as it was before")
            self._nodes[name] = marks
        route = self.world.cluster.get(Ref("HTTPRoute", "chat", objects.NAMESPACE))
        weights = {b["name"]: b.get("weight", 1) for rule in route["spec"]["rules"] for b in rule["backendRefs"]}
        if not self.weights or self.weights[-1] != weights:
            shares = ", ".join(f"{name} {weight}" for name, weight in weights.items())
            self.narrator.tell(f"route     weights: {shares}")
            if self.weights:
                self._see("shifted")
            self.weights.append(weights)

    def _prometheus(self) -> None:
        for sample in self._client().query(f'ALERTS{{alertname="{BURN_ALERT}",alertstate="firing"}}'):
            labels = sample.labels
            name = f"{labels['slo']} {labels['burn_tier']} {labels['severity']}"
            if name not in self.alerts:
                self.alerts.append(name)
                self._see("alert")
                self.narrator.tell(f"alert     {labels['slo']} burns its budget: tier {labels['burn_tier']}")

    def _client(self) -> PrometheusClient:
        if self.world.prometheus is None:
            raise UnavailableError("Prometheus was not described")
        return PrometheusClient(self.world.prometheus.url)

    def _slack(self) -> None:
        for message in self.world.slack.messages():
            text = str(message["text"])
            if text and text not in self.said:
                self.said.append(text)
                if ASKS in text:
                    self._see("asked")
                in_thread = message["thread_ts"] not in {None, "", message["ts"]}
                where = "in the thread" if in_thread else "#assistants-oncall"
                self.narrator.tell(f"slack     {where}: {_short(text)}")

    def _pager(self) -> None:
        pages = self.world.pages()
        for page in pages[len(self.pages) :]:
            self.narrator.tell(f"pager     {page['severity']}: {page['summary']}")
        if pages:
            self._see("paged")
        self.pages = pages

    def _see(self, what: str) -> None:
        self.first.setdefault(what, time.monotonic())


def _marks(node: Json) -> str:
    spec = node["spec"]
    taints = [str(taint["key"]) for taint in spec.get("taints") or ()]
    return ", ".join((["cordoned"] if spec.get("unschedulable") else []) + taints)


def _short(text: str) -> str:
    """The first line of a message, dates as they read without Slack, and no longer than a line or two."""
    line = re.sub(r"^<!date[^>]*>\s*", "", text.splitlines()[0])
    line = re.sub(r"<!date[^>|]*\|([^>]*)>", r"\1", line)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
