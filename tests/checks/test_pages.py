"""Every kind of finding has a page, and what the page says is so.

The blocks marked `yaml wrong` of a page, together with examples/chat, give that finding and no other that is as severe,
and the block `text` after them is what is printed of it; `foreign-wrong` is for `failsoft convert`. The blocks marked
`right` give no finding but hints. To write down what is printed now: `UPDATE_PAGES=1 pytest tests/checks`, then read
the difference.
"""

import os
import pkgutil
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

import failsoft
from failsoft.cli.check import findings_of
from failsoft.exchange import Known, convert
from failsoft.findings import Code, Severity, show
from failsoft.findings.pages import parse
from failsoft.workspace.load import load
from failsoft.workspace.read import read_text

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "docs" / "checks"
BASE = ROOT / "examples" / "chat"
OWN_REFERENCE = "drift/chat/r1.json"
"""The reference of examples/chat once more, without the critical values that were learnt for its monitor of signals."""

_FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^kind: (\S+)\nmetadata: \{name: ([^}]+)\}", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: such as yaml.
        role: `wrong`, `right` or empty, the word after the language.
        path: the file that the block stands for.
        text: what is in it.
        span: where the text stands in the page.
    """

    language: str
    role: str
    path: str
    text: str
    span: tuple[int, int]


def blocks(page):
    found = []
    for fence in _FENCE.finditer(page):
        role, _, path = fence[2].strip().partition(" ")
        found.append(Block(fence[1], role, path or "example.yaml", fence[3], fence.span(3)))
    return found


def all_codes():
    """Every code of every room, by id."""
    names = [found.name for found in pkgutil.walk_packages(failsoft.__path__, "failsoft.")]
    modules = [import_module(name) for name in names if name.endswith(".codes")]
    held = {code for module in modules for code in vars(module).values() if isinstance(code, Code)}
    return {code.id: code for code in held}


def converted(examples):
    """What `failsoft convert` finds in these documents of other tools, beside those of examples/chat."""
    workspace = load(BASE)[0]
    known = Known(teams=frozenset(workspace.teams), models=frozenset(workspace.models), there=True)
    sources = [read_text(block.path, block.text.encode()) for block in examples]
    return convert(sources, owner="assistants", known=known)[1]


def checked(examples, folder):
    """What `failsoft check` finds in examples/chat with these examples in place of the documents they name anew."""
    named = {name for block in examples for name in _NAMED.findall(block.text)}
    for file in BASE.rglob("*.yaml"):
        documents = file.read_text(encoding="utf-8").split("---\n")
        kept = [text for text in documents if not named & set(_NAMED.findall(text))]
        if kept:
            _write(folder / file.relative_to(BASE), "---\n".join(kept))
    for file in BASE.rglob("*.json"):
        _write(folder / file.relative_to(BASE), file.read_text(encoding="utf-8"))
    reference = (BASE / "drift" / "chat-output.json").read_text(encoding="utf-8")
    _write(folder / OWN_REFERENCE, reference)
    for block in examples:
        _write(folder / block.path, block.text)
    return findings_of(folder)[1]


def _write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


CODES = all_codes()
PAGES = {file.stem: file.read_text(encoding="utf-8") for file in sorted(CHECKS.glob("FS*.md"))}


def marked(role):
    """The pages with examples of a role."""
    return [id_ for id_, text in PAGES.items() if any(block.role.endswith(role) for block in blocks(text))]


SECTIONS = ["Why it matters", "Wrong", "Right", "What to do"]
LONGEST = 60
_HEARD = list(Severity)


def test_every_code_has_a_page_and_every_page_a_code():
    assert PAGES.keys() - CODES.keys() == set(), "a page without a code"
    assert CODES.keys() - PAGES.keys() == set(), "write docs/checks/<ID>.md; docs/checks/README.md says how"


@pytest.mark.parametrize("id_", PAGES)
def test_a_page_says_what_its_code_says(id_):
    page, code = parse(PAGES[id_]), CODES[id_]
    assert page is not None, "begins with `# ID name`, an empty line, `severity: summary`, an empty line"
    assert (page.id, page.name) == (code.id, code.name)
    assert (page.severity, page.summary) == (code.severity, code.summary)


@pytest.mark.parametrize("id_", PAGES)
def test_a_page_is_short_and_says_all_that_is_needed(id_):
    text = PAGES[id_]
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= LONGEST
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert section.strip(), "an empty section"


@pytest.mark.parametrize("id_", PAGES)
def test_links_of_a_page_lead_somewhere(id_):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[id_]):
        assert "://" in target or (CHECKS / target).is_file(), target


@pytest.mark.parametrize("id_", marked("wrong"))
def test_a_wrong_example_gives_its_finding_as_printed_and_nothing_else(id_, tmp_path):
    found = blocks(PAGES[id_])
    foreign = [block for block in found if block.role == "foreign-wrong"]
    told = converted(foreign) if foreign else checked([one for one in found if one.role == "wrong"], tmp_path)
    heard = _HEARD[: _HEARD.index(CODES[id_].severity) + 1]
    assert {finding.code.id for finding in told if finding.severity in heard} == {id_}, [*map(show, told)]
    printed = "\n".join(show(finding) for finding in told if finding.code.id == id_)
    shown = next(block for block in found if block.language == "text")
    if os.environ.get("UPDATE_PAGES"):
        start, end = shown.span
        (CHECKS / f"{id_}.md").write_text(PAGES[id_][:start] + printed + PAGES[id_][end:], encoding="utf-8")
    else:
        assert shown.text == printed


@pytest.mark.parametrize("id_", marked("right"))
def test_a_right_example_is_free_of_the_finding_and_of_errors(id_, tmp_path):
    found = blocks(PAGES[id_])
    foreign = [block for block in found if block.role == "foreign-right"]
    told = converted(foreign) if foreign else checked([one for one in found if one.role == "right"], tmp_path)
    wrong = [finding for finding in told if finding.code.id == id_ or finding.severity is not Severity.INFO]
    assert wrong == [], [show(finding) for finding in wrong]


def test_the_index_lists_every_page_with_its_summary():
    rows = [f"| [{code.id}]({code.id}.md) | {code.name} | {code.severity} | {code.summary} |" for code in _paged()]
    index = (CHECKS / "README.md").read_text(encoding="utf-8")
    start = index.index("| code |")
    head = index[start:].splitlines()[:2]
    table = "\n".join([*head, *rows]) + "\n"
    if os.environ.get("UPDATE_PAGES"):
        (CHECKS / "README.md").write_text(index[:start] + table, encoding="utf-8")
    else:
        assert index[start:] == table, "UPDATE_PAGES=1 pytest tests/checks/test_pages.py writes it"


def _paged():
    return [CODES[id_] for id_ in sorted(PAGES) if id_ in CODES]
