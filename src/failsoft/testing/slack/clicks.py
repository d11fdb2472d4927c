"""What Slack tells the app about a click: the `block_actions` payload.

Fields: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

import time
from typing import Any

from failsoft.testing.slack.workspace import Button, Message

__all__ = ["click_payload"]

type Json = dict[str, Any]


def click_payload(message: Message, button: Button, *, person: tuple[str, str], place: tuple[str, str]) -> Json:
    """The payload for one click on a button of a message; `person` and `place` (the channel) are id and name."""
    user, name = person
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": message.channel}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    action = {
        "type": "button",
        "action_id": button.action_id,
        "block_id": "block",
        "text": {"type": "plain_text", "text": button.label},
        "value": button.value,
        "action_ts": f"{time.time():.6f}",
    }
    return {
        "type": "block_actions",
        "user": {"id": user, "username": name, "name": name, "team_id": "T0FAKE"},
        "api_app_id": "A0FAKE",
        "token": "unused",
        "container": container | {"is_ephemeral": bool(message.only_for)},
        "trigger_id": f"1.2.{time.time_ns()}",
        "team": {"id": "T0FAKE", "domain": "fake"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": place[0], "name": place[1]},
        "message": message.document(),
        "state": {"values": {}},
        "actions": [action],
    }
