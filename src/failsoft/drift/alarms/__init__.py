"""Alarms on drift whose rate of false pages and tickets is part of what the author writes.

Names are imported when they are first used: who only reads what was calibrated needs no numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from failsoft.drift.alarms.bounds import Bound
    from failsoft.drift.alarms.calibration import Calibrated, Calibration, Plan, calibrate
    from failsoft.drift.alarms.cusum import Cusum
    from failsoft.drift.alarms.false_discovery import adjusted
    from failsoft.drift.alarms.power import SHIFTS, Delay
    from failsoft.drift.alarms.rules import Budget, Cadence, Rule
    from failsoft.drift.alarms.signals import Signal

__all__ = [
    "SHIFTS",
    "Bound",
    "Budget",
    "Cadence",
    "Calibrated",
    "Calibration",
    "Cusum",
    "Delay",
    "Plan",
    "Rule",
    "Signal",
    "adjusted",
    "calibrate",
]

_HOMES = {
    "bounds": ("Bound",),
    "calibration": ("Calibrated", "Calibration", "Plan", "calibrate"),
    "cusum": ("Cusum",),
    "false_discovery": ("adjusted",),
    "power": ("SHIFTS", "Delay"),
    "rules": ("Budget", "Cadence", "Rule"),
    "signals": ("Signal",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
