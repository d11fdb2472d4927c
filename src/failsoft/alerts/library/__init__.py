"""Alerts that are no SLO's, from documents of kind AlertRule: shipped ones and the user's own."""

from failsoft.alerts.library.answered import JOB_PAGES, Answered, matchers_of
from failsoft.alerts.library.choose import alert_name, chosen, owners
from failsoft.alerts.library.rules import RULE_LABEL
from failsoft.alerts.library.shelf import Topic, shelf
from failsoft.alerts.library.table import exporter, markdown

__all__ = [
    "JOB_PAGES",
    "RULE_LABEL",
    "Answered",
    "Topic",
    "alert_name",
    "chosen",
    "exporter",
    "markdown",
    "matchers_of",
    "owners",
    "shelf",
]
