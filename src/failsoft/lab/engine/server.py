"""The simulated engine's HTTP face: `/v1/completions`, `/v1/models`, `/health`, `/metrics`, as vLLM 0.32 has them."""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from aiohttp import web

from failsoft.lab.engine.loop import Cut, EngineLoop, Output
from failsoft.lab.engine.metrics import EngineMetrics, HttpMetrics, new_registry
from failsoft.lab.engine.model import Capacity
from failsoft.lab.engine.protocol import DONE, ApiError, Completion, CompletionBody, read_body
from failsoft.lab.engine.scheduler import Scheduler

__all__ = ["OUTPUT_TOKENS_HEADER", "Engine", "Phase", "Settings"]

OUTPUT_TOKENS_HEADER = "x-failsoft-lab-output-tokens"
"""At which token the model stops by itself: the one thing that a real model knows and a simulated one must be told."""

_NOT_COUNTED = frozenset({"/health", "/metrics"})
_OUTPUT_SPREAD = 0.8
_TEXT = "text/plain; version=0.0.4; charset=utf-8"

type _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Phase(Enum):
    """Where the server is in its life; it answers `/health` with 200 only while it serves."""

    LOADING = "The model is loading."
    SERVING = ""
    DRAINING = "The server is shutting down."


@dataclass(frozen=True, slots=True)
class Settings:
    """One simulated server.

    Attributes:
        model: the served model's name.
        capacity: what it can do.
        cold_start: seconds from the start of the process until it serves.
        stream_interval: tokens in one event of a stream (vLLM's `--stream-interval`).
        output_tokens: median length of an answer, for requests without `OUTPUT_TOKENS_HEADER` (log-normal).
        seed: of those lengths.
    """

    model: str
    capacity: Capacity
    cold_start: float = 0.0
    stream_interval: int = 1
    output_tokens: int = 100
    seed: int = 0


class Engine:
    """The application. `app()` is served by aiohttp with `handler_cancellation`, or disconnects go unnoticed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lengths = random.Random(settings.seed)  # noqa: S311 (lengths of answers, not secrets)
        self._phase = Phase.LOADING
        registry = new_registry()
        scheduler = Scheduler(settings.capacity)
        self._metrics = EngineMetrics(registry, settings.model, scheduler)
        self._http = HttpMetrics(registry)
        self._loop = EngineLoop(scheduler, self._metrics.step, time.monotonic)
        self._answering = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def app(self) -> web.Application:
        """The routes, with the engine's loop and its cold start as background tasks."""
        app = web.Application(middlewares=[self._count, self._refuse])
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._scrape)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/completions", self._completions)
        app.cleanup_ctx.append(self._background)
        return app

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 (a deadline that ends streams, not this call)
        """Refuse new requests with 503, wait until the others have ended, and cut what remains after `timeout` s."""
        self._phase = Phase.DRAINING
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout)
        self._loop.cut_all()

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        tasks = (asyncio.create_task(self._loop.run()), asyncio.create_task(self._load()))
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _load(self) -> None:
        await asyncio.sleep(self._settings.cold_start)
        if self._phase is Phase.LOADING:
            self._phase = Phase.SERVING

    @web.middleware
    async def _count(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Count requests as prometheus-fastapi-instrumentator does: after the last byte, whoever hung up."""
        resource = request.match_info.route.resource
        path = "none" if resource is None else resource.canonical
        if path in _NOT_COUNTED:
            return await handler(request)
        begun = time.monotonic()
        # A client that hangs up counts as 2xx: a stream has sent its 200 already, and of a request that does not
        # stream vLLM throws the answer away without an error.
        status, size = int(HTTPStatus.OK), 0
        self._answering += 1
        self._idle.clear()
        try:
            response = await handler(request)
            status, size = response.status, response.content_length or 0
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            self._answering -= 1
            if not self._answering:
                self._idle.set()
            self._http.observe(
                method=request.method,
                handler=path,
                status=status,
                seconds=time.monotonic() - begun,
                request_bytes=request.content_length or 0,
                response_bytes=size,
            )
        return response

    @web.middleware
    async def _refuse(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            if self._phase is not Phase.SERVING and request.path.startswith("/v1/"):
                raise ApiError.unavailable(self._phase.value)
            return await handler(request)
        except ApiError as error:
            return web.json_response(error.body(), status=error.status)

    async def _health(self, _request: web.Request) -> web.Response:
        serving = self._phase is Phase.SERVING
        return web.Response(status=HTTPStatus.OK if serving else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _scrape(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._http.render(), headers={"Content-Type": _TEXT})

    async def _models(self, _request: web.Request) -> web.Response:
        card = {
            "id": self._settings.model,
            "object": "model",
            "created": int(time.time()),
            "owned_by": "vllm",
            "max_model_len": self._settings.capacity.max_model_len,
        }
        return web.json_response({"object": "list", "data": [card]})

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = read_body(await request.read())
        if body.model != self._settings.model:
            raise ApiError.no_model(body.model)
        output = self._submit(body, self._natural_tokens(request))
        completion = Completion(
            id=f"cmpl-{output.request.id}",
            model=self._settings.model,
            created=int(time.time()),
            prompt_tokens=body.prompt_tokens,
            salt=int(output.request.id),
        )
        try:
            if body.stream:
                return await self._stream(request, completion, output, include_usage=body.include_usage)
            return await self._whole(completion, output)
        finally:
            self._loop.abort(output)

    def _submit(self, body: CompletionBody, natural_tokens: int) -> Output:
        interval = self._settings.stream_interval if body.stream else None
        try:
            output = self._loop.submit(body.prompt_tokens, body.max_tokens, natural_tokens, interval=interval)
        except ValueError as error:
            raise ApiError.bad_request(str(error), "max_tokens") from error
        if isinstance(output, str):
            self._metrics.rejected(output)
            raise ApiError.unavailable(f"The server is overloaded ({output}).")
        return output

    def _natural_tokens(self, request: web.Request) -> int:
        if (told := request.headers.get(OUTPUT_TOKENS_HEADER, "")).isascii() and told.isdigit():
            return max(1, int(told))
        return max(1, round(self._lengths.lognormvariate(math.log(self._settings.output_tokens), _OUTPUT_SPREAD)))

    async def _whole(self, completion: Completion, output: Output) -> web.Response:
        match await output.next():
            case (tokens, reason) if reason is not None:
                return web.json_response(completion.whole(tokens, reason))
            case _:
                raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "The engine is gone.", type_="InternalServerError")

    async def _stream(
        self, request: web.Request, completion: Completion, output: Output, *, include_usage: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        # As in vLLM, the 200 goes out as soon as the request is queued, long before the first token.
        await response.prepare(request)
        position, reason = 0, None
        with contextlib.suppress(ConnectionResetError):
            while reason is None:
                news = await output.next()
                if isinstance(news, Cut):
                    if request.transport is not None:
                        request.transport.abort()
                    return response
                before, (position, reason) = position, news
                await response.write(completion.chunk(before + 1, position, reason))
            if include_usage:
                await response.write(completion.usage_chunk(position))
            await response.write(DONE)
            await response.write_eof()
        return response
