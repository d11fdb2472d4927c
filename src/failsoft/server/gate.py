"""What stands between the web application and the runbooks' service, which is not there before its database is."""

from failsoft.errors import UnavailableError
from failsoft.runbooks.alerts import Delivery
from failsoft.runbooks.service import Service
from failsoft.runbooks.stats import Stats

__all__ = ["Gate"]


class Gate:
    """Passes on to the service while it is open, and raises `UnavailableError` while it is not.

    It is the webhook's `Intake` and gives the metrics their numbers.
    """

    def __init__(self) -> None:
        self._service: Service | None = None
        self._why = "the database is not migrated yet"

    @property
    def unready(self) -> str:
        """Why no work can be done now; empty where it can."""
        return self._why

    def open(self, service: Service) -> None:
        """From now on there is a service."""
        self._service, self._why = service, ""

    async def receive(self, delivery: Delivery) -> object:
        """As `Intake` says."""
        return await self._there().receive(delivery)

    async def stats(self) -> Stats:
        """Numbers about the runbooks. Raises `UnavailableError`."""
        return await self._there().stats()

    def _there(self) -> Service:
        if self._service is None:
            raise UnavailableError(self._why)
        return self._service
