"""docs/metrics.md names every series that rules record."""

import re
from pathlib import Path

from failsoft.alerts import compile_workspace
from failsoft.workspace.load import load

ROOT = Path(__file__).resolve().parents[2]


def test_every_recorded_series_of_an_slo_stands_in_the_page_of_metrics():
    workspace, _ = load(ROOT / "examples" / "chat")
    made, _ = compile_workspace(workspace, {}, tests=False)
    rules = "\n".join(text for path, text in made.files.items() if path.startswith("rules/"))
    recorded = set(re.findall(r"^ *- record: \"?([\w:]+)", rules, re.MULTILINE))
    assert len(recorded) > 12
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert {name for name in recorded if f"`{name}`" not in page} == set()
