"""The reference profiles of drift monitors, read from the workspace's folder, and what monitors make of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from failsoft.drift import ReferenceProfile, Watch, codes, watches
from failsoft.drift.monitors.limits import ALARMS, beside, calibrate_hint, limit_findings, promise_findings
from failsoft.findings import Finding, amount
from failsoft.server.paging import page_rule
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

if TYPE_CHECKING:
    from failsoft.drift.alarms.stored import StoredCalibration

__all__ = ["counted_limits", "profiles_in", "read_kept", "read_profile", "watched"]

_READ_AT_MOST = 5_000_001


def read_profile(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], path: str = ""
) -> ReferenceProfile | Finding:
    """The reference that a monitor names, or why it cannot be had; `path` is one of a folder of them."""
    shown = path or monitor.spec.reference
    try:
        with (Path(workspace.root) / shown).open("rb") as stream:
            data = stream.read(_READ_AT_MOST)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror}"
        how = f"learn {monitor.name}" if monitor.spec.signals else "fit"
        hint = f"make it with `failsoft drift {how}`"
        return Finding(codes.PROFILE_MISSING, message, monitor.at("spec", "reference"), hint=hint)
    return ReferenceProfile.parse(data, shown)


def watched(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], revisions: Sequence[str] | None = None
) -> tuple[tuple[Watch, ...], tuple[Finding, ...]]:
    """The signals of a monitor that can be evaluated, and what is wrong with the others or with its reference.

    Args:
        workspace: the monitor's.
        monitor: one that watches signals of an engine.
        revisions: those that are served; the first of them that has a reference is taken. None where nobody said: then
            of a folder of references everything is looked at, and the first one is taken.
    """
    model = workspace.models[monitor.spec.model]
    interval = workspace.config.prometheus.scrape_interval
    ready: tuple[Watch, ...] = ()
    found: list[Finding] = []
    for shown in _shown(workspace, monitor):
        profile = read_profile(workspace, monitor, shown)
        if isinstance(profile, Finding):
            found.append(profile)
            continue
        if revisions is not None and profile.revision not in revisions:
            continue
        kept, wrong = _limits(workspace, monitor, profile, shown)
        engine = workspace.engines[model.spec.engine]
        made, findings = watches(monitor, model, engine, profile, scrape_interval=interval, kept=kept)
        # a reference that lacks something has critical values that lack it too: the cause is enough
        found += findings or wrong
        ready = ready or made
    if not ready and not found:
        found.append(_no_reference(monitor, revisions))
    return ready, tuple(found)


def _no_reference(monitor: Document[DriftMonitorSpec], revisions: Sequence[str] | None) -> Finding:
    if revisions is None:
        message = f"{monitor.spec.reference} holds no reference"
    elif not revisions:
        message = "Prometheus has no series that names the revision, so nobody knows which is served"
    else:
        message = f"{monitor.spec.reference} has no reference of the revision {' or '.join(map(repr, revisions))}"
    hint = f"learn it with `failsoft drift learn {monitor.name}` when it has been served for long enough"
    return Finding(codes.REVISION_UNKNOWN, message, monitor.at("spec", "reference"), hint=hint)


def _shown(workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> tuple[str, ...]:
    """The files of a monitor's references, relative to the workspace."""
    at = Path(workspace.root) / monitor.spec.reference
    if not at.is_dir():
        return (monitor.spec.reference,)
    return tuple(f"{monitor.spec.reference.rstrip('/')}/{path.name}" for path in profiles_in(at))


def profiles_in(folder: Path) -> tuple[Path, ...]:
    """The files of references in a folder, by name; not those of the critical values beside them."""
    return tuple(path for path in sorted(folder.glob("*.json")) if not path.name.endswith(ALARMS))


def read_kept(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], reference: str = ""
) -> "StoredCalibration | Finding":
    """The critical values beside the reference of a monitor with a budget, or why they cannot be had."""
    from failsoft.drift.alarms.stored import StoredCalibration

    shown = beside(reference or monitor.spec.reference)
    try:
        with (Path(workspace.root) / shown).open("rb") as stream:
            data = stream.read(_READ_AT_MOST)
    except OSError as error:
        message = f"{shown}, the critical values for this budget, cannot be read: {error.strerror}"
        hint = calibrate_hint(monitor, reference or monitor.spec.reference)
        return Finding(codes.LIMITS_MISSING, message, monitor.at("spec", "falsePagesPer30d"), hint=hint)
    return StoredCalibration.parse(data, shown)


def _limits(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], profile: ReferenceProfile, shown: str
) -> "tuple[StoredCalibration | None, tuple[Finding, ...]]":
    """The critical values where they are those of the monitor as it is now, and what is wrong with them."""
    if monitor.spec.false_pages_per_30d is None:
        return None, ()
    kept = read_kept(workspace, monitor, shown)
    return (None, (kept,)) if isinstance(kept, Finding) else _as_written(workspace, monitor, profile, kept, shown)


def counted_limits(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], profile: ReferenceProfile, shown: str
) -> "tuple[StoredCalibration | None, tuple[Finding, ...]]":
    """The critical values beside a reference whose bins are counted, and what is wrong with them.

    Without any, limits know of chance only: then no page is promised, which is told where a budget is written.
    """
    if not (Path(workspace.root) / beside(shown)).exists():
        if monitor.spec.false_pages_per_30d is None:
            return None, ()
        message = "no page can be promised, so what would page is a ticket: no windows were held out"
        place = monitor.at("spec", "falsePagesPer30d")
        return None, (Finding(codes.NOT_PROMISED, message, place, hint=calibrate_hint(monitor, shown)),)
    kept = read_kept(workspace, monitor, shown)
    if isinstance(kept, Finding):
        return None, (kept,)
    apart = {"strata": profile.strata, "hours of the week": profile.rhythm, "clusters": profile.clusters}
    if habits := [name for name, found in apart.items() if found is not None]:
        message = f"{beside(shown)} knows {' and '.join(habits)}, and processes count all rows together"
        hint = f"fit {shown} without them, and calibrate that"
        return None, (Finding(codes.LIMITS_OUTDATED, message, monitor.at("spec", "reference"), hint=hint),)
    return _as_written(workspace, monitor, profile, kept, shown)


def _as_written(
    workspace: Workspace,
    monitor: Document[DriftMonitorSpec],
    profile: ReferenceProfile,
    kept: "StoredCalibration",
    shown: str,
) -> "tuple[StoredCalibration | None, tuple[Finding, ...]]":
    """Critical values where they are those of the monitor as it is now, and what is wrong with them."""
    found = limit_findings(monitor, profile, kept, shown)
    rule = page_rule(workspace, monitor)
    # where bins are counted, what pages on one bad window is on the safe side of any burn rate
    alone = monitor.spec.counted is not None and kept.rule.least == 1
    if not alone and (rule.least, rule.among) != (kept.rule.least, kept.rule.among):
        message = (
            f"the SLOs that read {monitor.name} page on {amount(rule.least, 'bad window')} of {rule.among}, and the "
            f"critical values were found for {kept.rule.least} of {kept.rule.among}"
        )
        found += (Finding(codes.LIMITS_OUTDATED, message, monitor.at("spec", "falsePagesPer30d")),)
    if found:
        hint = _anew(workspace, monitor, profile, kept, shown)
        found = tuple(replace(one, hint=hint) for one in found)
    if any(one.code is not codes.LIMITS_MISSING for one in found):
        return None, found
    return kept, (*found, *promise_findings(monitor, kept))


def _anew(
    workspace: Workspace,
    monitor: Document[DriftMonitorSpec],
    profile: ReferenceProfile,
    kept: "StoredCalibration",
    shown: str,
) -> str:
    """What to do about critical values of another monitor: where one there needs them as they are, leave them to it."""
    theirs = [
        other.name
        for other in workspace.monitors.values()
        if other.name != monitor.name
        and (other.spec.counted is not None or (other.spec.signals and other.spec.false_pages_per_30d is not None))
        and other.spec.reference.rstrip("/") in {shown, str(PurePosixPath(shown).parent)}
        and not limit_findings(other, profile, kept, shown)
    ]
    if not theirs:
        return calibrate_hint(monitor, shown, "anew ")
    names = " and ".join(theirs)
    return f"they are those of {names}: give {monitor.name} a reference of its own, such as a copy of {shown}"
