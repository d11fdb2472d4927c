"""The client of a real Prometheus, built on prometheus-api-client."""

import logging
import math
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from failsoft.clients.prometheus.port import Sample, Series
from failsoft.clients.secrets import Secret
from failsoft.clients.trouble import broke_off, unreached
from failsoft.clients.web import retry_after
from failsoft.errors import (
    BusyError,
    NotFoundError,
    PermanentError,
    RefusedError,
    TooLargeError,
    TooSlowError,
    UnavailableError,
)

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect
    from requests import PreparedRequest, Response, Session

__all__ = ["PrometheusClient"]

_log = logging.getLogger(__name__)
_SHOWN = 300
_PAUSE = 1.0
_LARGEST = 64 * 1024 * 1024
_PIECE = 64 * 1024
_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
"""From here on a server says that it is to blame, often a proxy whose Prometheus just starts again."""

# Prometheus' own limits, then those of Mimir and Cortex, and of Thanos.
_LIMITS = re.compile(
    r"exceeded maximum resolution|too many samples|err-mimir-max-|err-mimir-too-|the query (?:time range|hit the max)"
    r"|exceeded (?:series|samples|chunks|bytes) limit|limit .*violated",
    re.IGNORECASE,
)

# While it evaluates it says the one, while it looks series up the other, as an error of the query.
_SLOW = re.compile(r"timed out|context deadline exceeded")


class PrometheusClient:
    """A Prometheus (or Thanos, Mimir, VictoriaMetrics) asked over HTTP; implements the port `Prometheus`.

    One try for each question: the errors say whether another may help, and the caller knows how long it can wait.
    An answer comes within `timeout` seconds, after its headers at the latest within another `timeout`.

    Args:
        url: where its page is, such as `http://prometheus:9090`; a path prefix is kept.
        timeout: seconds; also asked of Prometheus itself for the evaluation.
        token: sent as a bearer token.
        verify_tls: False accepts any certificate.
        warned: called with what an answer warns of, such as a part that is missing; logged too.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        token: Secret | None = None,
        verify_tls: bool = True,
        warned: Callable[[str], None] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._token = token
        self._verify_tls = verify_tls
        self._warned = warned
        # requests' sessions are not documented as safe to share between threads, and callers ask from threads.
        self._local = threading.local()

    def query(self, expression: str, *, at: float | None = None) -> tuple[Sample, ...]:
        """As the port says."""
        params = {"timeout": f"{self._timeout:g}"} | ({} if at is None else {"time": _seconds(at)})
        result = self._guarded(lambda connect: connect.custom_query(expression, params=params))
        return self._read(result, self._samples)

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """As the port says."""
        # custom_query_range rounds its datetimes to whole seconds; `params` come last there, so the exact times win.
        params = {"timeout": f"{self._timeout:g}", "start": _seconds(start), "end": _seconds(end)}
        unused = datetime.fromtimestamp(0, UTC)
        result = self._guarded(
            lambda connect: connect.custom_query_range(expression, unused, unused, _seconds(step), params=params)
        )
        return self._read(result, self._series)

    def read(self, path: str, params: Mapping[str, str] | None = None, *, largest: int = _LARGEST) -> Any:
        """What any other endpoint of the API answers under `data`, such as `status/buildinfo` or `rules`.

        Args:
            path: below `/api/v1/`.
            params: of its query.
            largest: bytes of the answer that are read.

        Raises:
            TooLargeError: the answer is larger.
            NotFoundError: the server has no such endpoint, as Thanos and Mimir have not all.
            FailsoftError: as of every question.
        """
        address = f"{self.url}/api/v1/{path}"
        return self._guarded(lambda _: self._bounded(address, dict(params or {}), largest))

    def close(self) -> None:
        """Close this thread's connections."""
        for name in ("connect", "session"):
            held = getattr(self._local, name, None)
            if held is not None:
                held.close()
                delattr(self._local, name)

    def _guarded(self, ask: Callable[["PrometheusConnect"], Any]) -> Any:
        from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException, Timeout

        try:
            return ask(self._connect())
        except (InvalidSchema, InvalidURL, MissingSchema):
            raise PermanentError(f"the Prometheus address {self.address!r} is no HTTP URL") from None
        except Timeout:
            raise TooSlowError(f"{self._name} did not answer within {self._timeout:g} s") from None
        except RequestException as error:
            # Truncated bodies, HTML where JSON was expected, refused and reset connections.
            kind = BusyError if broke_off(error) else UnavailableError
            raise kind(f"{self._name} {unreached(error)}") from error
        except (LookupError, TypeError, ValueError) as error:
            raise UnavailableError(f"{self._name} did not answer as Prometheus does ({error!r})") from error

    def _bounded(self, address: str, params: dict[str, str], largest: int) -> Any:
        hooks = {"response": partial(self._judge, largest=largest, may_lack=True)}
        answer = self._session().get(address, params=params, auth=self._auth, timeout=self._timeout, hooks=hooks).json()
        if answer["status"] != "success":
            raise ValueError(answer["status"])
        return answer["data"]

    def _session(self) -> "Session":
        """This thread's session; its hook reads and judges every answer, those that redirect too."""
        from requests import Session

        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = Session()
            session.verify = self._verify_tls
            session.hooks["response"].append(self._judge)
        return session

    def _connect(self) -> "PrometheusConnect":
        connect: PrometheusConnect | None = getattr(self._local, "connect", None)
        if connect is None:
            connect = self._local.connect = self._new_connect()
        return connect

    def _new_connect(self) -> "PrometheusConnect":
        from prometheus_api_client import PrometheusConnect
        from urllib3.util.retry import Retry

        return PrometheusConnect(
            url=self.url,
            # Its own default retries 5xx and timeouts three times with pauses, and sleeps as Retry-After says.
            retry=Retry(0, read=False),
            auth=self._auth,
            session=self._session(),
            timeout=self._timeout,
        )

    @property
    def _auth(self) -> "Callable[[PreparedRequest], PreparedRequest] | None":
        # As `auth`, because a header alone loses to an entry of ~/.netrc.
        return None if self._token is None else _bearer(self._token)

    def _judge(self, response: "Response", largest: int = _LARGEST, *, may_lack: bool = False, **_: object) -> None:
        """Turn every answer but 200 into our error, with Prometheus' own words; called by requests for each answer."""
        body = self._body(response, largest)
        if response.is_redirect:
            return
        if response.status_code == HTTPStatus.OK:
            if body.lstrip()[:1] == b"<":
                raise UnavailableError(f"{self._name} answered HTML, not JSON: is it Prometheus?")
            if b'"warnings"' in body:
                said = response.json().get("warnings")
                _log.warning("%s warned: %s", self._name, said)
                if self._warned is not None:
                    self._warned(str(said))
            return
        said = _said(response)
        message = f"{self._name} answered {response.status_code}" + (f": {said}" if said else "")
        if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            who = "no token is set" if self._token is None else f"the token is the {self._token}"
            raise PermanentError(f"{message} ({who})")
        if may_lack and response.status_code == HTTPStatus.NOT_FOUND:
            raise NotFoundError(message)
        if response.status_code == HTTPStatus.GATEWAY_TIMEOUT or _SLOW.search(said):
            raise TooSlowError(message)
        if _is_refusal(response):
            # both 400 and 422 are used for limits, so only the words tell
            kind = TooLargeError if _LIMITS.search(said) else RefusedError
            raise kind(f"Prometheus refuses the query: {said}")
        busy = response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.status_code >= _FAILED
        raise (BusyError if busy else UnavailableError)(message, delay=retry_after(response.headers, otherwise=_PAUSE))

    def _body(self, response: "Response", largest: int) -> bytes:
        """Read an answer piece by piece, so that neither an endless one nor a slow one holds us."""
        from requests.exceptions import RequestException

        # requests' timeout is for each read; a server that drips bytes would hold us for ever without this one.
        late = threading.Event()

        def give_up() -> None:
            late.set()
            response.raw.shutdown()

        deadline = threading.Timer(self._timeout, give_up)
        deadline.daemon = True
        deadline.start()
        body = bytearray()
        try:
            for piece in response.iter_content(_PIECE):
                body += piece
                if len(body) > largest:
                    response.close()
                    raise TooLargeError(f"{self._name} answers with more than {largest // 2**20} MiB")
        except RequestException:
            if not late.is_set():
                raise
        finally:
            deadline.cancel()
        if late.is_set():  # a body without a length seems to end well there
            raise TooSlowError(f"{self._name} sent no whole answer within {self._timeout:g} s")
        response._content = bytes(body)  # noqa: SLF001  # where requests itself keeps what it read
        return response._content  # noqa: SLF001

    def _read[T](self, result: Any, reader: Callable[[Any], tuple[T, ...]]) -> tuple[T, ...]:
        try:
            return reader(result)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UnavailableError(f"{self._name} sent a result in an unknown form ({error!r})") from error

    @staticmethod
    def _samples(result: Any) -> tuple[Sample, ...]:
        if result and not isinstance(result[0], dict):
            at, value = result
            return (Sample({}, float(value), float(at)),)
        samples = []
        for item in result:
            if "value" not in item:
                _refuse_form(item)
            at, value = item["value"]
            samples.append(Sample(dict(item["metric"]), float(value), float(at)))
        return tuple(samples)

    @staticmethod
    def _series(result: Any) -> tuple[Series, ...]:
        series = []
        for item in result:
            if "values" not in item:
                _refuse_form(item)
            points = tuple((float(at), float(value)) for at, value in item["values"])
            series.append(Series(dict(item["metric"]), points))
        return tuple(series)

    @property
    def address(self) -> str:
        """The address as it may be shown: without the name and the password that may stand in it."""
        scheme, separator, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"

    @property
    def _name(self) -> str:
        return f"Prometheus at {self.address}"


def _bearer(token: Secret) -> Callable[["PreparedRequest"], "PreparedRequest"]:
    def sign(request: "PreparedRequest") -> "PreparedRequest":
        request.headers["Authorization"] = f"Bearer {token.reveal()}"
        return request

    return sign


def _seconds(value: float) -> str:
    if not math.isfinite(value):
        raise PermanentError(f"{value} is no time")
    return f"{value:.3f}"


def _said(response: "Response") -> str:
    """Prometheus' own words: the "error" of its JSON, else the beginning of the body."""
    try:
        return str(response.json()["error"])
    except (ValueError, LookupError, TypeError):
        line = " ".join(response.text.split())
        return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def _is_refusal(response: "Response") -> bool:
    # Prometheus answers 400 (bad_data) and 422 (execution) in its own JSON; another 4xx is not from its API.
    if response.status_code not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return False
    try:
        return bool(response.json()["status"] == "error")
    except (ValueError, LookupError, TypeError):
        return False


def _refuse_form(item: dict[str, Any]) -> NoReturn:
    if "histogram" in item or "histograms" in item:
        raise PermanentError("the query gives native histograms; ask for a quantile, a sum or a count of them")
    if "values" in item:
        raise PermanentError("the query gives a range vector; wrap it in a function such as increase()")
    raise KeyError("value")
