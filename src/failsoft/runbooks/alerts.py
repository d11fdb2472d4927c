"""What Alertmanager's webhook (version 4) says, parsed once into frozen values.

Everything in a delivery is text from outside: labels and annotations are only ever compared with declared names or
shown to people, never evaluated, and no value is longer than `TEXT_LIMIT` characters.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from failsoft.errors import PermanentError

__all__ = ["TEXT_LIMIT", "Alert", "Delivery", "parse"]

TEXT_LIMIT = 16_384
"""Characters of the longest value that is kept; the rest is cut off and the cut marked with an ellipsis."""

_ALERTS_LIMIT = 10_000
_LABELS_LIMIT = 512
_SHOWN_PROBLEMS = 3
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d")


def _clean(text: str) -> str:
    # PostgreSQL stores no NUL, and Go's JSON may carry one: it would make every retry fail alike.
    kept = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return kept if len(kept) <= TEXT_LIMIT else kept[: TEXT_LIMIT - 1] + "…"


def _written_time(value: object) -> object:
    # Pydantic alone would also take the digits of a Unix time.
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.match(value)):
        return value
    raise PydanticCustomError("time", "is no time as RFC 3339 writes it")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # Go's zero time, written in a zone east of Greenwich, lies before the first year.
        return datetime.min.replace(tzinfo=UTC)


def _nothing_if_zero(value: datetime) -> datetime | None:
    return None if value.year == 1 else value


_Text = Annotated[str, AfterValidator(_clean)]
_Texts = Annotated[Mapping[_Text, _Text], Field(max_length=_LABELS_LIMIT)]
_Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_time), AfterValidator(_utc)]


class _Received(BaseModel):
    """The base of what is received: unknown keys are allowed, for newer Alertmanagers add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, strict=True)


class Alert(_Received):
    """One alert of a delivery; the pair (`fingerprint`, `starts_at`) is one episode of it."""

    status: Literal["firing", "resolved"]
    """Its own status; that of the group is `firing` while any alert of it fires."""

    labels: _Texts
    annotations: _Texts = Field(default_factory=dict)
    starts_at: _Time
    """In UTC, cut to microseconds."""

    ends_at: Annotated[_Time, AfterValidator(_nothing_if_zero)] | None = None
    """In UTC; None while the alert fires (Alertmanager writes the year 1)."""

    fingerprint: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_clean)]
    """Alertmanager's hash of the labels, 16 hexadecimal digits."""

    generator_url: Annotated[_Text, Field(alias="generatorURL")] = ""


class Delivery(_Received):
    """One POST of Alertmanager: the alerts of a group that it has something to say about."""

    receiver: _Text = ""
    status: Literal["firing", "resolved"]
    group_key: _Text = ""
    """Names the group; it changes with edits of the routes, so it identifies no episode."""

    truncated: Annotated[int, Field(ge=0, alias="truncatedAlerts")] = 0
    """How many alerts of the group were left out (`max_alerts`); more than 0 asks for a look at `/api/v2/alerts`."""

    alerts: Annotated[tuple[Alert, ...], Field(max_length=_ALERTS_LIMIT)]


class _Versioned(Delivery):
    version: Literal["4"]


def parse(body: bytes) -> Delivery:
    """Read the body of a webhook.

    Raises `PermanentError`, saying what was wrong and where, on anything that is not version 4 of the webhook; sending
    the same body again cannot help.
    """
    try:
        read = _Versioned.model_validate_json(body)
    except ValidationError as error:
        raise PermanentError("this is no Alertmanager webhook of version 4: " + _problems(error)) from None
    return Delivery.model_construct(**{name: getattr(read, name) for name in Delivery.model_fields})


def _problems(error: ValidationError) -> str:
    # Without the input itself: an answer or a log line is no place for what a stranger sent.
    told = [
        f"{'.'.join(str(part) for part in problem['loc'])[:200] or 'body'}: {problem['msg'][:200]}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = len(told) - _SHOWN_PROBLEMS
    return "; ".join(told[:_SHOWN_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
