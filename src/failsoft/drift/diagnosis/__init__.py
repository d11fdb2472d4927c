"""Tests of raw rows to be asked for when an alarm is looked into: slower, needing the rows, and never an alert."""

from failsoft.drift.diagnosis.anderson_darling import anderson_darling
from failsoft.drift.diagnosis.cramer_von_mises import cramer_von_mises
from failsoft.drift.diagnosis.energy import energy
from failsoft.drift.diagnosis.mmd import mmd
from failsoft.drift.diagnosis.samples import Tested

__all__ = ["Tested", "anderson_darling", "cramer_von_mises", "energy", "mmd"]
