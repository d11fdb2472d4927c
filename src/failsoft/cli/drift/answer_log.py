"""Reading a log of answers, line by line: counts of each window, and a row for each answer where one is asked for."""

import os
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO

from failsoft.cli.drift.files import Told, stop
from failsoft.drift.answers import CHECKS, Examined, Expected, Fields, Tally, codes, examine, read_line
from failsoft.drift.answers.log import NoAnswerError
from failsoft.errors import MissingPartError, UsageError
from failsoft.findings import Finding, Place, amount

__all__ = ["Log", "read_log"]

_SHOWN = 5
_LONGEST_LINE = 16 * 1024 * 1024
_ROWS_AT_ONCE = 10_000


@dataclass(slots=True)
class Log:
    """What a log holds.

    Attributes:
        path: as it was named.
        whole: the counts of all answers.
        windows: those of each window, in the order of the log.
        broken: lines that hold no answer.
        problems: what is wrong with the first of them.
        characters: the length of each answer.
        reasons, scripts: how many answers have which finish reason, and are mostly in which script.
        logprobs: how many answers have a mean log-probability, and the sum of these.
        first, last: the earliest and the latest time, in seconds since the epoch.
    """

    path: str
    whole: Tally = field(default_factory=Tally)
    windows: list[Tally] = field(default_factory=list)
    broken: int = 0
    problems: list[Finding] = field(default_factory=list)
    characters: "array[int]" = field(default_factory=lambda: array("q"))
    reasons: Counter[str] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    logprobs: tuple[int, float] = (0, 0.0)
    first: float | None = None
    last: float | None = None

    @property
    def window_s(self) -> float | None:
        """Seconds from one window to the next, on average; None where the log has no times."""
        if self.first is None or self.last is None or self.last <= self.first:
            return None
        return (self.last - self.first) / max(1, len(self.windows))

    def add(self, examined: Examined, rows: int) -> None:
        """Count one more answer; `rows` of them are a window."""
        if not self.windows or self.windows[-1].answers >= rows:
            self.windows.append(Tally())
        self.whole.add(examined)
        self.windows[-1].add(examined)
        self.characters.append(examined.characters)
        answer = examined.answer
        if answer.finish_reason:
            self.reasons[answer.finish_reason] += 1
        if examined.script:
            self.scripts[examined.script] += 1
        if answer.mean_logprob is not None:
            self.logprobs = self.logprobs[0] + 1, self.logprobs[1] + answer.mean_logprob
        if answer.at is not None:
            self.first = answer.at if self.first is None else min(self.first, answer.at)
            self.last = answer.at if self.last is None else max(self.last, answer.at)


def read_log(  # noqa: PLR0913  # a file, how it is read, and what becomes of it
    path: Path, fields: Fields, expected: Expected, *, rows: int, most_broken: float, out: Path | None
) -> Log:
    """Look at every answer of a log; ends the command with 2 where it cannot be read or is broken beyond `most_broken`.

    Args:
        path: the log, `-` for standard input.
        fields: where a line holds what.
        expected: of each answer.
        rows: answers in a window.
        most_broken: the share of lines that may hold no answer.
        out: a file of rows to write, whole or not at all.
    """
    log, told = Log(str(path)), Told("looking at answers")
    try:
        with _opened(path) as stream, _rows(out, expected) as write:
            for number, line in enumerate(_lines(stream), 1):
                _look(log, number, line, fields=fields, expected=expected, rows=rows, write=write)
                told(number, 0, "lines")
            _judge(log, most_broken)
    except OSError as error:
        stop([Finding(codes.ANSWERS_UNREADABLE, f"cannot be read: {error.strerror or error}", Place(log.path))], "text")
    return log


def _look(  # noqa: PLR0913  # a line, how it is read, and what becomes of it
    log: Log,
    number: int,
    line: bytes,
    *,
    fields: Fields,
    expected: Expected,
    rows: int,
    write: Callable[[Examined], None],
) -> None:
    if not line.strip():
        return
    try:
        examined = examine(read_line(_whole(line), fields), expected)
    except NoAnswerError as error:
        log.broken += 1
        if len(log.problems) < _SHOWN:
            hint = "--text names the path of the text" if error.readable and not fields.text else ""
            log.problems.append(Finding(codes.ANSWER_LINE, str(error), Place(log.path, number, 1), hint=hint))
        return
    log.add(examined, rows)
    write(examined)


def _whole(line: bytes) -> bytes:
    if len(line) >= _LONGEST_LINE:
        raise NoAnswerError(f"is longer than {_LONGEST_LINE // 2**20} MiB")
    return line


def _judge(log: Log, most_broken: float) -> None:
    lines = log.whole.answers + log.broken
    if not log.whole.answers:
        problem = Finding(codes.ANSWERS_UNREADABLE, "holds no answer", Place(log.path), "one JSON object a line")
        stop([*log.problems, problem], "text")
    if log.broken > most_broken * lines:
        message = f"{log.broken:,} of {amount(lines, 'line')} hold{'s' * (log.broken == 1)} no answer"
        hint = "what is left may be a biased choice; --broken allows more"
        expected = f"at most {100 * most_broken:g}% of them"
        stop(
            [*log.problems, Finding(codes.ANSWERS_TOO_BROKEN, message, Place(log.path), expected, hint)],
            "text",
        )


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines, of one that is far too long only the beginning."""
    while line := stream.readline(_LONGEST_LINE):
        rest = line
        while not rest.endswith(b"\n") and len(rest) == _LONGEST_LINE:
            rest = stream.readline(_LONGEST_LINE)
        yield line


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as stream:
        yield stream


@contextmanager
def _rows(out: Path | None, expected: Expected) -> Iterator[Callable[[Examined], None]]:
    """What takes each answer; the file stands in its place only when all of them are in it."""
    if out is None:
        yield lambda _: None
        return
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MissingPartError(f"-o needs {error.name}: pip install 'failsoft[data]'") from None
    schema = pa.schema([(name, pa.type_for_alias(type_)) for name, type_ in _columns(expected).items()])
    held: list[dict[str, Any]] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("wb", dir=out.parent, prefix=f".{out.name}.", suffix=".new", delete=False) as stream:
        beside = Path(stream.name)
        try:
            with parquet.ParquetWriter(stream, schema) as writer:

                def write(examined: Examined) -> None:
                    held.append(_row(examined))
                    if len(held) >= _ROWS_AT_ONCE:
                        writer.write_table(pa.Table.from_pylist(held, schema))
                        held.clear()

                yield write
                writer.write_table(pa.Table.from_pylist(held, schema))
            stream.flush()
            os.fsync(stream.fileno())
            beside.chmod(0o644)
            beside.replace(out)
        except OSError as error:
            raise UsageError(f"cannot write {out}: {error.strerror}") from None
        finally:
            beside.unlink(missing_ok=True)


def _columns(expected: Expected) -> dict[str, str]:
    """The columns and their types. No time among them: it never comes again, and would be the first to drift."""
    asked = {
        "invalid-json": expected.json,
        "wrong-script": bool(expected.scripts),
        "wrong-language": bool(expected.language),
    }
    numbers = dict.fromkeys(("prompt_tokens", "output_tokens", "characters"), "int64")
    texts = dict.fromkeys(("finish_reason", "script"), "string")
    flags = {check.replace("-", "_"): "bool" for check in CHECKS if asked.get(check, True)}
    return numbers | {"mean_logprob": "double"} | texts | flags


def _row(examined: Examined) -> dict[str, Any]:
    answer = examined.answer
    return {
        "prompt_tokens": answer.prompt_tokens,
        "output_tokens": answer.output_tokens,
        "characters": examined.characters,
        "mean_logprob": answer.mean_logprob,
        "finish_reason": answer.finish_reason or None,
        "script": examined.script or None,
    } | {check.replace("-", "_"): flag for check, flag in examined.flags.items()}
