"""SLOs in a small workspace, and what promtool makes of rules."""

import pytest
import yaml

from failsoft.clients.binaries import run_tool

DRIFT = """
kind: DriftMonitor
metadata: {name: chat-output}
spec: {model: chat, reference: reference.json, signals: [output-length]}
---
kind: SLO
metadata: {name: chat-drift}
spec:
  model: chat
  indicator: {drift: {monitor: chat-output, signal: output-length, below: 0.25}}
  objective: 99%
"""


@pytest.fixture
def drift():
    """A drift monitor with an SLO."""
    return DRIFT


@pytest.fixture
def slo(written):
    """Writes one SLO called `s` and hands back its objective and the findings: `slo("ttft: {below: 1s}", "99%")`."""

    def make(indicator="ttft: {below: 500ms}", objective="99%", more="", *documents: str, **given: str):
        spec = f"model: chat, indicator: {{{indicator}}}, objective: {objective}" + (f", {more}" if more else "")
        return written(f"kind: SLO\nmetadata: {{name: s}}\nspec: {{{spec}}}", *documents, **given).resolve("s")

    return make


@pytest.fixture
def judge(promtool, tmp_path):
    """Runs a promtool test over rules: `judge(rules, series, checks)`; returns promtool's exit code and words."""

    def run(rules: str, series: dict[str, str], checks: dict[tuple[str, str], float | None], *, step="5m", every="1m"):
        (tmp_path / "judged.yaml").write_text(rules)
        expected = [
            {
                "expr": expression,
                "eval_time": at,
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for (expression, at), value in checks.items()
        ]
        test = {
            "rule_files": ["judged.yaml"],
            "evaluation_interval": step,
            "tests": [
                {
                    "interval": every,
                    "input_series": [{"series": name, "values": values} for name, values in series.items()],
                    "promql_expr_test": expected,
                }
            ],
        }
        (tmp_path / "judged.test.yaml").write_text(yaml.safe_dump(test))
        return run_tool([promtool, "test", "rules", "judged.test.yaml"], cwd=tmp_path)

    return run
