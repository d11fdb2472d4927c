"""How long `failsoft test` takes to prove 100 SLOs of five shapes: 20 vLLM models with the same five SLOs each.

The bound is a minute on the wall of two processors. Time of processors is what can be compared on a busy machine; half
of it passes on the wall of two idle ones at least.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rows import Row

_MODELS = 20
_SHAPES = {
    "ttft": "ttft: {below: 500ms}",
    "e2e": "e2e: {below: 10s}",
    "itl": "itl: {below: 50ms}",
    "availability": "availability: {}",
    "goodput": "goodput: {ttft: 500ms, e2e: 10s}",
}
_PROCESSORS, _BOUND = 2, 60
_CONFIG = """\
kind: Workspace
metadata: {name: many}
spec: {server: {webhookSecret: {file: /etc/failsoft/secret}}}
"""
_TEAM = """\
kind: Team
metadata: {name: sre}
spec: {slack: '#sre', pager: {stdout: {}}, people: [{name: ana, slack: U0ANA}], oncall: [ana]}
"""


def run() -> list[Row]:
    """Seconds on the wall and of processors, promtool's included."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        root = Path(folder) / "workspace"
        _write(root)
        started, before = time.perf_counter(), os.times()
        argv = [sys.executable, "-m", "failsoft", "test", str(root)]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        wall, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    what = f"`failsoft test` of {_MODELS * len(_SHAPES)} SLOs of {len(_SHAPES)} shapes"
    return [
        Row(f"{what}, time of processors", used, "s", _PROCESSORS * _BOUND),
        Row(f"{what}, wall, {os.cpu_count()} processors", wall, "s", _BOUND),
    ]


def _write(root: Path) -> None:
    for name in ("models", "slo", "teams"):
        (root / name).mkdir(parents=True)
    (root / "failsoft.yaml").write_text(_CONFIG, encoding="utf-8")
    (root / "teams" / "sre.yaml").write_text(_TEAM, encoding="utf-8")
    for index in range(_MODELS):
        model = f"engine: vllm, select: {{job: vllm, model_name: m{index}}}, owner: sre"
        text = f"kind: Model\nmetadata: {{name: m{index}}}\nspec: {{{model}}}\n"
        (root / "models" / f"m{index}.yaml").write_text(text, encoding="utf-8")
        slos = (
            f"kind: SLO\nmetadata: {{name: m{index}-{name}}}\n"
            f"spec: {{model: m{index}, indicator: {{{indicator}}}, objective: 99%}}\n"
            for name, indicator in _SHAPES.items()
        )
        (root / "slo" / f"m{index}.yaml").write_text("---\n".join(slos), encoding="utf-8")
