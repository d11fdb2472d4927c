"""The clients of the outside world, made from what the workspace says about it."""

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from failsoft.clients.alertmanager import Alertmanager
from failsoft.clients.kubernetes import Cluster, connect
from failsoft.clients.pager import AlertmanagerPager, Pager, PagerDuty, StdoutPager, WebhookPager
from failsoft.clients.prometheus import PrometheusClient
from failsoft.clients.prometheus.patience import patiently
from failsoft.clients.secrets import Secret, resolve
from failsoft.errors import FailsoftError, MissingPartError, RefusedError, UnavailableError, UsageError
from failsoft.workspace import Workspace
from failsoft.workspace.kinds.inventory import PagerAt
from failsoft.workspace.quantities import SecretRef

__all__ = [
    "greet_prometheus",
    "make_cluster",
    "make_experimenter",
    "make_pagers",
    "make_prometheus",
    "secret",
    "secret_file",
]

_log = logging.getLogger(__name__)

_GREETING_S = 10.0


def secret(workspace: Workspace, ref: SecretRef) -> Secret:
    """The secret that a reference names; a relative file is one of the workspace. Raises `PermanentError`."""
    if ref.env:
        return resolve(env=ref.env)
    return resolve(file=secret_file(workspace, ref))


def secret_file(workspace: Workspace, ref: SecretRef) -> Path:
    """The file that a reference names, a relative one taken from the workspace's folder, wherever a command runs."""
    return (workspace.root / ref.file).resolve()


def make_prometheus(
    workspace: Workspace, *, timeout: float, url: str = "", warned: Callable[[str], None] | None = None
) -> PrometheusClient:
    """The workspace's Prometheus, or the one at `url`, to be asked within so many seconds; `warned` as the client's.

    Raises:
        UsageError: `url` is none that could be asked.
    """
    if url and not re.match(r"https?://[^/]", url):
        shown = url.rpartition("@")[2]  # what is before may be a password
        raise UsageError(f"the Prometheus address {shown!r} is no HTTP URL: write one such as http://HOST:9090")
    at = workspace.config.prometheus
    token = secret(workspace, at.token) if at.token else None
    return PrometheusClient(url or at.url, timeout=timeout, token=token, warned=warned)


def greet_prometheus(workspace: Workspace, url: str = "", *, timeout: float) -> None:
    """Ask the same Prometheus the smallest question, before one who waits `timeout` seconds asks large ones.

    One that is busy, with a 503 for instance, is asked again after a pause, six times in all.

    Raises:
        UnavailableError: nobody answers within ten seconds, or `timeout` where that is less, or not as Prometheus does.
        FailsoftError: as `make_prometheus`, and as of every question.
    """
    prometheus = make_prometheus(workspace, timeout=min(timeout, _GREETING_S), url=url)
    try:
        if len(patiently(lambda: prometheus.query("vector(1)"))) != 1:
            raise UnavailableError(f"{prometheus.address} answers, but not as Prometheus does")
    finally:
        prometheus.close()


def make_cluster(workspace: Workspace) -> Cluster:
    """The workspace's cluster; where none is configured, one that refuses everything and says why."""
    at = workspace.config.kubernetes
    path = workspace.root / Path(at.kubeconfig).expanduser() if at.kubeconfig else None
    try:
        return connect(path, at.context or None)
    except (UsageError, MissingPartError) as error:
        if at.kubeconfig or at.context:
            raise
        _log.warning("runbooks will see no cluster: %s", error)
        return cast("Cluster", _NoCluster(str(error)))


def make_experimenter(workspace: Workspace, cluster: Cluster) -> Callable[[str], str | None]:
    """Who runs an experiment on a model, as the undo records on the cluster say."""
    from failsoft.chaos.ledger import experimenter
    from failsoft.chaos.situation import workload_namespaces

    namespaces = workload_namespaces(workspace)

    def ask(model: str) -> str | None:
        try:
            return experimenter(cluster, namespaces, model)
        except FailsoftError as error:
            _log.warning("nobody knows who runs an experiment on %s: %s", model, error)
            raise UnavailableError(str(error)) from error

    return ask


def make_pagers(workspace: Workspace) -> Mapping[str, Pager]:
    """The pager of each team. Raises `PermanentError` where a secret is not there."""
    return {name: _pager(workspace, name, team.spec.pager) for name, team in workspace.teams.items()}


def _pager(workspace: Workspace, team: str, at: PagerAt) -> Pager:
    if at.pagerduty is not None:
        return PagerDuty(secret(workspace, at.pagerduty.routing_key), url=at.pagerduty.url)
    if at.webhook is not None:
        return WebhookPager(secret(workspace, at.webhook.url))
    if at.alertmanager is not None:
        return AlertmanagerPager(Alertmanager(workspace.config.alertmanager.url), labels={"team": team})
    return StdoutPager()


class _NoCluster:
    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_: object, **__: object) -> NoReturn:
            raise RefusedError(f"there is no cluster to {name.replace('_', ' ')}: {self._why}")

        return refuse
