"""What can be wrong with a drift monitor whose bins are counted."""

from failsoft.findings import Code, Severity

__all__ = ["CADENCE", "CODES", "FEATURE_UNJUDGED", "FEATURE_UNKNOWN", "REFERENCES_NONE"]

FEATURE_UNKNOWN = Code("FS631", "drift-feature-unknown", "A drift monitor counts what its reference does not have.")
CADENCE = Code("FS632", "drift-cadence", "A drift monitor's times are no whole multiples of each other.")
FEATURE_UNJUDGED = Code(
    "FS633", "drift-feature-unjudged", "A counted feature whose distribution can never alarm.", Severity.WARNING
)
REFERENCES_NONE = Code("FS634", "drift-references-none", "A folder of references holds none.")

CODES = (FEATURE_UNKNOWN, CADENCE, FEATURE_UNJUDGED, REFERENCES_NONE)
