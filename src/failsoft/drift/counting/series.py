"""The series of counter mode: what the serving process exports, and what the rules read."""

__all__ = [
    "BIN_ROWS",
    "DROPPED_FEATURES",
    "DROPPED_ROWS",
    "MISSING_BIN",
    "NEW_BIN",
    "OTHER_BIN",
    "PRESENT_BIN",
    "REFERENCE_INFO",
    "REFERENCE_LENGTH",
    "REFERENCE_ROWS",
    "reference_label",
]

BIN_ROWS = "failsoft_drift_bin_rows_total"
"""Counter: rows by bin; labels model, reference, feature, bin."""

REFERENCE_ROWS = "failsoft_drift_reference_rows"
"""Gauge: the reference's own rows by bin; the same labels, and `holds`: what is in the bin, for people."""

REFERENCE_INFO = "failsoft_drift_reference_info"
"""Gauge, always 1; labels model, reference, revision, sha256."""

DROPPED_ROWS = "failsoft_drift_rows_dropped_total"
"""Counter: values that were given and not counted; labels model, reference, reason."""

DROPPED_FEATURES = "failsoft_drift_features_dropped"
"""Gauge: features that are not counted, for all would be too many series; labels model, reference."""

MISSING_BIN = "missing"
"""The bin of rows without a value."""

NEW_BIN = "new"
"""The bin of categories that the reference never had."""

OTHER_BIN = "other"
"""The bin of the reference's categories beyond the 50 most frequent."""

PRESENT_BIN = "present"
"""The bin of rows with a value, of a feature of which only the missing ones are compared."""

REFERENCE_LENGTH = 12
"""Hexadecimal digits of a reference's hash in the label `reference`."""


def reference_label(digest: str) -> str:
    """The label `reference` of a profile: counts are joined by it, so that bins of two references never mix."""
    return digest[:REFERENCE_LENGTH]
