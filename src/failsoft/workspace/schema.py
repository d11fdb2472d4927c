"""JSON Schemas of the documents, generated from the types, for editors that complete and check."""

from typing import Any, override

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from failsoft.workspace.decode import API_VERSION, Metadata
from failsoft.workspace.kinds import SPECS
from failsoft.workspace.quantities import Written

__all__ = ["document_schema"]


class _AsWritten(GenerateJsonSchema):
    """Defaults as people write them, and no titles that only repeat the key."""

    @override
    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Written):
            return str(dft)
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return super().encode_default(dft)

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document_schema() -> dict[str, Any]:
    """One schema (draft 2020-12) for a document of any kind; its `spec` depends on its `kind`."""
    models = [(Metadata, "validation"), *((spec, "validation") for spec in SPECS.values())]
    refs, definitions = models_json_schema(
        models,  # type: ignore[arg-type]
        by_alias=True,
        ref_template="#/$defs/{model}",
        schema_generator=_AsWritten,
    )
    by_kind = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"properties": {"spec": refs[(spec, "validation")]}},
        }
        for kind, spec in SPECS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "failsoft document",
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "default": API_VERSION},
            "kind": {"enum": list(SPECS)},
            "metadata": refs[(Metadata, "validation")],
            "spec": {"type": "object"},
        },
        "allOf": by_kind,
        "$defs": definitions["$defs"],
    }
