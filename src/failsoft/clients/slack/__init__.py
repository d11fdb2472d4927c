"""Slack's Web API, behind one small interface: post, update, say to one person."""

from failsoft.clients.slack.limits import Block, fitted
from failsoft.clients.slack.poster import SLACK_URL, Identity, Posted, SlackPoster

__all__ = ["SLACK_URL", "Block", "Identity", "Posted", "SlackPoster", "fitted"]
