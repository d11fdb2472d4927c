"""Text that is filled in or called later, looked at while it is read: addresses, queries, templates."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

__all__ = ["TEMPLATE_NAMES", "AlertAddress", "SloAddress", "Template", "TemplateQuery", "Url"]

TEMPLATE_NAMES = ("slo", "model", "team", "alert")
"""What a template of a runbook may name; `alert` holds the alert's labels, the others are text."""

_QUERY_NAMES = ("slo", "model", "selector")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_PLACEHOLDER = re.compile(r"\{[ \t]*([A-Za-z_]\w*)[ \t]*\}")


def _url(text: str) -> str:
    expected = {"expected": "http:// or https://, a host, and what comes after it"}
    try:
        at = urlsplit(text)
        good = at.scheme in {"http", "https"} and bool(at.hostname) and at.port != 0
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text:
        bare = re.fullmatch(r"[\w.-]+(:\d+)?(/\S*)?", text)
        raise PydanticCustomError("url", "is no address", expected | ({"hint": f"write http://{text}"} if bare else {}))
    return text


def _address(text: str, names: tuple[str, ...]) -> str:
    for name in re.findall(r"\{([^{}]*)\}", text):
        if name not in names:
            raise _unknown(name, names)
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text)):
        context = {"expected": f"{_list(names)}; a brace of the address itself as %7B or %7D"}
        raise PydanticCustomError("address", "has a brace that stands alone", context)
    return text


def _query(text: str) -> str:
    bare = _STRING.sub('""', text)
    for name in _PLACEHOLDER.findall(bare):
        if f"{{{name}}}" not in bare or name not in _QUERY_NAMES:
            raise _unknown(name, _QUERY_NAMES)
    if bare.count("{") != bare.count("}"):
        raise PydanticCustomError("promql", "has a brace that stands alone", {"expected": "as many { as }"})
    return text


def _template(text: str) -> str:
    if "{" not in text:
        return text
    from jinja2 import TemplateError

    try:
        problem = next(_template_problems(text), None)
    except TemplateError as error:
        problem = PydanticCustomError("template", "is no template", {"expected": f"a Jinja template: {error.message}"})
    except (RecursionError, ValueError):
        problem = PydanticCustomError("template", "is no template", {"expected": "a Jinja template of a few words"})
    if problem is not None:
        raise problem
    return text


def _template_problems(text: str) -> Iterator[PydanticCustomError]:
    """What the template would stumble over. It is parsed only: making code of it would compute its constants."""
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment()
    tree = environment.parse(text)
    others = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for _ in tree.find_all(others):
        yield _names("another template", "one template that stands alone")
    for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        for used in tree.find_all(kind):
            if used.name not in known:
                yield _names(f"the {kind.__name__.lower()} {used.name}", "one that Jinja has", _near(used.name, known))
    named = list(tree.find_all(nodes.Name))
    own = {one.name for one in named if one.ctx != "load"} | {one.name for one in tree.find_all(nodes.Macro)}
    for one in named:
        if one.name not in {*own, *TEMPLATE_NAMES, *environment.globals, "loop"}:
            yield _names(one.name, "a name among " + ", ".join(TEMPLATE_NAMES), _near(one.name, TEMPLATE_NAMES))
    for got in tree.find_all(nodes.Getattr):
        word = got.node.name if isinstance(got.node, nodes.Name) else ""
        if word in set(TEMPLATE_NAMES[:-1]) - own and not hasattr(str, got.attr):
            yield _names(f"{word}.{got.attr}", f"{word} alone, which is text")


def _names(what: str, expected: str, more: Mapping[str, str] | None = None) -> PydanticCustomError:
    context = {"what": what, "expected": expected} | dict(more or {})
    return PydanticCustomError("template", "names {what}", context)


def _unknown(name: str, names: tuple[str, ...]) -> PydanticCustomError:
    context = {"what": f"{{{name}}}", "expected": f"{_list(names)}"} | _near(name, names)
    return PydanticCustomError("placeholder", "holds {what}", context)


def _near(name: str, names: Iterable[str]) -> dict[str, str]:
    close = get_close_matches(name.lower(), list(names), n=1)
    return {"hint": f"did you mean {close[0]}?"} if close else {}


def _list(names: tuple[str, ...]) -> str:
    return " or ".join(f"{{{name}}}" for name in names)


Url = Annotated[str, AfterValidator(_url), Field(json_schema_extra={"pattern": r"^https?://[^\s/?#]+"})]
"""The address of a server."""

SloAddress = Annotated[str, AfterValidator(lambda text: _address(text, ("slo", "model", "runbook")))]
"""An address in which `{slo}`, `{model}` and `{runbook}` are filled in."""

AlertAddress = Annotated[str, AfterValidator(lambda text: _address(text, ("alert", "topic")))]
"""An address in which `{alert}` and `{topic}` are filled in."""

TemplateQuery = Annotated[str, Field(min_length=1), AfterValidator(_query)]
"""PromQL in which `{slo}`, `{model}` and `{selector}` are filled in."""

Template = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_template)]
"""A sandboxed Jinja template over `slo`, `model`, `team` and `alert`."""
