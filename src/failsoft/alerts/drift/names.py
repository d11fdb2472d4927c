"""The series that the rules of a counted monitor record beside those that every drift monitor has."""

__all__ = ["BINS", "BIN_INCREASE", "BIN_REFERENCE", "BIN_SHARE", "BIN_SUM", "PRESENT", "PRESENT_REFERENCE"]

BIN_INCREASE = "failsoft:drift_bin_rows:increase"
"""Rows of one step by bin; labels model, monitor, reference, signal, bin."""

BIN_SUM = "failsoft:drift_bin_rows:sum"
"""Rows of the window by bin; the same labels, and `pool`: bins of one pool are judged together."""

BIN_REFERENCE = "failsoft:drift_reference_rows:max"
"""Rows of the reference by bin; the same labels."""

PRESENT = "failsoft:drift_present_rows:sum"
"""Rows of the window that have a value, where they are enough to judge; labels model, monitor, reference, signal."""

PRESENT_REFERENCE = "failsoft:drift_present_reference_rows:sum"
"""Rows of the reference that have a value; the same labels."""

BINS = "failsoft:drift_bins:count"
"""Bins that are compared; the same labels."""

BIN_SHARE = "failsoft:drift_bin_share:ratio"
"""The share of each bin among rows with a value; the labels of `BIN_SUM`, and `side`: window or reference."""
