"""What `/v1/completions` reads and writes, as vLLM does: the body, its errors, the answer whole or in events."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from failsoft.lab.engine.model import FinishReason

__all__ = ["DONE", "ApiError", "Completion", "CompletionBody", "read_body"]

DONE = b"data: [DONE]\n\n"

_WORDS = ("the", "a", "queue", "drains", "before", "anybody", "notices", "that", "one", "node", "went", "home", "early")
_CHARS_PER_TOKEN = 4


class ApiError(Exception):
    """A refusal with its HTTP status; `type_` and `param` as in vLLM's error object."""

    def __init__(self, status: HTTPStatus, message: str, *, type_: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.param = param

    @classmethod
    def bad_request(cls, message: str, param: str | None = None) -> "ApiError":
        """400."""
        return cls(HTTPStatus.BAD_REQUEST, message, type_="BadRequestError", param=param)

    @classmethod
    def no_model(cls, model: str) -> "ApiError":
        """404."""
        message = f"The model `{model}` does not exist."
        return cls(HTTPStatus.NOT_FOUND, message, type_="NotFoundError", param="model")

    @classmethod
    def unavailable(cls, message: str) -> "ApiError":
        """503."""
        return cls(HTTPStatus.SERVICE_UNAVAILABLE, message, type_="ServiceUnavailableError")

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        error = {"message": str(self), "type": self.type, "param": self.param, "code": int(self.status)}
        return {"error": error}


class _StreamOptions(BaseModel):
    include_usage: bool = False


class CompletionBody(BaseModel):
    """The fields of a completion request that the simulation heeds; others are accepted and have no effect."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    prompt: Annotated[str, Field(min_length=1)] | Annotated[list[int], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] = 16
    n: Literal[1] = 1
    stream: bool = False
    stream_options: _StreamOptions | None = None

    @property
    def prompt_tokens(self) -> int:
        """Its length; of a text, guessed at four characters a token."""
        return len(self.prompt) if isinstance(self.prompt, list) else -(-len(self.prompt) // _CHARS_PER_TOKEN)

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk that has the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


def read_body(content: bytes) -> CompletionBody:
    """The request. Raises `ApiError` (400) that names the field."""
    try:
        return CompletionBody.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError.bad_request(f"{where or 'body'}: {first['msg']}", where or None) from error


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer in the making.

    Attributes:
        id: such as `cmpl-...`.
        model: the served model's name.
        created: seconds since the epoch.
        prompt_tokens: for the usage.
        salt: what makes its text differ from others'.
    """

    id: str
    model: str
    created: int
    prompt_tokens: int
    salt: int

    def text(self, first: int, last: int) -> str:
        """The tokens from `first` to `last`, both counted from 1 and included: a word each."""
        return "".join(" " + _WORDS[(self.salt + position) % len(_WORDS)] for position in range(first, last + 1))

    def whole(self, tokens: int, reason: FinishReason) -> dict[str, Any]:
        """The answer in one piece."""
        return self._object([self._choice(self.text(1, tokens), reason)], self._usage(tokens))

    def chunk(self, first: int, last: int, reason: FinishReason | None) -> bytes:
        """An event with some tokens, the last one with the reason of the end."""
        return self._event(self._object([self._choice(self.text(first, last), reason)]))

    def usage_chunk(self, tokens: int) -> bytes:
        """The event with the usage, after the last token."""
        return self._event(self._object([], self._usage(tokens)))

    def _choice(self, text: str, reason: FinishReason | None) -> dict[str, Any]:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": reason, "stop_reason": None}

    def _usage(self, tokens: int) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }

    def _object(self, choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> dict[str, Any]:
        head = {"id": self.id, "object": "text_completion", "created": self.created, "model": self.model}
        return {**head, "choices": choices} | ({} if usage is None else {"usage": usage})

    @staticmethod
    def _event(value: dict[str, Any]) -> bytes:
        return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()
