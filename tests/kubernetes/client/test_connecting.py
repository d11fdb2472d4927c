"""Reaching a cluster: configuration, and everything that can be wrong with it."""

import sys
from pathlib import Path

import pytest
import yaml

from failsoft.clients.kubernetes import Ref, connect
from failsoft.errors import MissingPartError, RefusedError, UnavailableError, UsageError
from failsoft.testing.kubernetes import FakeKubernetes, write_kubeconfig


@pytest.fixture
def no_default_places(monkeypatch, tmp_path):
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "absent"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def test_a_kubeconfig_and_its_contexts_are_used(tmp_path):
    with FakeKubernetes() as fake:
        path = fake.kubeconfig(tmp_path / "kubeconfig")
        document = yaml.safe_load(path.read_text())
        document["users"].append({"name": "nobody", "user": {"token": "wrong"}})
        cluster = document["clusters"][0]["name"]
        document["contexts"].append({"name": "other", "context": {"cluster": cluster, "user": "nobody"}})
        path.write_text(yaml.safe_dump(document))
        assert connect(path).list("Namespace")
        with pytest.raises(RefusedError, match="credentials"):
            connect(path, "other").list("Namespace")
        with pytest.raises(UsageError, match="absent"):
            connect(path, "absent")


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"there is no kubeconfig file .*/absent"):
        connect(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "just text", "[1, 2]", "a: [", "apiVersion: v1\nkind: Config\n", "\x00\x01"])
def test_a_kubeconfig_that_is_none_is_said_to_be(tmp_path, text):
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(UsageError, match="kubeconfig"):
        connect(path)


def test_without_any_configuration_that_is_said(no_default_places):
    with pytest.raises(UsageError, match="no cluster is configured"):
        connect()


def test_without_the_library_its_installation_is_explained(monkeypatch):
    for name in [name for name in sys.modules if name == "kubernetes" or name.startswith("kubernetes.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(MissingPartError, match=r"pip install 'failsoft\[kubernetes\]'"):
        connect(url="http://127.0.0.1:1")


def test_nobody_there_is_unavailable():
    with pytest.raises(UnavailableError, match="did not list namespaces"):
        connect(url="http://127.0.0.1:1", token="t").list("Namespace")


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with FakeKubernetes() as fake:
        assert fake.cluster().list("Namespace")


def test_importing_the_client_imports_nothing_heavy():
    import subprocess

    code = "import sys, failsoft.clients.kubernetes; print('kubernetes' in sys.modules, 'urllib3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("ref", [Ref("Pod", "p"), Ref("Node", ""), Ref("Node", "a/b")])
def test_a_reference_that_names_no_object_is_not_sent(ref):
    with pytest.raises(UsageError, match="does not name one object"):
        connect(url="http://127.0.0.1:1", token="t").get(ref)


def test_a_written_kubeconfig_replaces_an_old_one_whoever_could_read_that(tmp_path):
    path = Path(tmp_path / "kubeconfig")
    path.write_text("old")
    path.chmod(0o644)
    write_kubeconfig(path, url="http://127.0.0.1:1", token="t")
    assert path.stat().st_mode & 0o777 == 0o600
