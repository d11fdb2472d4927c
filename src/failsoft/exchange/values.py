"""Foreign documents as typed values: a lenient base, its errors as findings, and the keys that nobody knows."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from failsoft.exchange import codes
from failsoft.findings import Finding
from failsoft.workspace.decode import nearest
from failsoft.workspace.tree import SourceOrigin

__all__ = ["Foreign", "Labels", "Listed", "Text", "decoded"]


def _text(value: object) -> object:
    """A scalar as text: people write numbers and booleans where other tools read text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | list | dict) or value is None else str(value)


def _label(value: object) -> object:
    # OpenSLO allows several values for one label
    return ",".join(map(str, value)) if isinstance(value, list) else _text(value)


Text = Annotated[str, BeforeValidator(_text)]
Labels = Annotated[
    dict[str, Annotated[str, BeforeValidator(_label)]], BeforeValidator(lambda value: {} if value is None else value)
]
Listed = BeforeValidator(lambda value: () if value is None else value)
"""For a list that may be written as `key:` and nothing."""


class Foreign(BaseModel):
    """The base: camelCase outside unless it is read by name, and unknown keys kept, so that they can be told."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True)


def decoded[M: Foreign](
    model: type[M], data: object, origin: SourceOrigin, *path: str | int, snake: bool = False
) -> tuple[M | None, list[Finding]]:
    """A value of a foreign document, or None and what is wrong; unknown keys come as warnings with either.

    Args:
        model: the type.
        data: what stands at `path`.
        origin: the document.
        path: where in the document.
        snake: whether its keys are written in snake_case.
    """
    try:
        value = model.model_validate(data, by_alias=not snake, by_name=snake)
    except ValidationError as error:
        return None, [
            Finding(
                codes.INVALID,
                f"{'.'.join(map(str, (*path, *detail['loc'])))}: {detail['msg'][0].lower()}{detail['msg'][1:]}",
                origin.place(*path, *detail["loc"]),
            )
            for detail in error.errors(include_url=False)
        ]
    return value, list(_unknown(value, origin, path, snake=snake))


def _unknown(value: Any, origin: SourceOrigin, path: tuple[str | int, ...], *, snake: bool) -> Iterator[Finding]:
    if isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _unknown(one, origin, (*path, index), snake=snake)
    if not isinstance(value, Foreign):
        return
    fields = type(value).model_fields
    written = {name if snake else field.alias or name: name for name, field in fields.items()}
    for key in value.model_extra or {}:
        message = f"there is no key {key!r} here, so what it says is lost"
        place = origin.place(*path, key, key=True)
        yield Finding(codes.UNKNOWN, message, place, "one of " + ", ".join(written), nearest(key, list(written)))
    for key, name in written.items():
        yield from _unknown(getattr(value, name), origin, (*path, key), snake=snake)
