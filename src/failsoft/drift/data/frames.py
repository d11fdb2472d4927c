"""Rows of any data frame that narwhals knows: Polars, pandas, Arrow, Modin, cuDF, and lazy ones that it can collect."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from failsoft.drift.codes import DATA_COLUMNS, DATA_UNREADABLE
from failsoft.drift.data.arrow import is_vector
from failsoft.drift.data.problems import told
from failsoft.drift.data.rows import ArrowRows

__all__ = ["FrameSource"]

_SHOWN = "data frame"


class FrameSource(ArrowRows):
    """The rows of a data frame, one column at a time.

    Raises `DataError` on anything else, and on columns that share a name.

    >>> import pyarrow as pa
    >>> source = FrameSource(pa.table({"a": [1, 2], "b": ["x", None]}))
    >>> source.columns, source.rows
    (('a', 'b'), 2)
    """

    def __init__(self, frame: Any) -> None:
        import narwhals as nw

        try:
            found = nw.from_native(frame)
            self._frame = found.collect("pyarrow") if isinstance(found, nw.LazyFrame) else found
            names = [str(name) for name in self._frame.columns]
        except (TypeError, ValueError, nw.exceptions.NarwhalsError) as error:
            raise told(DATA_UNREADABLE, f"is no data frame that narwhals can read: {error}", _SHOWN) from None
        if twice := sorted(name for name, times in Counter(names).items() if times > 1):
            raise told(DATA_COLUMNS, f"has more than one column {twice[0]!r}", _SHOWN)
        self.shown = _SHOWN
        self.columns: Sequence[str] = tuple(names)
        self.rows = len(self._frame)
        lists = {name for name, kind in self._frame.schema.items() if isinstance(kind, nw.List | nw.Array)}
        self.vectors = tuple(name for name in names if name in lists and is_vector(self._frame[name].to_arrow().type))

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of some columns, in one part: they are in memory already."""
        import pyarrow as pa

        yield pa.table({name: self._frame[name].to_arrow() for name in columns})
