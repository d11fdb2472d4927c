"""The examples for users' own tests run as written, and each fake is where the documentation says."""

import doctest
import re

import pytest

import failsoft.testing


def test_the_examples_of_the_documentation_run_as_written(request):
    path = request.config.rootpath / "docs" / "testing.md"
    outcome = doctest.testfile(str(path), module_relative=False)
    assert outcome.attempted >= 6
    assert outcome.failed == 0


def test_every_fake_is_documented_and_imported_only_when_it_is_asked_for(request):
    text = (request.config.rootpath / "docs" / "testing.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(Fake\w+)` \|", text, re.MULTILINE)) == failsoft.testing.__all__
    for name in failsoft.testing.__all__:
        assert getattr(failsoft.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="FakeFax"):
        _ = failsoft.testing.FakeFax
