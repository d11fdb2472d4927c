"""The codes of what can be wrong with drift monitors and reference profiles."""

from failsoft.findings import Code, Severity

__all__ = [
    "CALIBRATION_OTHER_REFERENCE",
    "CALIBRATION_OTHER_VERSION",
    "CALIBRATION_UNREADABLE",
    "COLUMN_GONE",
    "COLUMN_NEW",
    "COLUMN_TYPE",
    "DATA_COLUMNS",
    "DATA_MISSING",
    "DATA_TOO_SMALL",
    "DATA_UNREADABLE",
    "ENGINE_HAS_NO_SIGNAL",
    "LIMITS_MISSING",
    "LIMITS_OUTDATED",
    "MEMORY_UNREADABLE",
    "NOT_PROMISED",
    "OTHER_MODEL",
    "OTHER_SHAPE",
    "PROFILE_HASH",
    "PROFILE_MISSING",
    "PROFILE_NEWER",
    "PROFILE_OLDER",
    "PROFILE_SHAPE",
    "PROFILE_UNREADABLE",
    "REFERENCE_TOO_SMALL",
    "REVISION_UNKNOWN",
    "SIGNAL_WITHOUT_REFERENCE",
    "STRATA_COLUMN",
    "THRESHOLD_FIXED",
    "WINDOW_TOO_SHORT",
]

PROFILE_UNREADABLE = Code("FS501", "profile-unreadable", "A reference profile is not whole JSON in UTF-8.")
PROFILE_NEWER = Code("FS502", "profile-newer", "A reference profile was written by a newer failsoft.")
PROFILE_SHAPE = Code("FS503", "profile-shape", "A reference profile lacks or garbles what a profile holds.")
PROFILE_HASH = Code("FS504", "profile-hash", "A reference profile was changed after it was written.")
PROFILE_MISSING = Code("FS505", "profile-missing", "A drift monitor names a reference profile that is not there.")
OTHER_MODEL = Code("FS506", "profile-other-model", "A drift monitor compares a model with another model's reference.")
ENGINE_HAS_NO_SIGNAL = Code("FS507", "engine-has-no-signal", "A drift monitor watches what its engine does not export.")
SIGNAL_WITHOUT_REFERENCE = Code("FS508", "signal-without-reference", "A drift monitor's reference lacks a signal.")
OTHER_SHAPE = Code("FS509", "signal-other-kind", "A signal and its reference are not of the same kind.")
WINDOW_TOO_SHORT = Code("FS510", "window-too-short", "A window holds too few scrapes to measure what grew in it.")
REFERENCE_TOO_SMALL = Code(
    "FS511", "reference-too-small", "A reference has fewer rows than the windows it shall judge."
)
PROFILE_OLDER = Code("FS512", "profile-older", "A reference profile was written by an older failsoft.")
COLUMN_GONE = Code("FS513", "column-gone", "Data lacks a column that the reference has.")
COLUMN_TYPE = Code("FS514", "column-other-type", "A column of the data is of another type than in the reference.")
DATA_COLUMNS = Code("FS515", "data-columns", "Two columns of the data share a name.")
DATA_MISSING = Code("FS516", "data-missing", "A file of data is not there.")
DATA_TOO_SMALL = Code("FS517", "data-too-small", "Data has too few rows to learn or to judge from.")
DATA_UNREADABLE = Code("FS518", "data-unreadable", "A file of data cannot be read.")
COLUMN_NEW = Code("FS519", "column-new", "Data has a column that the reference lacks.", Severity.WARNING)
REVISION_UNKNOWN = Code("FS520", "revision-unknown", "There is no reference of the model's revision.")
CALIBRATION_UNREADABLE = Code(
    "FS606", "calibration-unreadable", "A file of drift alarms' critical values is not whole."
)
CALIBRATION_OTHER_VERSION = Code(
    "FS607", "calibration-other-version", "A calibration was written by a newer or an older failsoft."
)
CALIBRATION_OTHER_REFERENCE = Code(
    "FS608", "calibration-other-reference", "A calibration was made with another reference profile."
)
STRATA_COLUMN = Code("FS650", "strata-column", "A column cannot tell routes, tenants or revisions apart.")
NOT_PROMISED = Code(
    "FS616",
    "drift-not-promised",
    "The held-out windows of a drift monitor cannot support its budget of false pages: its pages are tickets.",
    Severity.WARNING,
)
LIMITS_OUTDATED = Code(
    "FS617", "drift-limits-outdated", "A drift monitor's critical values were found for another one."
)
LIMITS_MISSING = Code("FS618", "drift-limits-missing", "A drift alarm needs critical values that nobody calibrated.")
THRESHOLD_FIXED = Code(
    "FS619",
    "drift-threshold-fixed",
    "An SLO on drift has a fixed threshold: nobody knows how often it alarms for nothing.",
    Severity.INFO,
)
MEMORY_UNREADABLE = Code("FS651", "memory-unreadable", "What was remembered of earlier windows cannot be trusted.")
