"""A calibration as a file: the critical values that windows are held against, and whether they promise anything."""

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from pydantic import Field

from failsoft.drift.codes import CALIBRATION_OTHER_VERSION, CALIBRATION_UNREADABLE
from failsoft.drift.features import Stored
from failsoft.drift.signed import DIGEST, Problems, as_text, digest_of, read_signed

if TYPE_CHECKING:
    from failsoft.findings import Finding

__all__ = ["ALLOWANCE", "SCHEMA", "StoredCalibration", "StoredCusum", "StoredRule", "StoredTest", "Watched", "What"]

SCHEMA: Final = 1
"""The version of the format that this failsoft writes, and the newest that it reads."""

_SIZE_LIMIT = 20_000_000
_AGAIN = "make it again with `failsoft drift calibrate -o`"
_PROBLEMS = Problems(
    CALIBRATION_UNREADABLE,
    CALIBRATION_OTHER_VERSION,
    CALIBRATION_OTHER_VERSION,
    CALIBRATION_UNREADABLE,
    CALIBRATION_UNREADABLE,
    _AGAIN,
    "is no calibration",
)

ALLOWANCE: Final = 0.5
"""What is taken off each standardised score: half the shift, in standard deviations of the score, for which CUSUM is
quickest (G. V. Moustakides, "Optimal stopping times for detecting changes in distributions", Annals of Statistics 14
(1986))."""

_HIGHEST = 2

type What = Literal["distribution", "missing", "new", "unusual"]


class Watched(NamedTuple):
    """What a test looks at: which signal of which feature, in which stratum."""

    feature: str
    what: What = "distribution"
    stratum: str = ""

    @property
    def text(self) -> str:
        """For people, as `amount`, `amount: missing` or `amount: missing [chat]`."""
        signal = "" if self.what == "distribution" else f": {self.what}"
        return self.feature + signal + (f" [{self.stratum}]" if self.stratum else "")


class StoredCusum(Stored):
    """S = max(0, S + (z - mean) / sd - 1/2); a ticket from when S is above the threshold until it is back at 0.

    S is not set back to 0 by its own alarm, which would raise the same ticket again and again while a drift lasts: so
    there are no more of them than promised. It grows to no more than twice its threshold, so that the end of a drift is
    seen.
    """

    mean: float
    sd: float
    threshold: float

    def after(self, total: float, z: float, *, raised: bool) -> tuple[float, bool]:
        """S and whether the ticket stands, with one more window of the score z.

        >>> limits = StoredCusum(mean=9.0, sd=4.0, threshold=8.0)
        >>> limits.after(0.0, 49.0, raised=False), limits.after(9.5, 9.0, raised=True)
        ((9.5, True), (9.0, True))
        >>> limits.after(0.3, 9.0, raised=True)
        (0.0, False)
        """
        grown = max(0.0, total + (z - self.mean) / self.sd - ALLOWANCE)
        return min(grown, _HIGHEST * self.threshold), grown > self.threshold or (raised and grown > 0)


class StoredRule(Stored):
    """A page when the newest window is bad and so many of the last ones are."""

    least: int
    among: int


class StoredTest(Stored):
    """One table of bins with its critical values. Shares need none: their law is exact at any level."""

    feature: str
    stratum: str = ""
    rows: Annotated[int, Field(ge=1)]
    """Of a window, in the stratum."""

    pools: tuple[int, ...]
    """The pool of each bin of the feature's table."""

    page: float
    """The score z = PSI / (1/n + 1/m) of the pooled table above which a window is bad."""

    ticket: float
    """The same for a ticket on a single window."""

    cusum: StoredCusum | None = None


class StoredCalibration(Stored):
    """The alarms of a reference, as `failsoft drift calibrate` found them."""

    kind: Literal["drift-calibration"] = "drift-calibration"
    schema_: Annotated[Literal[1], Field(alias="schema")] = SCHEMA
    reference: str
    """The SHA-256 of what the reference profile that it was made with holds: its `counts_digest`."""

    rows: Annotated[int, Field(ge=1)]
    """Of a window."""

    window: Annotated[int, Field(ge=1)]
    every: Annotated[int, Field(ge=1)]
    """Milliseconds of a window, on average where windows grow until they hold enough rows; and between evaluations."""

    least_window: Annotated[int, Field(ge=1)] | None = None
    """Milliseconds of the shortest window, where windows may grow."""

    rule: StoredRule
    floor: float
    false_pages_per_30d: float
    false_tickets_per_30d: float
    """What was allowed."""

    pages_per_30d: float
    """False pages that were estimated."""

    promised: bool
    """Whether what pages may page; where not, it is a ticket."""

    doubts: tuple[str, ...] = ()
    page_level: float
    ticket_level: float
    """-log(chance) that each test may have in one window."""

    tests: tuple[StoredTest, ...]

    @cached_property
    def by_feature(self) -> dict[tuple[str, str], StoredTest]:
        """The tables by stratum and feature."""
        return {(test.stratum, test.feature): test for test in self.tests}

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return digest_of(self.model_dump(mode="json", by_alias=True))

    def render(self) -> str:
        """The text of a file, with the SHA-256 of its content."""
        content = self.model_dump(mode="json", by_alias=True)
        tests = content.pop("tests")
        lines = [f"{as_text(key)}: {as_text(value)}" for key, value in content.items()]
        each = ",\n  ".join(as_text(test) for test in tests)
        return "{\n " + ",\n ".join([*lines, f'"tests": [\n  {each}\n ]', f'"{DIGEST}": "{self.digest}"']) + "\n}\n"

    @classmethod
    def parse(cls, data: bytes, path: str) -> "StoredCalibration | Finding":
        """Read the bytes of a file; a Finding where they are no calibration that can be trusted."""
        return read_signed(cls, data, path, schema=SCHEMA, most=_SIZE_LIMIT, problems=_PROBLEMS)
