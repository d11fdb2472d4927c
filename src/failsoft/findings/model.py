"""A finding: one thing that is wrong, as data with a code, a severity and a place."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

__all__ = ["Code", "Finding", "Place", "Severity", "worst"]


class Severity(StrEnum):
    """How bad a finding is. Only `error` makes a command exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file.

    Attributes:
        path: the file, relative to the workspace where it can be.
        line: 1-based; 0 when the finding is about the file as a whole.
        column: 1-based, in characters; 0 with line 0.
        length: how many characters of that line to underline; 0 where the line is not shown.
        text: the offending line, without its line break; empty when there is none to show.
    """

    path: str
    line: int = 0
    column: int = 0
    length: int = 0
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Code:
    """What kind of thing is wrong.

    Attributes:
        id: short and stable, such as `FS201`; printed beside each finding.
        name: the same in words, such as `unknown-key`.
        summary: one sentence that explains the kind, for lists and SARIF.
        severity: the severity of a finding of this kind.
    """

    id: str
    name: str
    summary: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: the kind of finding.
        message: what is wrong, in one sentence without a full stop.
        place: where.
        expected: what was expected instead, as a phrase that can follow "expected"; may be empty.
        hint: what to do about it, such as the nearest valid name; may be empty.
    """

    code: Code
    message: str
    place: Place
    expected: str = ""
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is, which its kind decides."""
        return self.code.severity

    def at(self, place: Place) -> "Finding":
        """The same finding at another place."""
        return replace(self, place=place)


def worst(findings: "list[Finding] | tuple[Finding, ...]") -> Severity | None:
    """The worst severity among `findings`, or None when there are none.

    >>> worst([]) is None
    True
    """
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    present = {finding.severity for finding in findings}
    return next((severity for severity in order if severity in present), None)
