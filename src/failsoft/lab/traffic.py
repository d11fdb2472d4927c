"""`python -m failsoft.lab.traffic`: replays a real trace's arrivals and lengths as streaming requests, open loop.

It does not slow down when the service does: a request is sent when the trace says so, or dropped and counted when too
many are in flight. It prints one JSON object a second, and at its end one with everything.
"""

import asyncio
import itertools
import json
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path

import aiohttp
import click

from failsoft.errors import UsageError
from failsoft.lab.engine.server import OUTPUT_TOKENS_HEADER
from failsoft.lab.sizing import MAX_TOKENS, PROMPT_CAP, SPEED
from failsoft.lab.trace import Arrival, read_trace, replay, shipped_trace

__all__ = ["Load", "Tally", "Traffic"]

_DONE = b"data: [DONE]"
_TAIL = 64
_LINE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Attributes:
        url: the service, such as `http://127.0.0.1:8080`.
        model: the model to ask for.
        max_tokens: of every request.
        timeout: seconds after which a client gives up.
        concurrency: requests in flight at most; those beyond are dropped and counted.
    """

    url: str
    model: str
    max_tokens: int = MAX_TOKENS
    timeout: float = 30.0
    concurrency: int = 256


@dataclass(slots=True)
class Tally:
    """What became of requests in some span of time.

    Attributes:
        sent: requests sent.
        ok: answers that came to their end.
        failed: by why not: a status, `timeout`, `connection`, or `cut` for a stream without its end.
        dropped: requests not sent, because too many were in flight.
        ttft: seconds to the first token, of those that had one.
    """

    sent: int = 0
    ok: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    ttft: list[float] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """Count a failure."""
        self.failed[why] = self.failed.get(why, 0) + 1

    def line(self, *, at: float, final: bool = False) -> str:
        """One line of JSON, `at` seconds after the start; TTFT as percentiles in seconds."""
        values = {key: value for key, value in asdict(self).items() if key != "ttft"}
        percentiles = {f"ttft_p{share}": _percentile(self.ttft, share) for share in (50, 95, 99)}
        return json.dumps({"at": round(at, 1), **values, **percentiles, "final": final})


class Traffic:
    """Sends the arrivals; `second` and `total` say what became of them."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.second = Tally()
        self.total = Tally()
        self._in_flight: set[asyncio.Task[None]] = set()

    @property
    def _tallies(self) -> tuple[Tally, Tally]:
        return self.second, self.total

    async def run(self, arrivals: Iterable[Arrival], stop: asyncio.Event, *, seconds: float) -> None:
        """Send what arrives within `seconds` or until `stop`; requests in flight at the end are given up uncounted."""
        begun = time.monotonic()
        due = itertools.takewhile(lambda each: each.at < seconds, arrivals)
        timeout = aiohttp.ClientTimeout(total=self._load.timeout)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            report = asyncio.create_task(self._report(begun))
            for arrival in due:
                if await _stopped(stop, begun + arrival.at - time.monotonic()):
                    break
                self._send(session, arrival)
            else:
                await _stopped(stop, begun + seconds - time.monotonic())
            for task in (report, *self._in_flight):
                task.cancel()
            await asyncio.gather(report, *self._in_flight, return_exceptions=True)
        _print(self.total.line(at=time.monotonic() - begun, final=True))

    def _send(self, session: aiohttp.ClientSession, arrival: Arrival) -> None:
        full = len(self._in_flight) >= self._load.concurrency
        for tally in self._tallies:
            tally.dropped += full
            tally.sent += not full
        if not full:
            task = asyncio.create_task(self._request(session, arrival))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _request(self, session: aiohttp.ClientSession, arrival: Arrival) -> None:
        body = {
            "model": self._load.model,
            "prompt": [1] * arrival.prompt_tokens,
            "max_tokens": self._load.max_tokens,
            "stream": True,
        }
        headers = {OUTPUT_TOKENS_HEADER: str(arrival.output_tokens)}
        sent_at = time.monotonic()
        try:
            async with session.post(f"{self._load.url}/v1/completions", json=body, headers=headers) as answer:
                why = await self._read(answer, sent_at)
        except TimeoutError:
            why = "timeout"
        except aiohttp.ClientPayloadError:
            why = "cut"
        except aiohttp.ClientError:
            why = "connection"
        for tally in self._tallies:
            if why:
                tally.fail(why)
            else:
                tally.ok += 1

    async def _read(self, answer: aiohttp.ClientResponse, sent_at: float) -> str:
        """Why the answer is none; empty when it is whole."""
        if answer.status != HTTPStatus.OK:
            return str(answer.status)
        end = b""
        async for chunk in answer.content.iter_any():
            if not end:
                for tally in self._tallies:
                    tally.ttft.append(time.monotonic() - sent_at)
            end = (end + chunk)[-_TAIL:]
        return "" if _DONE in end else "cut"

    async def _report(self, begun: float) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(max(0.0, begun + number * _LINE_SECONDS - time.monotonic()))
            _print(self.second.line(at=time.monotonic() - begun))
            self.second = Tally()


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until told to stop; whether that was it."""
    if seconds <= 0:
        return stop.is_set()
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _percentile(values: list[float], share: int) -> float | None:
    """The smallest value that `share` percent of them do not exceed; None without values."""
    if not values:
        return None
    return round(sorted(values)[-(-len(values) * share // 100) - 1], 4)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@click.command(context_settings={"show_default": True})
@click.option("--url", required=True, help="The service, such as http://127.0.0.1:8080.")
@click.option("--model", required=True, help="The model to ask for.")
@click.option(
    "--trace", type=click.Path(path_type=Path), help="A trace with Azure's columns; the shipped one if absent."
)
@click.option("--speed", default=SPEED, help="Compression of the arrivals; lengths stay as they are.")
@click.option("--seed", default=0, help="Picks where in the trace to start.")
@click.option("--duration", default=float("inf"), help="Seconds; without end by default.")
@click.option("--prompt-cap", default=PROMPT_CAP, help="Tokens of a prompt at most.")
@click.option("--max-tokens", default=MAX_TOKENS, help="Of every request; longer answers are cut by the model.")
@click.option("--timeout", default=30.0, help="Seconds after which a client gives up.")
@click.option("--concurrency", default=256, help="Requests in flight at most; others are dropped and counted.")
def main(  # noqa: PLR0913 (an option each)
    *,
    url: str,
    model: str,
    trace: Path | None,
    speed: float,
    seed: int,
    duration: float,
    prompt_cap: int,
    max_tokens: int,
    timeout: float,
    concurrency: int,
) -> None:
    """Replay a trace's arrivals and lengths."""
    if speed <= 0:
        raise click.UsageError("--speed must be positive")
    try:
        rows = read_trace(trace or shipped_trace())
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    arrivals = replay(rows, speed=speed, prompt_cap=prompt_cap, seed=seed)
    load = Load(url.rstrip("/"), model, max_tokens, timeout, concurrency)
    asyncio.run(_main(Traffic(load), arrivals, duration))


async def _main(traffic: Traffic, arrivals: Iterator[Arrival], duration: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await traffic.run(arrivals, stop, seconds=duration)


if __name__ == "__main__":
    main()
