"""Answers from the lines of a log: JSON, as OpenAI's API answers or with fields that one names."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from failsoft.drift.answers.answer import Answer

__all__ = ["Fields", "NoAnswerError", "read_line"]


class NoAnswerError(ValueError):
    """A line that holds no answer, and why.

    Attributes:
        readable: whether it is JSON all the same, so that a path may help.
    """

    def __init__(self, why: str, *, readable: bool = False) -> None:
        super().__init__(why)
        self.readable = readable


_WRAPPERS = ("", "response", "response.body", "body", "output")
_TEXTS = ("text", "answer", "completion", "output_text", "content")


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a line holds what, as paths such as `response.choices.0.message.content`; empty ones are looked for.

    What is looked for is an answer of OpenAI's chat or text completions (by itself, or under `response`,
    `response.body`, `body`, `output`), and then `text`, `answer`, `completion`, `output_text` or `content` with
    `finish_reason`, `prompt_tokens`, `output_tokens` and `mean_logprob` beside it.

    Attributes:
        text, finish, prompt_tokens, output_tokens, logprob: of the answer.
        time: a Unix time, or a text as ISO 8601 has it.
    """

    text: str = ""
    finish: str = ""
    prompt_tokens: str = ""
    output_tokens: str = ""
    logprob: str = ""
    time: str = ""


def read_line(line: bytes | str, fields: Fields = Fields()) -> Answer:  # frozen
    """The answer of one line.

    Raises:
        NoAnswerError: it is no JSON object, or there is no text in it.

    >>> line = '{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "created": 1700000000}'
    >>> answer = read_line(line)
    >>> answer.text, answer.finish_reason, answer.at
    ('Hi', 'stop', 1700000000.0)
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise NoAnswerError("is no JSON") from None
    if not isinstance(content, dict):
        raise NoAnswerError("is no JSON object")
    inner = next(
        (found for path in _WRAPPERS if isinstance(found := at_path(content, path), dict) and _speaks(found)), {}
    )
    choice = at_path(inner, "choices.0")
    choice = choice if isinstance(choice, dict) else inner
    message = choice.get("message")
    message = message if isinstance(message, dict) else choice
    text, tools = _text(content, message, fields)
    usage = inner.get("usage")
    usage = usage if isinstance(usage, dict) else inner
    return Answer(
        text=text,
        finish_reason=_word(_first(content, fields.finish, choice, ("finish_reason", "finished_reason"))),
        prompt_tokens=_count(_first(content, fields.prompt_tokens, usage, ("prompt_tokens", "input_tokens"))),
        output_tokens=_count(_first(content, fields.output_tokens, usage, ("completion_tokens", "output_tokens"))),
        mean_logprob=_logprob(content, choice, fields.logprob),
        at=_time(_first(content, fields.time, content, ("time", "timestamp", "ts", "created")) or inner.get("created")),
        tools=tools,
    )


def at_path(content: Any, path: str) -> Any:
    """What stands at a path such as `choices.0.text`; None where nothing does."""
    for part in path.split(".") if path else ():
        if isinstance(content, dict):
            content = content.get(part)
        elif isinstance(content, list) and part.isascii() and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        else:
            return None
    return content


def _speaks(content: dict[str, Any]) -> bool:
    return isinstance(content.get("choices"), list) or any(name in content for name in _TEXTS)


def _text(content: dict[str, Any], message: dict[str, Any], fields: Fields) -> tuple[str, bool]:
    if fields.text:
        found = at_path(content, fields.text)
        if not isinstance(found, str):
            raise NoAnswerError(f"has no text at {fields.text}", readable=True)
        return found, False
    tools = bool(message.get("tool_calls") or message.get("function_call"))
    there = [message[name] for name in _TEXTS if name in message]
    for found in there:
        if isinstance(found, str):
            return found, tools
        if isinstance(found, list):  # parts of content, of which some are text
            return "".join(
                part["text"] for part in found if isinstance(part, dict) and isinstance(part.get("text"), str)
            ), tools
    if tools or None in there:
        return "", tools
    raise NoAnswerError("has no text where answers have it", readable=True)


def _first(content: dict[str, Any], path: str, place: dict[str, Any], names: Sequence[str]) -> Any:
    if path:
        return at_path(content, path)
    return next((place[name] for name in names if place.get(name) is not None), None)


def _word(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _count(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _logprob(content: dict[str, Any], choice: dict[str, Any], path: str) -> float | None:
    if path:
        return _mean(at_path(content, path))
    served = choice.get("logprobs")
    if isinstance(served, dict):
        tokens = served.get("content")
        if isinstance(tokens, list):
            return _mean([token.get("logprob") for token in tokens if isinstance(token, dict)])
        return _mean(served.get("token_logprobs"))
    return _mean(choice.get("mean_logprob"))


def _mean(found: Any) -> float | None:
    """The mean of the finite numbers in a list, or a number itself."""
    values = list(found) if isinstance(found, Iterable) and not isinstance(found, str | dict) else [found]
    numbers = [
        float(one) for one in values if isinstance(one, int | float) and not isinstance(one, bool) and isfinite(one)
    ]
    return sum(numbers) / len(numbers) if numbers else None


def _time(found: Any) -> float | None:
    if isinstance(found, int | float) and not isinstance(found, bool) and isfinite(found):
        return float(found)
    if not isinstance(found, str):
        return None
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
