"""The fake Slack as a process: `python -m failsoft.testing.slack --port 4000 --record calls.jsonl`."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from failsoft.testing.slack.server import FakeSlack

__all__ = ["main"]


def main() -> None:
    """Serve until SIGTERM or SIGINT. Prints one line of JSON with its addresses when it is ready."""
    parser = argparse.ArgumentParser(prog="python -m failsoft.testing.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--record", type=Path, help="append every call of the Web API to this file, one JSON line each")
    parser.add_argument("--page", type=Path, help="at the end, write the first channel as an HTML page to this file")
    parser.add_argument("--user", action="append", default=[], metavar="ID=NAME", help="a person (repeatable)")
    parser.add_argument("--channel", action="append", default=[], metavar="ID=NAME", help="a channel (repeatable)")
    given = parser.parse_args()
    slack = FakeSlack(
        port=given.port,
        record=given.record,
        users=dict(pair.split("=", 1) for pair in given.user) or None,
        channels=dict(pair.split("=", 1) for pair in given.channel) or None,
    )
    asyncio.run(_serve(slack, given.page))


async def _serve(slack: FakeSlack, page: Path | None) -> None:
    from failsoft.testing.slack.page import channel_page

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with slack:
        sys.stdout.write(json.dumps({"url": slack.url, "api_url": slack.api_url}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        if page is not None:
            channel = next(iter(slack.channels))
            shown = (*slack.messages(channel), *slack.ephemeral())
            page.write_text(channel_page(slack.channels[channel], shown, slack.users))  # noqa: ASYNC240 - at the end


if __name__ == "__main__":
    main()
