"""What a backtest could not see."""

from failsoft.findings import Code, Severity

__all__ = [
    "CODES",
    "GAPS",
    "NO_FAILURES_SEEN",
    "NO_HISTORY",
    "OTHER_SCRAPES",
    "QUERY_REFUSED",
    "RESETS",
    "SHORT_HISTORY",
    "UNKNOWN_BAD",
    "VALUES_NAN",
]

NO_HISTORY = Code("FS452", "no-history", "An SLO of which a Prometheus holds nothing in the time that was asked for.")
QUERY_REFUSED = Code("FS453", "query-refused", "A query about an SLO's past that Prometheus refuses.")
SHORT_HISTORY = Code(
    "FS454", "short-history", "A history that begins later than the time that was asked for.", Severity.WARNING
)
GAPS = Code("FS455", "history-gaps", "Times in the past of which nothing is known of an SLO.", Severity.WARNING)
UNKNOWN_BAD = Code("FS456", "unknown-bad", "Events of which it is not known which were bad.", Severity.WARNING)
VALUES_NAN = Code("FS457", "history-nan", "Series that were NaN, and so could not be counted.", Severity.WARNING)
OTHER_SCRAPES = Code(
    "FS458", "other-scrapes", "A history that was scraped less often than the workspace says.", Severity.WARNING
)
RESETS = Code("FS459", "history-resets", "Counters that began anew, and lost what was not yet scraped.", Severity.INFO)
NO_FAILURES_SEEN = Code(
    "FS460", "no-failures-seen", "An SLO of which no series ever counted a bad event.", Severity.INFO
)

CODES = (
    NO_HISTORY,
    QUERY_REFUSED,
    SHORT_HISTORY,
    GAPS,
    UNKNOWN_BAD,
    VALUES_NAN,
    OTHER_SCRAPES,
    RESETS,
    NO_FAILURES_SEEN,
)
