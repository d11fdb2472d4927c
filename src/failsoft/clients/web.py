"""One HTTP exchange with somebody else's server, its failures told as our errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from failsoft.clients.trouble import unreached
from failsoft.errors import FailsoftError, PermanentError, TemporaryError, UnavailableError

__all__ = ["Answer", "Server", "retry_after"]

# An answer larger than this is no answer of an API that we ask.
_LARGEST_ANSWER = 32 * 1024 * 1024
_LONGEST_WAIT = 3600.0
_SHOWN = 300
_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: status, headers and the body as text."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def excerpt(self) -> str:
        """The beginning of the body on one line, for an error text."""
        line = " ".join(self.body.split())
        return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


@dataclass(frozen=True, slots=True)
class Server:
    """Somebody else's server: `name` for error texts, `timeout` in seconds for one whole exchange, its headers."""

    name: str
    timeout: float = 10.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def ask(self, method: str, url: str, *, json: Any = None, params: Mapping[str, str] | None = None) -> Answer:
        """Send one request and read the whole answer.

        Redirects are not followed, since a body may hold a key. Proxies are taken from the environment as usual.

        Raises:
            UnavailableError: no connection, no whole answer in time, or a broken one.
            PermanentError: the URL makes no sense.
        """
        import aiohttp

        limit = aiohttp.ClientTimeout(total=self.timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, headers=self.headers, trust_env=True) as session,
                session.request(method, url, json=json, params=params, allow_redirects=False) as response,
            ):
                raw = bytearray()
                async for chunk in response.content.iter_any():
                    raw += chunk
                    if len(raw) > _LARGEST_ANSWER:
                        raise UnavailableError(f"{self.name} sent more than {_LARGEST_ANSWER // 2**20} MiB")
                return Answer(response.status, dict(response.headers), raw.decode(errors="replace"))
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise PermanentError(f"{self.name}: the address is no HTTP URL") from None
        except TimeoutError:
            raise UnavailableError(f"{self.name} did not answer within {self.timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            # Not chained, and not its whole text: some of aiohttp's errors quote the URL, which may hold a key.
            raise UnavailableError(f"{self.name} {unreached(error)}") from None

    def refusal(self, answer: Answer, *, said: str | None = None, delay: float = 5.0) -> FailsoftError:
        """The error for an answer that is no success: temporary for 408, 425, 429 and 5xx, else permanent.

        `said` replaces the beginning of the body in its text; `delay` counts where the server does not say how long.
        """
        said = answer.excerpt if said is None else said
        message = f"{self.name} answered {answer.status}" + (f": {said}" if said else "")
        if answer.status in _BUSY:
            return TemporaryError(message, delay=retry_after(answer.headers, otherwise=delay))
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return UnavailableError(message, delay=retry_after(answer.headers, otherwise=delay))
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            return PermanentError(f"{message} (a redirect, which is not followed): give the address it points to")
        return PermanentError(message)


def retry_after(headers: Mapping[str, str], *, otherwise: float) -> float:
    """Seconds to wait as the `Retry-After` header says, which is a number or a date; at most an hour.

    >>> retry_after({"Retry-After": "30"}, otherwise=1.0)
    30.0
    >>> retry_after({}, otherwise=1.0)
    1.0
    """
    said = next((value.strip() for key, value in headers.items() if key.lower() == "retry-after"), "")
    if said.isascii() and said.isdigit():
        return min(float(said), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return otherwise
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)
