"""Loading a workspace: which files belong to it, in which order, and what they hold together."""

import copyreg
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from failsoft.errors import UsageError
from failsoft.findings import Finding, Place
from failsoft.workspace import codes
from failsoft.workspace.decode import decode, named, suspected
from failsoft.workspace.files import FOLDERS, own_files, shipped_files, unread
from failsoft.workspace.kinds import WorkspaceSpec
from failsoft.workspace.model import ANYTHING, Document, Workspace
from failsoft.workspace.moved import moved
from failsoft.workspace.read import LARGEST, read_nodes, read_text
from failsoft.workspace.references import check_references
from failsoft.workspace.spread import Spread
from failsoft.workspace.tree import SourceOrigin

__all__ = ["FOLDERS", "load", "shipped"]

copyreg.pickle(SourceOrigin, moved)  # for `spread`

_USUAL = 64 * 1024
"""Bytes that nearly all files stay below: to ask for more takes as much memory, however small the file."""

_FIELDS = {
    "Engine": "engines",
    "EngineLock": "locks",
    "AlertWindows": "windows",
    "ServiceClass": "classes",
    "Team": "teams",
    "Model": "models",
    "SLO": "slos",
    "AlertRule": "alert_rules",
    "Exclusion": "exclusions",
    "DriftMonitor": "monitors",
    "Probe": "probes",
    "Experiment": "experiments",
    "Runbook": "runbooks",
}


def load(root: Path, spread: Spread = map) -> tuple[Workspace, tuple[Finding, ...]]:
    """Read the workspace at `root` over what ships with failsoft.

    Args:
        root: its folder.
        spread: how its files are read: one after the other, or side by side.

    Returns:
        The workspace, without the documents that could not be read, and all findings, in the order of their places.

    Raises:
        UsageError: `root` is no folder, or holds no YAML file at all.
    """
    if root.is_file():
        raise UsageError(f"{root} is a file: name the folder of the workspace, such as {root.parent}")
    if not root.is_dir():
        raise UsageError(
            f"{root} is no folder: name the folder of a workspace, or make one with `failsoft init {root}`"
        )
    own = list(own_files(root))
    if not own:
        raise UsageError(f"{root} holds no YAML file: make a workspace there with `failsoft init {root}`")
    findings = list(unread(root))
    broken: set[tuple[str, str]] = set()
    shipped = _documents(_shipped_files(), Path(str(files("failsoft"))), findings, broken, shipped=True)
    written = _documents(own, root, findings, broken, shipped=False, spread=spread)
    by_kind = _indexed(shipped, findings)
    for kind, documents in _indexed(written, findings).items():
        by_kind[kind] = by_kind.get(kind, {}) | documents
    workspace = _workspace(root, by_kind, frozenset(broken), findings)
    findings += check_references(workspace)
    return workspace, tuple(sorted(findings, key=lambda finding: (finding.place, finding.code.id)))


def shipped() -> Workspace:
    """What ships with failsoft and nothing else, for those who look around before they have a workspace."""
    root = Path(str(files("failsoft")))
    documents = _documents(_shipped_files(), root, [], set(), shipped=True)
    return _workspace(root, _indexed(documents, []), frozenset(), [])


def _shipped_files() -> Iterator[Path]:
    return shipped_files(Path(str(files("failsoft"))) / "library")


class _Read(NamedTuple):
    """What a file holds, what is wrong with it, and which documents it may hold that could not be read."""

    documents: list[Document[Any]]
    findings: list[Finding]
    broken: frozenset[tuple[str, str]]


def _documents(  # noqa: PLR0913  # what is read, where what is found goes, and how
    paths: Iterable[Path],
    root: Path,
    findings: list[Finding],
    broken: set[tuple[str, str]],
    *,
    shipped: bool,
    spread: Spread = map,
) -> list[Document[Any]]:
    documents = []
    for read in spread(partial(_read, root, shipped=shipped), list(paths)):
        documents += read.documents
        findings += read.findings
        broken |= read.broken
    return documents


def _read(root: Path, path: Path, *, shipped: bool) -> _Read:
    shown = path.relative_to(root).as_posix()
    try:
        with path.open("rb") as stream:
            raw = stream.read(_USUAL)
            if len(raw) == _USUAL:
                raw += stream.read(LARGEST + 1 - _USUAL)
            if len(raw) > LARGEST:
                raw += stream.read(1024 * LARGEST)
    except OSError as error:
        problem = Finding(codes.UNREADABLE, f"cannot be read: {error.strerror}", Place(shown), "a readable file")
        return _Read([], [problem], frozenset({ANYTHING}))
    source = read_text(shown, raw)
    if isinstance(source, Finding):
        return _Read([], [source], suspected(raw.decode("utf-8", "replace")))
    nodes, findings = read_nodes(source)
    broken = set(suspected(source.text)) if findings else set()
    documents = []
    for node in nodes:
        document, problems = decode(source, node, shipped=shipped)
        findings += problems
        if document is not None:
            documents.append(document)
        elif (name := named(node)) is not None:
            broken.add(name)
    return _Read(documents, findings, frozenset(broken))


def _indexed(documents: Iterable[Document[Any]], findings: list[Finding]) -> dict[str, dict[str, Document[Any]]]:
    by_kind: dict[str, dict[str, Document[Any]]] = {}
    for document in documents:
        first = by_kind.setdefault(document.kind, {}).setdefault(document.name, document)
        if first is not document:
            message = f"there are two documents {document.kind} {document.name}"
            findings.append(
                Finding(
                    codes.DUPLICATE_NAME,
                    message,
                    document.at("metadata", "name"),
                    "a name of its own",
                    f"the first one is at {first.at('metadata', 'name')}",
                )
            )
    return by_kind


def _workspace(
    root: Path,
    by_kind: dict[str, dict[str, Document[Any]]],
    broken: frozenset[tuple[str, str]],
    findings: list[Finding],
) -> Workspace:
    configurations = list(by_kind.get("Workspace", {}).values())
    findings.extend(
        Finding(
            codes.DUPLICATE_NAME,
            "there are two documents of kind Workspace",
            extra.at("kind"),
            "one",
            f"the first one is at {configurations[0].at('kind')}",
        )
        for extra in configurations[1:]
    )
    fields = {field: dict(sorted(by_kind.get(kind, {}).items())) for kind, field in _FIELDS.items()}
    first = configurations[0] if configurations else None
    config = first.spec if first else WorkspaceSpec()
    return Workspace(root, config, **fields, document=first, broken=broken)
