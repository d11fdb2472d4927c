"""The reference profiles of drift monitors whose bins are counted, and their calibrations, read for the compiler."""

from typing import TYPE_CHECKING, NamedTuple

from failsoft.findings import Finding
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile
    from failsoft.drift.alarms.stored import StoredCalibration

__all__ = ["Counted", "counted_references"]


class Counted(NamedTuple):
    """What counted monitors are compared with.

    Attributes:
        profiles: by monitor, one for each revision of the model; none of a monitor with one that cannot be read.
        calibrations: by monitor, and by the digest of a profile, where there is one.
        findings: what cannot be read.
    """

    profiles: "dict[str, tuple[ReferenceProfile, ...]]"
    calibrations: "dict[str, dict[str, StoredCalibration]]"
    findings: tuple[Finding, ...]


def counted_references(workspace: Workspace) -> Counted:
    """The profiles of each monitor whose bins are counted."""
    found = Counted({}, {}, ())
    for monitor in workspace.monitors.values():
        if monitor.spec.counted is not None:
            found = _with(found, workspace, monitor)
    return found


def _with(found: Counted, workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> Counted:
    from failsoft.server.references import counted_limits, read_profile

    paths = _paths(workspace, monitor)
    if isinstance(paths, Finding):
        return found._replace(findings=(*found.findings, paths))
    read = [(path, read_profile(workspace, monitor, path)) for path in paths]
    findings = [profile for _, profile in read if isinstance(profile, Finding)]
    profiles = [(path, profile) for path, profile in read if not isinstance(profile, Finding)]
    for path, profile in profiles:
        kept, problems = counted_limits(workspace, monitor, profile, path)
        findings += problems
        if kept is not None:
            found.calibrations.setdefault(monitor.name, {})[profile.digest] = kept
    if len(profiles) == len(read):
        found.profiles[monitor.name] = tuple(profile for _, profile in profiles)
    return found._replace(findings=(*found.findings, *findings))


def _paths(workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> list[str] | Finding:
    from failsoft.alerts.drift import codes
    from failsoft.server.references import profiles_in

    at = workspace.root / monitor.spec.reference
    if not at.is_dir():
        return [monitor.spec.reference]
    paths = [path.relative_to(workspace.root).as_posix() for path in profiles_in(at)]
    if paths:
        return paths
    message = f"{monitor.spec.reference} holds no reference profile"
    hint = "make one with `failsoft drift fit`"
    return Finding(codes.REFERENCES_NONE, message, monitor.at("spec", "reference"), "*.json", hint)
