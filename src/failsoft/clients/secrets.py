"""Secrets: a value that never shows itself, and how a reference to one is resolved."""

import hmac
import os
from pathlib import Path
from typing import Any, NoReturn

from failsoft.errors import PermanentError

__all__ = ["Secret", "resolve"]

# Tokens and keys are far shorter; a larger file is a mistake, such as a path to a log or to a disk image.
_LARGEST_FILE = 64 * 1024


class Secret:
    """A secret value with the reference it came from. Only `reveal` gives the value.

    It refuses to be pickled or copied into a journal, compares in constant time, and prints as its reference.

    >>> token = Secret("xoxb-1-2-3", reference="env SLACK_BOT_TOKEN")
    >>> print(token)
    <secret from env SLACK_BOT_TOKEN>
    >>> token.redact("bad token xoxb-1-2-3")
    'bad token <secret from env SLACK_BOT_TOKEN>'
    """

    __slots__ = ("_value", "reference")

    def __init__(self, value: str, *, reference: str = "the program") -> None:
        self._value = value
        self.reference = reference

    def reveal(self) -> str:
        """The value itself: to be handed to the library that needs it, and to nothing else."""
        return self._value

    def redact(self, text: str) -> str:
        """The text with every occurrence of the value replaced: for what another server said back to us."""
        return text.replace(self._value, str(self)) if self._value else text

    def __repr__(self) -> str:
        return f"<secret from {self.reference}>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"{self} must not be pickled or copied")


def resolve(*, env: str | None = None, file: str | Path | None = None) -> Secret:
    """Resolve a reference: the name of an environment variable, or the path of a file. Exactly one of the two.

    One trailing newline of a file is not part of the secret.

    Raises:
        PermanentError: the variable is not set, the file cannot be read, or the value is empty or not one line of text.
    """
    if (env is None) == (file is None):
        raise PermanentError("a secret reference names exactly one of env and file")
    if env is not None:
        return _checked(os.environ.get(env), f"env {env}", f"set the environment variable {env}")
    return _checked(_read(Path(str(file))), f"file {file}", f"write the secret into {file}")


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PermanentError(f"the secret from file {path} cannot be read: {error.strerror}") from None
    if len(raw) > _LARGEST_FILE:
        raise PermanentError(f"the secret from file {path} is larger than {_LARGEST_FILE // 1024} KiB: is it the file?")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # Not chained: a UnicodeDecodeError carries the bytes, and a traceback would show them.
        raise PermanentError(f"the secret from file {path} is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _checked(value: str | None, reference: str, remedy: str) -> Secret:
    if value is None:
        raise PermanentError(f"the secret from {reference} is not there: {remedy}")
    if not value.strip():
        raise PermanentError(f"the secret from {reference} is empty: {remedy}")
    if "\n" in value or "\r" in value:
        raise PermanentError(f"the secret from {reference} has more than one line; one line is expected")
    return Secret(value, reference=reference)
