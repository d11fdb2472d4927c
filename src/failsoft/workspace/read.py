"""Reading YAML: text to nodes, one pass over libyaml's events, so that no input can grow, recurse or run."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import yaml

from failsoft.findings import Code, Finding, Place
from failsoft.workspace import codes
from failsoft.workspace.tree import Mark, Node, SourceFile

__all__ = ["DEEPEST", "LARGEST", "read_nodes", "read_text"]

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest file that is read."""

DEEPEST = 50
"""Levels of the deepest document that is read."""

_GROWTH = 10_000
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_NUMERIC = frozenset("-+.0123456789")
_WORDS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FOREIGN = (UnicodeEncodeError, ValueError, RecursionError)
"""What libyaml's binding meets lone surrogates and the like with."""


class _Refused(Exception):  # noqa: N818  # a signal inside this module
    def __init__(self, code: Code, message: str, mark: Mark, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.finding = (code, message, mark, expected, hint)


def read_text(path: str, raw: bytes) -> SourceFile | Finding:
    """The text of a file, or why it is none."""
    if len(raw) > LARGEST:
        size = f"{len(raw) / 1024 / 1024:.1f} MiB"
        return Finding(
            codes.TOO_LARGE, f"the file has {size}", Place(path), "at most 4 MiB", "split it into several files"
        )
    try:
        return SourceFile(path, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8", "replace")
        line, column = good.count("\n"), len(good) - (good.rfind("\n") + 1)
        place = Place(path, line + 1, column + 1, 1, good.rpartition("\n")[2] + "\N{REPLACEMENT CHARACTER}")
        byte = f"byte 0x{raw[error.start]:02x} at offset {error.start} is not UTF-8"
        return Finding(codes.NOT_UTF8, byte, place, "UTF-8 text", "save the file as UTF-8")


def read_nodes(file: SourceFile) -> tuple[list[Node], list[Finding]]:
    """The documents of a file, as far as they can be read, and what is wrong with the rest."""
    nodes: list[Node] = []
    findings: list[Finding] = []
    try:
        reader = _Reader(file, findings)
        nodes.extend(node for node in reader.documents(_Loader(file.text).get_event) if node.data is not None)
    except _Refused as refusal:
        code, message, mark, expected, hint = refusal.finding
        findings.append(Finding(code, message, file.place(mark), expected, hint))
    except yaml.MarkedYAMLError as error:
        findings.append(_syntax(file, error))
    except (yaml.YAMLError, *_FOREIGN) as error:
        findings.append(_unreadable(file, error))
    if not nodes and not findings:
        findings.append(
            Finding(
                codes.EMPTY,
                "the file holds no document",
                Place(file.path),
                "at least one document",
                "write one, or remove the file",
            )
        )
    return nodes, findings


def _syntax(file: SourceFile, error: yaml.MarkedYAMLError) -> Finding:
    opened = error.context_mark
    cut_short = "quoted" in str(error.context) and str(error.problem).startswith("found unexpected")
    unclosed = opened is not None and cut_short
    mark = opened if unclosed else error.problem_mark or opened
    where = (mark.line, mark.column, mark.line, mark.column + 1) if mark else (0, 0, 0, 1)
    place = file.place(where)
    hint = "indent with spaces, never with tabs" if "\t" in place.text[: place.column] else ""
    if opened is not None and mark is not opened and opened.line != (mark.line if mark else 0):
        hint = f"what is being read there begins in line {opened.line + 1}"
    if unclosed:
        return Finding(codes.BAD_YAML, "this quote is never closed", place, "another one that closes it", hint)
    context = f" {error.context}" if error.context else ""
    return Finding(codes.BAD_YAML, f"{error.problem or 'cannot be parsed'}{context}", place, "YAML", hint)


def _unreadable(file: SourceFile, error: Exception) -> Finding:
    bad = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", file.text)
    if bad is None:
        return Finding(codes.BAD_YAML, str(error).splitlines()[0], Place(file.path), "YAML")
    before = file.text[: bad.start()]
    line = len(file.lines) - 1 - (len(SourceFile("", file.text[bad.start() :]).lines) - 1)
    column = len(SourceFile("", before).lines[-1])
    place = file.place((line, column, line, column + 1))
    return Finding(codes.BAD_YAML, f"character U+{ord(bad.group()):04X} is not allowed", place, "printable text")


class _Reader:
    """Builds nodes from events without recursion."""

    def __init__(self, file: SourceFile, findings: list[Finding]) -> None:
        self.file = file
        self.findings = findings
        self.anchors: dict[str, Node] = {}
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.start = 0

    def documents(self, next_event: Callable[[], Any]) -> Iterator[Node]:
        """The root nodes, one by one; a document without content has the data None."""
        while (kind := type(event := next_event())) is not yaml.StreamEndEvent:
            # most events are scalars, and half of these are keys: this is the hottest loop of all
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, mapping=kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                opened = self.stack.pop()
                self._done(opened.close(_mark(event)), opened.anchor)
            elif kind is yaml.AliasEvent:
                self._done(self._alias(event), None)
            elif kind is yaml.DocumentStartEvent:
                self.root, self.anchors, self.start = None, {}, _mark(event)[0]
            elif kind is yaml.DocumentEndEvent and self.root is not None:
                line, column = _mark(event)[:2]
                self.root.span = (self.start, line - (column == 0))
                yield self.root

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._no_tag(event)
        data = event.value if event.style else _plain(event.value)
        start, end = event.start_mark, event.end_mark
        mark = (start.line, start.column, end.line, end.column)
        if event.anchor is not None or not self.stack:
            self._done(Node(data, mark), event.anchor)
            return
        within = self.stack[-1]
        within.size += 1
        if not within.mapping:
            within.items.append(Node(data, mark))
        elif within.key is None:  # which needs no node
            within.begin(data if isinstance(data, str) else _key(data), mark, self)
        else:
            text, at = within.key
            if text is not None:
                within.values[text], within.keys[text] = Node(data, mark), at
            within.key = None

    def _open(self, event: Any, *, mapping: bool) -> None:
        if event.tag is not None:
            self._no_tag(event)
        mark = _mark(event)
        if len(self.stack) >= DEEPEST:
            message = f"nested deeper than {DEEPEST} levels"
            raise _Refused(codes.TOO_DEEP, message, mark, f"at most {DEEPEST} levels")
        self.stack.append(_Open(mark, event.anchor, mapping=mapping))

    def _done(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if self.stack:
            self.stack[-1].add(node, self)
        else:
            self.root = node

    def duplicate(self, key: str, mark: Mark, first: Mark) -> None:
        """Note a key that stands twice; the first one counts."""
        self.findings.append(
            Finding(
                codes.DUPLICATE_KEY,
                f"the key {key!r} stands twice",
                self.file.place(mark),
                "each key once",
                f"the first one is in line {first[0] + 1}",
            )
        )

    def no_key(self, mark: Mark) -> None:
        """Note a key that is not text."""
        self.findings.append(
            Finding(codes.NO_MAPPING, "this key is not text", self.file.place(mark), "text", "quote it")
        )

    def _no_tag(self, event: Any) -> None:
        if event.tag is not None:
            raise _Refused(codes.TAG, f"there is the tag {event.tag}", _mark(event), "plain data", "remove the tag")

    def _alias(self, event: Any) -> Node:
        found = self.anchors.get(event.anchor or "")
        if found is None:
            inside = any(opened.anchor == event.anchor for opened in self.stack)
            message = f"*{event.anchor} contains itself" if inside else f"*{event.anchor} has no anchor"
            raise _Refused(codes.ALIAS_BOMB if inside else codes.BAD_YAML, message, _mark(event))
        grown = sum(opened.size for opened in self.stack) + found.size
        if found.size > 1 and grown > _GROWTH:
            message = f"aliases grow this document to more than {_GROWTH} values"
            raise _Refused(codes.ALIAS_BOMB, message, _mark(event), hint="write the values out, or use fewer aliases")
        if found.depth + len(self.stack) > DEEPEST:
            raise _Refused(codes.TOO_DEEP, f"aliases nest deeper than {DEEPEST} levels", _mark(event))
        return Node(found.data, _mark(event), found.children, found.keys, found.size, found.depth)


class _Open:
    """A mapping or a list that is being read."""

    __slots__ = ("anchor", "depth", "items", "key", "keys", "mapping", "mark", "size", "values")

    def __init__(self, mark: Mark, anchor: str | None, *, mapping: bool) -> None:
        self.mark, self.anchor, self.mapping = mark, anchor, mapping
        self.items: list[Node] = []
        self.values: dict[str, Node] = {}
        self.keys: dict[str, Mark] = {}
        self.key: tuple[str | None, Mark] | None = None
        self.size, self.depth = 1, 0

    def add(self, node: Node, reader: _Reader) -> None:
        """Add what is complete."""
        self.size += node.size
        if node.depth > self.depth:  # noqa: PLR1730  # twice as fast as max
            self.depth = node.depth
        if not self.mapping:
            self.items.append(node)
        elif self.key is None:
            self.begin(_key(node.data), node.mark, reader)
        else:
            text, mark = self.key
            if text is not None:
                self.values[text], self.keys[text] = node, mark
            self.key = None

    def begin(self, text: str | None, mark: Mark, reader: _Reader) -> None:
        """Begin an entry of a mapping, whose value comes next."""
        if text is None:
            reader.no_key(mark)
        elif text in self.keys:
            reader.duplicate(text, mark, self.keys[text])
            text = None
        self.key = (text, mark)

    def close(self, end: Mark) -> Node:
        """What it is when it has ended."""
        mark = (*self.mark[:2], *end[2:])
        if self.mapping:
            data: object = {key: node.data for key, node in self.values.items()}
            return Node(data, mark, self.values, self.keys, self.size, self.depth + 1)
        return Node([node.data for node in self.items], mark, self.items, {}, self.size, self.depth + 1)


def _key(data: object) -> str | None:
    """A key as text; numbers and words are read as they look, so that `on:` stays `on`."""
    if isinstance(data, str):
        return data
    if isinstance(data, bool):
        return str(data).lower()
    return str(data) if isinstance(data, int) else None


def _plain(text: str) -> object:
    """A scalar without quotes by the core schema of YAML 1.2: `no` and `on` are text, numbers are exact."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _NUMBER.fullmatch(text) else text


def _mark(event: Any) -> Mark:
    start, end = event.start_mark, event.end_mark
    return (start.line, start.column, end.line, end.column)
