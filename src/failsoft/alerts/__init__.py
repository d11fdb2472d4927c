"""Alerts: rule files, the tests that prove them, and the Alertmanager configuration, compiled from SLOs."""

from failsoft.alerts import codes
from failsoft.alerts.burn import STALE_FAILURE_MODE
from failsoft.alerts.compile import ALERTMANAGER_FILE, Compiled, Unit, compile_workspace
from failsoft.alerts.detection import detection_time
from failsoft.alerts.down import DOWN_FAILURE_MODE

__all__ = [
    "ALERTMANAGER_FILE",
    "DOWN_FAILURE_MODE",
    "STALE_FAILURE_MODE",
    "Compiled",
    "Unit",
    "codes",
    "compile_workspace",
    "detection_time",
]
