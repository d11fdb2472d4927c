"""What people hand over by mistake: each command says what is wrong, exits with 2 and overwrites nothing."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import root

NAME = "a \"b\"\n'c'; DROP"


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


def rows(seed, count, **changes):
    dice = np.random.default_rng(seed)
    made = {
        "x": dice.normal(size=count),
        NAME: dice.choice(["one", "two"], count).tolist(),
        "at": pa.array((np.arange(count) * 977_123_000).astype("int64"), pa.timestamp("us", "UTC")),
    }
    made |= changes
    return pa.table({name: values for name, values in made.items() if values is not None})


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    parquet.write_table(rows(1, 5_000), folder / "train.parquet")
    assert run("fit", folder / "train.parquet", "--skip", "at", "-o", folder / "ref.json").exit_code == 0
    return folder


@pytest.fixture
def here(tmp_path, good):
    """A folder in which a reference, a calibration, a page and a plot lie already."""
    for name in ("ref.json", "train.parquet"):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    (tmp_path / "alarms.json").write_text('{"kind": "drift-calibration", "rest": "what was there"}')
    for name in ("page.html", "plot.html"):
        (tmp_path / name).write_text("<!doctype html>what was there")
    return tmp_path


def commands(here, data):
    """Each command that reads rows, as it would overwrite what is there."""
    return {
        "score": ("score", here / "ref.json", data),
        "report": ("report", here / "ref.json", data, "-o", here / "page.html"),
        "calibrate": (
            *("calibrate", here / "ref.json", "--windows", data, "--rows", 100),
            *("-o", here / "alarms.json", "--plot", here / "plot.html"),
        ),
        "fit": ("fit", data, "-o", here / "ref.json"),
    }


def twice(path):
    """A Parquet file in which two columns share a name."""
    x = pa.array(np.arange(500.0))
    parquet.write_table(pa.Table.from_arrays([x, x], names=["x", "x"]), path)


def whole_but(path, start, stop):
    """A Parquet file with a hole in its pages."""
    parquet.write_table(rows(2, 3_000), path, compression="none")
    data = bytearray(path.read_bytes())
    data[start:stop] = bytes(stop - start)
    path.write_bytes(bytes(data))


BAD = {
    "gone.parquet": (lambda path: parquet.write_table(rows(2, 500, x=None), path), "FS513", {"fit"}),
    "typed.parquet": (lambda path: parquet.write_table(rows(2, 500, x=["a"] * 500), path), "FS514", {"fit"}),
    "lists.parquet": (
        lambda path: parquet.write_table(rows(2, 500, x=[[1.0], [1.0, 2.0]] * 250), path),
        "FS518",
        set(),
    ),
    "structs.parquet": (lambda path: parquet.write_table(rows(2, 500, x=[{"a": 1}] * 500), path), "FS518", set()),
    "twice.parquet": (twice, "FS515", set()),
    "tail.parquet": (
        lambda path: (parquet.write_table(rows(2, 500), path), path.write_bytes(path.read_bytes()[:-20])),
        "FS518",
        set(),
    ),
    "head.parquet": (lambda path: path.write_bytes(b"PAR1"), "FS518", set()),
    "hole.parquet": (lambda path: whole_but(path, 4, 400), "FS518", set()),
    "empty.parquet": (lambda path: path.write_bytes(b""), "FS518", set()),
    "two.csv": (lambda path: path.write_text("x;y,z\n1;2,3\n"), "FS518", set()),
    "ragged.csv": (lambda path: path.write_text("x,y\n1,2\n3\n"), "FS518", set()),
    "folder.parquet": (lambda path: path.mkdir(), "FS516", set()),
    "rows.xlsx": (lambda path: path.write_bytes(b"PK"), "FS518", set()),
    "nothing.parquet": (lambda path: None, "FS516", set()),
}


@pytest.mark.parametrize("name", BAD)
def test_each_command_refuses_it_and_leaves_everything_as_it_was(here, name):
    make, code, may = BAD[name]
    make(here / name)
    before = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
    for command, arguments in commands(here, here / name).items():
        ran = run(*arguments)
        if command in may:
            continue
        assert ran.exit_code == 2, (command, ran.output, ran.exception)
        assert code in ran.output, (command, ran.output)
        assert name in ran.output
        assert "Traceback" not in ran.output
        after = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
        assert after == before, command


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace('"schema": 3', '"schema": 99'), "FS502"),
        (lambda text: text.replace("5000", "5001"), "FS504"),
        (lambda text: text[:-40], "FS501"),
        (lambda text: "", "FS501"),
        (lambda text: "[]", "FS503"),
    ],
)
def test_a_reference_that_cannot_be_trusted_is_refused_by_each_command(here, change, code):
    (here / "ref.json").write_text(change((here / "ref.json").read_text()))
    before = {path: path.read_bytes() for path in here.iterdir()}
    all_ = commands(here, here / "train.parquet")
    all_.pop("fit")
    accept = ("accept", here / "ref.json", here / "taken.json", "--author", "ana", "--reason", "new")
    for arguments in (*all_.values(), accept):
        ran = run(*arguments)
        assert (ran.exit_code, code in ran.output) == (2, True), ran.output
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_one_row_is_too_few_to_learn_and_to_judge(here):
    parquet.write_table(rows(3, 1), here / "one.parquet")
    before = (here / "ref.json").read_bytes()
    fitted = run("fit", here / "one.parquet", "-o", here / "ref.json")
    assert (fitted.exit_code, "FS517" in fitted.output) == (2, True)
    assert (here / "ref.json").read_bytes() == before
    ran = run("score", here / "ref.json", here / "one.parquet", "--output", "json")
    assert ran.exit_code == 2
    assert {one["severity"] for one in json.loads(ran.stdout)["features"]} == {"unjudged"}
    ran = run("calibrate", here / "ref.json", "--windows", here / "one.parquet", "--rows", 100, "-o", here / "a.json")
    assert (ran.exit_code, "FS517" in ran.output) == (2, True)
    assert not (here / "a.json").exists()


def test_no_row_at_all_is_no_drift_that_nobody_saw(here):
    parquet.write_table(rows(3, 1).slice(0, 0), here / "none.parquet")
    for command, arguments in commands(here, here / "none.parquet").items():
        ran = run(*arguments)
        assert ran.exit_code == 2, (command, ran.output)


def test_a_name_with_quotes_and_newlines_goes_through_each_command(here):
    parquet.write_table(rows(4, 2_000), here / "now.parquet")
    fitted = run("fit", here / "train.parquet", "--by", NAME, "--skip", "at", "-o", here / "by.json")
    assert fitted.exit_code == 0, fitted.output
    for reference in ("ref.json", "by.json"):
        for arguments in (
            ("score", here / reference, here / "now.parquet"),
            ("report", here / reference, here / "now.parquet", "-o", here / "page.html"),
            (
                "calibrate",
                here / reference,
                "--windows",
                here / "now.parquet",
                "--rows",
                200,
                "-o",
                here / "alarms.json",
            ),
            ("score", here / reference, here / "now.parquet", "--calibration", here / "alarms.json"),
        ):
            ran = run(*arguments)
            assert ran.exit_code in {0, 1}, (ran.output, ran.exception)
            assert len([line for line in ran.output.splitlines() if line.startswith("'c'")]) == 0, (
                "it is shown as one line"
            )


def test_progress_is_told_to_a_terminal_and_to_nobody_else(here):
    """With every step told: what is long on a terminal is short in a test."""
    code = "import failsoft.cli.drift.files as files; files._EVERY_S = 0.0; from failsoft.cli import main; main()"
    argv = [sys.executable, "-c", code, "drift", "score", str(here / "ref.json"), str(here / "train.parquet")]
    quiet = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "reading" not in quiet.stderr + quiet.stdout
    main, side = pty.openpty()
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=side) as child:
        os.close(side)
        told = b""
        try:
            while part := os.read(main, 4096):
                told += part
        except OSError:  # how a terminal of Linux says that the other side is gone
            pass
        child.wait()
    os.close(main)
    assert b"reading train.parquet: 5,000 rows" in told


def test_a_folder_that_cannot_be_written_is_told(here):
    if os.geteuid() == 0:
        target = Path("/proc/nothing/ref.json")
    else:
        (here / "locked").mkdir(mode=0o500)
        target = here / "locked" / "ref.json"
    ran = run("fit", here / "train.parquet", "-o", target)
    assert ran.exit_code != 0
    assert "cannot write" in str(ran.exception)
