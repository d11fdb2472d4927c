"""The example's workspace with compressed clocks: every change is in one table, so that it can be told and checked."""

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import yaml

from failsoft.lab.world.places import Places

__all__ = ["CLOCKS", "LAB_WINDOWS", "write_workspace"]

type Path_ = tuple[str | int, ...]

CLOCKS: Mapping[str, Mapping[Path_, object]] = {
    "SLO": {("spec", "period"): "6h"},
    "Model": {("spec", "coldStart"): "8s"},
    "DriftMonitor": {
        ("spec", "window"): "2m",
        ("spec", "maxAge"): "4m",
        ("spec", "every"): "2s",
        ("spec", "staleAfter"): "1m",
    },
    "Experiment": {
        ("spec", "fault", "spotReclaim", "notice"): "8s",
        ("spec", "fault", "spotReclaim", "hold"): "30s",
        ("spec", "observe"): "90s",
        ("spec", "abort"): {"errorRatio": "100%", "window": "30s"},
        ("spec", "expect", "alert", "within"): "45s",
        ("spec", "expect", "recovered", "within"): "90s",
        ("spec", "expect", "budget", "spend"): "40%",
    },
    "Runbook chat-shift-to-fallback": {
        ("spec", "steps", 0, "inspect", "events"): "2m",
        ("spec", "steps", 1, "approve", "within"): "60s",
        ("spec", "steps", 3, "verify", "for"): "10s",
        ("spec", "steps", 3, "verify", "within"): "60s",
    },
}
"""Kind (and name, where only that one is meant) -> place in its document -> what stands there in the lab.

Requests, tokens and buckets stay in real seconds."""

LAB_WINDOWS: Mapping[str, Any] = {
    "kind": "AlertWindows",
    "metadata": {"name": "lab-6h"},
    "spec": {
        "period": "6h",
        "keepFiringFor": "10s",
        "tiers": [
            {"name": "fast", "severity": "page", "budget": "2%", "short": "10s", "long": "1m"},
            {"name": "slow", "severity": "page", "budget": "5%", "short": "30s", "long": "5m"},
            {"name": "ticket", "severity": "ticket", "budget": "10%", "short": "1m", "long": "15m"},
        ],
    },
}
"""The windows for a period of six hours: the Workbook's shares of the budget, scaled."""


def write_workspace(example: Path, places: Places, *, prometheus: str, alertmanager: str, approve_within: str) -> None:
    """Write the lab's workspace: the example's documents, the clocks of `CLOCKS`, and this lab's addresses.

    Args:
        example: the example's folder.
        places: the lab.
        prometheus: the URL of Prometheus.
        alertmanager: the URL of Alertmanager.
        approve_within: how long the runbook waits for a person.
    """
    copytree(example, places.workspace, dirs_exist_ok=True)
    for path in sorted(places.workspace.rglob("*.yaml")):
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        for document in documents:
            kind, name = document["kind"], f"{document['kind']} {document['metadata']['name']}"
            for steps, value in {**CLOCKS.get(kind, {}), **CLOCKS.get(name, {})}.items():
                _put(document, steps, approve_within if "approve" in steps else value)
            if document["kind"] == "Team":
                document["spec"]["pager"] = {
                    "pagerduty": {
                        "routingKey": {"file": str(places.secrets / "pagerduty")},
                        "url": f"http://127.0.0.1:{places.pager}/v2/enqueue",
                    }
                }
            if document["kind"] == "Workspace":
                document["spec"] = _configuration(places, prometheus, alertmanager)
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
    windows = places.workspace / "slo" / "windows.yaml"
    windows.write_text(yaml.safe_dump(dict(LAB_WINDOWS), sort_keys=False), encoding="utf-8")


def _configuration(places: Places, prometheus: str, alertmanager: str) -> dict[str, Any]:
    secret = places.secrets
    return {
        "prometheus": {"url": prometheus, "scrapeInterval": "1s", "evaluationInterval": "1s"},
        "alertmanager": {"url": alertmanager, "groupWait": "1ms", "groupInterval": "1s"},
        "kubernetes": {"kubeconfig": str(places.kubeconfig)},
        "slack": {
            "botToken": {"file": str(secret / "slack-bot")},
            "appToken": {"file": str(secret / "slack-app")},
            "baseUrl": f"http://127.0.0.1:{places.slack}/api/",
        },
        "server": {
            "url": f"http://127.0.0.1:{places.serve}",
            "webhookSecret": {"file": str(secret / "webhook")},
            "database": f"sqlite:///{places.root / 'failsoft.sqlite'}",
            "lease": "2s",
        },
    }


def _put(document: Any, steps: Path_, value: object) -> None:
    """Replace what stands at a place; the place has to be there, or the last key of it new."""
    for step in steps[:-1]:
        document = document[step] if isinstance(step, int) else document.setdefault(step, {})
    document[steps[-1]] = value
