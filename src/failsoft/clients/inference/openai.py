"""Chat completions over HTTP, as OpenAI, vLLM, SGLang, TGI, LiteLLM and others serve them."""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from math import isfinite
from typing import Any

from failsoft.clients.inference.port import Completed, Question
from failsoft.clients.secrets import Secret
from failsoft.clients.web import Server
from failsoft.errors import UnavailableError

__all__ = ["OpenAiEndpoint"]


class OpenAiEndpoint:
    """An OpenAI-compatible endpoint.

    Args:
        url: the base, such as `http://chat:8000/v1`.
        model: the model's name there.
        token: a bearer token.
        timeout: seconds for one whole exchange; whoever streams for ever is cut off too.
    """

    def __init__(self, url: str, model: str, *, token: Secret | None = None, timeout: float = 30.0) -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._token = token
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token is not None else {}
        self._server = Server("the endpoint", timeout=timeout, headers=headers)

    async def ask(self, question: Question) -> Completed:
        """As the port says."""
        begun = time.monotonic()
        answer = await self._server.ask("POST", self._url, json=self._body(question))
        seconds = time.monotonic() - begun
        if answer.status != HTTPStatus.OK:
            said = self._token.redact(answer.excerpt) if self._token is not None else answer.excerpt
            raise self._server.refusal(answer, said=said)
        try:
            content = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise UnavailableError("the endpoint answered 200 with something that is no JSON") from None
        return _completed(content, seconds)

    def _body(self, question: Question) -> dict[str, Any]:
        system = [{"role": "system", "content": question.system}] if question.system else []
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [*system, {"role": "user", "content": question.ask}],
            "max_tokens": question.max_tokens,
            "temperature": 0,
            "stream": False,
        }
        return body | ({"logprobs": True, "top_logprobs": question.logprobs} if question.logprobs else {})


def _completed(content: Any, seconds: float) -> Completed:
    choices = content.get("choices") if isinstance(content, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(text, str):
        raise UnavailableError("the endpoint answered 200 without choices[0].message.content")
    reason = choice.get("finish_reason")
    return Completed(text, reason if isinstance(reason, str) else "", seconds, _first_token(choice.get("logprobs")))


def _first_token(served: Any) -> Mapping[str, float]:
    tokens = served.get("content") if isinstance(served, dict) else None
    first = tokens[0] if isinstance(tokens, list) and tokens and isinstance(tokens[0], dict) else {}
    others = first.get("top_logprobs")
    found = [first, *(others if isinstance(others, list) else [])]
    return {
        one["token"]: float(one["logprob"])
        for one in found
        if isinstance(one, dict)
        and isinstance(one.get("token"), str)
        and isinstance(one.get("logprob"), int | float)
        and isfinite(one["logprob"])
    }
