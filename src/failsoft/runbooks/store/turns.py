"""Writers of one SQLite file take turns within a process, urgent ones first.

SQLite has one writer at a time, and who finds it busy sleeps and looks again, up to a tenth of a second: under load
somebody always sleeps too long. In one process the next one is woken at the very end of a transaction instead; between
processes SQLite's own waiting stays.
"""

import sqlite3
import threading
from collections import deque

__all__ = ["Turns", "TurnsConnection"]


class Turns:
    """Whose turn it is to write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._urgent: deque[threading.Event] = deque()
        self._others: deque[threading.Event] = deque()

    def take(self, limit: float, *, urgent: bool) -> bool:
        """Wait for the turn, for so many seconds; whether it came."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Event()
            line = self._urgent if urgent else self._others
            line.append(mine)
        if mine.wait(limit):
            return True
        with self._lock:
            if mine.is_set():  # it came in this very moment
                return True
            line.remove(mine)
        return False

    def give(self) -> None:
        """End the turn, and wake whoever is next."""
        with self._lock:
            line = self._urgent or self._others
            if line:
                line.popleft().set()
            else:
                self._taken = False


class TurnsConnection(sqlite3.Connection):
    """A connection that ends its turn with its transaction, however that ends."""

    turns: Turns | None = None
    """The turn it holds, if it does."""

    def take(self, turns: Turns, limit: float, *, urgent: bool) -> bool:
        """Take the turn unless it is held; whether it is now."""
        if self.turns is None and turns.take(limit, urgent=urgent):
            self.turns = turns
        return self.turns is not None

    def commit(self) -> None:
        """Commit, and let the next one write."""
        super().commit()
        self._give()

    def rollback(self) -> None:
        """Roll back, and let the next one write."""
        try:
            super().rollback()
        finally:
            self._give()

    def close(self) -> None:
        """Close, and let the next one write."""
        try:
            super().close()
        finally:
            self._give()

    def _give(self) -> None:
        turns, self.turns = self.turns, None
        if turns is not None:
            turns.give()
