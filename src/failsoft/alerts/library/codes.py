"""What can be wrong with alerts that are no SLO's."""

from failsoft.findings import Code, Severity

__all__ = ["CODES", "NAME_TAKEN", "NO_OWNER"]

NAME_TAKEN = Code("FS431", "alert-name-taken", "An AlertRule whose alertname belongs to another alert.")
NO_OWNER = Code("FS432", "alert-without-owner", "An alert of one's own that nobody hears.", Severity.WARNING)

CODES = (NAME_TAKEN, NO_OWNER)
