"""Probe: questions whose answers are known, asked of a model on a cadence."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.quantities import Duration, Fixed, Name, Percent, SecretRef
from failsoft.workspace.texts import Url

__all__ = ["Endpoint", "ProbeSpec", "Prompt"]

_LONGEST_ROUND = 0.9


class Endpoint(Fixed):
    """Where the model answers, as OpenAI's API does."""

    url: Url
    """The base of the API, such as `http://chat.prod:8000/v1`; `/chat/completions` comes after it."""

    model: Annotated[str, Field(min_length=1, max_length=300)]
    """The model's name there."""

    token: SecretRef | None = None
    """A bearer token, where it asks for one."""


class Prompt(Fixed):
    """A question. It stands in the metrics with its name only."""

    name: Name
    ask: Annotated[str, Field(min_length=1, max_length=20_000)]
    """The user's message: made up, never a real user's."""

    system: Annotated[str, Field(max_length=20_000)] = ""
    """The system's message, where there is one."""

    max_tokens: Annotated[int, Field(ge=1, le=4_096)] = 64
    """How long an answer may be; short ones differ less by chance."""


class ProbeSpec(Fixed):
    """Golden prompts: the model should answer them today as it did when it was well."""

    model: Name
    endpoint: Endpoint
    answers: str
    """The stored answers, a JSON file, relative to the workspace; `failsoft probe learn` writes it."""

    prompts: Annotated[tuple[Prompt, ...], Field(min_length=1, max_length=100)]

    every: Duration = Duration(300_000)
    """How often all of them are asked."""

    timeout: Duration = Duration(30_000)
    """How long one answer may take, to its last byte."""

    pause: Duration = Duration(1_000)
    """How long it waits between two questions: a probe is no load."""

    tolerance: Percent = Percent.parse("10%")
    """How much of an answer may differ from the nearest stored one: its edit distance over the longer one's length."""

    first_token: Percent = Percent.parse("10%")
    """How much probability may move among the first token's alternatives."""

    logprobs: Annotated[int, Field(ge=0, le=20)] = 5
    """Alternatives of the first token to compare; 0 where the endpoint serves no log-probabilities."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [prompt.name for prompt in self.prompts]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise PydanticCustomError(
                "prompts",
                "has two prompts {name}",
                {"name": twice, "at": "prompts", "expected": "a name of its own for each"},
            )
        longest = len(names) * self.pause.milliseconds + self.timeout.milliseconds
        if longest > _LONGEST_ROUND * self.every.milliseconds:
            expected = f"more than {Duration(int(longest / _LONGEST_ROUND) + 1)}: {len(names)} pauses and one timeout"
            raise PydanticCustomError("every", "leaves no time to ask", {"at": "every", "expected": expected})
        return self
