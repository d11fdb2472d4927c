"""A fake pager over a real socket: PagerDuty's Events API v2, and a generic webhook."""

from failsoft.testing.pager.desk import Delivery, PagedAlert
from failsoft.testing.pager.server import FakePager

__all__ = ["Delivery", "FakePager", "PagedAlert"]
