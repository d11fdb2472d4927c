"""What can be wrong with data, as an error that carries the finding."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from failsoft.drift.codes import DATA_UNREADABLE
from failsoft.errors import PermanentError
from failsoft.findings import Code, Finding, Place

__all__ = ["DataError", "first_line", "reading", "told"]

_LONGEST = 300


class DataError(PermanentError):
    """Rows that cannot be read, or are not what was expected.

    Attributes:
        finding: what is wrong, and where.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def told(code: Code, message: str, path: str, *, expected: str = "", hint: str = "") -> DataError:
    """The error with its finding."""
    return DataError(Finding(code, message[:_LONGEST], Place(path), expected, hint=hint))


def first_line(error: Exception) -> str:
    r"""The first line of what an error says; what kind of error it is, where it says nothing.

    >>> first_line(OSError("no space\nleft")), first_line(EOFError())
    ('no space', 'EOFError')
    """
    return next(iter(str(error).splitlines()), "") or type(error).__name__


@contextmanager
def reading(shown: str) -> Iterator[None]:
    """What pyarrow says is wrong with a file, as a finding."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        first = first_line(error)
        hint = "it may be truncated: write it again" if "magic bytes" in first or "end of" in first.lower() else ""
        raise told(DATA_UNREADABLE, f"cannot be read: {first}", shown, hint=hint) from None
