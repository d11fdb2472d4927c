"""From files of other tools to files of a workspace: which kinds they are, valid names, and what has to be added."""

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from failsoft.exchange import codes, write
from failsoft.exchange.neutral import ForeignSlo, Windows
from failsoft.exchange.openslo import read_openslo
from failsoft.exchange.openslo_given import API, Given, collect, prometheus_of
from failsoft.exchange.sloth import is_sloth, read_sloth
from failsoft.findings import Finding, Place, Severity
from failsoft.workspace.decode import decode
from failsoft.workspace.read import read_nodes
from failsoft.workspace.tree import Node, SourceFile, SourceOrigin

__all__ = ["Converted", "Known", "convert"]

_VERSIONS = {
    "openslo/v1alpha": "OpenSLO's v1alpha is older than this; its project says how to move on",
    "openslo.com/v2alpha": "OpenSLO's v2alpha is not finished; write it as openslo/v1",
}
_LONGEST = 63
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace that is written into holds already: names, and whether it is one at all.

    Attributes:
        prometheus: the address that its Workspace names; empty where nobody knows it.
        there: whether there is a Workspace already, to which nothing is added.
    """

    teams: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    slos: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()
    prometheus: str = ""
    there: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """The files to write, relative to the workspace, and how many SLOs they hold; none where there is an error."""

    files: dict[str, str]
    slos: int


@dataclass(slots=True)
class _Made:
    """What is being made: documents by file."""

    known: Known
    owner: str
    prometheus: str = ""
    slos: dict[str, ForeignSlo] = field(default_factory=dict)
    models: dict[str, dict[str, ForeignSlo]] = field(default_factory=dict)
    windows: dict[str, Windows] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def convert(
    sources: Sequence[SourceFile], *, owner: str, period: str = "30d", known: Known | None = None
) -> tuple[Converted, tuple[Finding, ...]]:
    """Read documents of OpenSLO v1 and of Sloth, and say the same in documents of failsoft.

    Args:
        sources: the files; references are followed among all of them.
        owner: the Team of what names none.
        period: of Sloth's SLOs, whose documents do not say it.
        known: what the workspace holds already.
    """
    given = Given()
    read, standalone, findings = _read(sources, period, given)
    made = _Made(known or Known(), owner, findings=findings)
    made.prometheus, more = prometheus_of(given, made.known.prometheus if made.known.there else None)
    made.findings += more
    for windows in standalone:
        _add_windows(made, windows)
    for one in read:
        _add(made, one)
    if not made.slos and not made.windows and not _failed(made.findings):
        place = Place(sources[0].path if sources else "")
        made.findings.append(Finding(codes.INVALID, "there is no SLO here", place))
    files = _files(made)
    ordered = tuple(sorted(made.findings, key=lambda finding: (finding.place, finding.code.id)))
    if _failed(ordered):
        return Converted({}, 0), ordered
    return Converted(files, len(made.slos)), ordered


def _failed(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def _read(
    sources: Iterable[SourceFile], period: str, given: Given
) -> tuple[list[ForeignSlo], list[Windows], list[Finding]]:
    slos: list[ForeignSlo] = []
    windows: list[Windows] = []
    findings: list[Finding] = []
    for source in sources:
        nodes, problems = read_nodes(source)
        findings += problems
        for node in itertools.chain.from_iterable(map(_single, nodes)):
            origin = SourceOrigin(source, node)
            data: Any = node.data
            if not isinstance(data, dict):
                findings.append(Finding(codes.FOREIGN_KIND, "a document has to be a mapping", origin.place()))
            elif is_sloth(data):
                more, own, problems = read_sloth(data, origin, period)
                slos, windows, findings = slos + more, windows + own, findings + problems
            elif data.get("apiVersion") == API:
                findings += collect(data, origin, given)
            else:
                findings.append(_foreign(data, origin))
    more, problems = read_openslo(given)
    return slos + more, windows, findings + problems


def _single(node: Node) -> Sequence[Node]:
    """The documents that one holds: OpenSLO takes lists of them, and kubectl writes objects as a `List`."""
    if isinstance(node.children, list):
        return node.children
    data: Any = node.data
    if isinstance(data, dict) and data.get("kind") == "List" and isinstance(data.get("items"), list):
        items = node.child("items")
        return items.children if items is not None and isinstance(items.children, list) else ()
    return (node,)


def _foreign(data: dict[str, Any], origin: SourceOrigin) -> Finding:
    version = data.get("apiVersion", data.get("version"))
    message = (
        f"the version {version!r} is none that is read" if version is not None else "there is no apiVersion or version"
    )
    hint = _VERSIONS.get(version, "") if isinstance(version, str) else ""
    place = origin.place("apiVersion" if "apiVersion" in data else "version")
    return Finding(codes.FOREIGN_KIND, message, place, "openslo/v1, prometheus/v1 or sloth.slok.dev/v1", hint)


def _add(made: _Made, one: ForeignSlo) -> None:
    name, model = _named(made, one.name, one.place), _named(made, one.service, one.place)
    if name in made.slos or name in made.known.slos:
        other = made.slos.get(name)
        hint = f"the other one is at {other.place}" if other else "the other one is in the workspace"
        message = f"two SLOs would be called {name}"
        made.findings.append(Finding(codes.COLLISION, message, one.place, "names of their own", hint))
        return
    made.slos[name] = one
    made.models.setdefault(model, {})[name] = one
    if isinstance(one.windows, Windows):
        _add_windows(made, one.windows)


def _add_windows(made: _Made, windows: Windows) -> None:
    name = _slug(windows.name)
    if made.windows.setdefault(name, windows) != windows:
        message = f"two sets of alert windows would be called {name}"
        made.findings.append(Finding(codes.COLLISION, message, Place(name), "names of their own"))


def _named(made: _Made, text: str, place: Place) -> str:
    name = _slug(text)
    if name != text:
        message = f"{text!r} is called {name} here"
        finding = Finding(codes.RENAMED, message, place, "at most 63 of a-z, 0-9 and -")
        if finding not in made.findings:
            made.findings.append(finding)
    return name


def _slug(text: str) -> str:
    """A valid name; one that is cut or empty carries a digest of the whole, so that no two become one."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if slug and len(slug) <= _LONGEST:
        return slug
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return f"{slug[: _LONGEST - _DIGEST - 1].rstrip('-')}-{digest}".lstrip("-")


def _files(made: _Made) -> dict[str, str]:
    files: dict[str, str] = {}
    owners: dict[str, ForeignSlo] = {}
    for model, named in made.models.items():
        slos = list(named.values())
        origin = ", ".join(dict.fromkeys(one.place.path for one in slos))
        owner = _owner(made, slos)
        owners.setdefault(owner, slos[0])
        parts = [write.slo(_renamed(one), name, model) for name, one in named.items()]
        files[f"slo/{model}.yaml"] = write.documents(parts, origin=origin)
        if model not in made.known.models:
            select = _select(made, model, slos)
            files[f"models/{model}.yaml"] = write.documents([write.model(model, owner, select)], origin=origin)
    for owner, first in owners.items():
        if owner not in made.known.teams:
            message = f"the team {owner} is written with a channel, a pager and people to be filled in"
            made.findings.append(Finding(codes.PLACEHOLDER, message, first.place, f"a look at teams/{owner}.yaml"))
            files[f"teams/{owner}.yaml"] = write.documents([write.team(owner)], origin=first.place.path)
    for name, windows in made.windows.items():
        if name not in made.known.windows:
            called = Windows(name, windows.tiers, windows.period)
            files[f"slo/windows-{name}.yaml"] = write.documents([write.windows(called)], origin="alert windows")
    if files and not made.known.there:
        files["failsoft.yaml"] = write.documents([write.workspace("workspace", made.prometheus)])
    made.findings += _invalid(files)
    return dict(sorted(files.items()))


def _renamed(one: ForeignSlo) -> ForeignSlo:
    if not isinstance(one.windows, Windows):
        return one
    return replace(one, windows=replace(one.windows, name=_slug(one.windows.name)))


def _owner(made: _Made, slos: Sequence[ForeignSlo]) -> str:
    named = list(dict.fromkeys(one.owner for one in slos if one.owner))
    if len(named) > 1:
        message = f"the service has several owners, {', '.join(named)}; its Model has one, {named[0]}"
        made.findings.append(Finding(codes.APPROXIMATED, message, slos[0].place))
    return _slug(named[0]) if named else made.owner


def _select(made: _Made, model: str, slos: Sequence[ForeignSlo]) -> dict[str, str]:
    first = slos[0].selects
    shared = {label: value for label, value in first.items() if all(one.selects.get(label) == value for one in slos)}
    if shared:
        return shared
    message = f"no label is shared by all series of {model}, so its Model selects by job={model}"
    made.findings.append(Finding(codes.PLACEHOLDER, message, slos[0].place, f"a look at models/{model}.yaml"))
    return {"job": model}


def _invalid(files: dict[str, str]) -> list[Finding]:
    """What failsoft itself would refuse of what was made, so that nothing broken is written."""
    found: list[Finding] = []
    for path, text in files.items():
        source = SourceFile(path, text)
        nodes, problems = read_nodes(source)
        found += problems
        for node in nodes:
            found += decode(source, node, shipped=False)[1]
    return [Finding(codes.NOT_EXPRESSIBLE, one.message, one.place, one.expected, one.hint) for one in found]
