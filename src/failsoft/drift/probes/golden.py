"""Stored answers to golden prompts, as a versioned JSON file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from failsoft.drift.features import Stored
from failsoft.drift.probes import codes
from failsoft.drift.probes.distances import edit_distance, first_token_distance
from failsoft.drift.signed import DIGEST, Problems, as_text, digest_of, read_signed

if TYPE_CHECKING:
    from failsoft.findings import Finding

__all__ = ["SCHEMA", "Golden", "GoldenAnswers", "prompt_hash"]

SCHEMA: Final = 1
"""The version of the format."""

_AGAIN = "make it again with `failsoft probe learn`"
_PROBLEMS = Problems(
    codes.STORED_UNREADABLE,
    codes.ANSWERS_NEWER,
    codes.ANSWERS_OLDER,
    codes.ANSWERS_SHAPE,
    codes.ANSWERS_HASH,
    _AGAIN,
    "holds no stored answers",
)
_SIZE_LIMIT = 5_000_000


def prompt_hash(system: str, ask: str, max_tokens: int) -> str:
    """Sixteen hexadecimal digits that change with what is asked: an edited prompt has no stored answer."""
    return hashlib.sha256(json.dumps([system, ask, max_tokens]).encode()).hexdigest()[:16]


class Golden(Stored):
    """What is stored of one prompt."""

    prompt: str
    """Its hash."""

    answers: Annotated[tuple[str, ...], Field(min_length=1)]
    """Every different answer that it got while it was learned, the most frequent first."""

    first_token: Mapping[str, float] = Field(default_factory=dict)
    """The first token's alternatives with their log-probabilities, averaged; empty where none were served."""

    spread: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The largest edit distance between two of the answers, over the longer one's length."""

    first_token_spread: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The most that the first token's probability moved between an answer and their average."""

    @classmethod
    def of(cls, prompt: str, texts: Sequence[str], first_tokens: Sequence[Mapping[str, float]] = ()) -> "Golden":
        """What is to be stored of several replies, one or more, to one prompt.

        Args:
            prompt: its hash.
            texts: the replies.
            first_tokens: the alternatives of their first tokens, where they were served.
        """
        answers = tuple(sorted(dict.fromkeys(texts), key=lambda text: (-texts.count(text), texts.index(text))))
        spread = max((edit_distance(left, right) for left in answers for right in answers), default=0.0)
        averaged = _averaged(first_tokens)
        moved = [first_token_distance(averaged, one) or 0.0 for one in first_tokens]
        return cls(
            prompt=prompt,
            answers=answers,
            first_token=averaged,
            spread=spread,
            first_token_spread=max(moved, default=0.0),
        )


class GoldenAnswers(Stored):
    """The stored answers of a probe."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = SCHEMA
    model: str
    revision: str = ""
    """What was served; empty where nobody said."""

    learned_at: AwareDatetime
    prompts: Mapping[str, Golden]

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return digest_of(self._content())

    def render(self) -> str:
        """The text of the file, a line for each prompt."""
        content = self._content()
        prompts = content.pop("prompts")
        lines = [f"{as_text(key)}: {as_text(value)}" for key, value in content.items()]
        each = ",\n  ".join(f"{as_text(name)}: {as_text(value)}" for name, value in prompts.items())
        lines += [f'"prompts": {{\n  {each}\n }}', f'"{DIGEST}": {as_text(self.digest)}']
        return "{\n " + ",\n ".join(lines) + "\n}\n"

    def _content(self) -> dict[str, Any]:
        return {"schema": self.schema_} | self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @classmethod
    def parse(cls, data: bytes, path: str) -> "GoldenAnswers | Finding":
        """Read the bytes of a file; a Finding where they are no answers that can be trusted."""
        return read_signed(cls, data, path, schema=SCHEMA, most=_SIZE_LIMIT, problems=_PROBLEMS)


def _averaged(first_tokens: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The alternatives that most replies had, with their mean."""
    served = [one for one in first_tokens if one]
    found = {
        token: [one[token] for one in served if token in one] for token in {token: 0 for one in served for token in one}
    }
    return {token: sum(values) / len(values) for token, values in found.items() if 2 * len(values) > len(served)}
