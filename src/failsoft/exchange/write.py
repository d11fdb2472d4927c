"""SLOs of other tools as the text of failsoft's documents."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from failsoft.exchange.neutral import ForeignSlo, Windows

__all__ = ["documents", "model", "slo", "team", "windows", "workspace"]

_PLAIN = re.compile(r"[a-zA-Z#/][a-zA-Z0-9_/.-]*(?: [a-zA-Z0-9_/.-]+)*|[0-9]+(?:\.[0-9]+)?(?:%|[a-z]+)")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_SCHEMA = "# Written by failsoft convert{origin}. It is yours now.\n"


class _Dumper(yaml.CSafeDumper):
    """YAML that 1.1 and 1.2 read alike: what might be read as anything but text is in quotes."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML asks with it
        return True


def _text(dumper: "_Dumper", value: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not value.startswith("#")
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", value, style=None if plain else '"' if "'" in value else "'"
    )


_Dumper.add_representer(str, _text)


def documents(parts: Iterable[Mapping[str, Any]], *, origin: str = "") -> str:
    """Several documents as the text of one file, which says of what they were made."""
    texts = [yaml.dump(dict(part), Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True) for part in parts]
    shown = "".join(char if char.isprintable() else "?" for char in origin)
    return _SCHEMA.format(origin=f" from {shown}" if shown else "") + "---\n".join(texts)


def slo(one: ForeignSlo, name: str, model: str) -> dict[str, Any]:
    """A document of kind SLO."""
    spec: dict[str, Any] = {
        "model": model,
        "indicator": one.indicator,
        "objective": f"{one.objective.normalize():f}%",
        "period": one.period,
    }
    if one.windows is not None:
        spec["alerting"] = one.windows if isinstance(one.windows, str) else one.windows.name
    if one.sloth is not None:
        spec["sloth"] = {"service": one.sloth[0], "slo": one.sloth[1]}
    if one.description:
        spec["description"] = one.description
    return _document("SLO", name, spec)


def windows(one: Windows) -> dict[str, Any]:
    """A document of kind AlertWindows."""
    tiers = [
        {
            "name": tier.name,
            "severity": tier.severity,
            "budget": f"{tier.budget:f}%",
            "short": tier.short,
            "long": tier.long,
        }
        | ({"for": tier.lasting} if tier.lasting else {})
        for tier in one.tiers
    ]
    return _document("AlertWindows", one.name, ({"period": one.period} if one.period else {}) | {"tiers": tiers})


def model(name: str, owner: str, select: Mapping[str, str]) -> dict[str, Any]:
    """A document of kind Model, for a service that no engine's catalogue describes."""
    return _document("Model", name, {"engine": "generic", "select": dict(select), "owner": owner})


def team(name: str) -> dict[str, Any]:
    """A document of kind Team, to be filled in."""
    return _document("Team", name, {"slack": f"#{name}", "pager": {"stdout": {}}, "people": [{"name": name}]})


def workspace(name: str, prometheus: str = "") -> dict[str, Any]:
    """A document of kind Workspace, to be filled in."""
    url = prometheus or "http://localhost:9090"
    return _document("Workspace", name, {"prometheus": {"url": url, "scrapeInterval": "15s"}})


def _document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}
