"""The OpenSLO documents that were given, found by kind and name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from failsoft.exchange import codes
from failsoft.exchange.values import Foreign, Labels, Text, decoded
from failsoft.findings import Finding
from failsoft.workspace.decode import nearest
from failsoft.workspace.tree import SourceOrigin

__all__ = ["API", "KINDS", "OWNERS", "Given", "Spec", "collect", "prometheus_of", "referred"]

API = "openslo/v1"
KINDS = ("DataSource", "SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service")


OWNERS = ("owner", "team")
"""Labels that say whose something is."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~/-]*)?")


class _Metadata(Foreign):
    name: Text
    display_name: Text = ""
    labels: Labels = {}  # noqa: RUF012  # frozen with the model
    annotations: Any = None


class _Envelope(Foreign):
    api_version: str
    kind: str
    metadata: _Metadata
    spec: Any = None


class Spec(NamedTuple):
    """What stands under `spec` of a document, or of one that stands within another."""

    data: Any
    origin: SourceOrigin
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """Every document of OpenSLO, by kind and name.

    Attributes:
        specs: their specs.
        labels: their labels.
    """

    specs: dict[tuple[str, str], Spec] = field(default_factory=dict)
    labels: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    def names(self, kind: str) -> list[str]:
        """The names of one kind."""
        return [name for one, name in self.specs if one == kind]


def collect(data: dict[str, Any], origin: SourceOrigin, given: Given) -> list[Finding]:
    """Put a document among those given; what is wrong with it."""
    kind = data.get("kind")
    if kind not in KINDS:
        message, hint = f"OpenSLO v1 has no kind {kind!r}", nearest(str(kind), KINDS)
        return [Finding(codes.FOREIGN_KIND, message, origin.place("kind"), "one of " + ", ".join(KINDS), hint)]
    envelope, findings = decoded(_Envelope, data, origin)
    if envelope is None:
        return findings
    key = (str(kind), envelope.metadata.name)
    if key in given.specs:
        first = given.specs[key].origin.place("metadata", "name")
        message, place = f"there are two documents {kind} {envelope.metadata.name}", origin.place("metadata", "name")
        hint = f"the first one is at {first}"
        return [*findings, Finding(codes.COLLISION, message, place, "a name of its own", hint)]
    given.specs[key] = Spec(envelope.spec, origin, ("spec",))
    given.labels[key] = envelope.metadata.labels
    return [*findings, *_lost(str(kind), envelope.metadata, origin)]


def _lost(kind: str, metadata: _Metadata, origin: SourceOrigin) -> Iterator[Finding]:
    lost = sorted(set(metadata.labels) - set(OWNERS)) if kind in {"SLO", "Service"} else []
    if lost:
        message = f"the labels {', '.join(lost)} are not kept: failsoft labels by slo, model and team"
        yield Finding(codes.NOT_KEPT, message, origin.place("metadata", "labels", key=True))
    if metadata.annotations:
        message = "annotations are not kept"
        yield Finding(codes.NOT_KEPT, message, origin.place("metadata", "annotations", key=True))


def prometheus_of(given: Given, there: str | None = None) -> tuple[str, list[Finding]]:
    """The address of the one Prometheus that all sources name, or nothing and what is not kept.

    Args:
        given: the documents.
        there: the address in a Workspace that is there already, which stays as it is, empty where nobody knows it;
            None where there is no Workspace yet.
    """
    sources = [(name, spec) for (kind, name), spec in given.specs.items() if kind == "DataSource"]
    details = [(*one, one[1].data.get("connectionDetails")) for one in sources if isinstance(one[1].data, dict)]
    urls = {_url(one) for _, _, one in details}
    (url,) = urls if len(urls) == 1 else ("",)
    if _ADDRESS.fullmatch(url) and there is None:
        return url, []
    return "", [
        Finding(
            codes.NOT_KEPT,
            f"the connection of the source {name} is not kept: the Workspace names the Prometheus that is asked",
            spec.origin.place(*spec.path, "connectionDetails", key=True),
            hint="where this one is to be asked, write its address as spec.prometheus.url of the Workspace",
        )
        for name, spec, one in details
        if one and (not there or _url(one).rstrip("/") != there.rstrip("/"))
    ]


def _url(connection: Any) -> str:
    return str(connection.get("url", "")) if isinstance(connection, dict) else ""


def referred(
    given: Given, kind: str, name: str, origin: SourceOrigin, *path: str | int
) -> tuple[Spec | None, list[Finding]]:
    """The document that a name at a place stands for."""
    found = given.specs.get((kind, name))
    if found is not None:
        return found, []
    hint = nearest(name, given.names(kind)) or "give the file that holds it to `failsoft convert` too"
    message = f"no document given is the {kind} {name!r}"
    return None, [Finding(codes.DANGLING, message, origin.place(*path), f"the name of a document {kind}", hint)]
