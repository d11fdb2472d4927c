"""Slack's Web API, behind one small interface: post, update, say to one person."""

from failsoft.clients.slack.limits import Block, fitted
from failsoft.clients.slack.poster import SLACK_URL, Identity, SlackPoster

__all__ = ["SLACK_URL", "Block", "Identity", "SlackPoster", "fitted"]
