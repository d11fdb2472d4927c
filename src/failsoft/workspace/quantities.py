"""Quantities as people write them: durations with a unit, percentages with a sign, names, references, secrets."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, total_ordering
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = [
    "Clock",
    "Closing",
    "Duration",
    "Fixed",
    "Latency",
    "Name",
    "ObjectName",
    "Percent",
    "Port",
    "Rate",
    "SecretRef",
    "Written",
]

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_LATENCY_UNITS = {"us": Decimal("0.001")} | {unit: Decimal(_UNITS[unit]) for unit in ("ms", "s", "m", "h")}
_LATENCY = re.compile(r"(\d+(?:\.\d+)?)(us|ms|[smh])")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/([smh])")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_LONGEST_MS = 366 * 86_400_000


class Fixed(BaseModel):
    """The base of every value read from a document: frozen, strict about keys, camelCase outside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Written:
    """A scalar that people write as text, parsed once."""

    pattern: ClassVar[str]
    examples: ClassVar[list[str]]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read it. Raises `PydanticCustomError` on anything that is none."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = lru_cache(maxsize=256)(cls.parse)  # most documents say the same few values

        def read(value: object) -> object:
            if isinstance(value, cls):
                return value
            return known(value) if isinstance(value, str) else cls.parse(value)

        return core_schema.no_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": cls.pattern, "examples": cls.examples}


@total_ordering
@dataclass(frozen=True, slots=True)
class Duration(Written):
    """A length of time in whole milliseconds.

    >>> str(Duration.parse("1h30m")), Duration.parse("90s").seconds
    ('1h30m', 90.0)
    """

    milliseconds: int

    pattern: ClassVar[str] = r"^(\d+(\.\d+)?(ms|[smhdw]))+$"
    examples: ClassVar[list[str]] = ["500ms", "4m", "30d"]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read text such as `500ms`, `1h30m` or `0.5s`. Raises `PydanticCustomError` on anything else."""
        if not isinstance(text, str) or not _DURATION.fullmatch(text):
            hint = (
                f"write {text}s or {text}ms" if isinstance(text, int | Decimal) and not isinstance(text, bool) else ""
            )
            context = {"expected": "a number with a unit of ms, s, m, h, d or w, such as 500ms", "hint": hint}
            raise PydanticCustomError("duration", "is no duration", context)
        total = sum(Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        if total != int(total) or not 0 < total <= _LONGEST_MS:
            raise PydanticCustomError(
                "duration", "is out of range", {"expected": "whole milliseconds, more than 0 and at most 366d"}
            )
        return cls(int(total))

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self.milliseconds / 1000

    @property
    def exact_seconds(self) -> Decimal:
        """The same in seconds, exactly."""
        return Decimal(self.milliseconds) / 1000

    def __str__(self) -> str:
        """The shortest text that Prometheus reads as the same duration: whole units, largest first."""
        rest, parts = self.milliseconds, []
        for unit in ("d", "h", "m", "s", "ms"):
            count, rest = divmod(rest, _UNITS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"

    def __lt__(self, other: "Duration") -> bool:
        return self.milliseconds < other.milliseconds

    def __mul__(self, factor: int) -> "Duration":
        return Duration(self.milliseconds * factor)


@dataclass(frozen=True, slots=True)
class Latency(Written):
    """A latency, kept exactly: a length of time that may be a fraction of a millisecond.

    >>> str(Latency.parse("2500us")), str(Latency.parse("1.5s")), Latency.parse("2.2ms").milliseconds
    ('2.5ms', '1s500ms', Decimal('2.2'))
    """

    milliseconds: Decimal

    pattern: ClassVar[str] = r"^\d+(\.\d+)?(us|ms|[smh])$"
    examples: ClassVar[list[str]] = ["500ms", "2s", "1800us"]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read text such as `500ms`, `1.5s` or `800us`. Raises `PydanticCustomError` on anything else."""
        found = _LATENCY.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            hint = (
                f"write {text}s or {text}ms" if isinstance(text, int | Decimal) and not isinstance(text, bool) else ""
            )
            context = {"expected": "a number with a unit of us, ms, s, m or h, such as 500ms", "hint": hint}
            raise PydanticCustomError("duration", "is no duration", context)
        value = Decimal(found[1]) * _LATENCY_UNITS[found[2]]
        if not 0 < value <= _LONGEST_MS:
            raise PydanticCustomError("duration", "is out of range", {"expected": "more than 0 and at most 366d"})
        return cls(value)

    def __str__(self) -> str:
        """Whole milliseconds as durations are written, others as one number."""
        if self.milliseconds == self.milliseconds.to_integral_value():
            return str(Duration(int(self.milliseconds)))
        return f"{self.milliseconds.normalize():f}ms"


@dataclass(frozen=True, slots=True)
class Rate(Written):
    """Events in a time, kept exactly.

    >>> str(Rate.parse("30/m")), Rate.parse("30/m").per_second
    ('30/m', Fraction(1, 2))
    """

    count: Decimal
    unit: str

    pattern: ClassVar[str] = r"^\d+(\.\d+)?/[smh]$"
    examples: ClassVar[list[str]] = ["200/s", "30/m", "1/h"]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read text such as `30/m`. Raises `PydanticCustomError` on anything else."""
        found = _RATE.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            hint = f"write {text}/s" if isinstance(text, int | Decimal) and not isinstance(text, bool) else ""
            raise PydanticCustomError(
                "rate", "is no rate", {"expected": "a number in a second, minute or hour, such as 30/m", "hint": hint}
            )
        return cls(Decimal(found[1]), found[2])

    @property
    def per_second(self) -> Fraction:
        """The same in a second, exactly."""
        return Fraction(self.count) * 1000 / _UNITS[self.unit]

    def __str__(self) -> str:
        return f"{self.count:f}/{self.unit}"


def _in_percent(number: object) -> str:
    """What to write for a bare number: below one it is meant as a share of one."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not 0 <= number <= 100:  # noqa: PLR2004
        return ""
    percent = Decimal(number * 100).normalize() if 0 < number < 1 else Decimal(number)
    return f"write {percent:f}%"


@total_ordering
@dataclass(frozen=True, slots=True)
class Percent(Written):
    """A share written in percent, kept exactly.

    >>> Percent.parse("99.9%").ratio
    Decimal('0.999')
    """

    value: Decimal

    pattern: ClassVar[str] = r"^\d+(\.\d+)?%$"
    examples: ClassVar[list[str]] = ["99.9%", "2%"]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read text such as `99.9%`. Raises `PydanticCustomError` on anything else, or outside 0 to 100 %."""
        if not isinstance(text, str) or not _PERCENT.fullmatch(text):
            context = {"expected": "a number with %, such as 99.9%", "hint": _in_percent(text)}
            raise PydanticCustomError("percent", "is no percentage", context)
        value = Decimal(text[:-1])
        if value > 100:  # noqa: PLR2004  # a hundred percent
            raise PydanticCustomError("percent", "is out of range", {"expected": "a percentage from 0% to 100%"})
        return cls(value)

    @property
    def ratio(self) -> Decimal:
        """The same as a share of one, exactly."""
        return self.value / 100

    def __str__(self) -> str:
        return f"{self.value:f}%"

    def __lt__(self, other: "Percent") -> bool:
        return self.value < other.value


def _name(text: str) -> str:
    if len(text) > 63 or not _NAME.fullmatch(text):  # noqa: PLR2004  # RFC 1123 label
        raise PydanticCustomError(
            "name",
            "is no name",
            {"expected": "at most 63 of a-z, 0-9 and -, beginning and ending with a letter or digit"},
        )
    return text


Name = Annotated[
    str,
    AfterValidator(_name),
    Field(json_schema_extra={"pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}),
]
"""The name of a document: an RFC 1123 label, as Kubernetes wants it."""


def _clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        hint = f"write 0{text}" if _CLOCK.fullmatch(f"0{text}") else ""
        context = {"expected": "hours and minutes from 00:00 to 23:59, such as 09:00", "hint": hint}
        raise PydanticCustomError("clock", "is no time of day", context)
    return text


def _closing(text: str) -> str:
    return text if text == "24:00" else _clock(text)


Clock = Annotated[str, AfterValidator(_clock), Field(json_schema_extra={"pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"})]
"""A time of day, such as `09:00`."""

Closing = Annotated[
    str,
    AfterValidator(_closing),
    Field(json_schema_extra={"pattern": r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}),
]
"""The same, or `24:00`, the end of the day."""


@total_ordering
@dataclass(frozen=True, slots=True)
class ObjectName(Written):
    """A Kubernetes object, written `namespace/name`."""

    namespace: str
    name: str

    pattern: ClassVar[str] = r"^[a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9.]*$"
    examples: ClassVar[list[str]] = ["prod/chat-70b"]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read `namespace/name`. Raises `PydanticCustomError` on anything else."""
        if not isinstance(text, str) or not re.fullmatch(cls.pattern, text):
            raise PydanticCustomError(
                "object-name", "names no object", {"expected": "namespace/name, such as prod/chat"}
            )
        return cls(*text.split("/"))

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def __lt__(self, other: "ObjectName") -> bool:
        return (self.namespace, self.name) < (other.namespace, other.name)


def _port(value: int) -> int:
    if not 0 <= value <= 65535:  # noqa: PLR2004  # 16 bits
        raise PydanticCustomError("port", "is no port", {"expected": "a number from 0 to 65535"})
    return value


Port = Annotated[int, AfterValidator(_port)]


class SecretRef(Fixed):
    """Where a secret is found; never the secret itself."""

    env: str = ""
    """The environment variable that holds it."""

    file: str = ""
    """The file that holds it, such as a mounted Kubernetes Secret."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.env) == bool(self.file):
            raise PydanticCustomError(
                "one-of", "needs exactly one of env, file", {"expected": "{env: NAME} or {file: PATH}"}
            )
        return self

    def __str__(self) -> str:
        return f"env {self.env}" if self.env else f"file {self.file}"
