"""Workspace: where Prometheus, Alertmanager, the cluster and Slack are, and what all documents share."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.quantities import Duration, Fixed, Name, SecretRef
from failsoft.workspace.texts import AlertAddress, SloAddress, Url

__all__ = [
    "AlertmanagerAt",
    "AlertsAt",
    "Explains",
    "KubernetesAt",
    "Links",
    "OutputAt",
    "PrometheusAt",
    "ServerAt",
    "SlackAt",
    "WorkspaceSpec",
]

_LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = r"(?=.{1,253}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:[.][a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/"


class PrometheusAt(Fixed):
    """The Prometheus that scrapes the models and evaluates the rules."""

    url: Url = "http://localhost:9090"
    """Where its API answers."""

    token: SecretRef | None = None
    """A bearer token, where it asks for one."""

    scrape_interval: Duration = Duration(15_000)
    """How often it scrapes the models."""

    evaluation_interval: Duration = Duration(60_000)
    """How often it evaluates groups of rules that set no interval of their own."""


class Explains(Fixed):
    """A cause that makes the alerts about its symptoms superfluous."""

    cause: Name
    """The failure mode of the cause's alerts, such as engine-hung."""

    symptoms: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The failure modes of the alerts that are silent while the cause's alert about the same model fires."""


class AlertmanagerAt(Fixed):
    """The Alertmanager that routes alerts."""

    url: Url = "http://localhost:9093"
    """Where its API answers."""

    group_wait: Duration = Duration(5_000)
    """How long it waits for more alerts of an SLO before the first notification."""

    group_interval: Duration = Duration(30_000)
    """How long between notifications of a changed group."""

    repeat_interval: Duration = Duration(4 * 3_600_000)
    """How often it tells again what goes on."""

    base: str = ""
    """A configuration of your own to merge ours into, relative to the workspace; else ours is the whole one."""

    explains: tuple[Explains, ...] = ()
    """Causes that silence their symptoms; what is silent starts no runbook either."""


class KubernetesAt(Fixed):
    """The cluster that runs the models; without it, the kubeconfig's current context or the pod's own account."""

    kubeconfig: str = ""
    """A kubeconfig file."""

    context: str = ""
    """A context of it."""


class SlackAt(Fixed):
    """The Slack app that asks and tells people."""

    bot_token: SecretRef
    """The bot token, `xoxb-...`."""

    app_token: SecretRef
    """The app-level token for Socket Mode, `xapp-...`."""

    base_url: Url = "https://slack.com/api/"
    """Where Slack's Web API answers; another address for tests."""


class ServerAt(Fixed):
    """Where `failsoft serve` answers."""

    url: Url = "http://localhost:8080"
    """The address by which Alertmanager and people reach it."""

    webhook_secret: SecretRef | None = None
    """The secret that Alertmanager shows; a file, for Alertmanager reads no environment."""

    database: str = ""
    """The database's URL; empty for an SQLite file in the workspace's `.failsoft` folder."""

    lease: Duration = Duration(30_000)
    """How long a silent worker keeps its runs before another takes over."""


class Links(Fixed):
    """Addresses that alerts carry; `{slo}`, `{model}`, `{runbook}` are filled in."""

    dashboard: SloAddress = ""
    """Where the dashboard of an SLO is."""

    runbook: SloAddress = ""
    """Where the text of a runbook is."""


def _label_key(text: str) -> str:
    if not re.fullmatch(f"(?:{_PREFIX})?{_LABEL}", text):
        raise PydanticCustomError(
            "label", "is no label's name", {"expected": "a name such as release or example.com/release"}
        )
    return text


def _label_value(text: str) -> str:
    if text and not re.fullmatch(_LABEL, text):
        expected = "at most 63 letters, digits, -, _ and ., beginning and ending with a letter or digit"
        raise PydanticCustomError("label", "is no label's value", {"expected": expected})
    return text


class OutputAt(Fixed):
    """What `failsoft compile` writes, and where."""

    folder: str = ""
    """The folder it writes into, relative to the workspace; else -o has to say it."""

    format: Literal["rules", "prometheusrule", "mimir", "kustomize"] = "rules"
    """Rule files, PrometheusRule objects, Mimir's namespaces, or a Kustomize folder of PrometheusRule objects."""

    names: Literal["failsoft", "sloth"] = "failsoft"
    """`sloth`: record SLOs under the names and labels of Sloth too, so that its dashboards and history go on."""

    query_offset: Duration | None = None
    """How far back every group evaluates, for samples that come late by remote write; from Prometheus 2.53 on."""

    partial_response: Literal["abort", "warn"] | None = None
    """For Thanos's ruler: what a group does when a store does not answer; no other ruler takes it."""

    namespace: Name | None = None
    """The Kubernetes namespace of the objects."""

    labels: dict[Annotated[str, AfterValidator(_label_key)], Annotated[str, AfterValidator(_label_value)]] = Field(
        default_factory=dict
    )
    """Labels of the objects, by which a Prometheus object's ruleSelector finds them."""

    alertmanager_secret: Name | None = None
    """For a Kustomize folder: the Secret that the operator's Alertmanager reads its configuration from."""

    @model_validator(mode="after")
    def _known_there(self) -> Self:
        if self.partial_response is not None and self.format == "mimir":
            problem = {"at": "partialResponse", "expected": "nothing here, or another format"}
            raise PydanticCustomError("output", "says what Mimir does not know", problem)
        return self


class AlertsAt(Fixed):
    """The alerts that are no SLO's: who hears them, and which of the shipped ones are off."""

    owner: Name | None = None
    """The Team that answers for the GPU fleet; without it, alerts that name no owner are not compiled."""

    off: tuple[Name, ...] = ()
    """Shipped AlertRules that are not wanted."""

    dashboard: AlertAddress = ""
    """The dashboard of the fleet; `{alert}` and `{topic}` are filled in. Else Prometheus's graph of the expression."""


class WorkspaceSpec(Fixed):
    """Where everything is."""

    prometheus: PrometheusAt = PrometheusAt()
    alertmanager: AlertmanagerAt = AlertmanagerAt()
    kubernetes: KubernetesAt = KubernetesAt()
    slack: SlackAt | None = None
    server: ServerAt = ServerAt()
    links: Links = Links()
    alerts: AlertsAt = AlertsAt()
    output: OutputAt = OutputAt()
