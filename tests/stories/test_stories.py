"""Command-line stories: each text file holds the input files, a command, and what it says, to the letter.

The format: lines of files under `-- path --`, then `$ failsoft ...`, the exit code in `-- exit --`, and what is printed
in `-- stdout --` and `-- stderr --`. To write down what a command says
now: `UPDATE_STORIES=1 pytest tests/stories`, then read the difference before committing it. The pages of `docs/checks`
that SARIF carries are left out here; tests/checks reads them.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from failsoft.cli import main

STORIES = sorted(Path(__file__).parent.glob("*/*.txt"))
_FILE = re.compile(r"^-- (.+) --$", re.MULTILINE)
_HELP = re.compile(r'"(text|markdown)": "# FS.*"')


def sections(text: str) -> dict[str, str]:
    pieces = _FILE.split(text)
    return {"": pieces[0]} | dict(zip(pieces[1::2], (piece.removeprefix("\n") for piece in pieces[2::2]), strict=True))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_story(story, tmp_path, monkeypatch, capsys):
    parts = sections(story.read_text(encoding="utf-8"))
    head = parts.pop("")
    command = next(line for line in head.splitlines() if line.startswith("$ "))
    expected = {name: parts.pop(name, "") for name in ("exit", "stdout", "stderr")}
    for name, content in parts.items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    assert words.pop(0) == "failsoft"
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed = capsys.readouterr()
    got = {"exit": f"{ended.value.code or 0}\n", "stdout": _HELP.sub(r'"\1": "…"', printed.out), "stderr": printed.err}
    if os.environ.get("UPDATE_STORIES"):
        files = "".join(f"-- {name} --\n{content}" for name, content in parts.items())
        said = "".join(f"-- {name} --\n{content}" for name, content in got.items() if content)
        story.write_text(head + files + said, encoding="utf-8")
    else:
        assert got == expected


def test_there_are_stories():
    assert len(STORIES) >= 10
