"""Findings as people and programs read them: text with the place underlined, JSON, SARIF 2.1.0, GitHub annotations."""

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from failsoft.findings.model import Code, Finding, Place, Severity
from failsoft.findings.pages import page

__all__ = ["FORMATS", "counted", "render", "show"]

_WIDEST = 100


def render(findings: Sequence[Finding], form: str, *, colour: bool = False) -> str:
    """All findings in the form `text`, `json`, `sarif` or `github`; text without findings is empty."""
    if form == "text":
        return "\n".join(show(finding, colour=colour) for finding in findings)
    return FORMATS[form](findings)


def counted(findings: Sequence[Finding]) -> str:
    """How many findings there are, such as `2 errors, 1 warning`.

    >>> counted([])
    'no findings'
    """
    parts = []
    for severity in Severity:
        count = sum(finding.severity is severity for finding in findings)
        if count:
            parts.append(f"{count} {severity}{'s' if count > 1 and severity is not Severity.INFO else ''}")
    return ", ".join(parts) or "no findings"


_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36"}


def show(finding: Finding, *, colour: bool = False) -> str:
    """One finding as text: place, severity, code, message; the line underlined; what was expected and what to do."""

    def paint(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    head = paint(f"{finding.severity}[{finding.code.id}]", f"1;{_COLOURS[finding.severity]}")
    lines = [f"{paint(str(finding.place), '1')}: {head} {finding.message}"]
    if finding.place.line and finding.place.length:
        shown, under = _underlined(finding.place)
        margin = " " * len(str(finding.place.line))
        lines += [f" {finding.place.line} | {shown}", f" {margin} | {paint(under, _COLOURS[finding.severity])}"]
    if finding.expected:
        lines.append(f"   expected {finding.expected}")
    if finding.hint:
        lines.append(f"   {paint('help:', '1')} {finding.hint}")
    return "\n".join(lines) + "\n"


def _underlined(place: Place) -> tuple[str, str]:
    """The line, cut around the place and free of control characters, and the carets under it."""
    start = place.column - 1
    left = 0 if len(place.text) <= _WIDEST else max(0, start - _WIDEST // 2)
    piece = "".join(
        " " if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for c in place.text[left : left + _WIDEST]
    )
    before = piece[: start - left]
    marked = piece[start - left : start - left + place.length] or " "
    cut = "…" if left else ""
    more = "…" if left + _WIDEST < len(place.text) else ""
    return cut + piece.rstrip() + more, " " * (len(cut) + _width(before)) + "^" * max(1, _width(marked.rstrip()))


def _width(text: str) -> int:
    """Columns on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _record(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "code": finding.code.id,
        "name": finding.code.name,
        "severity": str(finding.severity),
        "message": finding.message,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "length": place.length,
        "expected": finding.expected,
        "hint": finding.hint,
    }


def _json(findings: Sequence[Finding]) -> str:
    return json.dumps({"findings": [_record(finding) for finding in findings]}, indent=2, ensure_ascii=False) + "\n"


def _sentence(finding: Finding) -> str:
    expected = f"; expected {finding.expected}" if finding.expected else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.message}{expected}{hint}"


def _sarif(findings: Sequence[Finding]) -> str:
    codes = sorted({finding.code for finding in findings}, key=lambda code: code.id)
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    rules = [_rule(code) for code in codes]
    results = [
        {
            "ruleId": finding.code.id,
            "level": levels[finding.severity],
            "message": {"text": _sentence(finding)},
            "locations": [{"physicalLocation": _location(finding.place)}],
        }
        for finding in findings
    ]
    driver = {"name": "failsoft", "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        # our columns count code points, SARIF's default is UTF-16
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: Code) -> dict[str, Any]:
    """A kind of finding, with its page; SARIF asks for both forms of it, and viewers choose."""
    rule = {"id": code.id, "name": code.name, "shortDescription": {"text": code.summary}}
    explained = page(code.id)
    return rule | ({"help": {"text": explained.text, "markdown": explained.text}} if explained else {})


def _location(place: Place) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.path)}}
    if place.line:
        end = place.column + place.length
        location["region"] = {"startLine": place.line, "startColumn": place.column, "endColumn": end}
    return location


def _uri(path: str) -> str:
    """A path as a URI: relative ones stay so, and are those of the folder in which the command ran."""
    return ("file://" if path.startswith("/") else "") + quote(path)


def _github(findings: Sequence[Finding]) -> str:
    """Workflow commands; see "Workflow commands for GitHub Actions"."""
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    lines = []
    for finding in findings:
        place = finding.place
        where = {"file": place.path}
        if place.line:
            where |= {"line": str(place.line), "col": str(place.column), "endColumn": str(place.column + place.length)}
        where["title"] = f"{finding.code.id} {finding.code.name}"
        options = ",".join(f"{key}={_escaped(value, property_=True)}" for key, value in where.items())
        lines.append(f"::{levels[finding.severity]} {options}::{_escaped(_sentence(finding))}\n")
    return "".join(lines)


def _escaped(text: str, *, property_: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_ else text


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {"json": _json, "sarif": _sarif, "github": _github}
"""The forms for programs; `text` is the one for people."""
