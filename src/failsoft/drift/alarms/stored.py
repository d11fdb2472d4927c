"""A calibration as a file: the critical values that windows are held against, and whether they promise anything."""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn

from pydantic import Field, ValidationError

from failsoft.drift.codes import CALIBRATION_OTHER_VERSION, CALIBRATION_UNREADABLE
from failsoft.drift.features import Stored
from failsoft.findings import Code, Finding, Place

__all__ = ["SCHEMA", "StoredCalibration", "StoredCusum", "StoredRule", "StoredTest", "Watched"]

SCHEMA: Final = 1
"""The version of the format that this failsoft writes, and the newest that it reads."""

_SIZE_LIMIT = 20_000_000
_DIGEST = "sha256"
_AGAIN = "make it again with `failsoft drift calibrate -o`"

type What = Literal["distribution", "missing", "new"]


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
    """S = max(0, S + (z - mean) / sd - 1/2); a ticket and S = 0 when S is above the threshold."""

    mean: float
    sd: float
    threshold: float


class StoredRule(Stored):
    """A page when the newest window is bad and so many of the last ones are."""

    least: int
    among: int


class StoredTest(Stored):
    """One table of bins with its critical values. Shares need none: their law is exact at any level."""

    feature: str
    stratum: str = ""
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
    """The SHA-256 of the reference profile that it was made with."""

    rows: Annotated[int, Field(ge=1)]
    """Of a window."""

    window: Annotated[int, Field(ge=1)]
    every: Annotated[int, Field(ge=1)]
    """Milliseconds of a window, and between two evaluations."""

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
        return _digest(self.model_dump(mode="json", by_alias=True))

    def render(self) -> str:
        """The text of a file, with the SHA-256 of its content."""
        content = self.model_dump(mode="json", by_alias=True)
        tests = content.pop("tests")
        lines = [f"{_text(key)}: {_text(value)}" for key, value in content.items()]
        each = ",\n  ".join(_text(test) for test in tests)
        return "{\n " + ",\n ".join([*lines, f'"tests": [\n  {each}\n ]', f'"{_DIGEST}": "{self.digest}"']) + "\n}\n"

    @classmethod
    def parse(cls, data: bytes, path: str) -> "StoredCalibration | Finding":
        """Read the bytes of a file; a Finding where they are no calibration that can be trusted."""
        content = _read(data)
        if isinstance(content, str):
            return _finding(CALIBRATION_UNREADABLE, content, path)
        if content.get("kind") != "drift-calibration":
            return _finding(CALIBRATION_UNREADABLE, "is no calibration of drift alarms", path)
        schema = content.get("schema")
        if schema != SCHEMA:
            newer = isinstance(schema, int) and schema > SCHEMA
            hint = "update failsoft, or " + _AGAIN if newer else _AGAIN
            found = f"has the schema {schema!r}, and this failsoft reads {SCHEMA}"
            return Finding(CALIBRATION_OTHER_VERSION, found, Place(path), hint=hint)
        digest = content.pop(_DIGEST, None)
        if digest != _digest(content):
            return _finding(CALIBRATION_UNREADABLE, "was changed after it was written: its sha256 differs", path)
        try:
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return _finding(CALIBRATION_UNREADABLE, f"is no calibration: {where or 'it'}: {first['msg']}", path)


def _read(data: bytes) -> dict[str, Any] | str:
    """The JSON object of a file, or what is wrong with it."""
    if len(data) > _SIZE_LIMIT:
        return f"has {len(data)} bytes, more than {_SIZE_LIMIT}"
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return f"is no JSON: {str(error)[:100]}"
    return content if isinstance(content, dict) else "holds no JSON object"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _finding(code: Code, message: str, path: str) -> Finding:
    return Finding(code, message, Place(path), hint=_AGAIN)
