"""Six hours of healthy past for every SLO, written into Prometheus before it starts, so that budgets mean something."""

from pathlib import Path

from failsoft.clients.binaries import find, run_tool
from failsoft.errors import PermanentError
from failsoft.slo.promql import quoted
from failsoft.slo.queries import objective_of
from failsoft.slo.records import count_labels
from failsoft.slo.series import BAD, PULSE_BAD, PULSE_TOTAL, TOTAL
from failsoft.workspace import Workspace

__all__ = ["HEALTHY_BAD_SHARE", "openmetrics", "write_history"]

HEALTHY_BAD_SHARE = 0.001
"""The share of bad events in the invented past: a tenth of what an objective of 99 % allows."""


def openmetrics(workspace: Workspace, *, until: float, step: float, rate: float) -> str:
    """The recorded increases of every SLO of the workspace over its period, as OpenMetrics text.

    Args:
        workspace: the lab's.
        until: the end of the past, seconds since the epoch.
        step: the recording step in seconds, of alerts and of budgets: in a lab they are the same.
        rate: events per second.
    """
    lines = []
    for name in (BAD, TOTAL, PULSE_BAD, PULSE_TOTAL):
        lines.append(f"# TYPE {name} gauge")
        for slo in workspace.slos.values():
            objective = objective_of(workspace, slo.name)
            pairs = ",".join(f"{label}={quoted(value)}" for label, value in count_labels(objective))
            slices = slo.spec.indicator.drift is not None
            total = 1.0 if slices else rate * step
            value = total if name in {TOTAL, PULSE_TOTAL} else 0.0 if slices else total * HEALTHY_BAD_SHARE
            count = int(objective.period / 1000 // step)
            lines += [f"{name}{{{pairs}}} {value:g} {until - step * back:.3f}" for back in range(count, 0, -1)]
    return "\n".join([*lines, "# EOF\n"])


def write_history(text: str, data: Path) -> None:
    """Write OpenMetrics text as blocks into the data folder of a Prometheus that does not run.

    Raises:
        MissingPartError: there is no promtool.
        PermanentError: promtool refused the text.
    """
    data.mkdir(parents=True, exist_ok=True)
    source = data.parent / "history.om"
    source.write_text(text, encoding="utf-8")
    argv = [str(find("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)]
    done = run_tool(argv, timeout=60)
    if not done.ok:
        raise PermanentError(f"promtool wrote no history: {done.stderr.strip()[-500:]}")
