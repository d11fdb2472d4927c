"""Paging onto standard output: for a first try, and for a log that something else watches."""

import json
import sys

from failsoft.clients.pager.port import PageEvent, shortened

__all__ = ["StdoutPager"]


class StdoutPager:
    """A pager that prints one JSON line for each event; implements the port `Pager`."""

    async def send(self, event: PageEvent) -> None:
        """Print the event."""
        line = {
            "page": event.action,
            "dedup_key": event.dedup_key,
            "severity": event.severity,
            "summary": shortened(event.summary, 1024),
            "source": event.source,
            "links": {link.text: link.href for link in event.links},
            "details": dict(event.details),
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
