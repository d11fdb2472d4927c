"""What can be wrong with data, as an error that carries the finding."""

from failsoft.errors import PermanentError
from failsoft.findings import Code, Finding, Place

__all__ = ["DataError", "told"]

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
