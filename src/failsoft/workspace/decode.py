"""From nodes to documents: types are checked by pydantic, and each of its errors becomes a finding with a place."""

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypeAliasType, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from failsoft.findings import Finding
from failsoft.workspace import codes
from failsoft.workspace.kinds import SPECS
from failsoft.workspace.model import Document
from failsoft.workspace.quantities import Fixed, Name
from failsoft.workspace.tree import Node, SourceFile, SourceOrigin

__all__ = ["API_VERSION", "Metadata", "decode", "named", "nearest", "suspected"]

API_VERSION: Literal["failsoft.dev/v1alpha1"] = "failsoft.dev/v1alpha1"


_ALIKE = 0.65
_KIND = re.compile(r"""\bkind:\s*["']?([A-Za-z]+)""")
_NAME = re.compile(r"""\bname:\s*["']?([-a-z0-9]+)""")


class Metadata(Fixed):
    """What names a document."""

    name: Name
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Envelope(Fixed):
    """What every document has around its spec."""

    api_version: Literal["failsoft.dev/v1alpha1"] = API_VERSION
    kind: str
    metadata: Metadata
    spec: dict[str, Any]


def nearest(wrong: str, valid: Sequence[str]) -> str:
    """A hint with the nearest valid name, or no hint.

    >>> nearest("cahtt", ["chat", "summary"])
    'did you mean chat?'
    """
    lowered = {name.lower(): name for name in valid}
    close = get_close_matches(wrong.lower(), list(lowered), n=1, cutoff=_ALIKE)
    return f"did you mean {lowered[close[0]]}?" if close else ""


def decode(file: SourceFile, node: Node, *, shipped: bool) -> tuple[Document[Any] | None, list[Finding]]:
    """The document of a node, or None, and all that is wrong with it."""
    origin = SourceOrigin(file, node)
    if not isinstance(node.data, dict):
        message = "a document has to be a mapping"
        return None, [Finding(codes.NO_MAPPING, message, origin.place(), "kind, metadata and spec")]
    foreign = _foreign(node.data)
    if foreign is not None:
        place = origin.place("apiVersion" if "apiVersion" in node.data else next(iter(node.data)), key=True)
        return None, [Finding(codes.UNKNOWN_KIND, f"this is {foreign[0]}", place, "a document of failsoft", foreign[1])]
    envelope, findings = _validated(Envelope, node.data, origin, ())
    kind = node.data.get("kind")
    if isinstance(kind, str) and kind not in SPECS:
        hint = nearest(kind, list(SPECS)) or "known: " + ", ".join(SPECS)
        findings.append(
            Finding(codes.UNKNOWN_KIND, f"there is no kind {kind!r}", origin.place("kind"), "a kind of failsoft", hint)
        )
        return None, findings
    body = node.data.get("spec")
    if not isinstance(kind, str) or not isinstance(body, dict):
        return None, findings
    spec, more = _validated(SPECS[kind], body, origin, ("spec",))
    findings += more
    if envelope is None or spec is None:
        return None, findings
    return Document(kind, envelope.metadata.name, spec, origin, shipped), findings


def _foreign(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a document of somebody else's is, and where it belongs; one finding says more than one for each key."""
    api = data.get("apiVersion") if "apiVersion" in data else data.get("version")
    if isinstance(api, str) and api.startswith(("openslo", "prometheus/v1", "sloth.slok.dev/")):
        tool = "OpenSLO" if api.startswith("openslo") else "Sloth"
        return f"a document of {tool} ({api})", "failsoft convert makes documents of failsoft of it"
    if "kind" not in data and "groups" in data:
        return (
            "a rule file of Prometheus",
            "failsoft compile writes those; keep yours in another folder",
        )
    if "kind" not in data and {"route", "receivers"} & set(data):
        return (
            "a configuration of Alertmanager",
            "name it under spec.alertmanager.base of the Workspace, and keep it in a folder of its own",
        )
    return None


def named(node: Node) -> tuple[str, str] | None:
    """Kind and name of a node that is no good document, as far as it has them."""
    kind, metadata = (node.data.get("kind"), node.data.get("metadata")) if isinstance(node.data, dict) else (None, None)
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def suspected(text: str) -> frozenset[tuple[str, str]]:
    """Kinds and names of the documents that a text which cannot be parsed may hold; rather too many than too few."""
    kinds = frozenset(_KIND.findall(text)) & frozenset(SPECS)
    return frozenset((kind, name) for kind in kinds for name in {"", *_NAME.findall(text)})


def _validated[M: BaseModel](
    model: type[M], data: object, origin: SourceOrigin, path: tuple[str, ...]
) -> tuple[M | None, list[Finding]]:
    try:
        return model.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        # a list whose entries are wrong is reported as too short as well; the entries say it better
        real = [one for one in details if one["type"] != "too_short" or not _within(details, one["loc"])]
        return None, [_finding(model, detail, origin, path) for detail in real]


def _within(details: Sequence[ErrorDetails], loc: tuple[int | str, ...]) -> bool:
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details)


def _finding(model: type[BaseModel], error: ErrorDetails, origin: SourceOrigin, path: tuple[str, ...]) -> Finding:
    loc = error["loc"]
    is_key = bool(loc) and loc[-1] == "[key]"
    where: tuple[str | int, ...] = (*path, *(loc[:-1] if is_key else loc))
    written = ".".join(str(step) for step in where) or "the document"
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return Finding(codes.MISSING_KEY, f"{written} is missing", origin.place(*where), f"the key {loc[-1]}")
        case "extra_forbidden":
            valid = _keys_at(model, loc[:-1])
            key = str(loc[-1])
            expected = "one of " + ", ".join(valid) if valid else "no key at all"
            return Finding(
                codes.UNKNOWN_KEY,
                f"there is no key {key!r} here",
                origin.place(*where, key=True),
                expected,
                nearest(key, valid),
            )
        case "literal_error":
            choices = [choice for choice in _choices_at(model, loc) if choice]  # what is empty is what is left out
            return Finding(
                codes.WRONG_VALUE,
                f"{written} is {_shown(error['input'])}",
                origin.place(*where),
                f"one of {', '.join(choices)}" if choices else str(context.get("expected", "")),
                nearest(str(error["input"]), choices),
            )
        case "too_short" | "too_long" as problem:
            wanted = f"{context.get('min_length', 1)} or more" if problem == "too_short" else _at_most(context)
            message = f"{written} is {problem.replace('_', ' ')}"
            return Finding(codes.WRONG_VALUE, message, origin.place(*where), f"{wanted} entries")
    expected = str(context.get("expected", "")) or _EXPECTED.get(error["type"], "")
    message = error["msg"][0].lower() + error["msg"][1:]
    if "expected" in context:
        where = (*where, context["at"]) if "at" in context else where
        block = isinstance(error["input"], dict | list | BaseModel)
        message = f"{written} {message}" if block else f"{written} {_shown(error['input'])} {message}"
        place = origin.place(*where, key=is_key)
        return Finding(codes.WRONG_VALUE, message, place, expected, str(context.get("hint", "")))
    hint = "put it in quotes" if error["type"] == "string_type" and isinstance(error["input"], int | float) else ""
    return Finding(
        codes.WRONG_VALUE,
        f"{written} is {_shown(error['input'])}",
        origin.place(*where, key=is_key),
        expected or message.removeprefix("input should be ").removeprefix("string should have "),
        hint,
    )


def _at_most(context: Mapping[str, Any]) -> str:
    there = context.get("actual_length")
    return f"at most {context.get('max_length')}" + (f" of these {there}" if there else "")


_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_parsing": "true or false",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "list_type": "a list",
}


def _shown(value: object) -> str:
    """A value as it can be shown in a message; never long, and never the whole of a block."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "empty"
    text = repr(str(value)) if isinstance(value, str) else str(value)
    longest = 60
    if len(text) <= longest:
        return text
    return text[:longest] + "…" + (text[-1] if isinstance(value, str) else "")


def _descend(annotation: Any, step: str | int) -> Any:
    """The annotation one step down a location, or None."""
    for part in _alternatives(annotation):
        origin, arguments = get_origin(part), get_args(part)
        if isinstance(part, type) and issubclass(part, BaseModel):
            for name, field in part.model_fields.items():
                if step in (field.alias, name):
                    return field.annotation
        if origin is tuple and isinstance(step, int):
            return arguments[0]
        if origin is dict:
            return arguments[1]
    return None


def _alternatives(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, TypeAliasType):
        annotation = annotation.__value__
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) is types.UnionType or isinstance(annotation, types.UnionType):
        for part in get_args(annotation):
            yield from _alternatives(part)
    elif annotation is not type(None):
        yield annotation


def _at(model: type[BaseModel], loc: Sequence[str | int]) -> Any:
    annotation: Any = model
    for step in loc:
        annotation = _descend(annotation, step)
    return annotation


def _keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    for part in _alternatives(_at(model, loc)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return [field.alias or name for name, field in part.model_fields.items()]
    return []


def _choices_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    for part in _alternatives(_at(model, loc)):
        if get_origin(part) is Literal:
            return [str(choice) for choice in get_args(part)]
    return []
