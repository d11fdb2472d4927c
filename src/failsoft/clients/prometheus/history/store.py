"""Answers kept in a folder, by server, question and time: each written whole or not at all."""

import contextlib
import gzip
import hashlib
import json
import os
import tempfile
import zlib
from pathlib import Path

from failsoft.clients.prometheus.history.chunks import Chunk, Question
from failsoft.clients.prometheus.port import Series
from failsoft.errors import UsageError

__all__ = ["Store"]

_FORM = 1
_LEVEL = 3
_STAGED = ".failsoft-"


class Store:
    """Answers about the past, which does not change.

    The address of the server is kept as a hash only, for it may hold a password. A file that cannot be read, or is not
    what its name says, counts as not there.

    Args:
        folder: where; made when something is kept.
        server: the address of the server.

    Attributes:
        grown: whether an answer was kept since.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.grown = False
        self._server = _digest(server.rstrip("/"))

    def get(self, question: Question, chunk: Chunk) -> tuple[Series, ...] | None:
        """What was kept, or None."""
        try:
            held = json.loads(gzip.decompress(self._path(question, chunk).read_bytes()))
            if held["form"] != _FORM or held["expression"] != question.expression or held["step"] != question.step:
                return None
            return tuple(
                Series(dict(one["labels"]), tuple((at / 1000, float(value)) for at, value in one["points"]))
                for one in held["series"]
            )
        except (OSError, EOFError, ValueError, LookupError, TypeError, zlib.error):
            return None

    def put(self, question: Question, chunk: Chunk, series: tuple[Series, ...]) -> None:
        """Keep an answer.

        Raises:
            UsageError: the folder cannot be written.
        """
        held = {
            "form": _FORM,
            "expression": question.expression,
            "step": question.step,
            "series": [
                # NaN and infinities are no JSON, so values are text, as Prometheus sends them
                {"labels": dict(one.labels), "points": [[round(at * 1000), repr(value)] for at, value in one.points]}
                for one in series
            ],
        }
        path = self._path(question, chunk)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_STAGED, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(gzip.compress(json.dumps(held, separators=(",", ":")).encode(), _LEVEL, mtime=0))
                Path(name).replace(path)
                self.grown = True
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise UsageError(f"{error.filename or path.parent} cannot be written: {error.strerror}") from error

    def _path(self, question: Question, chunk: Chunk) -> Path:
        phase = f"+{question.phase}" if question.phase else ""
        asked = _digest(f"{question.step}{phase}\n{question.expression}")
        return self.folder / self._server / asked / f"{chunk.first}-{chunk.last}.json.gz"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
