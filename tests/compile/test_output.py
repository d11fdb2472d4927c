"""Writing what was compiled: whole files, nothing of anybody else's touched, nothing of ours left behind."""

import fcntl
import json
import os
import threading

import pytest

from failsoft.cli.artefacts import MANIFEST, stale, write
from failsoft.errors import UsageError

MARK = "# Written by failsoft compile from x. Do not edit.\n"


def files(*names):
    return {name: f"{MARK}{name}\n" for name in names}


def there(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}


def test_files_are_written_and_the_second_time_none_is_touched(tmp_path):
    assert write(files("rules/a.yaml", "b.yaml"), tmp_path / "out")[:2] == (2, 0)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert write(files("rules/a.yaml", "b.yaml"), tmp_path / "out")[:2] == (0, 0)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}


def test_a_file_of_ours_that_is_no_longer_made_goes_and_those_of_others_stay(tmp_path):
    write(files("rules/a.yaml", "rules/b.yaml"), tmp_path)
    (tmp_path / "rules" / "mine.yaml").write_text("groups: []\n")
    (tmp_path / "README").write_text("hello\n")
    assert write(files("rules/b.yaml"), tmp_path)[:2] == (0, 1)
    assert there(tmp_path) == {"rules/b.yaml", "rules/mine.yaml", "README"}


def test_a_folder_that_held_nothing_but_ours_goes_with_it(tmp_path):
    write(files("rules/a.yaml", "tests/a.test.yaml"), tmp_path)
    write(files("rules/a.yaml"), tmp_path)
    assert not (tmp_path / "tests").exists()


def test_a_file_of_ours_that_was_changed_by_hand_is_not_removed(tmp_path):
    write(files("rules/a.yaml", "rules/b.yaml"), tmp_path)
    (tmp_path / "rules" / "a.yaml").write_text(MARK + "precious\n")
    write(files("rules/b.yaml"), tmp_path)
    assert (tmp_path / "rules" / "a.yaml").read_text() == MARK + "precious\n"


def test_where_a_file_of_somebody_else_stands_in_the_way_nothing_is_written(tmp_path):
    (tmp_path / "alertmanager.yaml").write_text("route: {receiver: mine}\n")
    with pytest.raises(UsageError, match=r"alertmanager\.yaml was not written by failsoft and is not overwritten"):
        write(files("alertmanager.yaml", "rules/a.yaml"), tmp_path)
    assert there(tmp_path) == {"alertmanager.yaml"}
    assert (tmp_path / "alertmanager.yaml").read_text() == "route: {receiver: mine}\n"


def test_without_the_manifest_our_files_are_known_by_how_they_begin(tmp_path):
    board = '{\n "uid": "failsoft-slo",\n "version": VERSION\n}\n'
    write(files("a.yaml") | {"b.json": board.replace("VERSION", "1")}, tmp_path)
    (tmp_path / MANIFEST).unlink()
    new = {"a.yaml": MARK + "new\n", "b.json": board.replace("VERSION", "2")}
    assert write(new, tmp_path)[:2] == (2, 0)
    assert {name: (tmp_path / name).read_text() for name in new} == new


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 7}', '{"files": {"a": 7}}'])
def test_a_broken_manifest_stands_in_nobodys_way(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    write(files("a.yaml"), tmp_path)
    assert json.loads((tmp_path / MANIFEST).read_text())["files"].keys() == {"a.yaml"}


def test_a_tampered_manifest_leads_nowhere_out_of_the_folder(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    out = tmp_path / "out"
    out.mkdir()
    (out / MANIFEST).write_text(json.dumps({"files": {"../victim": empty, str(victim): empty}}))
    write(files("a.yaml"), out)
    assert victim.exists()


def test_when_a_write_fails_the_old_files_stay_as_they_were(tmp_path, monkeypatch):
    write(files("a.yaml", "b.yaml"), tmp_path)
    calls = iter(range(10))

    def full(handle, *arguments, **options):
        if next(calls):
            os.close(handle)
            raise OSError(28, "No space left on device")
        return real(handle, *arguments, **options)

    real = os.fdopen
    monkeypatch.setattr("failsoft.cli.artefacts.os.fdopen", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write(dict.fromkeys(("a.yaml", "b.yaml"), MARK + "new\n"), tmp_path)
    assert there(tmp_path) == {"a.yaml", "b.yaml"}  # no half-written file is left either
    assert (tmp_path / "a.yaml").read_text() == files("a.yaml")["a.yaml"]


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write(files("a.yaml"), tmp_path / "out")


def test_what_a_killed_run_left_half_written_goes(tmp_path):
    write(files("rules/a.yaml"), tmp_path)
    (tmp_path / "rules" / ".failsoft-x1y2").write_text("half")
    (tmp_path / ".failsoft-manifest").write_text("half")
    write(files("rules/a.yaml"), tmp_path)
    assert there(tmp_path) == {"rules/a.yaml"}


def test_a_writer_waits_until_another_one_is_done(tmp_path):
    write(files("a.yaml"), tmp_path)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    writer = threading.Thread(target=write, args=(files("b.yaml"), tmp_path))
    writer.start()
    writer.join(0.3)
    assert writer.is_alive()
    assert there(tmp_path) == {"a.yaml"}
    os.close(other)
    writer.join()
    assert there(tmp_path) == {"b.yaml"}


def test_stale_says_what_write_would_do_and_does_nothing(tmp_path):
    write(files("a.yaml", "b.yaml", "c.yaml", "d.yaml"), tmp_path)
    (tmp_path / "b.yaml").write_text(MARK + "edited\n")
    (tmp_path / "c.yaml").unlink()
    (tmp_path / "mine.yaml").write_text("")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert stale(files("a.yaml", "b.yaml", "c.yaml"), tmp_path) == {
        "b.yaml": "is out of date",
        "c.yaml": "is missing",
        "d.yaml": "is no longer made",
    }
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_nothing_is_stale_after_a_write_and_everything_is_where_nothing_was_written(tmp_path):
    write(files("rules/a.yaml"), tmp_path)
    assert stale(files("rules/a.yaml"), tmp_path) == {}
    assert stale(files("rules/a.yaml"), tmp_path / "nowhere") == {"rules/a.yaml": "is missing"}
    assert not (tmp_path / "nowhere").exists()
