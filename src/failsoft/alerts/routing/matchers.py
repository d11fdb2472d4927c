"""Matchers as Alertmanager reads them: a label, an operator and a value, several with commas between them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from failsoft.slo.samples import whole

__all__ = ["Condition", "all_hold", "parse_conditions"]

# `pkg/labels/parse.go` of Alertmanager; quoted names are those of its UTF-8 syntax (0.27)
_ONE = re.compile(
    r"""\s*(?:(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|"(?P<quoted>(?:[^"\\]|\\.)*)")
        \s*(?P<operator>=~|!=|!~|=)
        \s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<bare>[^,"]*?))\s*(?:,|$)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\([n"\\])')


@dataclass(frozen=True, slots=True)
class Condition:
    """What a label has to be; a label that an alert has not is the empty text.

    Attributes:
        label: its name.
        operator: `=`, `!=`, `=~` or `!~`.
        value: a text, or a regular expression for the whole of it.
    """

    label: str
    operator: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fulfil it."""
        got = labels.get(self.label, "")
        same = got == self.value if "~" not in self.operator else whole(self.value).fullmatch(got) is not None
        return same != self.operator.startswith("!")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{escaped}"'


def all_hold(conditions: Iterable[Condition], labels: Mapping[str, str]) -> bool:
    """Whether labels fulfil every one of them."""
    return all(condition.holds(labels) for condition in conditions)


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """Read one line of `matchers`.

    >>> [str(one) for one in parse_conditions('{team="a, b", severity=~page|ticket}')]
    ['team="a, b"', 'severity=~"page|ticket"']

    Raises:
        ValueError: it is no matcher, or its regular expression cannot be read.
    """
    inner = text.strip().removeprefix("{").removesuffix("}")
    found: list[Condition] = []
    at = 0
    while at < len(inner) and inner[at:].strip():
        match = _ONE.match(inner, at)
        if match is None:
            raise ValueError(f"{text!r} is no matcher")
        name = match["name"] if match["name"] is not None else _unescaped(match["quoted"])
        value = _unescaped(match["text"]) if match["text"] is not None else match["bare"]
        condition = Condition(name, match["operator"], value)
        if "~" in condition.operator:
            whole(value)
        found.append(condition)
        at = match.end()
    return tuple(found)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
