"""A workspace with a model of some engine, the scrapes of real servers, and the command."""

import shutil
from pathlib import Path

import pytest

from failsoft.workspace.load import shipped

SCRAPES = Path(__file__).parents[1] / "data" / "scrapes"


@pytest.fixture(scope="session")
def engines():
    """The engines that ship with failsoft, by name."""
    return shipped().engines


@pytest.fixture
def scrape():
    """The path of a real server's scrape: `scrape("vllm")`."""

    def find(engine: str) -> Path:
        (path,) = SCRAPES.glob(f"{engine}-[0-9]*.prom")
        return path

    return find


@pytest.fixture
def workspace(write, base, lab_windows, tmp_path):
    """Writes a workspace: `workspace(engine, {slo: indicator}, *documents)` -> root, workspace, findings."""
    before, _, _ = base.replace("15s", "1s").rpartition("---\nkind: Model")

    def written(engine, slos, *documents, select="job: j"):
        root = tmp_path / "workspace"
        shutil.rmtree(root, ignore_errors=True)
        model = (
            f"kind: Model\nmetadata: {{name: m}}\nspec: {{engine: {engine}, select: {{{select}}}, owner: assistants}}"
        )
        made = [
            f"kind: SLO\nmetadata: {{name: {name}}}\n"
            f"spec: {{model: m, indicator: {{{indicator}}}, objective: 99%, period: 30m}}"
            for name, indicator in slos.items()
        ]
        workspace = write(root, *made, *documents, base=f"{before}---{lab_windows}---\n{model}\n", faulty=True)
        return root, workspace.workspace, workspace.found

    return written
