"""What is learnt from Prometheus, and what is known beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from failsoft.drift.monitors.cells import RhythmName
from failsoft.drift.monitors.history import Window
from failsoft.drift.profile import ReferenceProfile
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.drift.alarms import Calibration

__all__ = ["Learned", "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """What is known beside the counts.

    Attributes:
        at: when the time ended from which is learnt.
        over: its length.
        revision: what the model served; empty where nobody said.
        rhythm: which hours get a reference of their own.
    """

    at: datetime
    over: Duration
    revision: str = ""
    rhythm: RhythmName | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What was learnt.

    Attributes:
        profile: the reference.
        windows: that held enough rows, in order of time.
        calibration: the alarms by the monitor's budget; None without one.
    """

    profile: ReferenceProfile
    windows: Sequence[Window]
    calibration: "Calibration | None" = None
