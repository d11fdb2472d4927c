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
