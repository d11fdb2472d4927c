"""`python -m failsoft.lab.engine`: one simulated vLLM server on 127.0.0.1 until SIGTERM, which drains it."""

import asyncio
import signal

import click
from aiohttp import web

from failsoft.lab.engine.model import Capacity
from failsoft.lab.engine.server import Engine, Settings

_DEFAULTS = Capacity()
_CLOSE_SECONDS = 1.0


@click.command(context_settings={"show_default": True})
@click.option("--model", required=True, help="The served model's name.")
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--slots", default=_DEFAULTS.slots, help="Sequences in one batch at most.")
@click.option("--kv-blocks", default=_DEFAULTS.kv_blocks, help="Blocks of the KV cache, of 16 tokens each.")
@click.option("--prefill-tokens-per-s", default=_DEFAULTS.prefill_tokens_per_s)
@click.option("--decode-tokens-per-s", default=_DEFAULTS.decode_tokens_per_s, help="Of a sequence alone in the batch.")
@click.option("--batch-slowdown", default=_DEFAULTS.batch_slowdown, help="Of a decode step, by each further sequence.")
@click.option("--max-num-batched-tokens", default=_DEFAULTS.max_batched_tokens, help="Tokens in one step at most.")
@click.option("--max-model-len", default=_DEFAULTS.max_model_len, help="Tokens of prompt and answer at most.")
@click.option("--max-num-queued-reqs", default=0, help="Requests in flight, waiting or running, at most; 0: no limit.")
@click.option("--cold-start", default=0.0, help="Seconds until it serves.")
@click.option("--shutdown-timeout", default=30.0, help="Seconds that SIGTERM gives to the requests in flight.")
@click.option("--stream-interval", default=4, help="Tokens in one event of a stream.")
@click.option("--output-tokens", default=100, help="Median length of an answer, where the request does not say it.")
@click.option("--seed", default=0, help="Of the lengths of answers.")
def main(  # noqa: PLR0913 (an option each)
    *,
    model: str,
    port: int,
    slots: int,
    kv_blocks: int,
    prefill_tokens_per_s: float,
    decode_tokens_per_s: float,
    batch_slowdown: float,
    max_num_batched_tokens: int,
    max_model_len: int,
    max_num_queued_reqs: int,
    cold_start: float,
    shutdown_timeout: float,
    stream_interval: int,
    output_tokens: int,
    seed: int,
) -> None:
    """A simulated vLLM server."""
    try:
        capacity = Capacity(
            slots=slots,
            kv_blocks=kv_blocks,
            prefill_tokens_per_s=prefill_tokens_per_s,
            decode_tokens_per_s=decode_tokens_per_s,
            batch_slowdown=batch_slowdown,
            max_batched_tokens=max_num_batched_tokens,
            max_model_len=max_model_len,
            max_num_queued_reqs=max_num_queued_reqs,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    engine = Engine(Settings(model, capacity, cold_start, stream_interval, output_tokens, seed))
    asyncio.run(_serve(engine, port, shutdown_timeout))


async def _serve(engine: Engine, port: int, shutdown_timeout: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        engine.app(), access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_SECONDS, handle_signals=False
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await stop.wait()
    await engine.drain(shutdown_timeout)
    await runner.cleanup()


if __name__ == "__main__":
    main()
