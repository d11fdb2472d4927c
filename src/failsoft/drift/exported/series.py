"""The series of gauge mode; those that `failsoft serve` and recorded rules have too are called as there."""

__all__ = [
    "ATTEMPTED",
    "CRITICAL",
    "DEGREES",
    "DROPPED",
    "DURATION",
    "ERRORS",
    "EVALUATED",
    "EVERY",
    "FEATURES",
    "ROWS",
    "SCORE",
    "VERDICT",
]

SCORE = "failsoft_drift_score"
CRITICAL = "failsoft_drift_score_critical"
DEGREES = "failsoft_drift_chi2_degrees"
ROWS = "failsoft_drift_window_rows"
VERDICT = "failsoft_drift_verdict"
EVALUATED = "failsoft_drift_evaluated_timestamp_seconds"

ERRORS = "failsoft_drift_evaluation_errors_total"
"""Counter: attempts that came to nothing; labels model, monitor."""

ATTEMPTED = "failsoft_drift_attempted_timestamp_seconds"
"""Gauge: when the job last tried, a Unix time; labels model, monitor."""

DURATION = "failsoft_drift_evaluation_duration_seconds"
"""Gauge: how long the last attempt took; labels model, monitor."""

EVERY = "failsoft_drift_every_seconds"
"""Gauge: how often the job means to run; labels model, monitor."""

DROPPED = "failsoft_drift_features_dropped"
"""Gauge: features that are not shown, for all would be too many series; labels model, monitor."""

FEATURES = "failsoft_drift_features"
"""Gauge: features by what they call for; labels model, monitor, severity."""
