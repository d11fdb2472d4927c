"""A reference is replaced only by somebody, for a reason, and both stay on record."""

import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from failsoft.cli import root
from failsoft.drift import ReferenceProfile


def run(*arguments):
    return CliRunner().invoke(root, ["drift", *map(str, arguments)])


@pytest.fixture
def here(tmp_path):
    dice = np.random.default_rng(8)
    for name, mean, model in (("old", 0, "chat"), ("new", 1, "chat"), ("other", 1, "search")):
        parquet.write_table(pa.table({"x": dice.normal(mean, 1, 1_000)}), tmp_path / f"{name}.parquet")
        made = run("fit", tmp_path / f"{name}.parquet", "-o", tmp_path / f"{name}.json", "--model", model)
        assert made.exit_code == 0
    (tmp_path / "ref.json").write_bytes((tmp_path / "old.json").read_bytes())
    return tmp_path


def read(path):
    profile = ReferenceProfile.parse(path.read_bytes(), path.name)
    assert isinstance(profile, ReferenceProfile), profile
    return profile


def test_what_drifted_is_in_tolerance_once_it_was_accepted(here):
    assert run("score", here / "ref.json", here / "new.parquet").exit_code == 1
    ran = run("accept", here / "new.json", here / "ref.json", "--author", "ana", "--reason", "new prompt since Monday")
    assert ran.exit_code == 0, ran.output
    assert run("score", here / "ref.json", here / "new.parquet").exit_code == 0
    taken, old = read(here / "ref.json"), read(here / "old.json")
    assert (taken.accepted.author, taken.accepted.reason) == ("ana", "new prompt since Monday")
    assert taken.accepted.replaces == old.digest
    assert taken.features == read(here / "new.json").features


def test_the_log_is_only_appended_to(here):
    for source, author in (("new", "ana"), ("old", "ben")):
        run("accept", here / f"{source}.json", here / "ref.json", "--author", author, "--reason", "because")
    lines = [json.loads(line) for line in (here / "ref.json.log").read_text().splitlines()]
    assert [line["author"] for line in lines] == ["ana", "ben"]
    assert lines[1]["replaces"] == lines[0]["sha256"]
    assert read(here / "ref.json").digest == lines[1]["sha256"]


def test_a_first_reference_replaces_nothing(here):
    assert run("accept", here / "new.json", here / "first.json", "--author", "ana", "--reason", "first").exit_code == 0
    assert read(here / "first.json").accepted.replaces == ""


@pytest.mark.parametrize(
    ("source", "author", "reason", "word"),
    [("new", " ", "x", "author"), ("new", "ana", "", "reason"), ("other", "ana", "x", "'search'")],
)
def test_nothing_is_taken_without_author_and_reason_or_from_another_model(here, source, author, reason, word):
    kept = (here / "ref.json").read_bytes()
    ran = run("accept", here / f"{source}.json", here / "ref.json", "--author", author, "--reason", reason)
    assert ran.exit_code != 0
    assert word in str(ran.exception)
    assert (here / "ref.json").read_bytes() == kept
    assert not (here / "ref.json.log").exists()


def test_limits_stay_those_of_a_reference_that_was_accepted(here):
    new, held = here / "new.json", ("--windows", here / "held.parquet", "--rows", 100)
    parquet.write_table(pa.table({"x": np.random.default_rng(9).normal(1, 1, 3_000)}), here / "held.parquet")
    assert run("calibrate", new, *held, "-o", here / "new.alarms.json").exit_code == 1, "too few days to promise"
    assert run("accept", new, here / "ref.json", "--author", "ana", "--reason", "new prompt").exit_code == 0
    asked = ("score", here / "ref.json", here / "new.parquet", "--calibration", here / "new.alarms.json")
    assert run(*asked).exit_code == 0
    assert "FS608" in run("score", here / "old.json", *asked[2:]).output


def test_a_folder_takes_a_reference_by_its_revision(here):
    folder = here / "refs"
    folder.mkdir()
    for name, revision, source in (("seven", "r7", "old"), ("seven-again", "r7", "new"), ("eight", "r8", "new")):
        more = ("--model", "chat", "--revision", revision)
        assert run("fit", here / f"{source}.parquet", "-o", here / f"{name}.json", *more).exit_code == 0
    why = ("--author", "ana", "--reason", "rollout")
    for name in ("seven", "eight", "seven-again"):
        ran = run("accept", here / f"{name}.json", folder, *why)
        assert ran.exit_code == 0, ran.output
    assert {path.name for path in folder.glob("*.json")} == {"r7.json", "r8.json"}
    assert read(folder / "r7.json").features == read(here / "seven-again.json").features
    assert "--revision" in str(run("accept", here / "new.json", folder, *why).exception), "new.json has none"


def test_a_reference_does_not_accept_itself(here):
    ran = run("accept", here / "ref.json", here / "ref.json", "--author", "ana", "--reason", "x")
    assert "nothing to accept" in str(ran.exception)
    assert not (here / "ref.json.log").exists()


def test_a_reference_without_a_model_says_how_it_gets_one(here):
    assert run("fit", here / "new.parquet", "-o", here / "nameless.json").exit_code == 0
    ran = run("accept", here / "nameless.json", here / "ref.json", "--author", "ana", "--reason", "x")
    assert "the new one of '': fit it again with --model chat" in str(ran.exception)
