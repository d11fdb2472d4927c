"""A Prometheus Pushgateway: where jobs that end leave their metrics."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from failsoft.clients.exposition import read_exposition, shown_address
from failsoft.clients.trouble import unreached
from failsoft.errors import PermanentError, UnavailableError

__all__ = ["Pushgateway"]

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SHOWN = 200


class Pushgateway:
    """One group of a Pushgateway.

    Args:
        url: its address.
        job, grouping: the labels of the group; what is pushed takes the place of all that was in it.
        timeout: seconds for each exchange.

    Raises `PermanentError` where the address is none.
    """

    def __init__(self, url: str, job: str, grouping: Mapping[str, str], *, timeout: float = 10.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise PermanentError(f"{shown_address(url)} is no http address of a Pushgateway")
        self._url = url.rstrip("/")
        self._group = "".join(_part(name, value) for name, value in (("job", job), *grouping.items()))
        self._timeout = timeout

    def text(self) -> str:
        """All that it exports, of all groups. Raises as `read_exposition`."""
        return read_exposition(f"{self._url}/metrics", timeout=self._timeout)

    def put(self, text: str) -> None:
        """Replace the group.

        Raises:
            UnavailableError: it did not answer in time, or not at all.
            PermanentError: it refused.
        """
        import requests
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        shown = shown_address(self._url)
        address = f"{self._url}/metrics{self._group}"
        try:
            # a redirect would turn a PUT into something else
            answer = requests.put(
                address,
                data=text.encode(),
                headers={"Content-Type": _TYPE},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                status, said = answer.status_code, answer.raw.read1(_SHOWN).decode(errors="replace")
                page = answer.headers.get("Content-Type", "").startswith("text/html")
        except (requests.Timeout, ReadTimeoutError):
            raise UnavailableError(f"{shown} did not answer within {self._timeout:g} s") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            # not chained, and not its text: it quotes the address, which may hold a password
            raise UnavailableError(f"{shown} {unreached(error)}") from None
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UnavailableError(f"{shown} answered {status}: {' '.join(said.split())}")
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise PermanentError(f"{shown} answered {status}: {' '.join(said.split())}")
        if page:
            raise PermanentError(f"{shown} answered HTML: is it a Pushgateway?")


def _part(name: str, value: str) -> str:
    """A label of the group as a part of the path.

    >>> _part("model", "chat"), _part("model", "a/b"), _part("stage", "")
    ('/model/chat', '/model@base64/YS9i', '/stage@base64/=')
    """
    from base64 import urlsafe_b64encode

    if not value:
        return f"/{name}@base64/="
    if "/" in value:
        return f"/{name}@base64/{urlsafe_b64encode(value.encode()).decode()}"
    return f"/{name}/{quote(value, safe='')}"
