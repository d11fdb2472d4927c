"""What an Alertmanager configuration does with an alert: who gets it and why, and how two configurations become one."""

from failsoft.alerts.routing.merge import merged
from failsoft.alerts.routing.read import read_configuration
from failsoft.alerts.routing.strangers import strangers
from failsoft.alerts.routing.tree import Configuration, Delivery, Inhibition, Receiver, Route, deliveries, silencers

__all__ = [
    "Configuration",
    "Delivery",
    "Inhibition",
    "Receiver",
    "Route",
    "deliveries",
    "merged",
    "read_configuration",
    "silencers",
    "strangers",
]
