"""One answer of a model, and what can be told of it without knowing the right one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from failsoft.drift.answers.garbled import is_garbled
from failsoft.drift.answers.json_text import is_json
from failsoft.drift.answers.language import is_in_other_language
from failsoft.drift.answers.refusal import is_refusal
from failsoft.drift.answers.repetition import repeats
from failsoft.drift.answers.scripts import LEAST_LETTERS, by_script, is_in_other_script

__all__ = ["CHECKS", "LONGEST", "Answer", "Examined", "Expected", "examine"]

LONGEST = 1_000_000
"""Characters of an answer that are looked at."""

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "nothing but white space",
        "truncated": "cut off at the limit of tokens",
        "refusal": "begins as refusals do",
        "repetition": "ends in a loop",
        "garbled": "broken characters, or one over and over",
        "invalid-json": "no JSON, where it was asked for",
        "wrong-script": "in another script than expected",
        "wrong-language": "in another language than expected",
    }
)
"""Every check, and what an answer is that it flags."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request.

    Attributes:
        text: all of it; of a stream, its parts joined.
        finish_reason: as the API says it, such as `stop` or `length`; empty where it is not known.
        prompt_tokens, output_tokens: as `usage` says; None where it is not known.
        mean_logprob: the mean of the natural logarithms of the tokens' probabilities; None where they were not served.
        at: when, in seconds since the epoch; None where it is not known.
        tools: whether it calls tools, so that an empty text is no empty answer.
    """

    text: str
    finish_reason: str = ""
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    mean_logprob: float | None = None
    at: float | None = None
    tools: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of answers.

    Attributes:
        json: that each is one JSON value.
        scripts: in which scripts, such as `latin`; empty where any will do.
        language: in which language, an ISO 639-1 code; empty where any will do.
    """

    json: bool = False
    scripts: frozenset[str] = frozenset()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: numbers, and yes and no; nothing of the text.

    Attributes:
        answer: what its server says of it, without its text.
        characters: its length in Unicode code points.
        script: that of most of its letters; empty for fewer than 20 letters.
        flags: by check; None where it does not apply or cannot be told.
    """

    answer: Answer
    characters: int
    script: str
    flags: Mapping[str, bool | None]


def examine(answer: Answer, expected: Expected = Expected()) -> Examined:  # frozen
    """Look at one answer. Of the text, the first million characters are looked at.

    Raises `ModuleNotFoundError` where a language is expected and py3langid is not installed.

    >>> found = examine(Answer("I'm sorry, but I can't help with that.", "stop"), Expected(json=True))
    >>> [name for name, flagged in found.flags.items() if flagged], found.flags["wrong-language"]
    (['refusal', 'invalid-json'], None)
    """
    text = answer.text[:LONGEST]
    letters = Counter(text)
    scripts = by_script(letters)
    empty = not text.strip()
    flags: dict[str, bool | None] = dict.fromkeys(CHECKS)
    flags["empty"] = empty and not answer.tools
    flags["truncated"] = answer.finish_reason == "length" if answer.finish_reason else None
    if not empty:
        structured = expected.json and is_json(text)
        flags["refusal"] = is_refusal(text)
        flags["repetition"] = None if structured else repeats(text)  # records of JSON are alike by nature
        flags["garbled"] = is_garbled(letters, len(text))
        if expected.json:
            flags["invalid-json"] = not structured
        if expected.scripts:
            flags["wrong-script"] = is_in_other_script(scripts, expected.scripts)
        if expected.language and scripts.total() >= LEAST_LETTERS:
            flags["wrong-language"] = is_in_other_language(text, expected.language)
    script = scripts.most_common(1)[0][0] if scripts.total() >= LEAST_LETTERS else ""
    return Examined(replace(answer, text=""), len(answer.text), script, MappingProxyType(flags))
