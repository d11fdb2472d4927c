"""Slack's errors told as ours: what to do about them, and whether a retry can help.

The codes are those that the method pages list, such as https://docs.slack.dev/reference/methods/chat.postMessage.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from failsoft.clients.web import retry_after
from failsoft.errors import FailsoftError, NotFoundError, PermanentError, TemporaryError, UnavailableError

__all__ = ["code_of", "translated"]

_PAUSE = 30.0
_RATE = frozenset({"rate_limited", "ratelimited", "message_limit_exceeded"})
_PASSING = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
_GONE = {
    "channel_not_found": "there is no such channel, or the bot is not in it: invite it, or correct the channel's id",
    "message_not_found": "the message is gone",
    "thread_not_found": "the thread is gone",
    "user_not_found": "there is no such person",
}
_TOKEN = "check the token of the Slack app (bot token xoxb-..., app token xapp-...), and put the new one in its place"  # noqa: S105
_INVITE = "invite the bot into the channel: /invite @failsoft"
_REMEDIES = {
    "account_inactive": _TOKEN,
    "invalid_auth": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "not_authed": _TOKEN,
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
    "is_archived": "the channel is archived: give another one",
    "not_in_channel": _INVITE,
    "user_not_in_channel": "the person is not in the channel",
    "missing_scope": "give the Slack app the scope that it names, and install it again",
    "restricted_action": "a setting of the workspace forbids the bot to post there",
    "cant_update_message": "the message is not the bot's own",
    "edit_window_closed": "the workspace forbids edits after some time",
    "invalid_blocks": "failsoft made blocks that Slack refuses; this is a defect of failsoft",
    "invalid_blocks_format": "failsoft made blocks that Slack refuses; this is a defect of failsoft",
    "msg_blocks_too_long": "failsoft made a message that is too long; this is a defect of failsoft",
    "msg_too_long": "failsoft made a message that is too long; this is a defect of failsoft",
}


def code_of(error: Exception) -> str:
    """Slack's own word for the error; "" where it has none."""
    data = getattr(getattr(error, "response", None), "data", None)
    return str(data.get("error") or "") if isinstance(data, Mapping) else ""


def translated(error: Exception, doing: str) -> FailsoftError:
    """Our error for whatever the SDK raised while `doing` ("posting to C0INCIDENTS")."""
    response = getattr(error, "response", None)
    if response is None:
        if isinstance(error, TimeoutError):
            return UnavailableError(f"Slack did not answer in time while {doing}")
        return UnavailableError(f"Slack cannot be reached while {doing} ({type(error).__name__})")
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    code = code_of(error)
    if code in _RATE or status == HTTPStatus.TOO_MANY_REQUESTS:
        delay = retry_after(dict(response.headers), otherwise=_PAUSE)
        return TemporaryError(f"Slack asks for a pause of {delay:g} s while {doing}", delay=delay)
    if code in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR or not code:
        return UnavailableError(f"Slack answered {status} {code or 'without an answer of its API'} while {doing}")
    if code in _GONE:
        return NotFoundError(f"Slack says {code} while {doing}: {_GONE[code]}")
    remedy = _REMEDIES.get(code, "see the method's page at https://docs.slack.dev")
    return PermanentError(f"Slack says {code} while {doing}: {remedy}{_details(response.data)}")


def _details(data: Mapping[str, Any]) -> str:
    told = [str(data["needed"])] if data.get("needed") else []
    told += [str(message) for message in (data.get("response_metadata") or {}).get("messages", ())]
    return f" ({'; '.join(told)[:500]})" if told else ""
