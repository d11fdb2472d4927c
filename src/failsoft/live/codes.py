"""What can be wrong between a workspace and the Prometheus that shall measure it."""

from failsoft.findings import Code, Severity

__all__ = [
    "BUCKET_GONE",
    "CODES",
    "DOWN",
    "EXPRESSION_REFUSED",
    "HISTORY_GONE",
    "HISTORY_PARTIAL",
    "INTERVAL_DIFFERS",
    "INTERVAL_TOO_LONG",
    "NOT_ASKED",
    "RECORDED_TWICE",
    "RETENTION_SHORT",
    "RULES_FAILING",
    "RULES_NOT_LOADED",
    "RULES_OUTDATED",
    "SERIES_MISSING",
    "TOO_MANY_SERIES",
    "VERSION_LACKS",
]

DOWN = Code("FS471", "prometheus-down", "A Prometheus that does not answer, or something else at its address.")
RETENTION_SHORT = Code("FS472", "retention-short", "A Prometheus that keeps less than an SLO's period.")
INTERVAL_DIFFERS = Code("FS473", "interval-differs", "Targets scraped at another interval than the workspace says.")
INTERVAL_TOO_LONG = Code("FS474", "interval-too-long", "Targets scraped too rarely for what an SLO records.")
EXPRESSION_REFUSED = Code("FS475", "expression-refused", "An expression that this Prometheus does not understand.")
VERSION_LACKS = Code("FS476", "version-lacks", "A field of a rule that this version of Prometheus does not know.")
SERIES_MISSING = Code(
    "FS477", "series-missing", "A selector of an SLO that matches no series on the server.", Severity.WARNING
)
BUCKET_GONE = Code("FS478", "bucket-gone", "A bucket that an SLO reads and the server does not have.")
TOO_MANY_SERIES = Code(
    "FS479", "too-many-series", "A selector of an SLO that matches very many series.", Severity.WARNING
)
RECORDED_TWICE = Code("FS480", "recorded-twice", "Two rules that record the same series.")
RULES_OUTDATED = Code(
    "FS481", "rules-outdated", "Loaded rules that are not what the workspace compiles to.", Severity.WARNING
)
RULES_NOT_LOADED = Code(
    "FS482", "rules-not-loaded", "Rules of the workspace that the server has not loaded.", Severity.WARNING
)
RULES_FAILING = Code("FS483", "rules-failing", "Loaded rules whose evaluation fails.")
NOT_ASKED = Code("FS484", "not-asked", "Something that this server cannot be asked.", Severity.INFO)
HISTORY_PARTIAL = Code("FS485", "history-partial", "A past that is not known in full.", Severity.WARNING)
HISTORY_GONE = Code("FS486", "history-gone", "A past of which nothing is known.")

CODES = (
    DOWN,
    RETENTION_SHORT,
    INTERVAL_DIFFERS,
    INTERVAL_TOO_LONG,
    EXPRESSION_REFUSED,
    VERSION_LACKS,
    SERIES_MISSING,
    BUCKET_GONE,
    TOO_MANY_SERIES,
    RECORDED_TWICE,
    RULES_OUTDATED,
    RULES_NOT_LOADED,
    RULES_FAILING,
    NOT_ASKED,
    HISTORY_PARTIAL,
    HISTORY_GONE,
)
