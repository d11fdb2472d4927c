"""The page of each kind of finding, as it ships in the package: what it means, and what to do about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from failsoft.findings.model import Severity

__all__ = ["Page", "page", "pages", "parse"]

_HEAD = re.compile(r"# (FS\d{3}) ([a-z0-9-]+)\n\n(error|warning|info): ([^\n]+(?:\n[^\n]+)*)\n\n")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `docs/checks`.

    Attributes:
        id: the code it explains, such as `FS401`.
        name: the same in words, such as `off-bound`.
        severity: that of the code.
        summary: the code's sentence.
        body: all that follows, in Markdown.
    """

    id: str
    name: str
    severity: Severity
    summary: str
    body: str

    @property
    def text(self) -> str:
        """The whole page, in Markdown."""
        return f"# {self.id} {self.name}\n\n{self.severity}: {self.summary}\n\n{self.body}"


def parse(text: str) -> Page | None:
    """The page in a file's text; None where it does not begin as a page does."""
    head = _HEAD.match(text)
    if head is None:
        return None
    id_, name, severity, summary = head.groups()
    return Page(id_, name, Severity(severity), " ".join(summary.split()), text[head.end() :])


@cache
def page(id_: str) -> Page | None:
    """The page of a code; None where none shipped."""
    file = _folder() / f"{id_}.md"
    return parse(file.read_text(encoding="utf-8")) if file.is_file() else None


def pages() -> Iterator[Page]:
    """All pages, by id."""
    for file in sorted(_folder().glob("FS*.md")):
        found = page(file.stem)
        if found is not None:
            yield found


def _folder() -> Path:
    return Path(str(files("failsoft"))) / "library" / "checks"
