"""One connection to an API server: credentials and TLS of the official client, JSON untouched, a limit on each wait."""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from failsoft.clients.kubernetes.answers import Answer, error_of
from failsoft.errors import MissingPartError, RefusedError, UnavailableError, UsageError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from kubernetes.client import ApiClient, Configuration

__all__ = ["Call", "Wire", "configure"]

_CONNECT_TIMEOUT_S = 5.0
_LOOPBACK = ("http://127.0.0.1", "https://127.0.0.1", "http://localhost", "https://localhost", "https://[::1]")
_FIRST_ERROR_STATUS = 300  # a redirect is no answer either: it would take the token elsewhere


def configure(
    kubeconfig: Path | None, context: str | None, *, url: str, token: str, ca_file: Path | None
) -> "ApiClient":
    """The official client for a URL and token, a kubeconfig, kubectl's default places, or the pod's service account.

    Raises:
        UsageError: no such file or context, or nothing is configured.
        MissingPartError: the `kubernetes` library is not installed.
    """
    try:
        from kubernetes.client import ApiClient, Configuration
    except ImportError as error:
        raise MissingPartError("the Kubernetes client is not installed: pip install 'failsoft[kubernetes]'") from error
    configuration = Configuration()
    if url:
        configuration.host = url.rstrip("/")
        configuration.ssl_ca_cert = str(ca_file) if ca_file else None
        if token:
            for name in ("authorization", "BearerToken"):  # up to client 35, and from 36 on
                configuration.api_key[name] = f"Bearer {token}"
    else:
        _load(configuration, kubeconfig, context)
    if configuration.host.startswith(_LOOPBACK):
        configuration.proxy = None
    # The library's default repeats PUT and DELETE when the reply was lost: whether to repeat is our callers' decision.
    configuration.retries = False
    return ApiClient(configuration)


def _load(configuration: "Configuration", kubeconfig: Path | None, context: str | None) -> None:
    from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

    if kubeconfig is not None and not kubeconfig.is_file():
        raise UsageError(f"there is no kubeconfig file {kubeconfig}")
    try:
        load_kube_config(  # type: ignore[no-untyped-call,unused-ignore]
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except ConfigException as error:
        if kubeconfig is not None or context is not None:
            raise UsageError(
                f"the kubeconfig {kubeconfig or 'in its default place'} cannot be used: {error}"
            ) from error
        try:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call,unused-ignore]
        except ConfigException:
            raise UsageError(
                "no cluster is configured: there is no kubeconfig file in its default place, and we are not in a pod"
            ) from error
    except Exception as error:  # the loader parses other people's YAML, keys and plug-in output, and raises anything
        name = type(error).__name__
        raise UsageError(f"the kubeconfig {kubeconfig or 'in its default place'} cannot be read: {name}") from error


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        method: the HTTP method.
        path: below the server's URL.
        doing: what it is for, such as `read Node n1`; errors say it.
        query: parameters.
        body: the JSON document to send, if any.
        content_type: of the body.
    """

    method: str
    path: str
    doing: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    content_type: str = "application/json"


class Wire:
    """Calls and streams; every failure is one of our errors, and none of them shows the token."""

    def __init__(self, client: "ApiClient", *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._streams: set[BaseHTTPResponse] = set()

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._client.configuration.host)

    def send(self, call: Call) -> dict[str, Any]:
        """One request and its JSON answer."""
        response = self._open(call, silence_s=self._timeout_s)
        try:
            document = json.loads(_read(response, call.doing))
        except ValueError as error:
            raise UnavailableError(f"the cluster's answer was no JSON when asked to {call.doing}") from error
        if not isinstance(document, dict):
            raise UnavailableError(f"the cluster's answer was no JSON object when asked to {call.doing}")
        return document

    def lines(self, call: Call, *, silence_s: float) -> Iterator[bytes]:
        """The lines of a stream as they come, until the server ends it; silence for `silence_s` seconds is an error."""
        import urllib3

        response = self._open(call, silence_s=silence_s)
        self._streams.add(response)
        rest = b""
        try:
            for chunk in response.stream(2**16):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line for line in whole if line.strip())
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if response not in self._streams:
                return
            raise UnavailableError(f"the cluster broke off while asked to {call.doing}: {_why(error)}") from error
        finally:
            self._streams.discard(response)
            # The body may not have been read to its end: this connection cannot be used again.
            response.close()

    def close(self) -> None:
        """End the running streams, also those that other threads wait on, and close the kept connections."""
        for response in tuple(self._streams):
            self._streams.discard(response)
            sock = getattr(response.connection, "sock", None)
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._client.rest_client.pool_manager.clear()

    def _open(self, call: Call, *, silence_s: float) -> "BaseHTTPResponse":
        import urllib3

        headers = {"Accept": "application/json", "User-Agent": "failsoft", **self._credentials(call.doing)}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        try:
            response: BaseHTTPResponse = self._client.rest_client.pool_manager.request(
                call.method,
                f"{self.host}{call.path}" + (f"?{urlencode(call.query)}" if call.query else ""),
                body=None if call.body is None else json.dumps(call.body).encode(),
                headers=headers,
                timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=silence_s),
                preload_content=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(f"the cluster at {self.host} did not {call.doing}: {_why(error)}") from error
        if response.status >= _FIRST_ERROR_STATUS:
            answer = Answer.of(response.status, response.headers, _read(response, call.doing))
            raise error_of(answer, call.doing)
        return response

    def _credentials(self, doing: str) -> dict[str, str]:
        """The headers that say who we are; the client renews expiring tokens here."""
        try:
            settings = self._client.configuration.auth_settings()
        except Exception as error:  # a credential plug-in of the user's kubeconfig runs here
            raise RefusedError(
                f"cannot {doing}: the credentials could not be renewed: {type(error).__name__}"
            ) from error
        headers = {str(s["key"]): str(s["value"]) for s in settings.values() if s["in"] == "header" and s["value"]}
        if any(not value.isascii() or not value.isprintable() for value in headers.values()):
            # http.client would say so with the token in its message.
            raise RefusedError(f"cannot {doing}: the token holds a line break or a character that no header may have")
        return headers


def _read(response: "BaseHTTPResponse", doing: str) -> bytes:
    import urllib3

    try:
        return response.read()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UnavailableError(f"the cluster broke off its answer when asked to {doing}: {_why(error)}") from error
    finally:
        response.release_conn()


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
