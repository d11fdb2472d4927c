"""The kinds of documents, as frozen types; JSON Schemas are generated from them."""

from collections.abc import Mapping

from failsoft.workspace.kinds.alert_rule import AlertRuleSpec
from failsoft.workspace.kinds.configuration import WorkspaceSpec
from failsoft.workspace.kinds.drift import DriftMonitorSpec
from failsoft.workspace.kinds.engine import EngineLockSpec, EngineSpec
from failsoft.workspace.kinds.exclusion import ExclusionSpec
from failsoft.workspace.kinds.experiment import ExperimentSpec
from failsoft.workspace.kinds.inventory import ModelSpec, TeamSpec
from failsoft.workspace.kinds.probe import ProbeSpec
from failsoft.workspace.kinds.runbook import RunbookSpec
from failsoft.workspace.kinds.slo import AlertWindowsSpec, ServiceClassSpec, SLOSpec
from failsoft.workspace.quantities import Fixed

__all__ = [
    "SPECS",
    "AlertRuleSpec",
    "AlertWindowsSpec",
    "DriftMonitorSpec",
    "EngineLockSpec",
    "EngineSpec",
    "ExclusionSpec",
    "ExperimentSpec",
    "ModelSpec",
    "ProbeSpec",
    "RunbookSpec",
    "SLOSpec",
    "ServiceClassSpec",
    "TeamSpec",
    "WorkspaceSpec",
]

SPECS: Mapping[str, type[Fixed]] = {
    "AlertRule": AlertRuleSpec,
    "AlertWindows": AlertWindowsSpec,
    "DriftMonitor": DriftMonitorSpec,
    "Engine": EngineSpec,
    "EngineLock": EngineLockSpec,
    "Exclusion": ExclusionSpec,
    "Experiment": ExperimentSpec,
    "Model": ModelSpec,
    "Probe": ProbeSpec,
    "Runbook": RunbookSpec,
    "SLO": SLOSpec,
    "ServiceClass": ServiceClassSpec,
    "Team": TeamSpec,
    "Workspace": WorkspaceSpec,
}
"""Every kind and the type of its spec."""
