"""`failsoft explain`: by id, number or name, one or several, for people and for programs."""

import json
import re

import pytest

from failsoft.cli import main
from failsoft.findings import Finding, Place, render
from failsoft.findings.pages import page, pages
from failsoft.slo.codes import OFF_BOUND


def explain(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["explain", *words])
    return ended.value.code or 0, *capsys.readouterr()


@pytest.mark.parametrize("code", ["FS401", "fs401", "401", "off-bound", "OFF-BOUND"])
def test_a_finding_is_found_by_its_id_its_number_and_its_name(code, capsys):
    status, told, _ = explain(capsys, code)
    assert status == 0
    assert told.startswith("FS401 off-bound  (error)\nA threshold that is no bucket bound")
    assert "```" not in told
    assert "](" not in told


@pytest.mark.parametrize(
    ("code", "help_"),
    [("offbound", "did you mean off-bound?"), ("bound", "off-bound"), ("FS999", "lists them all"), ("", "lists them")],
)
def test_a_code_that_is_none_is_one_line_with_the_nearest(code, help_, capsys):
    status, told, said = explain(capsys, code)
    assert (status, told) == (2, "")
    assert said.startswith(f"failsoft: there is no finding {code!r}; ")
    assert help_ in said
    assert len(said.splitlines()) == 1


def test_without_a_code_all_are_listed_a_line_each(capsys):
    _, told, _ = explain(capsys)
    assert [line.split()[0] for line in told.splitlines()] == [one.id for one in pages()]


def test_programs_get_the_page_as_it_is_written(capsys):
    _, told, _ = explain(capsys, "401", "off-bound", "--output", "json")
    (record,) = json.loads(told)["codes"]
    assert record["page"] == page("FS401").text
    assert (record["code"], record["severity"]) == ("FS401", "error")
    assert all("page" not in one for one in json.loads(explain(capsys, "--output", "json")[1])["codes"])


def test_sarif_carries_the_page_of_each_kind_of_finding():
    log = json.loads(render([Finding(OFF_BOUND, "600ms is no bound", Place("a.yaml"))], "sarif"))
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule["help"]["markdown"] == page("FS401").text


def test_a_terminal_of_any_width_gets_whole_lines(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, told, _ = explain(capsys, "FS401")
    prose = [line for line in told.splitlines() if not line.startswith("  ")]
    assert max(map(len, prose)) <= 40
    assert "nothing in between." in " ".join(told.split())


def test_every_page_is_shown_without_marks_of_its_text_form(capsys):
    _, told, _ = explain(capsys, *(one.id for one in pages()))
    assert told.count("Why it matters") == len(list(pages()))
    assert not re.search(r"```|^#|\]\(", told, re.MULTILINE)
