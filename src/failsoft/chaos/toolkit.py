"""An experiment as Chaos Toolkit reads it, and the command that runs it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from failsoft.chaos.objectives import Objective
from failsoft.chaos.plan import Plan

__all__ = ["METHOD", "Files", "Site", "command", "experiment"]

METHOD = ("record-undo", "cordon", "taint", "evict", "delete-remaining", "hold")
"""The names of the method's actions, in order."""

_ACTIONS = "failsoft.chaos.spot_reclaim"
_PROBES = "failsoft.chaos.probes"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run acts and who started it; no secrets.

    Attributes:
        run: the run.
        namespace: of the workload.
        kubeconfig, context: how the cluster is reached; empty for kubectl's defaults.
        prometheus: `url`, and `token_env` or `token_file`.
        supervisor: the process that starts Chaos Toolkit.
        kill_switch: the function that opens the kill switch there, `module:function`; empty where there is none.
        requester, owner: who asked for it, and the process that runs it.
        margin_s: seconds from the end of the hold until the janitor undoes it, whatever the runner does.
    """

    run: str
    namespace: str
    kubeconfig: str
    context: str
    prometheus: Mapping[str, str]
    supervisor: int
    requester: str
    owner: str
    margin_s: float = 30.0
    kill_switch: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a run, all in one folder."""

    folder: Path

    @property
    def experiment(self) -> Path:
        """What Chaos Toolkit is given."""
        return self.folder / "experiment.json"

    @property
    def settings(self) -> Path:
        """Its settings: none, but its own file, so that the user's do not apply."""
        return self.folder / "settings.yaml"

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.folder / "journal.json"

    @property
    def events(self) -> Path:
        """What it tells while it runs, one JSON object a line."""
        return self.folder / "events.ndjson"

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / "chaos.log"


def experiment(plan: Plan, objectives: Sequence[Objective], site: Site) -> dict[str, Any]:
    """The experiment as plain JSON."""
    place = {
        "run": site.run,
        "namespace": site.namespace,
        "kubeconfig": site.kubeconfig,
        "context": site.context,
        "supervisor": site.supervisor,
        "kill_switch": site.kill_switch,
    }
    draft = {
        "experiment": plan.experiment,
        "model": plan.model,
        "requester": site.requester,
        "owner": site.owner,
        "nodes": [asdict(node) for node in plan.nodes],
        "pods": [asdict(pod) for pod in plan.pods],
        "notice_s": plan.notice_s,
        "hold_s": plan.hold_s,
        "margin_s": site.margin_s,
    }
    return {
        "title": f"{plan.experiment}: spot reclaim of {len(plan.nodes)} node(s) of model {plan.model}",
        "description": f"Run {site.run} of failsoft, plan {plan.hash}.",
        "tags": ["failsoft", "spot-reclaim"],
        "extensions": [{"name": "failsoft", "run": site.run, "plan": plan.hash}],
        "steady-state-hypothesis": {
            "title": f"every SLO of model {plan.model} is met",
            "probes": [_probe(each, site) for each in objectives],
        },
        "method": [
            _action(name, {"site": place, "draft": draft} if name == "record-undo" else {"site": place})
            for name in METHOD
        ],
        "rollbacks": [_action("undo", {"site": place})],
    }


def _action(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    provider = {"type": "python", "module": _ACTIONS, "func": name.replace("-", "_"), "arguments": arguments}
    return {"type": "action", "name": name, "provider": provider}


def _probe(objective: Objective, site: Site) -> dict[str, Any]:
    arguments = {
        "prometheus": dict(site.prometheus),
        "slo": objective.slo,
        "ratio": objective.ratio,
        "allowed": objective.allowed,
    }
    provider = {"type": "python", "module": _PROBES, "func": "slo_holds", "arguments": arguments}
    return {"type": "probe", "name": f"slo-{objective.slo}", "tolerance": True, "provider": provider}


def command(files: Files, *, every_s: float) -> list[str]:
    """The command line; checked against chaostoolkit 1.21.4.

    Rollbacks are `always` on the command line, which alone wins over settings and experiment; `--settings` names a
    file of our own and `--no-version-check` keeps it from the network.

    Args:
        files: where it reads and writes.
        every_s: seconds between two looks at the steady state while the method runs.
    """
    return [
        *(sys.executable, "-m", "chaostoolkit"),
        *("--no-version-check", "--no-log-file", "--settings", str(files.settings)),
        *("run", "--rollback-strategy", "always"),
        *("--hypothesis-strategy", "continuously", "--hypothesis-frequency", f"{every_s:g}"),
        *("--journal-path", str(files.journal), "--events-file", str(files.events)),
        str(files.experiment),
    ]
