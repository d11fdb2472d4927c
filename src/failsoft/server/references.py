"""The reference profiles of drift monitors, read from the workspace's folder, and what monitors make of them."""

from pathlib import Path

from failsoft.drift import ReferenceProfile, Watch, codes, watches
from failsoft.findings import Finding
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import DriftMonitorSpec

__all__ = ["read_profile", "watched"]

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
        how = f"learn {monitor.name}" if monitor.spec.counted is None else "fit"
        hint = f"make it with `failsoft drift {how}`"
        return Finding(codes.PROFILE_MISSING, message, monitor.at("spec", "reference"), hint=hint)
    return ReferenceProfile.parse(data, shown)


def watched(workspace: Workspace, monitor: Document[DriftMonitorSpec]) -> tuple[tuple[Watch, ...], tuple[Finding, ...]]:
    """The signals of a monitor that can be evaluated, and what is wrong with the others or with its reference."""
    model = workspace.models[monitor.spec.model]
    profile = read_profile(workspace, monitor)
    if isinstance(profile, Finding):
        return (), (profile,)
    interval = workspace.config.prometheus.scrape_interval
    return watches(monitor, model, workspace.engines[model.spec.engine], profile, scrape_interval=interval)
