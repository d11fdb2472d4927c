"""Asks the chunks of long questions: a few at a time, more slowly when the server is busy, smaller when it groans."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import NamedTuple

from failsoft.clients.prometheus.history.chunks import Chunk, Question, chunks_of
from failsoft.clients.prometheus.history.store import Store
from failsoft.clients.prometheus.patience import TRIES, pause_after
from failsoft.clients.prometheus.port import Prometheus, Series
from failsoft.errors import FailsoftError, RefusedError, TooLargeError, TooSlowError, UnavailableError

__all__ = ["Answered", "Progress", "Reader"]

_SLOW = 4
"""Answers in a row that do not come in time, after which the server is left in peace."""

_LATE = 600.0
"""Seconds after which what is in Prometheus is taken for all there will be: late samples and slow rules have come."""


class Progress(NamedTuple):
    """How far a reader is: chunks in all, those answered, and those of them that were kept from another run."""

    chunks: int
    done: int
    kept: int


@dataclass(slots=True)
class Answered:
    """What came of a question.

    Attributes:
        series: each with all its points, in order of time; series with the same labels are one.
        refused: why the server refuses it, where it does; then there are no series.
    """

    series: tuple[Series, ...] = ()
    refused: str = ""


@dataclass(slots=True)
class _Work:
    """A question underway; `most` is how many points at once the server was seen to bear."""

    question: Question
    most: int = 1 << 62
    refused: str = ""


type Take = Callable[[Question, Chunk, tuple[Series, ...]], None]
"""Is given the answer of each chunk, in no order, from the thread that asked for all of them."""


class Reader:
    """Reads history through the port of the client.

    Args:
        prometheus: whom to ask; its method `query_range` is called from several threads.
        store: where answers are kept; None keeps nothing.
        fresh: whether to ask anew for what is kept.
        at_once: how many queries at the same time.
        now: seconds since the epoch; the newest chunk may still change, and is not kept.
        warnings: how many warnings came so far; an answer during which one came is not kept, for parts may be missing.
        greet: called once, before the first question is asked; raises where it would be in vain. Nothing that is kept
            needs it.
        pause: waits so many seconds; where another thread finds that there is no use, the wait ends too.
    """

    def __init__(  # noqa: PLR0913  # each has its default
        self,
        prometheus: Prometheus,
        store: Store | None = None,
        *,
        fresh: bool = False,
        at_once: int = 2,
        now: float | None = None,
        warnings: Callable[[], int] = lambda: 0,
        greet: Callable[[], object] | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._prometheus = prometheus
        self._store = store
        self._fresh = fresh
        self._at_once = at_once
        self._now = time.time() if now is None else now
        self._warnings = warnings
        self._greet = greet
        self._stopped = threading.Event()
        self._errors: list[FailsoftError] = []
        self._pause = pause or self._stopped.wait
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._slow = 0

    def read(self, questions: Sequence[Question], told: Callable[[Progress], None] = lambda _: None) -> list[Answered]:
        """The answers, one for each question; all of them are held in memory.

        Args and Raises: as of `stream`.
        """
        parts: dict[Question, dict[Chunk, tuple[Series, ...]]] = {question: {} for question in questions}

        def take(question: Question, chunk: Chunk, series: tuple[Series, ...]) -> None:
            parts[question][chunk] = series

        refused = self.stream(questions, take, told)
        return [
            Answered(refused=refused[question]) if question in refused else _joined(parts[question])
            for question in questions
        ]

    def stream(
        self, questions: Sequence[Question], take: Take, told: Callable[[Progress], None] = lambda _: None
    ) -> dict[Question, str]:
        """Hand on the answers, chunk by chunk.

        Args:
            questions: what to ask; the same one twice is asked once.
            take: is given each answer.
            told: called with the progress, from this thread.

        Returns:
            Why the server refuses a question, where it does.

        Raises:
            UnavailableError: the server does not answer, however small the question is and however long we wait.
            PermanentError: it refuses to talk to us at all.
            UsageError: the store cannot be written.
        """
        works = {question: _Work(question) for question in questions}
        todo: list[tuple[_Work, Chunk]] = []
        kept = 0
        for work in works.values():
            for chunk in chunks_of(work.question):
                held = None if self._store is None or self._fresh else self._store.get(work.question, chunk)
                if held is None:
                    todo.append((work, chunk))
                else:
                    take(work.question, chunk, held)
                    kept += 1
        done, chunks = kept, kept + len(todo)
        told(Progress(chunks, done, kept))
        if todo and self._greet is not None:
            self._greet()
            self._greet = None
        for work, chunk, series in self._finished(todo):
            if series is not None:
                take(work.question, chunk, series)
            done += 1
            told(Progress(chunks, done, kept))
        return {question: work.refused for question, work in works.items() if work.refused}

    def _finished(
        self, todo: Sequence[tuple[_Work, Chunk]]
    ) -> Iterator[tuple[_Work, Chunk, tuple[Series, ...] | None]]:
        """Each chunk as it is answered, or refused; where the server cannot answer, nothing more is asked."""
        self._stopped.clear()
        self._errors.clear()
        pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="history")
        try:
            asked = {pool.submit(self._ask, work, chunk): (work, chunk) for work, chunk in todo}
            for future in as_completed(list(asked)):
                try:
                    series = future.result()
                except FailsoftError as error:  # may be of a thread that was only stopped, so not the reason
                    raise next(iter(self._errors), error) from None
                yield *asked.pop(future), series  # popped, for an answer may be large
        finally:
            # what is underway is not waited for: on Ctrl-C people want their shell back
            self._stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, work: _Work, chunk: Chunk) -> tuple[Series, ...] | None:
        """Answer a chunk, in pieces where the whole is too much, and keep it; None is a refusal. Called in a thread."""
        if work.refused:
            return None
        before = self._warnings()
        try:
            series = self._answer(work, chunk)
        except RefusedError as error:
            work.refused = str(error)
            return None
        except FailsoftError as error:
            self._errors.append(error)
            self._stopped.set()  # for all threads, before one of them asks for the next chunk
            raise
        settled = chunk.last * work.question.step / 1000 < self._now - _LATE
        if self._store is not None and settled and self._warnings() == before:
            self._store.put(work.question, chunk, series)
        return series

    def _answer(self, work: _Work, chunk: Chunk) -> tuple[Series, ...]:
        if chunk.points <= work.most:
            try:
                return self._try(work.question, chunk)
            except (TooLargeError, TooSlowError):
                if chunk.points == 1:
                    raise
                work.most = min(work.most, (chunk.points + 1) // 2)
        return tuple(part for half in chunk.halves() for part in self._answer(work, half))

    def _try(self, question: Question, chunk: Chunk) -> tuple[Series, ...]:
        """Ask, and ask again after a pause while the server cannot answer; all threads keep the pause."""
        step = question.step / 1000
        start, end = ((number * question.step + question.phase) / 1000 for number in chunk)
        for tried in range(TRIES):
            self._wait()
            try:
                series = self._prometheus.query_range(question.expression, start=start, end=end, step=step)
            except TooSlowError as error:
                self._slow_down(pause_after(0, error))
                with self._lock:
                    self._slow += 1
                if self._slow >= _SLOW:
                    said = f"{error}; this was tried {self._slow} times, with less each time"
                    raise UnavailableError(said) from error
                raise
            except UnavailableError as error:
                if tried == TRIES - 1:
                    raise
                self._slow_down(pause_after(tried, error))
            else:
                self._slow = 0
                return series
        raise AssertionError  # the last try returns or raises

    def _wait(self) -> None:
        with self._lock:
            rest = self._not_before - time.monotonic()
        if rest > 0:
            self._pause(rest)
        if self._stopped.is_set():
            raise UnavailableError("stopped")

    def _slow_down(self, seconds: float) -> None:
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)


def _joined(parts: Mapping[Chunk, tuple[Series, ...]]) -> Answered:
    points: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = defaultdict(list)
    for chunk in sorted(parts):
        for one in parts[chunk]:
            points[tuple(sorted(one.labels.items()))] += one.points
    return Answered(tuple(Series(dict(labels), tuple(found)) for labels, found in sorted(points.items())))
