"""The small interface through which a model is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Completed", "Inference", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, at temperature 0.

    Attributes:
        ask: the user's message.
        system: the system's message; none where it is empty.
        max_tokens: how long the answer may be.
        logprobs: how many alternatives of each token to ask for; 0 for none.
    """

    ask: str
    system: str = ""
    max_tokens: int = 64
    logprobs: int = 0


@dataclass(frozen=True, slots=True)
class Completed:
    """What came back: the text, why it ended, how long it took, and the first token's alternatives."""

    text: str
    finish_reason: str
    seconds: float
    first_token: Mapping[str, float] = field(default_factory=dict)


class Inference(Protocol):
    """An endpoint."""

    async def ask(self, question: Question) -> Completed:
        """Ask one question.

        Raises:
            UnavailableError: no whole answer in time, 5xx, or 200 with something that is no answer.
            TemporaryError: it is busy (408, 425, 429).
            PermanentError: it refuses (other 4xx), or the address makes no sense.
        """
