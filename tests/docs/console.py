"""Blocks of a page in which commands are shown with what they print, and the same commands run."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from failsoft.cli import main

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = "..."
"""A line that stands for lines that are printed and not shown."""

_BLOCK = re.compile(r"^```(?:console)?\n(\$ .*?)^```$", re.MULTILINE | re.DOTALL)


class Shell:
    """Runs `failsoft`, and the few words beside it that pages show, within this process and the current folder."""

    def __init__(self) -> None:
        self.code = 0

    def run(self, command: str) -> str:
        """What a command prints, errors and all."""
        words = shlex.split(command, comments=True)
        match words:
            case ["failsoft", *rest]:
                return self._failsoft(rest)
            case ["cat", path]:
                return Path(path).read_text(encoding="utf-8")
            case ["head", count, path]:
                return "".join(Path(path).read_text(encoding="utf-8").splitlines(keepends=True)[: -int(count)])
            case ["echo", "$?"]:
                return f"{self.code}\n"
        raise ValueError(f"nobody taught the test to run {command!r}")

    def _failsoft(self, words: list[str]) -> str:
        printed = io.StringIO()
        self.code = 0
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                main(words)
            except SystemExit as ended:
                self.code = int(ended.code or 0)
        return printed.getvalue()


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, and what the page says that each prints."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def as_shown(printed: str, shown: str) -> str:
    """What is printed, with as much of it left out as the page leaves out: before, after, or between lines."""
    before, left_out, after = f"\n{shown}".partition(f"\n{LEFT_OUT}\n")
    if not left_out:
        return printed
    lines = [line.rstrip() for line in printed.splitlines()]
    first, last = before.strip("\n").splitlines(), after.splitlines()
    kept = [*lines[: len(first)], LEFT_OUT, *lines[max(len(first), len(lines) - len(last)) :]]
    return "\n".join(kept) + "\n"


def holds(shell: Shell, page: str, number: int) -> None:
    """Run the commands of a page's block (the first is 0), and compare.

    With UPDATE_DOCS=1 what is printed is written into the page instead.
    """
    file = ROOT / page
    text = file.read_text(encoding="utf-8")
    block = [found for found in _BLOCK.finditer(text) if "$ failsoft " in found[1]][number]
    ran = [(command, as_shown(shell.run(command), shown), shown) for command, shown in commands(block[1])]
    got = "".join(f"$ {command}\n{printed}" for command, printed, _ in ran)
    got = "\n".join(line.rstrip() for line in got.splitlines()) + "\n"
    if os.environ.get("UPDATE_DOCS"):
        file.write_text(text[: block.start(1)] + got + text[block.end(1) :], encoding="utf-8")
    else:
        assert got == block[1], f"{page} shows something else: UPDATE_DOCS=1 pytest tests/docs writes what is printed"
