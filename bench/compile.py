"""How long `failsoft compile` takes for 1,000 SLOs of 100 models, to rules, as a whole process.

With byte code, as every installation has it: a first run writes it, whatever the environment says.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rows import Row

_MODELS = 100
_EACH = 10
_RUNS = 5


def run() -> list[Row]:
    """The median of five runs after a first one, each into an empty folder."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as folder:
        root = Path(folder) / "workspace"
        write_workspace(root)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        times = [_once(root, Path(folder) / f"out{index}", environment) for index in range(_RUNS + 1)][1:]
    return [Row("`failsoft compile`, 1,000 SLOs to rules, median of 5", sorted(times)[_RUNS // 2], "s", 1.0)]


def write_workspace(root: Path) -> None:
    """A workspace of 100 vLLM models in one file each, with 10 TTFT SLOs in one file each."""
    for name in ("models", "slo", "teams"):
        (root / name).mkdir(parents=True)
    holder = "{file: /etc/failsoft/secret}"
    config = f"kind: Workspace\nmetadata: {{name: many}}\nspec: {{server: {{webhookSecret: {holder}}}}}\n"
    (root / "failsoft.yaml").write_text(config, encoding="utf-8")
    team = f"slack: '#sre', pager: {{pagerduty: {{routingKey: {holder}}}}}, people: [{{name: ana, slack: U0ANA}}]"
    (root / "teams" / "sre.yaml").write_text(
        f"kind: Team\nmetadata: {{name: sre}}\nspec: {{{team}}}\n", encoding="utf-8"
    )
    for index in range(_MODELS):
        model = f"engine: vllm, select: {{job: vllm, model_name: m{index}}}, owner: sre"
        text = f"kind: Model\nmetadata: {{name: m{index}}}\nspec: {{{model}}}\n"
        (root / "models" / f"m{index}.yaml").write_text(text, encoding="utf-8")
        slos = (
            f"kind: SLO\nmetadata: {{name: m{index}-{number}}}\n"
            f"spec: {{model: m{index}, indicator: {{ttft: {{below: 500ms}}}}, objective: 99.{number}%}}\n"
            for number in range(_EACH)
        )
        (root / "slo" / f"m{index}.yaml").write_text("---\n".join(slos), encoding="utf-8")


def _once(root: Path, out: Path, environment: dict[str, str]) -> float:
    argv = [sys.executable, "-m", "failsoft", "compile", str(root), "-o", str(out), "--no-tests", "--output", "json"]
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=environment)
    took = time.perf_counter() - start
    assert len(list((out / "rules").iterdir())) == _MODELS + 1
    return took
