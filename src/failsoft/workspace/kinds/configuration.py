"""Workspace: where Prometheus, Alertmanager, the cluster and Slack are, and what all documents share."""

from failsoft.workspace.quantities import Duration, Fixed, SecretRef

__all__ = ["AlertmanagerAt", "KubernetesAt", "Links", "PrometheusAt", "ServerAt", "SlackAt", "WorkspaceSpec"]


class PrometheusAt(Fixed):
    """The Prometheus that scrapes the models and evaluates the rules."""

    url: str = "http://localhost:9090"
    """Where its API answers."""

    token: SecretRef | None = None
    """A bearer token, where it asks for one."""

    scrape_interval: Duration = Duration(15_000)
    """How often it scrapes the models."""

    evaluation_interval: Duration = Duration(60_000)
    """How often it evaluates groups of rules that set no interval of their own."""


class AlertmanagerAt(Fixed):
    """The Alertmanager that routes alerts."""

    url: str = "http://localhost:9093"
    """Where its API answers."""

    group_wait: Duration = Duration(5_000)
    """How long it waits for more alerts of an SLO before the first notification."""

    group_interval: Duration = Duration(30_000)
    """How long between notifications of a changed group."""

    repeat_interval: Duration = Duration(4 * 3_600_000)
    """How often it tells again what goes on."""


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

    base_url: str = "https://slack.com/api/"
    """Where Slack's Web API answers; another address for tests."""


class ServerAt(Fixed):
    """Where `failsoft serve` answers."""

    url: str = "http://localhost:8080"
    """The address by which Alertmanager and people reach it."""

    webhook_secret: SecretRef | None = None
    """The secret that Alertmanager shows; a file, for Alertmanager reads no environment."""

    database: str = ""
    """The database's URL; empty for an SQLite file in the workspace's `.failsoft` folder."""

    lease: Duration = Duration(30_000)
    """How long a silent worker keeps its runs before another takes over."""


class Links(Fixed):
    """Addresses that alerts carry; `{slo}`, `{model}`, `{runbook}` are filled in."""

    dashboard: str = ""
    """Where the dashboard of an SLO is."""

    runbook: str = ""
    """Where the text of a runbook is."""


class WorkspaceSpec(Fixed):
    """Where everything is."""

    prometheus: PrometheusAt = PrometheusAt()
    alertmanager: AlertmanagerAt = AlertmanagerAt()
    kubernetes: KubernetesAt = KubernetesAt()
    slack: SlackAt | None = None
    server: ServerAt = ServerAt()
    links: Links = Links()
