"""Kubeconfig files for servers that a test or the lab started."""

import os
from pathlib import Path

import yaml

__all__ = ["write_kubeconfig"]


def write_kubeconfig(
    path: Path, *, url: str, token: str, ca_file: Path | None = None, name: str = "failsoft-lab"
) -> Path:
    """Write a kubeconfig with one context, readable by us only (it holds the token). Returns the path."""
    cluster = {"server": url} | ({"certificate-authority": str(ca_file)} if ca_file else {})
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        yaml.safe_dump(document, file, sort_keys=False)
    return path
