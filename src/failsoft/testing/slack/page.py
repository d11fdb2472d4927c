"""A channel as a simple HTML page, threads below the messages that opened them: to look at what people will see."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from failsoft.testing.slack.workspace import Message

__all__ = ["channel_page"]

type Json = Mapping[str, Any]

_STYLE = """
body { font: 15px/1.46 Lato, "Helvetica Neue", "DejaVu Sans", sans-serif; color: #1d1c1d;
  margin: 24px; max-width: 720px }
h1 { font-size: 18px; border-bottom: 1px solid #ddd; padding-bottom: 8px }
.message { margin: 14px 0 } .thread { margin-left: 24px; border-left: 3px solid #ddd; padding-left: 14px }
.who { font-weight: 900 } .when, .edited, .alone { color: #616061; font-size: 12px; margin-left: 6px }
.alone { background: #f8f8f8; padding: 2px 6px }
.header { font-size: 18px; font-weight: 900; margin: 4px 0 } .section { margin: 6px 0; white-space: pre-wrap }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 16px }
.context { color: #616061; font-size: 12.5px; margin: 6px 0 } .context > span { margin-right: 10px }
pre { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 8px; margin: 4px 0;
  white-space: pre-wrap }
pre, code { font: 12px/1.5 "DejaVu Sans Mono", monospace }
code { color: #e01e5a; border: 1px solid #ddd; padding: 0 3px }
.button { border: 1px solid #bbb; border-radius: 4px; padding: 5px 12px; font-weight: 700; margin-right: 8px;
  display: inline-block; background: #fff } .primary { background: #007a5a; color: #fff; border-color: #007a5a }
.danger { background: #e01e5a; color: #fff; border-color: #e01e5a } .mention { background: #f2c74466; color: #1264a3 }
hr { border: 0; border-top: 1px solid #ddd } a { color: #1264a3; text-decoration: none }
"""


def channel_page(name: str, messages: Iterable[Message], users: Mapping[str, str]) -> str:
    """The page. Ephemeral messages are shown where they were said, with the person who alone saw them."""
    listed = sorted(messages, key=lambda message: float(message.ts))
    roots = [message for message in listed if not message.thread_ts]
    body = []
    for root in roots:
        body.append(_message(root, users))
        replies = [_message(message, users) for message in listed if message.thread_ts == root.ts]
        if replies:
            body.append(f'<div class="thread">{"".join(replies)}</div>')
    title = html.escape(f"#{name}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{''.join(body)}</html>\n"
    )


def _message(message: Message, users: Mapping[str, str]) -> str:
    when = datetime.fromtimestamp(float(message.ts), UTC).strftime("%H:%M")
    head = (
        f'<span class="who">{html.escape(users.get(message.user, message.user))}</span><span class="when">{when}</span>'
    )
    if message.edits:
        head += '<span class="edited">(edited)</span>'
    if message.only_for:
        person = html.escape(users.get(message.only_for, message.only_for))
        head += f'<span class="alone">only {person} sees this</span>'
    content = "".join(_block(block, users) for block in message.blocks) or _section(message.text, users)
    return f'<div class="message"><div>{head}</div>{content}</div>'


def _block(block: Json, users: Mapping[str, str]) -> str:
    kind = block["type"]
    if kind == "divider":
        return "<hr>"
    if kind == "header":
        return f'<div class="header">{html.escape(block["text"]["text"])}</div>'
    if kind == "section":
        fields = "".join(f"<div>{_text(item, users)}</div>" for item in block.get("fields", ()))
        text = f'<div class="section">{_text(block["text"], users)}</div>' if "text" in block else ""
        return text + (f'<div class="fields">{fields}</div>' if fields else "")
    if kind == "context":
        return (
            f'<div class="context">{"".join(f"<span>{_text(item, users)}</span>" for item in block["elements"])}</div>'
        )
    buttons = "".join(
        f'<span class="button {item.get("style", "")}">{html.escape(item["text"]["text"])}</span>'
        for item in block["elements"]
    )
    return f'<div class="section">{buttons}</div>'


def _section(text: str, users: Mapping[str, str]) -> str:
    return f'<div class="section">{_mrkdwn(text, users)}</div>'


def _text(item: Json, users: Mapping[str, str]) -> str:
    return html.escape(item["text"]) if item["type"] == "plain_text" else _mrkdwn(item["text"], users)


def _mrkdwn(text: str, users: Mapping[str, str]) -> str:
    """Slack's mark-up as HTML. The text holds `&`, `<` and `>` already escaped, as Slack wants it."""
    fenced = re.split(r"```(.*?)```", text, flags=re.DOTALL)
    return "".join(
        f"<pre>{part.strip(chr(10))}</pre>" if number % 2 else _inline(part, users)
        for number, part in enumerate(fenced)
    )


def _inline(text: str, users: Mapping[str, str]) -> str:
    """Code and links are set aside while the rest is decorated, so that their letters stay as they are."""
    aside: list[str] = []

    def keep(found: re.Match[str]) -> str:
        aside.append(f"<code>{found[1]}</code>" if found[1] is not None else _angled(found[2], users))
        return f"\0{len(aside) - 1}\0"

    decorated = _decorated(re.sub(r"`([^`\n]+)`|<([^<>]*)>", keep, text))
    return re.sub(r"\0(\d+)\0", lambda found: aside[int(found[1])], decorated)


def _decorated(text: str) -> str:
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"<b>\1</b>", text)
    text = re.sub(r"(?<![\w_])_([^_\n]+)_(?![\w_])", r"<i>\1</i>", text)
    return re.sub(r"(?<![\w~])~([^~\n]+)~(?![\w~])", r"<s>\1</s>", text)


def _angled(inner: str, users: Mapping[str, str]) -> str:
    """What stands between angle brackets: a mention, a date or a link."""
    if inner.startswith("!date^"):
        return inner.rsplit("|", 1)[-1]
    if inner.startswith("@"):
        return f'<span class="mention">@{html.escape(users.get(inner[1:], inner[1:]))}</span>'
    if inner.startswith(("!", "#")):
        return f'<span class="mention">@{inner[1:].rsplit("|", 1)[-1]}</span>'
    href, _, label = inner.partition("|")
    if not href.startswith(("http://", "https://")):
        return f"&lt;{inner}&gt;"
    return f'<a href="{href.replace(chr(34), "%22")}">{label or href}</a>'
