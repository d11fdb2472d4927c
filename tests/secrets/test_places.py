"""A relative secret file is one of the workspace, whichever command asks for it and wherever that runs."""

import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from failsoft.cli import chaos
from failsoft.cli.drift import learn
from failsoft.errors import PermanentError
from failsoft.server import outside
from failsoft.workspace.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"


class Asked(BaseHTTPRequestHandler):
    """Knows the one answer of `vector(1)`, and notes who asked."""

    def do_GET(self):
        self.server.shown.append(self.headers["Authorization"])
        answer = (
            b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}'
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@contextmanager
def prometheus():
    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        server.shown = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", server.shown
        server.shutdown()


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
    with prometheus() as (url, shown):
        for client in (outside.make_prometheus(workspace, timeout=30, url=url), learn._client(workspace, url)):
            client.query("vector(1)")
    assert set(shown) == {"Bearer of-the-workspace"}
    assert len(shown) == 3, "learning greets the server first"
    told = chaos._prometheus_reference(workspace)
    assert told["token_file"] == str(tmp_path / "chat" / "secrets" / "token")


def test_a_secret_that_is_not_there_is_named_with_its_whole_path(workspace, tmp_path):
    (tmp_path / "chat" / "secrets" / "token").unlink()
    with pytest.raises(PermanentError, match=str(tmp_path / "chat" / "secrets" / "token")):
        outside.make_prometheus(workspace, timeout=1)
