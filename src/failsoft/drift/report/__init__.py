"""The report of a window against its reference: one self-contained page, the worst feature first."""

from failsoft.drift.report.page import page

__all__ = ["page"]
