"""Rows from files and data frames, read in parts as columns of numbers and categories."""

from failsoft.drift.data.frames import FrameSource
from failsoft.drift.data.problems import DataError
from failsoft.drift.data.sources import open_data

__all__ = ["DataError", "FrameSource", "open_data"]
