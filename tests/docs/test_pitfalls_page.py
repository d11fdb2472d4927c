"""The tests that the page of pitfalls names are there."""

import re

import pytest

from .console import ROOT

PAGE = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_what_proves_it_is_there(file, test):
    assert f"\ndef {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def test_every_row_names_a_test_or_a_bench():
    rows = [row for row in PAGE.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 20
    assert len(NAMED) > 15
    for row in rows:
        proof = row.rsplit("|", 2)[1].strip()
        assert "::" in proof or proof in {"the same", "`python -m bench`"}, row
