"""Telling what happens, in the terminal, with the seconds since the start before each line."""

import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Narrator"]

_WIDTH = 110


@dataclass(slots=True)
class Narrator:
    """Prints lines as they come; flushed, for a pipe must show them too.

    Attributes:
        write: where lines go.
        colour: whether the terminal shows colours.
    """

    write: Callable[[str], object] = field(default=lambda line: print(line, flush=True))  # noqa: T201  # a face
    colour: bool = field(default_factory=sys.stdout.isatty)
    _start: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._start

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        line = f"━━ {title} "
        self.write("")
        self.write(self._paint(line + "━" * max(0, _WIDTH - len(line)), "1"))

    def tell(self, text: str) -> None:
        """One thing that happened; further lines of it are indented under the first."""
        stamp = f"{self.seconds:6.1f}s  "
        rows = [row for part in text.splitlines() for row in textwrap.wrap(part, _WIDTH, drop_whitespace=False) or [""]]
        for number, row in enumerate(rows):
            self.write((self._paint(stamp, "2") if number == 0 else " " * len(stamp)) + row.rstrip())

    def link(self, what: str, detail: str, *, happened: bool) -> None:
        """One link of the chain, checked."""
        sign = self._paint("✔", "32") if happened else self._paint("✘ MISSING", "1;31")
        self.write(f"  {sign} {what}" + (f": {detail}" if detail else ""))

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text
