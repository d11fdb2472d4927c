"""The pagers, behind one small interface: PagerDuty, a generic webhook, Alertmanager and standard output."""

from failsoft.clients.pager.alertmanager import AlertmanagerPager
from failsoft.clients.pager.pagerduty import PAGERDUTY_URL, PagerDuty
from failsoft.clients.pager.port import Link, PageAction, PageEvent, Pager, PageSeverity, dedup_key
from failsoft.clients.pager.stdout import StdoutPager
from failsoft.clients.pager.webhook import WebhookPager

__all__ = [
    "PAGERDUTY_URL",
    "AlertmanagerPager",
    "Link",
    "PageAction",
    "PageEvent",
    "PageSeverity",
    "Pager",
    "PagerDuty",
    "StdoutPager",
    "WebhookPager",
    "dedup_key",
]
