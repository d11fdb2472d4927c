"""An Alertmanager: read its alerts, post one, ask whether it is ready."""

from failsoft.clients.alertmanager.client import Alert, Alertmanager

__all__ = ["Alert", "Alertmanager"]
