"""Every kind of finding has a page, and what the page says is so.

The blocks marked `yaml wrong` of a page, together with examples/chat, give that finding and nothing else, and the block
`text` after them is what is printed of it. The blocks marked `yaml right` give no finding but hints. To write down what
is printed now: `UPDATE_PAGES=1 pytest tests/checks`, then read the difference.
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
from failsoft.findings import Code, Severity, show
from failsoft.findings.pages import parse

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "docs" / "checks"
BASE = ROOT / "examples" / "chat"

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
    for block in examples:
        _write(folder / block.path, block.text)
    return findings_of(folder)[1]


def _write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


CODES = all_codes()
TO_COME = frozenset(
    """
    FS101 FS102 FS103 FS104 FS105 FS106 FS107 FS108 FS109 FS110 FS111 FS201 FS202 FS203 FS204 FS205 FS301 FS302
    FS303 FS304 FS402 FS404 FS405 FS406 FS407 FS408 FS409 FS410 FS411 FS412 FS413 FS414 FS415 FS416 FS419 FS421
    FS422 FS423 FS424 FS425 FS426 FS427 FS429 FS431 FS432 FS441 FS442 FS443 FS444 FS445 FS446 FS447 FS448 FS451
    FS501 FS502 FS503 FS504 FS505 FS506 FS507 FS508 FS509 FS510 FS511 FS512 FS513 FS514 FS515 FS516 FS517 FS518
    FS519 FS520 FS601 FS602 FS603 FS604 FS605 FS611 FS612 FS613 FS614 FS615 FS701 FS702 FS703 FS704 FS705 FS706
    FS707 FS708 FS709 FS710 FS711 FS712 FS713 FS714 FS715 FS716
    """.split()  # noqa: SIM905
)
"""Codes whose page is still to be written: this list shrinks, and nothing is added to it."""

PAGES = {file.stem: file.read_text(encoding="utf-8") for file in sorted(CHECKS.glob("FS*.md"))}
SECTIONS = ["Why it matters", "Wrong", "Right", "What to do"]
LONGEST = 60


def test_every_code_has_a_page_and_every_page_a_code():
    assert PAGES.keys() - CODES.keys() == set(), "a page without a code"
    assert CODES.keys() - PAGES.keys() == TO_COME, "write docs/checks/<ID>.md; docs/checks/README.md says how"


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
        assert "://" in target or (CHECKS / target).is_file() or target[:5] in TO_COME, target


@pytest.mark.parametrize("id_", [id_ for id_, text in PAGES.items() if "```yaml wrong" in text])
def test_a_wrong_example_gives_its_finding_as_printed_and_nothing_else(id_, tmp_path):
    found = blocks(PAGES[id_])
    wrong = [block for block in found if block.role == "wrong"]
    told = checked(wrong, tmp_path)
    assert {finding.code.id for finding in told} == {id_}, [show(finding) for finding in told]
    printed = "\n".join(show(finding) for finding in told)
    shown = next(block for block in found if block.language == "text")
    if os.environ.get("UPDATE_PAGES"):
        start, end = shown.span
        (CHECKS / f"{id_}.md").write_text(PAGES[id_][:start] + printed + PAGES[id_][end:], encoding="utf-8")
    else:
        assert shown.text == printed


@pytest.mark.parametrize("id_", [id_ for id_, text in PAGES.items() if "```yaml right" in text])
def test_a_right_example_is_free_of_the_finding_and_of_errors(id_, tmp_path):
    told = checked([block for block in blocks(PAGES[id_]) if block.role == "right"], tmp_path)
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
