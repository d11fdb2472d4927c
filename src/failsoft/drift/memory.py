"""What is remembered from window to window, as a file: sums of CUSUM, and which of the last windows were bad."""

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from failsoft.drift.alarms.stored import Watched, What
from failsoft.drift.codes import MEMORY_UNREADABLE
from failsoft.drift.features import Stored
from failsoft.drift.signed import DIGEST, Problems, as_text, digest_of, read_signed

if TYPE_CHECKING:
    from failsoft.findings import Finding

__all__ = ["Memory", "Remembered"]

_SCHEMA: Final = 1
_SIZE_LIMIT = 20_000_000
_AGAIN = "remove it: the next window starts it anew, and small changes have to add up again"
_PROBLEMS = Problems(
    unreadable=MEMORY_UNREADABLE,
    newer=MEMORY_UNREADABLE,
    older=MEMORY_UNREADABLE,
    shape=MEMORY_UNREADABLE,
    changed=MEMORY_UNREADABLE,
    again=_AGAIN,
    wrong="is no memory",
)


class Remembered(Stored):
    """One test."""

    feature: str
    stratum: str = ""
    what: What = "distribution"
    sum: float = 0.0
    """Of CUSUM, after the newest window."""

    ticket: bool = False
    """Whether the sum went over its threshold, and has not been at 0 since."""

    bad: tuple[bool, ...] = ()
    """The last windows, the newest last: no more than the rule looks at."""


class Memory(Stored):
    """All tests of a calibration."""

    kind: Literal["drift-memory"] = "drift-memory"
    schema_: Annotated[Literal[1], Field(alias="schema")] = _SCHEMA
    calibration: str
    """The SHA-256 of the calibration whose tests these are."""

    windows: Annotated[int, Field(ge=0)] = 0
    """How many were judged."""

    newest: str = ""
    """What the newest window counted, as a SHA-256: a window that comes twice is judged twice and remembered once."""

    tests: tuple[Remembered, ...] = ()

    @cached_property
    def by_test(self) -> dict[Watched, Remembered]:
        """The tests by what they look at."""
        return {Watched(test.feature, test.what, test.stratum): test for test in self.tests}

    def render(self) -> str:
        """The text of a file, with the SHA-256 of its content."""
        content = self.model_dump(mode="json", by_alias=True)
        return as_text(content | {DIGEST: digest_of(content)}) + "\n"

    @classmethod
    def parse(cls, data: bytes, path: str) -> "Memory | Finding":
        """Read the bytes of a file; a Finding where they are no memory that can be trusted."""
        return read_signed(cls, data, path, schema=_SCHEMA, most=_SIZE_LIMIT, problems=_PROBLEMS)
