"""Slack's mark-up made from outside text that is not trusted: escaped, cleaned, cut; it can never mention anybody.

Facts: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
import unicodedata
from datetime import UTC, datetime

__all__ = ["clean", "code", "cut", "escaped", "link", "mention", "moment", "plain", "preformatted"]

# A person (U..., W... on Enterprise Grid) and a user group (S...).
_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
# Letters that turn the direction of the text around, or that nobody sees: what is approved must be what is shown.
_HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_FENCE = "```"
_NAME = 60


def clean(text: str, *, lines: bool = False) -> str:
    r"""The text without control, direction and invisible characters, on one line unless `lines`.

    >>> clean("scale to 1\u202e0\n now")
    'scale to 10 now'
    """
    text = _HIDDEN.sub("", text)
    if not lines:
        return " ".join("".join(_visible(char) for char in text).split())
    rows = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join("".join(_visible(char) for char in row).rstrip() for row in rows)


def _visible(char: str) -> str:
    return " " if unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"} else char


def escaped(text: str, *, lines: bool = False) -> str:
    """Outside text as it may stand in `mrkdwn`: shown letter for letter, apart from backticks.

    >>> escaped("<!channel> p99 > 2 s & rising")
    '&lt;!channel&gt; p99 &gt; 2 s &amp; rising'
    """
    text = clean(text, lines=lines).replace("`", "'")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str) -> str:
    """Outside text for a `plain_text` object, where Slack escapes nothing: the three special letters are replaced.

    >>> plain("a > b & c")
    'a ) b + c'
    """
    return clean(text).translate({ord("<"): "(", ord(">"): ")", ord("&"): "+"})


def code(text: str) -> str:
    """Outside text as inline code; nothing for nothing."""
    inner = escaped(text)
    return f"`{inner}`" if inner else ""


def preformatted(text: str) -> str:
    """Outside text of several lines as a code block."""
    return f"{_FENCE}\n{escaped(text, lines=True).strip(chr(10))}\n{_FENCE}"


def link(url: str, label: str) -> str:
    """A link, for http and https only; other addresses show their label alone.

    >>> link("https://grafana/d/1?a=<b>|c", "Dashboard")
    '<https://grafana/d/1?a=%3Cb%3E%7Cc|Dashboard>'
    >>> link("javascript:alert(1)", "Dashboard")
    'Dashboard'
    """
    shown = escaped(label).replace("|", "¦")
    if not re.match(r"https?://[^\s]", url):
        return shown
    address = re.sub(r"[\s<>|\x00-\x1f\x7f]", lambda found: f"%{ord(found[0]):02X}", clean(url)).replace("&", "&amp;")
    return f"<{address}|{shown or 'link'}>"


def mention(who: str) -> str:
    """A person or a user group by Slack's id, really mentioned; any other text is a name, and only shown.

    >>> mention("U0ONCALL"), mention("S0ONCALL"), mention("!channel")
    ('<@U0ONCALL>', '<!subteam^S0ONCALL>', '!channel')
    """
    if _PERSON.fullmatch(who):
        return f"<@{who}>"
    if _GROUP.fullmatch(who):
        return f"<!subteam^{who}>"
    return cut(escaped(who), _NAME)


def moment(at: datetime, *, form: str = "{time}") -> str:
    """A time in each reader's own time zone; where Slack cannot, in UTC.

    >>> moment(datetime(2026, 11, 21, 3, 14, tzinfo=UTC))
    '<!date^1795230840^{time}|03:14 UTC>'
    """
    return f"<!date^{int(at.timestamp())}^{form}|{at.astimezone(UTC):%H:%M} UTC>"


def cut(text: str, limit: int, *, note: str = "…") -> str:
    """Mark-up cut to `limit` characters: no half entity, no half link, no open code block.

    >>> cut("wait &amp; see", 9)
    'wait …'
    """
    if len(text) <= limit:
        return text
    kept = _whole(text, limit - len(note))
    if kept.count(_FENCE) % 2:
        kept = _whole(text, limit - len(note) - len(_FENCE) - 1)
        return f"{kept}{note}\n{_FENCE}" if kept.count(_FENCE) % 2 else kept + note
    return kept + note


def _whole(text: str, length: int) -> str:
    kept = text[: max(length, 0)]
    if text[len(kept) : len(kept) + 1] == "`":
        kept = kept.rstrip("`")
    kept = re.sub(r"&[a-z]{0,3}$", "", kept)
    opened = kept.rfind("<")
    return kept[:opened] if opened > kept.rfind(">") else kept
