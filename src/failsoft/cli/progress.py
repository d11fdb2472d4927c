"""How far long work is, on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["EVERY_S", "progress"]

EVERY_S = 5.0
"""Seconds between two lines."""


@contextmanager
def progress(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Gives what is to be told how much is done, and of how much; short work says nothing in a log.

    Args:
        what: the work, such as `proving`.
        unit: what is counted, such as `proofs`.
    """
    if not sys.stderr.isatty():
        yield _Lines(what, unit)
        return
    with click.progressbar(length=1, file=sys.stderr, label=what, show_pos=True) as bar:

        def show(done: int, of: int) -> None:
            bar.length = max(1, of)
            bar.update(done - bar.pos)

        yield show


class _Lines:
    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit = what, unit
        self._next = time.monotonic() + EVERY_S

    def __call__(self, done: int, of: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            click.echo(f"{self._what}: {done:,} of {of:,} {self._unit}", err=True)
