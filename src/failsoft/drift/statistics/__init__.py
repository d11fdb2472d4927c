"""The statistics, one a file: pure functions of counts or of rows that answer None where there is nothing to compare.

The definitions are those of the field where it agrees; where tools differ, the file says what was chosen and why.
"""

from failsoft.drift.statistics.chi_square import ChiSquare, chi_square
from failsoft.drift.statistics.js import js
from failsoft.drift.statistics.ks import Bounded, ks_exact, ks_grid
from failsoft.drift.statistics.psi import psi
from failsoft.drift.statistics.shares import missing_share, new_share
from failsoft.drift.statistics.tvd import tvd
from failsoft.drift.statistics.w1 import w1_exact, w1_grid

__all__ = [
    "Bounded",
    "ChiSquare",
    "chi_square",
    "js",
    "ks_exact",
    "ks_grid",
    "missing_share",
    "new_share",
    "psi",
    "tvd",
    "w1_exact",
    "w1_grid",
]
