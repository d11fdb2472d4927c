"""What can be wrong with an SLO, its windows and its proof."""

from failsoft.findings import Code, Severity

__all__ = [
    "AMBIGUOUS_LOCK",
    "AMBIGUOUS_WINDOWS",
    "CODES",
    "COUNTERS_MISFIT",
    "EXCLUDED",
    "EXCLUSION_IDLE",
    "EXCLUSION_PAST",
    "EXCLUSION_ZONE",
    "GROUP_LABEL",
    "GROUP_OF_TIME",
    "NO_BUDGET",
    "NO_TIER_LEFT",
    "NO_WINDOWS",
    "OFF_BOUND",
    "PRESENCE_UNKNOWN",
    "PROMPT_CLASS",
    "SELECTOR_NAME",
    "SELECTOR_TOO_WIDE",
    "SNAPPED",
    "TIER_CANNOT_FIRE",
    "UNKNOWN_OUTCOME",
    "UNKNOWN_RESOLUTION",
    "UNVERIFIED_BOUNDS",
    "WINDOWS_ROUNDED",
    "WINDOW_BELOW_STEP",
    "WINDOW_BEYOND_PERIOD",
    "WITHIN_BUCKET",
]

OFF_BOUND = Code("FS401", "off-bound", "A threshold that is no bucket bound of the engine's histogram.")
SLOTH_ID_TAKEN = Code("FS418", "sloth-id-taken", "Two SLOs that would be recorded under one id of Sloth.")
COUNTERS_MISFIT = Code("FS419", "counters-misfit", "Bad or good events that are no part of all events.")
NO_BUDGET = Code("FS402", "no-budget", "An objective of 0 % or 100 %, which leaves no error budget to burn.")
SELECTOR_NAME = Code("FS404", "selector-name", "A selector with a name that no label can have.")
SELECTOR_TOO_WIDE = Code("FS405", "selector-too-wide", "A selector of which nothing is left for a family of metrics.")
NO_WINDOWS = Code("FS406", "no-windows", "A period for which there are no alert windows.")
AMBIGUOUS_WINDOWS = Code("FS407", "ambiguous-windows", "A period for which there are several alert windows.")
WINDOW_BELOW_STEP = Code("FS408", "window-below-step", "A window shorter than the recording step.")
WINDOW_BEYOND_PERIOD = Code("FS409", "window-beyond-period", "A window longer than the SLO's period.")
WINDOWS_ROUNDED = Code("FS410", "windows-rounded", "Windows that are no multiples of the step.", Severity.WARNING)
TIER_CANNOT_FIRE = Code("FS411", "tier-cannot-fire", "A tier that needs more than 100 % errors.", Severity.WARNING)
NO_TIER_LEFT = Code("FS412", "no-tier-left", "An SLO of which no tier of a severity can ever fire.")
UNVERIFIED_BOUNDS = Code(
    "FS413", "unverified-bounds", "Bucket bounds that nobody has seen on a server.", Severity.WARNING
)
SNAPPED = Code("FS414", "snapped", "A threshold for which the next bucket bound stands, as asked.", Severity.INFO)
AMBIGUOUS_LOCK = Code("FS415", "ambiguous-lock", "Several locks that hold the bounds of one model.")
UNKNOWN_OUTCOME = Code("FS416", "unknown-outcome", "An outcome of requests that the engine's labels cannot tell.")
PRESENCE_UNKNOWN = Code(
    "FS417", "presence-unknown", "A model of which nothing tells whether it is up.", Severity.WARNING
)

WITHIN_BUCKET = Code(
    "FS403",
    "within-bucket",
    "A threshold within a bucket of a native histogram, not on its bound.",
    Severity.INFO,
)
UNKNOWN_RESOLUTION = Code(
    "FS449", "unknown-resolution", "A native histogram whose buckets nobody has seen on a server.", Severity.WARNING
)
GROUP_LABEL = Code("FS491", "group-label", "A label to group by that the engine does not put on what is counted.")
PROMPT_CLASS = Code("FS493", "prompt-class", "A class of prompt lengths that is not exported with what is counted.")
GROUP_OF_TIME = Code("FS492", "group-of-time", "Groups of an SLO that counts slices of time.")
EXCLUDED = Code("FS433", "excluded", "Times that are left out of error budgets.", Severity.INFO)
EXCLUSION_PAST = Code("FS434", "exclusion-past", "An exclusion of what was recorded already.", Severity.INFO)
EXCLUSION_ZONE = Code("FS435", "exclusion-zone", "A time zone in which a weekly exclusion cannot be written down.")
EXCLUSION_IDLE = Code("FS436", "exclusion-idle", "An exclusion that concerns no budget.", Severity.WARNING)

CODES = (
    OFF_BOUND,
    NO_BUDGET,
    SELECTOR_NAME,
    SELECTOR_TOO_WIDE,
    NO_WINDOWS,
    AMBIGUOUS_WINDOWS,
    WINDOW_BELOW_STEP,
    WINDOW_BEYOND_PERIOD,
    WINDOWS_ROUNDED,
    TIER_CANNOT_FIRE,
    NO_TIER_LEFT,
    UNVERIFIED_BOUNDS,
    SNAPPED,
    AMBIGUOUS_LOCK,
    UNKNOWN_OUTCOME,
    COUNTERS_MISFIT,
    WITHIN_BUCKET,
    UNKNOWN_RESOLUTION,
    GROUP_LABEL,
    GROUP_OF_TIME,
    PROMPT_CLASS,
    PRESENCE_UNKNOWN,
    EXCLUDED,
    EXCLUSION_PAST,
    EXCLUSION_ZONE,
    EXCLUSION_IDLE,
)
