"""A mapping that takes exactly one of several keys, as in `indicator: {ttft: ...}`."""

from typing import Any, ClassVar, Self

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError

from failsoft.workspace.quantities import Fixed

__all__ = ["OneOf"]


class OneOf(Fixed):
    """Exactly one of the fields is set, those named in `beside` apart."""

    beside: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def choices(cls) -> tuple[str, ...]:
        """The keys to choose from, as written in a document."""
        return tuple(field.alias or name for name, field in cls.model_fields.items() if name not in cls.beside)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        chosen = [name for name, value in vars(self).items() if value is not None and name not in self.beside]
        if len(chosen) != 1:
            problem = "says nothing" if not chosen else "says more than one thing"
            raise PydanticCustomError("one-of", problem, {"expected": "exactly one of " + ", ".join(self.choices())})
        return self

    @property
    def choice(self) -> str:
        """The name of the field that is set, in Python's spelling."""
        # read very often: the values as they lie there, which are the fields in their order
        for name, value in vars(self).items():
            if value is not None and name not in self.beside:
                return name
        raise AssertionError("exactly one is set")

    @property
    def chosen(self) -> Any:
        """The value of the field that is set."""
        return getattr(self, self.choice)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler.resolve_ref_schema(handler(schema))
        made["oneOf"] = [{"required": [key]} for key in cls.choices()]
        return made
