"""Which files are read, and that nothing which seems to belong to a workspace is left out in silence."""

import os
import shutil
from pathlib import Path

import pytest

from failsoft.workspace import codes
from failsoft.workspace.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(EXAMPLE, tmp_path / "library")  # a user's folder may have that name, too


def told(root):
    return [(finding.code, finding.place.path) for finding in load(root)[1]]


def test_the_example_is_read_whole(root):
    assert told(root) == []


def test_a_link_to_nothing_and_a_pipe_are_errors(root):
    (root / "slo" / "gone.yaml").symlink_to("nowhere.yaml")
    os.mkfifo(root / "pipe.yaml")
    assert told(root) == [(codes.UNREADABLE, "pipe.yaml"), (codes.UNREADABLE, "slo/gone.yaml")]


def test_links_that_lead_out_are_not_read_and_that_is_said(root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "t.yaml").write_text("kind: Team\nmetadata: {name: outsiders}\nspec: {}\n")
    (root / "teams" / "out.yaml").symlink_to(outside / "t.yaml")
    (root / "models" / "more").symlink_to(outside)
    assert told(root) == [(codes.NOT_READ, "models/more"), (codes.NOT_READ, "teams/out.yaml")]
    assert "outsiders" not in load(root)[0].teams


def test_documents_in_other_folders_are_not_read_and_that_is_said(root):
    shutil.move(root / "slo", root / "slos")
    paths = [path for code, path in told(root) if code is codes.NOT_READ]
    assert paths == sorted(path.relative_to(root).as_posix() for path in (root / "slos").rglob("*.yaml"))


def test_a_file_that_nobody_may_read_makes_no_name_dangle(root, monkeypatch):
    (hidden,) = (root / "models").glob("*.yaml")
    original = Path.open

    def refuse(path, *arguments, **more):
        if path == hidden:
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)
    assert told(root) == [(codes.UNREADABLE, hidden.relative_to(root).as_posix())]


@pytest.mark.parametrize("damage", [b"\nspec: {a: 'b\n", b"\n\xff\n", b"\n" + b"#" * 4 * 1024 * 1024])
def test_a_damaged_file_makes_no_name_dangle(root, damage):
    for path in (root / "models").glob("*.yaml"):
        path.write_bytes(path.read_bytes() + damage)
    about_files = {codes.BAD_YAML, codes.DUPLICATE_KEY, codes.NOT_UTF8, codes.TOO_LARGE}
    assert {code for code, _ in told(root)} <= about_files
