"""Slack in `failsoft serve`: the mouth that the runbooks speak through, and the ear, kept open for ever."""

import asyncio
import logging
from dataclasses import dataclass

from failsoft.clients.secrets import Secret
from failsoft.clients.slack import SlackPoster
from failsoft.errors import PermanentError
from failsoft.server.answers import Judge, SlackAnswers
from failsoft.server.channels import Channels
from failsoft.server.metrics import Metrics
from failsoft.server.outside import secret
from failsoft.server.threads import SlackThreads
from failsoft.slack import SlackBot
from failsoft.workspace import Workspace

__all__ = ["SlackFace", "slack_face"]

_log = logging.getLogger(__name__)

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class SlackFace:
    """The two ends of Slack.

    Attributes:
        threads: what the runbooks say goes out through it.
        bot_token, app_token, base_url: the app, and where its Slack is.
        pause: seconds until a Slack that refused us is tried again.
    """

    threads: SlackThreads
    bot_token: Secret
    app_token: Secret
    base_url: str
    pause: float = 60.0

    async def hear(self, judge: Judge, metrics: Metrics) -> None:
        """Hear clicks until cancelled. A Slack that refuses us stops no page and no runbook: it is tried again."""
        connected = metrics.watch_slack()
        while True:
            bot = SlackBot(
                bot_token=self.bot_token,
                app_token=self.app_token,
                decisions=SlackAnswers(judge),
                base_url=self.base_url,
            )
            try:
                async with bot.running():
                    while True:
                        connected.set(await bot.connected())
                        await asyncio.sleep(_LOOK_S)
            except PermanentError as error:
                connected.set(0)
                _log.error("Slack cannot be heard, trying again in %.0f s: %s", self.pause, error)
                await asyncio.sleep(self.pause)


def slack_face(workspace: Workspace) -> SlackFace | None:
    """The workspace's Slack, None where it has none. Raises `PermanentError` where a token is not there."""
    at = workspace.config.slack
    if at is None:
        return None
    bot_token, app_token = secret(workspace, at.bot_token), secret(workspace, at.app_token)
    base_url = at.base_url.rstrip("/") + "/"
    poster = SlackPoster(bot_token, base_url=base_url)
    return SlackFace(SlackThreads(poster, Channels(bot_token, base_url=base_url)), bot_token, app_token, base_url)
