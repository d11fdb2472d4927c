"""Block Kit as Slack judges it: what makes the fake answer `invalid_blocks` or `msg_blocks_too_long`.

Facts: https://docs.slack.dev/reference/block-kit/blocks and /composition-objects (fields and lengths);
https://github.com/slackapi/bolt-js/issues/2509 and 2867 (the undocumented limit over all blocks: about 12,000).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["block_characters", "block_errors", "visible_text"]

type Json = Mapping[str, Any]

MOST_BLOCKS = 50
MOST_CHARACTERS = 12_000
_MOST_FIELDS = 10

_BLOCK_KEYS = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text", "level"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set[str](),
}
_BUTTON_KEYS = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}


def block_errors(blocks: object) -> tuple[str, ...]:
    """Slack's complaints about the blocks of one message, with a JSON pointer each; none when it takes them."""
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        return ("must be an array [json-pointer:/blocks]",)
    errors = [error for number, block in enumerate(blocks) for error in _block(block, f"/blocks/{number}")]
    if len(blocks) > MOST_BLOCKS:
        errors.append(f"no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]")
    identifiers = [block["block_id"] for block in blocks if isinstance(block, Mapping) and block.get("block_id")]
    if len(identifiers) != len(set(identifiers)):
        errors.append("block_id must be unique [json-pointer:/blocks]")
    return tuple(errors)


def block_characters(blocks: Sequence[Json]) -> int:
    """The characters of all texts of the blocks, as they count towards the limit of one message."""
    return sum(len(text) for text in _texts(blocks))


def visible_text(blocks: Sequence[Json]) -> str:
    """All texts of the blocks, one a line, as written: to be searched by a test."""
    return "\n".join(_texts(blocks))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for item in node:
            yield from _texts(item)


def _block(block: object, at: str) -> Iterator[str]:
    if not isinstance(block, Mapping):
        yield f"must be an object [json-pointer:{at}]"
        return
    kind = block.get("type")
    if kind not in _BLOCK_KEYS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _unknown(block, _BLOCK_KEYS[kind] | {"type", "block_id"}, at)
    yield from _length(block.get("block_id", "-"), 255, f"{at}/block_id")
    if kind == "section":
        yield from _section(block, at)
    elif kind == "header":
        yield from _text(block.get("text"), 150, f"{at}/text", kinds=("plain_text",))
    elif kind == "context":
        yield from _elements(block, 10, at)
        for number, element in enumerate(block.get("elements") or ()):
            yield from _text(element, 3000, f"{at}/elements/{number}")
    elif kind == "actions":
        yield from _elements(block, 25, at)
        for number, element in enumerate(block.get("elements") or ()):
            yield from _button(element, f"{at}/elements/{number}")


def _section(block: Json, at: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text or fields [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], 3000, f"{at}/text")
    fields = block.get("fields", ["-"])
    if not 1 <= len(fields) <= _MOST_FIELDS:
        yield f"between 1 and {_MOST_FIELDS} items allowed [json-pointer:{at}/fields]"
    for number, text in enumerate(block.get("fields", ())):
        yield from _text(text, 2000, f"{at}/fields/{number}")
    if "accessory" in block:
        yield from _button(block["accessory"], f"{at}/accessory")


def _elements(block: Json, most: int, at: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, Sequence) or not 1 <= len(elements) <= most:
        yield f"between 1 and {most} items allowed [json-pointer:{at}/elements]"


def _button(element: object, at: str) -> Iterator[str]:
    if not isinstance(element, Mapping) or element.get("type") != "button":
        yield f"unsupported element [json-pointer:{at}]"
        return
    yield from _unknown(element, _BUTTON_KEYS, at)
    yield from _text(element.get("text"), 75, f"{at}/text", kinds=("plain_text",))
    yield from _length(element.get("action_id", "-"), 255, f"{at}/action_id")
    yield from _length(element.get("value", "-"), 2000, f"{at}/value")
    yield from _length(element.get("url", "-"), 3000, f"{at}/url")
    if element.get("style", "primary") not in {"primary", "danger"}:
        yield f"must be primary or danger [json-pointer:{at}/style]"
    confirm = element.get("confirm")
    if confirm is not None:
        yield from _text(confirm.get("title"), 100, f"{at}/confirm/title", kinds=("plain_text",))
        yield from _text(confirm.get("text"), 300, f"{at}/confirm/text")
        yield from _text(confirm.get("confirm"), 30, f"{at}/confirm/confirm", kinds=("plain_text",))
        yield from _text(confirm.get("deny"), 30, f"{at}/confirm/deny", kinds=("plain_text",))


def _text(text: object, most: int, at: str, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    if not isinstance(text, Mapping) or text.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(kinds)} [json-pointer:{at}]"
        return
    allowed = {"type", "text"} | ({"emoji"} if text["type"] == "plain_text" else {"verbatim"})
    yield from _unknown(text, allowed, at)
    yield from _length(text.get("text"), most, f"{at}/text")


def _length(value: object, most: int, at: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be a string [json-pointer:{at}]"
    elif not value:
        yield f"must be more than 0 characters [json-pointer:{at}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"


def _unknown(node: Json, allowed: set[str], at: str) -> Iterator[str]:
    yield from (f"invalid additional property: {key} [json-pointer:{at}]" for key in node if key not in allowed)
