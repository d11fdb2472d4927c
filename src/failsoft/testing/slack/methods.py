"""The methods of the Web API that the fake speaks: plain functions from arguments to an answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from failsoft.testing.slack.blocks import MOST_CHARACTERS, block_characters, block_errors
from failsoft.testing.slack.workspace import BOT_USER, Message, SlackSays, Workspace

__all__ = ["METHODS"]

type Json = dict[str, Any]
type Arguments = Mapping[str, Any]

_LONGEST_TEXT = 40_000


def _auth_test(_: Workspace, __: Arguments) -> Json:
    who = {"url": "https://fake.slack.com/", "team": "fake", "user": "failsoft", "team_id": "T0FAKE"}
    return who | {"user_id": BOT_USER, "bot_id": "B0FAILSOFT", "is_enterprise_install": False}


def _post(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel(arguments.get("channel"), by_name=True)
    text, blocks = _content(arguments)
    if not text and not blocks:
        raise SlackSays("no_text")
    message = Message(
        channel=channel,
        ts="",
        text=text or "",
        blocks=tuple(blocks or ()),
        thread_ts=str(arguments.get("thread_ts") or ""),
        metadata=_parsed(arguments.get("metadata"), "invalid_metadata_format") or {},
    )
    posted = workspace.add(message)
    return {"channel": channel, "ts": posted.ts, "message": posted.document()}


def _update(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    text, blocks = _content(arguments)
    edited = workspace.edit(channel, str(arguments.get("ts")), text=text, blocks=blocks)
    return {"channel": channel, "ts": edited.ts, "text": edited.text, "message": edited.document()}


def _post_ephemeral(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    text, blocks = _content(arguments)
    if not text and not blocks:
        raise SlackSays("no_text")
    message = Message(
        channel=channel,
        ts="",
        text=text or "",
        blocks=tuple(blocks or ()),
        thread_ts=str(arguments.get("thread_ts") or ""),
        only_for=workspace.user(arguments.get("user")),
    )
    return {"message_ts": workspace.add(message).ts}


def _history(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    found = [message for message in workspace.messages(channel) if message.thread_ts in {"", message.ts}]
    return _page(found, arguments, newest_first=True)


def _replies(workspace: Workspace, arguments: Arguments) -> Json:
    channel, root = workspace.channel(arguments.get("channel")), str(arguments.get("ts"))
    found = [message for message in workspace.messages(channel) if root in {message.ts, message.thread_ts}]
    if not found:
        raise SlackSays("thread_not_found")
    return _page(found, arguments, newest_first=False)


def _page(found: list[Message], arguments: Arguments, *, newest_first: bool) -> Json:
    oldest, limit = float(arguments.get("oldest") or 0), int(arguments.get("limit") or 100)
    found = [message for message in found if float(message.ts) >= oldest]
    if newest_first:
        found.reverse()
    start = int(arguments.get("cursor") or 0)
    documents = [message.document() for message in found[start : start + limit]]
    if str(arguments.get("include_all_metadata", "")).lower() not in {"1", "true"}:
        for document in documents:
            document.pop("metadata", None)
    more = start + limit < len(found)
    cursor = str(start + limit) if more else ""
    return {"messages": documents, "has_more": more, "response_metadata": {"next_cursor": cursor}}


def _channel(workspace: Workspace, channel: str) -> Json:
    return {"id": channel, "name": workspace.channels[channel], "is_channel": True, "is_member": True}


def _conversations_info(workspace: Workspace, arguments: Arguments) -> Json:
    return {"channel": _channel(workspace, workspace.channel(arguments.get("channel")))}


def _conversations_list(workspace: Workspace, _: Arguments) -> Json:
    return {"channels": [_channel(workspace, channel) for channel in workspace.channels]}


def _conversations_members(workspace: Workspace, arguments: Arguments) -> Json:
    workspace.channel(arguments.get("channel"))
    return {"members": list(workspace.users)}


def _conversations_join(workspace: Workspace, arguments: Arguments) -> Json:
    return _conversations_info(workspace, arguments)


def _users_info(workspace: Workspace, arguments: Arguments) -> Json:
    user = workspace.user(arguments.get("user"))
    name = workspace.users[user]
    return {"user": {"id": user, "name": name, "team_id": "T0FAKE", "is_bot": user == BOT_USER, "real_name": name}}


METHODS: Mapping[str, Callable[[Workspace, Arguments], Json]] = {
    "auth.test": _auth_test,
    "chat.postEphemeral": _post_ephemeral,
    "chat.postMessage": _post,
    "chat.update": _update,
    "conversations.history": _history,
    "conversations.info": _conversations_info,
    "conversations.join": _conversations_join,
    "conversations.list": _conversations_list,
    "conversations.members": _conversations_members,
    "conversations.replies": _replies,
    "users.info": _users_info,
}


def _content(arguments: Arguments) -> tuple[str | None, list[Json] | None]:
    text, blocks = arguments.get("text"), _parsed(arguments.get("blocks"), "invalid_blocks_format")
    if isinstance(text, str) and len(text) > _LONGEST_TEXT:
        raise SlackSays("msg_too_long")
    if blocks is not None:
        if errors := block_errors(blocks):
            messages = [f"[ERROR] {error}" for error in errors]
            raise SlackSays("invalid_blocks", errors=list(errors), response_metadata={"messages": messages})
        if block_characters(blocks) > MOST_CHARACTERS:
            raise SlackSays("msg_blocks_too_long")
    return text, blocks


def _parsed(value: Any, error: str) -> Any:
    """A structured argument, which comes as JSON in a JSON body and as a string of JSON in a form."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackSays(error) from None
