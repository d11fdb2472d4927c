"""A secret is resolved from its reference, and never shows itself."""

import copy
import json
import logging
import os
import pickle
import traceback

import pytest

from failsoft.clients.secrets import Secret, resolve
from failsoft.errors import PermanentError

VALUE = "xoxb-very-secret-value"


def test_an_environment_variable_is_read_when_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("FAILSOFT_TEST_TOKEN", VALUE)
    assert resolve(env="FAILSOFT_TEST_TOKEN").reveal() == VALUE


@pytest.mark.parametrize("content", [VALUE, VALUE + "\n", VALUE + "\r\n"])
def test_one_trailing_newline_of_a_file_is_not_part_of_the_secret(tmp_path, content):
    (tmp_path / "token").write_bytes(content.encode())
    assert resolve(file=tmp_path / "token").reveal() == VALUE


def test_spaces_belong_to_the_secret(tmp_path):
    (tmp_path / "token").write_text(" a b \n")
    assert resolve(file=tmp_path / "token").reveal() == " a b "


def test_nothing_that_is_printed_or_logged_shows_the_value(caplog):
    secret = Secret(VALUE, reference="env TOKEN")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").info("token %s %r %s", secret, secret, [secret])
    told = f"{secret} {secret!r} {[secret]}" + caplog.text
    assert VALUE not in told
    assert "env TOKEN" in told


def test_it_can_be_written_into_no_journal():
    for write in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            write(Secret(VALUE))


def test_what_another_server_said_back_is_redacted():
    assert VALUE not in Secret(VALUE, reference="env T").redact(f"no such key {VALUE}, {VALUE}")


def test_equal_secrets_are_equal_and_others_are_not():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is not there"),
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (VALUE.encode() + b"\nsecond line\n", "more than one line"),
        (VALUE.encode() + b"\xff\xfe", "not UTF-8"),
        (b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_reference_that_gives_nothing_usable_is_named_and_the_value_is_not(tmp_path, content, says):
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PermanentError, match=says) as caught:
        resolve(file=path)
    told = "".join(traceback.format_exception(caught.value))
    assert str(path) in told
    assert VALUE not in told
    assert "secret-value" not in told


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("FAILSOFT_NO_SUCH", raising=False)
    with pytest.raises(PermanentError, match="set the environment variable FAILSOFT_NO_SUCH"):
        resolve(env="FAILSOFT_NO_SUCH")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / "token").write_text(VALUE)
    (tmp_path / "token").chmod(0)
    with pytest.raises(PermanentError, match="cannot be read: Permission denied"):
        resolve(file=tmp_path / "token")


def test_a_folder_is_no_secret(tmp_path):
    with pytest.raises(PermanentError, match="cannot be read"):
        resolve(file=tmp_path)


@pytest.mark.parametrize("given", [{}, {"env": "A", "file": "b"}])
def test_a_reference_names_exactly_one_place(given):
    with pytest.raises(PermanentError, match="exactly one"):
        resolve(**given)
