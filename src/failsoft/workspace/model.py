"""The workspace as the rest of failsoft sees it: documents by kind and name, each knowing its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from failsoft.findings import Place
from failsoft.workspace.kinds import (
    AlertRuleSpec,
    AlertWindowsSpec,
    DriftMonitorSpec,
    EngineLockSpec,
    EngineSpec,
    ExclusionSpec,
    ExperimentSpec,
    ModelSpec,
    ProbeSpec,
    RunbookSpec,
    ServiceClassSpec,
    SLOSpec,
    TeamSpec,
    WorkspaceSpec,
)
from failsoft.workspace.quantities import Fixed

__all__ = ["ANYTHING", "Document", "Origin", "Workspace"]


ANYTHING = ("", "")
"""Stands among what is broken for a file of which nobody knows what it holds."""


class Origin(Protocol):
    """Where a document was read."""

    @property
    def path(self) -> str:
        """The file, as findings show it."""

    @property
    def text(self) -> str:
        """The document's own YAML text."""

    def place(self, *path: str | int, key: bool = False) -> Place:
        """The place of the value at `path`, as written (camelCase), or of its key; the nearest one that exists."""


@dataclass(frozen=True, slots=True)
class Document[Spec: Fixed]:
    """One document.

    Attributes:
        kind, name: together unique in a workspace.
        spec: the typed content.
        origin: where it was read.
        shipped: whether it came with failsoft rather than from the user's files.
    """

    kind: str
    name: str
    spec: Spec
    origin: Origin = field(compare=False)
    shipped: bool = False

    def at(self, *path: str | int, key: bool = False) -> Place:
        """The place of a value of the document, such as `at("spec", "model")`."""
        return self.origin.place(*path, key=key)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything that was declared, the shipped documents included; mappings are by name, in sorted order."""

    root: Path
    config: WorkspaceSpec
    engines: Mapping[str, Document[EngineSpec]] = field(default_factory=dict)
    locks: Mapping[str, Document[EngineLockSpec]] = field(default_factory=dict)
    windows: Mapping[str, Document[AlertWindowsSpec]] = field(default_factory=dict)
    classes: Mapping[str, Document[ServiceClassSpec]] = field(default_factory=dict)
    teams: Mapping[str, Document[TeamSpec]] = field(default_factory=dict)
    models: Mapping[str, Document[ModelSpec]] = field(default_factory=dict)
    slos: Mapping[str, Document[SLOSpec]] = field(default_factory=dict)
    exclusions: Mapping[str, Document[ExclusionSpec]] = field(default_factory=dict)
    alert_rules: Mapping[str, Document[AlertRuleSpec]] = field(default_factory=dict)
    monitors: Mapping[str, Document[DriftMonitorSpec]] = field(default_factory=dict)
    probes: Mapping[str, Document[ProbeSpec]] = field(default_factory=dict)
    experiments: Mapping[str, Document[ExperimentSpec]] = field(default_factory=dict)
    runbooks: Mapping[str, Document[RunbookSpec]] = field(default_factory=dict)
    document: Document[WorkspaceSpec] | None = None
    """The document that `config` was read from; None where there is none."""

    broken: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of the documents that could not be read, so that nobody calls a reference to them dangling."""

    def may_hold(self, kind: str, name: str = "") -> bool:
        """Whether a file that could not be read may hold that document, or any of that kind."""
        return ANYTHING in self.broken or any(
            there == kind and (not name or known == name) for there, known in self.broken
        )

    def config_at(self, *path: str | int) -> Place:
        """The place of a value of the configuration; the folder of the workspace where there is none."""
        return Place(".") if self.document is None else self.document.at(*path)
