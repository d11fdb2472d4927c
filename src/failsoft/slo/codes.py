"""What can be wrong with an SLO, its windows and its proof."""

from failsoft.findings import Code, Severity

__all__ = [
    "AMBIGUOUS_WINDOWS",
    "CODES",
    "NO_BUDGET",
    "NO_INDICATOR",
    "NO_TIER_LEFT",
    "NO_WINDOWS",
    "OFF_BOUND",
    "SELECTOR_NAME",
    "SELECTOR_TOO_WIDE",
    "TIER_CANNOT_FIRE",
    "WINDOWS_ROUNDED",
    "WINDOW_BELOW_STEP",
    "WINDOW_BEYOND_PERIOD",
]

OFF_BOUND = Code("FS401", "off-bound", "A threshold that is no bucket bound of the engine's histogram.")
NO_BUDGET = Code("FS402", "no-budget", "An objective of 0 % or 100 %, which leaves no error budget to burn.")
NO_INDICATOR = Code("FS403", "no-indicator", "An indicator that cannot be read in the way the SLO asks for.")
SELECTOR_NAME = Code("FS404", "selector-name", "A selector with a name that no label can have.")
SELECTOR_TOO_WIDE = Code("FS405", "selector-too-wide", "A selector of which nothing is left for a family of metrics.")
NO_WINDOWS = Code("FS406", "no-windows", "A period for which there are no alert windows.")
AMBIGUOUS_WINDOWS = Code("FS407", "ambiguous-windows", "A period for which there are several alert windows.")
WINDOW_BELOW_STEP = Code("FS408", "window-below-step", "A window shorter than the recording step.")
WINDOW_BEYOND_PERIOD = Code("FS409", "window-beyond-period", "A window longer than the SLO's period.")
WINDOWS_ROUNDED = Code("FS410", "windows-rounded", "Windows that are no multiples of the step.", Severity.WARNING)
TIER_CANNOT_FIRE = Code("FS411", "tier-cannot-fire", "A tier that needs more than 100 % errors.", Severity.WARNING)
NO_TIER_LEFT = Code("FS412", "no-tier-left", "An SLO of which no tier of a severity can ever fire.")

CODES = (
    OFF_BOUND,
    NO_BUDGET,
    NO_INDICATOR,
    SELECTOR_NAME,
    SELECTOR_TOO_WIDE,
    NO_WINDOWS,
    AMBIGUOUS_WINDOWS,
    WINDOW_BELOW_STEP,
    WINDOW_BEYOND_PERIOD,
    WINDOWS_ROUNDED,
    TIER_CANNOT_FIRE,
    NO_TIER_LEFT,
)
