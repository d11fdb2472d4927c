"""A fake Slack over a real socket: for the tests of a bot, and for a demo without a workspace."""

from failsoft.testing.slack.control import SlackControl
from failsoft.testing.slack.page import channel_page
from failsoft.testing.slack.server import FakeSlack
from failsoft.testing.slack.sockets import Envelope
from failsoft.testing.slack.workspace import Button, Call, Message

__all__ = ["Button", "Call", "Envelope", "FakeSlack", "Message", "SlackControl", "channel_page"]
