"""The error tree: what went wrong, and whether a retry can help.

::

    FailsoftError
    ├── PermanentError          a retry changes nothing; somebody has to act
    │   ├── UsageError          the command was asked something that makes no sense (exit code 2)
    │   ├── MissingPartError    a program or a library that the command needs is not installed
    │   ├── NotFoundError       the outside world has no such object
    │   └── RefusedError        a guard, a policy or an API refused, and says why
    │       └── TooLargeError   the question asks for more than the server gives; a smaller one may be answered
    └── TemporaryError          a retry may help, after `delay` seconds
        ├── UnavailableError    Prometheus, the cluster, Slack, the pager or the database did not answer
        │   ├── BusyError       it is there, and cannot answer now; the same question may be answered soon
        │   └── TooSlowError    it did not answer in time; a smaller question may be answered
        └── ConflictError       somebody else changed the object in between: read it again
"""

__all__ = [
    "BusyError",
    "ConflictError",
    "FailsoftError",
    "MissingPartError",
    "NotFoundError",
    "PermanentError",
    "RefusedError",
    "TemporaryError",
    "TooLargeError",
    "TooSlowError",
    "UnavailableError",
    "UsageError",
]


class FailsoftError(Exception):
    """The base of every error that failsoft raises on purpose; its text is written for a tired person."""


class PermanentError(FailsoftError):
    """A retry changes nothing; somebody has to act."""


class UsageError(PermanentError):
    """The command was asked something that makes no sense."""


class MissingPartError(PermanentError):
    """A program or a library that the command needs is not installed; the text says how to get it."""


class NotFoundError(PermanentError):
    """The outside world has no such object."""


class RefusedError(PermanentError):
    """A guard, a policy or an API refused, and says why."""


class TooLargeError(RefusedError):
    """The question asks for more than the server gives; a smaller one may be answered."""


class TemporaryError(FailsoftError):
    """A retry may help.

    Attributes:
        delay: seconds to wait before the next try, as the other side asked or as we guess.
    """

    def __init__(self, message: str, *, delay: float = 1.0) -> None:
        super().__init__(message)
        self.delay = delay


class UnavailableError(TemporaryError):
    """The other side did not answer, or answered that it cannot now."""


class BusyError(UnavailableError):
    """The other side is there and cannot answer now, or broke off; the same question may be answered soon."""


class TooSlowError(UnavailableError):
    """The other side did not answer in time; a smaller question may be answered."""


class ConflictError(TemporaryError):
    """Somebody else changed the object in between: read it again and decide again."""
