"""The reference profiles of drift monitors whose bins are counted, read for the compiler."""

from typing import TYPE_CHECKING

from failsoft.findings import Finding
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile

__all__ = ["counted_references"]


def counted_references(
    workspace: Workspace,
) -> "tuple[dict[str, tuple[ReferenceProfile, ...]], tuple[Finding, ...]]":
    """By monitor, the profiles that it compares with, one for each revision of the model, and what cannot be read."""
    counted = [monitor for monitor in workspace.monitors.values() if monitor.spec.counted is not None]
    read = {monitor.name: _read(workspace, monitor) for monitor in counted}
    findings = tuple(one for found in read.values() for one in found if isinstance(one, Finding))
    profiles = {
        name: tuple(one for one in found if not isinstance(one, Finding))
        for name, found in read.items()
        if not any(isinstance(one, Finding) for one in found)
    }
    return profiles, findings


def _read(workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> "list[ReferenceProfile | Finding]":
    from failsoft.alerts.drift import codes
    from failsoft.server.references import profiles_in, read_profile

    at = workspace.root / monitor.spec.reference
    if not at.is_dir():
        return [read_profile(workspace, monitor)]
    paths = [path.relative_to(workspace.root).as_posix() for path in profiles_in(at)]
    if not paths:
        message = f"{monitor.spec.reference} holds no reference profile"
        hint = "make one with `failsoft drift fit`"
        return [Finding(codes.REFERENCES_NONE, message, monitor.at("spec", "reference"), "*.json", hint)]
    return [read_profile(workspace, monitor, path) for path in paths]
