"""What can go wrong when scores are exported."""

from failsoft.findings import Code

__all__ = ["CODES", "NOT_EXPORTED"]

NOT_EXPORTED = Code("FS635", "drift-not-exported", "The scores of a drift job did not reach what Prometheus scrapes.")

CODES = (NOT_EXPORTED,)
