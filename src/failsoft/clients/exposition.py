"""Getting what a server exports, from its address or from a file that somebody saved."""

import gzip
import time
from pathlib import Path
from urllib.parse import urlsplit

from failsoft.clients.trouble import unreached
from failsoft.errors import PermanentError, RefusedError, UnavailableError, UsageError

__all__ = ["LARGEST", "read_exposition", "shown_address"]

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest answer that is read; a server with more exports something else than its own metrics."""

_CHUNK = 64 * 1024


def shown_address(where: str) -> str:
    """An address or a path as it can be shown and written down: without a password and without a query."""
    if "://" not in where:
        return Path(where).name
    parts = urlsplit(where)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def read_exposition(where: str, *, token: str = "", timeout: float = 10.0) -> str:
    """The text at an http(s) address, or in a file, which may be compressed with gzip.

    Args:
        where: the address or the path.
        token: a bearer token for the address.
        timeout: seconds for the whole exchange.

    Raises:
        UsageError: there is no such file.
        UnavailableError: the server did not answer in time, or broke off.
        PermanentError: it refused.
        RefusedError: the answer is too large, or no text.
    """
    raw = _fetched(where, token, timeout) if "://" in where else _file(Path(where))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"{shown_address(where)} is no text") from None


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return _small(raw, path.name)


def _fetched(where: str, token: str, timeout: float) -> bytes:
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    shown = shown_address(where)
    if not where.startswith(("http://", "https://")):
        raise UsageError(f"{shown} is neither an http address nor a file")
    headers = {"Accept": "text/plain;version=0.0.4"} | ({"Authorization": f"Bearer {token}"} if token else {})
    end = time.monotonic() + timeout
    try:
        with requests.get(where, headers=headers, timeout=timeout, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                hint = ": it wants a token (--token-file)" if answer.status_code in {401, 403} else ""
                raise PermanentError(f"{shown} answered {answer.status_code}{hint}")
            raw = bytearray()
            # one read of the socket at a time, so that a server that sends drop by drop is noticed
            while chunk := answer.raw.read1(_CHUNK, decode_content=True):
                raw += chunk
                _small(raw, shown)
                if time.monotonic() > end:
                    raise UnavailableError(f"{shown} did not answer within {timeout:g} s")
            return bytes(raw)
    except (requests.Timeout, ReadTimeoutError):
        raise UnavailableError(f"{shown} did not answer within {timeout:g} s") from None
    except (requests.RequestException, HTTPError, OSError) as error:
        # not chained, and not its text: it quotes the address, which may hold a password
        raise UnavailableError(f"{shown} {unreached(error)}") from None


def _small[B: bytes | bytearray](raw: B, shown: str) -> B:
    if len(raw) > LARGEST:
        raise RefusedError(f"{shown} is larger than {LARGEST // 2**20} MiB: is it a server's own /metrics?")
    return raw
