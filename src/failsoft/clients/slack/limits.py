"""Blocks brought within Slack's limits before they are sent, so that a long text never costs a message.

Facts: https://docs.slack.dev/reference/block-kit (per field), and https://github.com/slackapi/bolt-js/issues/2509 and
2867: all blocks of one message together have an undocumented limit of about 12,000 characters.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from failsoft.clients.slack.mrkdwn import cut
from failsoft.errors import PermanentError

__all__ = ["MOST_BLOCKS", "MOST_CHARACTERS", "Block", "fitted"]

type Block = Mapping[str, Any]

MOST_BLOCKS = 50
# Rejections were measured from 11,341 characters of text on.
MOST_CHARACTERS = 10_000
_LEAST = 200

_TEXT = 3000
_FIELD = 2000
_HEADER = 150
_BUTTON_TEXT = 75
_BUTTON_VALUE = 2000
_IDENTIFIER = 255


def fitted(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """A copy of the blocks that Slack takes: texts cut, blocks beyond the limit left out with a word that they are.

    Blocks with buttons are never left out, since an answer may depend on them.

    Raises:
        PermanentError: a button's value or id is too long (it cannot be cut), or there are more than 49 button blocks.
    """
    copied = [copy.deepcopy(dict(block)) for block in blocks]
    for block in copied:
        _check_identifiers(block)
        for text, limit in _texts(block):
            text["text"] = cut(text["text"] or "-", limit)
    return _within_budget(_within_count(copied))


def _texts(block: Block) -> Iterator[tuple[dict[str, Any], int]]:
    """The text objects of a block, each with its limit."""
    if "text" in block:
        yield block["text"], _HEADER if block["type"] == "header" else _TEXT
    for item in block.get("fields", ()):
        yield item, _FIELD
    for element in block.get("elements", ()):
        if element["type"] == "button":
            yield element["text"], _BUTTON_TEXT
        else:
            yield element, _TEXT


def _check_identifiers(block: Block) -> None:
    if len(block.get("block_id", "")) > _IDENTIFIER:
        raise PermanentError(f"a block id has more than {_IDENTIFIER} characters")
    for element in block.get("elements", ()):
        if len(element.get("action_id", "")) > _IDENTIFIER:
            raise PermanentError(f"a button's action id has more than {_IDENTIFIER} characters")
        if len(element.get("value", "")) > _BUTTON_VALUE:
            raise PermanentError(f"a button's value has more than {_BUTTON_VALUE} characters: send an id only")


def _within_count(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(blocks) <= MOST_BLOCKS:
        return blocks
    buttons = sum(block["type"] == "actions" for block in blocks)
    room = MOST_BLOCKS - 1 - buttons
    if room < 0:
        raise PermanentError(f"a message has at most {MOST_BLOCKS} blocks, this one has {buttons} with buttons alone")
    kept: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "actions":
            kept.append(block)
        elif room:
            kept.append(block)
            room -= 1
    note = f"{len(blocks) - len(kept)} more parts of this message are left out here."
    return [*kept, {"type": "context", "elements": [{"type": "mrkdwn", "text": note}]}]


def _within_budget(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cut the longest texts until the whole message fits."""
    texts = [text for block in blocks for text, _ in _texts(block)]
    while (excess := sum(len(text["text"]) for text in texts) - MOST_CHARACTERS) > 0:
        longest = max(texts, key=lambda text: len(text["text"]))
        shorter = max(len(longest["text"]) - excess, _LEAST, len(longest["text"]) // 2)
        if shorter >= len(longest["text"]):
            raise PermanentError(f"the message has more than {MOST_CHARACTERS} characters in too many small texts")
        longest["text"] = cut(longest["text"], shorter)
    return blocks
