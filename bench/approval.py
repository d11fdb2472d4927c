"""How soon a live worker takes the next step after a yes was committed by another process, as `failsoft approve` does.

The longer way: the worker has to find the answer in the database, wake its run, look at the cluster whether the plan
still holds, and write the intent of the change. Measured from the commit to that intent, on SQLite.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench.rows import Row
from failsoft.errors import UsageError
from failsoft.runbooks.offline import answer, find_question, opened
from failsoft.runbooks.start import start_by_hand
from failsoft.runbooks.store.approvals import Approval
from failsoft.runbooks.store.engine import reading, transaction
from failsoft.runbooks.store.schema import steps
from failsoft.testing.kubernetes import FakeKubernetes, deployment, namespace
from failsoft.workspace import Workspace
from failsoft.workspace.load import load

_RUNS = 20
_PATIENCE_S = 30.0
_SEED = 7


def run() -> list[Row]:
    """The worst and the median of twenty answers, one at a time."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder, FakeKubernetes() as kubernetes:
        root = Path(folder)
        kubernetes.load([namespace("prod"), *(deployment(f"m{index}", "prod", gpus=0) for index in range(_RUNS))])
        _write_workspace(root, kubernetes.kubeconfig(root / "kubeconfig"))
        argv = [sys.executable, "-m", "failsoft", "serve", str(root), "--port", "0", "--log-level", "warning"]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            if process.stdout:
                process.stdout.readline()
            waits = sorted(_measured(load(root)[0]))
        finally:
            process.terminate()
            process.communicate()
    what = f"committed approval to the next step on a live worker (SQLite), of {_RUNS}"
    return [Row(f"{what}, worst", waits[-1], "s", 0.3), Row(f"{what}, median", waits[_RUNS // 2], "s")]


def _measured(workspace: Workspace) -> list[float]:
    dice = random.Random(_SEED)  # noqa: S311  # so that answers come at every moment between two looks
    with opened(workspace) as engine:
        started = []
        for index in range(_RUNS):
            with transaction(engine) as connection:
                started.append(start_by_hand(connection, workspace, "grow", f"s{index}", "ben"))
        waits = []
        for run_id, _ in started:
            question = _until(partial(_question, engine, run_id))
            time.sleep(0.2 + dice.random() * 0.2)
            assert answer(engine, workspace, question, "approve", "ana").counts
            committed = time.time()
            waits.append(_until(partial(_began, engine, run_id)) - committed)
        return waits


def _question(engine: sa.Engine, run_id: str) -> Approval | None:

    with reading(engine) as connection:
        try:
            return find_question(connection, run_id)
        except UsageError:
            return None


def _began(engine: sa.Engine, run_id: str) -> float | None:
    """When the intent of the change was written."""
    wanted = sa.select(steps.c.started_at).where(steps.c.run_id == run_id, steps.c.kind == "scale")
    with reading(engine) as connection:
        return connection.scalar(wanted)


def _until[T](there: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if (found := there()) is not None:
            return found
        time.sleep(0.005)
    raise TimeoutError


def _write_workspace(root: Path, kubeconfig: Path) -> None:
    documents = [
        (
            "kind: Workspace\nmetadata: {name: bench}\nspec:\n"
            f'  prometheus: {{url: "http://127.0.0.1:1"}}\n  kubernetes: {{kubeconfig: "{kubeconfig}"}}\n'
        ),
        (
            "kind: Team\nmetadata: {name: sre}\n"
            "spec: {slack: '#sre', pager: {stdout: {}}, people: [{name: ana}, {name: ben}]}\n"
        ),
        (
            "kind: Runbook\nmetadata: {name: grow}\nspec:\n  answers: {failureModes: [latency-degraded]}\n"
            "  mode: approve\n  steps: [{approve: {}}, {scale: {replicas: 2}}]\n"
        ),
    ]
    for index in range(_RUNS):
        documents += [
            (
                f"kind: Model\nmetadata: {{name: m{index}}}\nspec: {{engine: vllm, select: {{model_name: m{index}}},"
                f" owner: sre, workload: {{deployment: prod/m{index}}}}}\n"
            ),
            (
                f"kind: SLO\nmetadata: {{name: s{index}}}\n"
                f"spec: {{model: m{index}, indicator: {{ttft: {{below: 500ms}}}}, objective: 99%}}\n"
            ),
        ]
    (root / "failsoft.yaml").write_text("---\n".join(documents), encoding="utf-8")
