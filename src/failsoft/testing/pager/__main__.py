"""The fake pager as a process: `python -m failsoft.testing.pager --port 4001`."""

import argparse
import asyncio
import json
import signal
import sys

from failsoft.testing.pager.server import FakePager

__all__ = ["main"]


def main() -> None:
    """Serve until SIGTERM or SIGINT. Prints one line of JSON with its addresses when it is ready."""
    parser = argparse.ArgumentParser(prog="python -m failsoft.testing.pager", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    asyncio.run(_serve(FakePager(port=parser.parse_args().port)))


async def _serve(pager: FakePager) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with pager:
        places = {"url": pager.url, "events_url": pager.events_url, "webhook_url": pager.webhook_url}
        sys.stdout.write(json.dumps(places) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
