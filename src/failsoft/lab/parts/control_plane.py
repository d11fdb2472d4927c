"""A real Kubernetes control plane on this machine: etcd, API server, controllers and scheduler, but no kubelet."""

import base64
import contextlib
import os
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from failsoft.clients.binaries import find
from failsoft.clients.kubernetes import ApiCluster, connect
from failsoft.errors import MissingPartError
from failsoft.lab.parts.process import Process, free_port, listens
from failsoft.testing.kubernetes import write_kubeconfig

__all__ = ["PROGRAMS", "ControlPlane", "control_plane"]

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""The four programs it is made of."""

_ADMIN = "failsoft-lab"
_ISSUER = "https://kubernetes.default.svc"


@dataclass(slots=True, eq=False)
class ControlPlane:
    """A running control plane. As a context manager it starts on entry and is stopped on exit.

    Nodes are objects that somebody has to create, keep Ready and play the kubelet for.

    Attributes:
        url: the API server.
        token: of an administrator.
        kubeconfig: a file for that administrator; there once it has started.
        ca_file: what its certificate is checked against.
        etcd: the store.
        apiserver: the API server.
        workers: controller manager and scheduler.
    """

    url: str
    token: str = field(repr=False)
    kubeconfig: Path
    ca_file: Path
    etcd: Process = field(repr=False)
    apiserver: Process = field(repr=False)
    workers: tuple[Process, ...] = field(repr=False)
    etcd_port: int = field(repr=False)

    def cluster(self, *, token: str | None = None, timeout_s: float = 10.0) -> ApiCluster:
        """A client for it, as the administrator or as the holder of another token."""
        return connect(
            url=self.url, token=self.token if token is None else token, ca_file=self.ca_file, timeout_s=timeout_s
        )

    def start(self, timeout: float = 90.0) -> None:
        """Starts it and waits until the API server is ready; takes about 5 s.

        Raises:
            MissingPartError: a program does not start here.
            PermanentError: a program ended at its start.
            UnavailableError: it was not ready within `timeout` seconds.
        """
        try:
            self.etcd.start()
            self.etcd.wait_ready(listens(self.etcd_port), timeout=timeout)
            self.apiserver.start()
            self.apiserver.wait_ready(self._is_ready, timeout=timeout)
            write_kubeconfig(self.kubeconfig, url=self.url, token=self.token, ca_file=self.ca_file)
            for worker in self.workers:
                worker.start()
        except BaseException:
            self.stop(grace=0.0)
            raise

    def stop(self, grace: float = 5.0) -> None:
        """Stops it; nothing happens when it was stopped before."""
        with contextlib.ExitStack() as last_to_first:
            for process in (self.etcd, self.apiserver, *self.workers):
                last_to_first.callback(process.stop, grace)

    def _is_ready(self) -> bool:
        if not self.ca_file.is_file():
            return False
        connection = HTTPSConnection(
            self.url.removeprefix("https://"), timeout=2.0, context=ssl.create_default_context(cafile=self.ca_file)
        )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def control_plane(  # noqa: PLR0913 (each has a default that is right for the lab)
    workdir: Path,
    *,
    binaries: Path | None = None,
    node_grace_s: int = 40,
    users: Mapping[str, str] = MappingProxyType({}),
    flags: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    registry: Path | None = None,
) -> ControlPlane:
    """A control plane, described but not started.

    Args:
        workdir: the folder for its data, keys, kubeconfig and logs; it holds secrets and is made readable by us only.
        binaries: the folder with the programs; where `find` finds them by default.
        node_grace_s: seconds of silence after which a node counts as lost.
        users: further users and their tokens; they may do nothing until RBAC says so.
        flags: further flags of each program by name, such as `{"kube-scheduler": {"v": "4"}}`.
        registry: see `Process`.

    Raises:
        MissingPartError: a program is not on this machine.
    """
    programs = {name: _program(name, binaries) for name in PROGRAMS}
    workdir.mkdir(parents=True, exist_ok=True, mode=0o700)
    etcd_port, peer_port, port = free_port(), free_port(), free_port()
    token = secrets.token_urlsafe(32)
    key = _write_secret(workdir / "service-accounts.pem", _signing_key())
    rows = [f'{token},{_ADMIN},1,"system:masters"', *(f"{t},{user},{user}" for user, t in users.items())]
    tokens = _write_secret(workdir / "tokens.csv", "\n".join(rows) + "\n")
    kubeconfig = workdir / "kubeconfig"
    etcd_url, peer_url = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
    defaults: dict[str, dict[str, str]] = {
        "etcd": {
            "data-dir": str(workdir / "etcd"),
            "listen-client-urls": etcd_url,
            "advertise-client-urls": etcd_url,
            "listen-peer-urls": peer_url,
            "initial-advertise-peer-urls": peer_url,
            "initial-cluster": f"default={peer_url}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        },
        "kube-apiserver": {
            "etcd-servers": etcd_url,
            "secure-port": str(port),
            "bind-address": "127.0.0.1",
            "cert-dir": str(workdir / "certificates"),
            "service-account-issuer": _ISSUER,
            "service-account-key-file": str(key),
            "service-account-signing-key-file": str(key),
            "token-auth-file": str(tokens),
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.0.0.0/24",
            "disable-admission-plugins": "ServiceAccount",
            "allow-privileged": "true",
        },
        "kube-controller-manager": {
            "kubeconfig": str(kubeconfig),
            "service-account-private-key-file": str(key),
            "leader-elect": "false",
            "bind-address": "127.0.0.1",
            "secure-port": "0",
            "node-monitor-grace-period": f"{node_grace_s}s",
            "node-monitor-period": "1s",
        },
        "kube-scheduler": {
            "kubeconfig": str(kubeconfig),
            "authentication-kubeconfig": str(kubeconfig),
            "authorization-kubeconfig": str(kubeconfig),
            "leader-elect": "false",
            "secure-port": "0",
        },
    }
    etcd, apiserver, *workers = (
        Process(
            [
                programs[name],
                *(f"--{flag}={value}" for flag, value in {**defaults[name], **flags.get(name, {})}.items()),
            ],
            workdir / f"{name}.log",
            registry=registry,
        )
        for name in PROGRAMS
    )
    ca_file = workdir / "certificates" / "apiserver.crt"
    url = f"https://127.0.0.1:{port}"
    return ControlPlane(url, token, kubeconfig, ca_file, etcd, apiserver, tuple(workers), etcd_port)


def _program(name: str, folder: Path | None) -> Path:
    if folder is None:
        return find(name)
    if not os.access(folder / name, os.X_OK):
        raise MissingPartError(f"there is no program {name} in {folder}")
    return folder / name


def _signing_key() -> str:
    """A new P-256 private key in PEM, for service account tokens that nobody uses but the API server wants to sign.

    RFC 5915 lets the public key be left out, so that the key is 32 random bytes in a fixed frame (SEQUENCE of the
    version 1, the number, and the OID of prime256v1) and needs no cryptography library. The first byte is kept below
    0xff, which keeps the number below the order of the curve.
    """
    number = bytes([secrets.randbelow(0xFF)]) + secrets.token_bytes(31)
    der = bytes.fromhex("30310201010420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.encodebytes(der).decode()}-----END EC PRIVATE KEY-----\n"


def _write_secret(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
