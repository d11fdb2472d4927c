"""A relative secret file is one of the workspace, whichever command asks for it and wherever that runs."""

import shutil
from pathlib import Path

import pytest
import yaml

from failsoft.cli import chaos
from failsoft.cli.drift import learn
from failsoft.errors import PermanentError
from failsoft.server import outside
from failsoft.workspace.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    root = shutil.copytree(EXAMPLE, tmp_path / "chat")
    document = yaml.safe_load((root / "failsoft.yaml").read_text())
    document["spec"]["prometheus"]["token"] = {"file": "secrets/token"}
    (root / "failsoft.yaml").write_text(yaml.safe_dump(document))
    (root / "secrets").mkdir()
    (root / "secrets" / "token").write_text("of-the-workspace\n")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "secrets").mkdir(parents=True)
    (elsewhere / "secrets" / "token").write_text("of-another-folder\n")
    monkeypatch.chdir(elsewhere)
    loaded, findings = load(Path("../chat"))
    assert findings == ()
    return loaded


def test_every_command_shows_prometheus_the_token_of_the_workspace(workspace, tmp_path):
    served = outside.make_prometheus(workspace, timeout=1)
    learned = learn._client(workspace, "")
    assert {client._token.reveal() for client in (served, learned)} == {"of-the-workspace"}
    told = chaos._prometheus_reference(workspace)
    assert told["token_file"] == str(tmp_path / "chat" / "secrets" / "token")


def test_a_secret_that_is_not_there_is_named_with_its_whole_path(workspace, tmp_path):
    (tmp_path / "chat" / "secrets" / "token").unlink()
    with pytest.raises(PermanentError, match=str(tmp_path / "chat" / "secrets" / "token")):
        outside.make_prometheus(workspace, timeout=1)
