"""Reading YAML: text to nodes, one pass over libyaml's events, so that no input can grow, recurse or run."""

import re
from collections.abc import Iterator
from decimal import Decimal

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
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.ScalarEvent, yaml.AliasEvent, yaml.CollectionEndEvent)


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
        nodes.extend(node for node in reader.documents(_events(file.text)) if node.data is not None)
    except _Refused as refusal:
        code, message, mark, expected, hint = refusal.finding
        findings.append(Finding(code, message, file.place(mark), expected, hint))
    except yaml.MarkedYAMLError as error:
        findings.append(_syntax(file, error))
    except yaml.YAMLError as error:
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


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_Loader)
    except (UnicodeEncodeError, ValueError, RecursionError) as error:
        # libyaml's binding meets lone surrogates and the like with errors of its own
        raise yaml.YAMLError(str(error)) from error


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


def _unreadable(file: SourceFile, error: yaml.YAMLError) -> Finding:
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

    def documents(self, events: Iterator[yaml.Event]) -> Iterator[Node]:
        """The root nodes, one by one; a document without content has the data None."""
        for event in events:
            # most events are scalars: this is the hottest loop of all
            if isinstance(event, _CLOSING):
                self._close(event)
            elif isinstance(event, _OPENING):
                self._open(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.root, self.anchors, self.start = None, {}, _mark(event)[0]
            elif isinstance(event, yaml.DocumentEndEvent) and self.root is not None:
                line, column = _mark(event)[:2]
                self.root.span = (self.start, line - (column == 0))
                yield self.root

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._no_tag(event)
        if len(self.stack) >= DEEPEST:
            message = f"nested deeper than {DEEPEST} levels"
            raise _Refused(codes.TOO_DEEP, message, _mark(event), f"at most {DEEPEST} levels")
        self.stack.append(_Open(_mark(event), event.anchor, mapping=isinstance(event, yaml.MappingStartEvent)))

    def _close(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            if event.tag is not None:
                self._no_tag(event)
            done, anchor = Node(_scalar(event), _mark(event)), event.anchor
        elif isinstance(event, yaml.AliasEvent):
            done, anchor = self._alias(event), None
        else:
            opened = self.stack.pop()
            done, anchor = opened.close(event), opened.anchor
        if anchor is not None:
            self.anchors[anchor] = done
        if self.stack:
            self.stack[-1].add(done, self)
        else:
            self.root = done

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

    def no_key(self, node: Node) -> None:
        """Note a key that is not text."""
        self.findings.append(
            Finding(codes.NO_MAPPING, "this key is not text", self.file.place(node.mark), "text", "quote it")
        )

    def _no_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise _Refused(codes.TAG, f"there is the tag {event.tag}", _mark(event), "plain data", "remove the tag")

    def _alias(self, event: yaml.AliasEvent) -> Node:
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
        self.size += node.size
        if node.depth > self.depth:  # noqa: PLR1730  # twice as fast as max
            self.depth = node.depth
        if not self.mapping:
            self.items.append(node)
        elif self.key is None:
            text = _key(node)
            if text is None:
                reader.no_key(node)
            elif text in self.keys:
                reader.duplicate(text, node.mark, self.keys[text])
                text = None
            self.key = (text, node.mark)
        else:
            text, mark = self.key
            if text is not None:
                self.values[text], self.keys[text] = node, mark
            self.key = None

    def close(self, event: yaml.Event) -> Node:
        mark = (*self.mark[:2], *_mark(event)[2:])
        if self.mapping:
            data: object = {key: node.data for key, node in self.values.items()}
            return Node(data, mark, self.values, self.keys, self.size, self.depth + 1)
        return Node([node.data for node in self.items], mark, self.items, {}, self.size, self.depth + 1)


def _key(node: Node) -> str | None:
    """A key as text; numbers and words are read as they look, so that `on:` stays `on`."""
    if isinstance(node.data, str):
        return node.data
    if isinstance(node.data, bool):
        return str(node.data).lower()
    return str(node.data) if isinstance(node.data, int) else None


def _scalar(event: yaml.ScalarEvent) -> object:
    """A scalar by the core schema of YAML 1.2: `no` and `on` are text, numbers are exact."""
    text = event.value
    if event.style is not None and event.style != "":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _NUMBER.fullmatch(text) else text


def _mark(event: yaml.Event) -> Mark:
    start, end = event.start_mark, event.end_mark
    assert start is not None and end is not None  # noqa: PT018, S101  # the parser marks every event
    return (start.line, start.column, end.line, end.column)
