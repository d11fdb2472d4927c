"""A model's endpoint on a real socket, as OpenAI's API answers, with answers that one writes and failures on demand."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aiohttp import web

from failsoft.testing.serving import Fault, Faults, Served

__all__ = ["FakeEndpoint"]

_OTHERWISE = "I have no answer to that."
_CHUNK = b" " * 65_536

type Trouble = Literal["hang", "endless", "html", "no-choices", "null"]


class FakeEndpoint(Served):
    """`POST /v1/chat/completions` of an inference server; it checks the bearer token and the shape of what it is asked.

    It does not do: tokens, streams, other paths.

    >>> import asyncio
    >>> from failsoft.clients.inference import OpenAiEndpoint, Question
    >>> async def story():
    ...     async with FakeEndpoint({"Capital of France?": ["Paris."]}) as fake:
    ...         reply = await OpenAiEndpoint(fake.api_url, "chat").ask(Question("Capital of France?", logprobs=2))
    ...         return reply.text, dict(reply.first_token)
    >>> asyncio.run(story())
    ('Paris.', {'Paris.': -0.1, 'other': -2.4})

    Args:
        answers: by the user's message, its answers; of several, one after the other, over and over.
        token: the bearer token it asks for; none when left out.
        port: the port on 127.0.0.1; a free one by default.
    """

    def __init__(
        self, answers: Mapping[str, Sequence[str]] | None = None, *, token: str | None = None, port: int = 0
    ) -> None:
        super().__init__(port=port)
        self.answers: dict[str, Sequence[str]] = dict(answers or {})
        self.first_token: dict[str, float] = {}
        self.asked: list[dict[str, Any]] = []
        self._token = token
        self._faults = Faults()
        self._troubles: list[Trouble] = []
        self._stop = asyncio.Event()

    @property
    def api_url(self) -> str:
        """The base of the API."""
        return self.url + "/v1"

    def fail_next(self, status: int, *, retry_after: int | None = None, times: int = 1) -> None:
        """Refuse the next questions with an HTTP status."""
        self._act(lambda: self._faults.add("", Fault(status=status, retry_after=retry_after, times=times)))

    def trouble_next(self, trouble: Trouble, *, times: int = 1) -> None:
        """Answer the next questions with 200 and a body that never ends, never comes, or is no answer."""
        self._act(lambda: self._troubles.extend([trouble] * times))

    def application(self) -> web.Application:
        """The application that is served."""
        application = web.Application()
        application.on_shutdown.append(self._end)
        application.router.add_post("/v1/chat/completions", self._complete)
        return application

    async def _end(self, _: web.Application) -> None:
        self._stop.set()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if self._token is not None and request.headers.get("Authorization") != f"Bearer {self._token}":
            said = f"Incorrect API key provided: {request.headers.get('Authorization', 'none')}"
            return web.json_response({"error": {"message": said}}, status=401)
        body = await request.json()
        self.asked.append(body)
        self._changed()
        fault = self._faults.take("")
        if fault is not None and fault.status is not None:
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.json_response({"error": {"message": "as told"}}, status=fault.status, headers=headers)
        if self._troubles:
            return await self._trouble(request, self._troubles.pop(0))
        return web.json_response(self._answer(body))

    async def _trouble(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        if trouble == "html":
            return web.Response(text="<html><body>Welcome to nginx!</body></html>", content_type="text/html")
        if trouble in {"no-choices", "null"}:
            return web.json_response({"choices": []} if trouble == "no-choices" else None)
        response = web.StreamResponse()
        await response.prepare(request)
        while not self._stop.is_set():
            if trouble == "hang":
                await self._stop.wait()
            else:
                await response.write(_CHUNK)
        return response

    def _answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        asked = body["messages"][-1]["content"]
        answers = self.answers.get(asked, [_OTHERWISE])
        before = sum(one["messages"][-1]["content"] == asked for one in self.asked) - 1
        text = answers[before % len(answers)]
        first = self.first_token or {text: -0.1, "other": -2.4}
        top = [{"token": token, "logprob": value} for token, value in first.items()][: body.get("top_logprobs", 0)]
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
            "logprobs": {"content": [top[0] | {"top_logprobs": top}]} if top else None,
        }
        return {"object": "chat.completion", "model": body["model"], "choices": [choice]}
