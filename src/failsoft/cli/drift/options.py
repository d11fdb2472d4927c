"""Options that several drift commands have, and their types."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import click

__all__ = ["Number", "delimiter_option"]


class Number(click.FloatRange):
    """A finite number of a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click says; nan is of no range, for nothing is below or above it."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value} is no finite number", param, ctx)
        return number


def delimiter_option[F: Callable[..., object]](function: F) -> F:
    """The option --delimiter: one character."""
    return click.option(
        "--delimiter", default="", callback=_delimiter, help="Of a CSV, one character; looked for, when left out."
    )(function)


def _delimiter(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    mark = "\t" if text == r"\t" else text
    if mark and (len(mark) > 1 or not mark.isascii() or mark in '"\r\n\0'):
        raise click.BadParameter(rf"{text!r} cannot divide columns; expected one character, such as ; or \t")
    return mark
