"""The other side of the fake's own HTTP interface: what a demo or a shell script in another process uses."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

__all__ = ["SlackControl"]

type Json = dict[str, Any]


class SlackControl:
    """A fake Slack that runs in another process (`python -m failsoft.testing.slack`), looked at and clicked from here.

    Args:
        url: where the fake answers, such as `http://127.0.0.1:41234`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # No proxy: the fake is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def api_url(self) -> str:
        """The `base_url` for a Slack client."""
        return f"{self.url}/api/"

    def messages(self, channel: str | None = None) -> list[Json]:
        """The messages as they stand, oldest first: channel, ts, thread_ts, text, visible, blocks, buttons, edits."""
        listed: list[Json] = self._ask("messages", channel=channel)
        return listed

    def ephemeral(self, user: str | None = None) -> list[Json]:
        """What was shown to one person (or to anybody) alone."""
        listed: list[Json] = self._ask("ephemeral", user=user)
        return listed

    def status(self) -> Json:
        """Connections, envelopes with their acknowledgement times, and calls."""
        status: Json = self._ask("status")
        return status

    def wait(self, *, action: str | None = None, text: str | None = None, within: float = 30.0) -> Json:
        """Wait for a message that shows a button, or a text; gives the newest one.

        Raises:
            TimeoutError: there was none within so many seconds.
        """
        asked: Json = {"action": action, "text": text, "within": within}
        message: Json = self._ask("wait/message", patience=within + 5, **asked)
        return message

    def wait_ephemeral(self, user: str | None = None, *, within: float = 30.0) -> list[Json]:
        """Wait until one person (or anybody) was told something alone; gives all of it. Raises TimeoutError."""
        listed: list[Json] = self._ask("wait/ephemeral", patience=within + 5, user=user, within=within)
        return listed

    def wait_connected(self, *, within: float = 30.0) -> None:
        """Wait until an app is connected over Socket Mode. Raises TimeoutError."""
        self._ask("wait/connected", patience=within + 5, within=within)

    def click(self, user: str, action: str, *, ts: str | None = None) -> Json:
        """Let a person click a button of the message `ts`, or of the newest that shows it; waits for the ack.

        Raises:
            LookupError: nothing shows such a button, nobody is called so, or no app answered in time.
        """
        clicked: Json = self._ask("click", post={"user": user, "action": action, "ts": ts})
        return clicked

    def page(self, channel: str | None = None) -> str:
        """The channel as an HTML page."""
        query = urllib.parse.urlencode({} if channel is None else {"channel": channel})
        with self._opener.open(f"{self.url}/_fake/page?{query}", timeout=10) as answer:
            return str(answer.read().decode())

    def _ask(self, what: str, *, post: Json | None = None, patience: float = 15.0, **query: object) -> Any:
        given = urllib.parse.urlencode({key: value for key, value in query.items() if value is not None})
        request = urllib.request.Request(  # noqa: S310 - the fake's own address
            f"{self.url}/_fake/{what}?{given}",
            data=None if post is None else json.dumps(post).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=patience) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode()
            kind = TimeoutError if error.code == 408 else LookupError  # noqa: PLR2004
            raise kind(said) from None
