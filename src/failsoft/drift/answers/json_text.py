"""Whether an answer is the JSON that was asked for."""

import json
from typing import NoReturn

__all__ = ["is_json"]


def is_json(text: str) -> bool:
    r"""Whether the whole text is one JSON value (RFC 8259); a fence of Markdown around it makes it none.

    NaN and Infinity, which Python would take, are none; nor is what is nested deeper than Python reads.

    >>> is_json('{"a": [1, 2]}'), is_json("```json\n{}\n```"), is_json('{"a": NaN}'), is_json("[" * 100_000)
    (True, False, False, False)
    """
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
