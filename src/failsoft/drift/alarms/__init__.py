"""Alarms on drift whose rate of false pages and tickets is part of what the author writes."""

from failsoft.drift.alarms.bounds import Bound
from failsoft.drift.alarms.calibrate import Calibrated, Calibration, Plan, calibrate
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
