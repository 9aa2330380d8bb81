"""What services for people say in the bodies of their answers. Pure.

Several answer 200 and tell in the body that the message was not taken, or how long to wait.

Sources: core.telegram.org/bots/api#making-requests and #responseparameters;
api.slack.com/messaging/webhooks (errors) and /web-api#responses; discord.com/developers/docs,
"Rate Limits" and "Error Messages"; Microsoft Learn, "Create an Incoming Webhook" (rate limiting);
and those of `destinations`.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

LONGEST_QUOTE = 200
MOST_ASKED_SECONDS = 24 * 3600

# The texts that Slack's incoming webhooks answer when they take nothing.
_SLACK_ERRORS = {
    "action_prohibited", "channel_is_archived", "channel_not_found", "invalid_blocks",
    "invalid_payload", "invalid_token", "no_active_hooks", "no_service", "no_team", "no_text",
    "posting_to_general_channel_denied", "rollup_error", "team_disabled",
    "too_many_attachments", "user_not_found",
}  # fmt: skip
_TEAMS_FAILED = re.compile(r"delivery failed|returned HTTP error [0-9]{3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What a body says.

    error: why the message was not taken, None where it says nothing of that. wait_seconds: for how
    long it wants to be left alone, 0 where it does not say. moved_to: the chat that a Telegram
    group has become.
    """

    error: str | None = None
    wait_seconds: int = 0
    moved_to: str | None = None


NOTHING_SAID = Said()


def said(form: str, body: bytes) -> Said:
    """Return what the body of an answer says. form: the endpoint's format."""
    read = _READERS.get(form)
    if read is None or not body:
        return NOTHING_SAID
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        document = None
    return read(document, body.decode(errors="replace").strip())


def announced_rest_ms(form: str, headers: Mapping[str, str] | None) -> int:
    """Return how long a service wants nothing more, by the limits that it announces.

    Discord says with each answer how many requests are left, and in how many seconds there are
    more again. 0 where some are left, or nothing is said.
    """
    if form != "discord" or headers is None or headers.get("X-RateLimit-Remaining") != "0":
        return 0
    try:
        seconds = float(headers.get("X-RateLimit-Reset-After", ""))
    except ValueError:
        return 0
    return math.ceil(min(seconds, MOST_ASKED_SECONDS) * 1000) if seconds > 0 else 0


def moved(url: str, chat: str) -> str:
    """Return a Telegram URL with another chat."""
    return re.sub(r"(?<=[?&]chat_id=)[^&#]*", quote(chat, safe=""), url)


def _telegram(document: Any, text: str) -> Said:
    if not isinstance(document, dict) or "ok" not in document:
        return Said(f"it does not answer as Telegram does: {_quoted(text)}")
    if document["ok"] is True:
        return NOTHING_SAID
    told = document.get("parameters")
    parameters = told if isinstance(told, dict) else {}
    wait, chat = _seconds(parameters.get("retry_after")), parameters.get("migrate_to_chat_id")
    return Said(
        f"Telegram says: {_quoted(document.get('description') or text)}",
        wait_seconds=wait,
        moved_to=str(chat) if isinstance(chat, int) and not isinstance(chat, bool) else None,
    )


def _slack(document: Any, text: str) -> Said:
    if isinstance(document, dict) and document.get("ok") is False:
        wait = _seconds(document.get("retry_after"))
        return Said(f"it says: {_quoted(document.get('error') or text)}", wait)
    if text in _SLACK_ERRORS:
        return Said(f"it says: {text}")
    return NOTHING_SAID


def _discord(document: Any, text: str) -> Said:
    if not isinstance(document, dict) or "message" not in document or "id" in document:
        return NOTHING_SAID
    wait = _seconds(document.get("retry_after"))
    if "code" not in document and not wait:
        return NOTHING_SAID
    return Said(f"Discord says: {_quoted(document['message'] or text)}", wait)


def _teams(document: Any, text: str) -> Said:
    if _TEAMS_FAILED.search(text):
        return Said(f"Teams says: {_quoted(text)}")
    error = document.get("error") if isinstance(document, dict) else None
    if error:
        detail = error.get("message") if isinstance(error, dict) else error
        return Said(f"Teams says: {_quoted(detail or text)}")
    return NOTHING_SAID


def _ntfy(document: Any, text: str) -> Said:
    if isinstance(document, dict) and "id" in document and "error" not in document:
        return NOTHING_SAID
    told = document.get("error") if isinstance(document, dict) else None
    return Said(f"ntfy says: {_quoted(told or text)}")


def _matrix(document: Any, text: str) -> Said:
    if isinstance(document, dict) and "event_id" in document:
        return NOTHING_SAID
    told = document if isinstance(document, dict) else {}
    wait = told.get("retry_after_ms")
    ms = wait if isinstance(wait, int | float) and not isinstance(wait, bool) else 0
    words = [str(told[name]) for name in ("errcode", "error") if told.get(name)]
    return Said(f"Matrix says: {_quoted(': '.join(words) or text)}", _seconds(ms / 1000))


def _pagerduty(document: Any, text: str) -> Said:
    told = document if isinstance(document, dict) else {}
    if told.get("status") == "success":
        return NOTHING_SAID
    errors = told.get("errors")
    words = [told.get("message"), *(errors if isinstance(errors, list) else ())]
    return Said(f"PagerDuty says: {_quoted('; '.join(str(one) for one in words if one) or text)}")


def _opsgenie(document: Any, text: str) -> Said:
    told = document if isinstance(document, dict) else {}
    if told.get("result"):
        return NOTHING_SAID
    return Said(f"Opsgenie says: {_quoted(told.get('message') or text)}")


def _seconds(value: Any) -> int:
    """Return a wait in whole seconds, 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return 0
    return math.ceil(min(value, MOST_ASKED_SECONDS))


def _quoted(text: object) -> str:
    line = str(text)
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


_READERS: Mapping[str, Callable[[Any, str], Said]] = {
    "telegram": _telegram,
    "slack": _slack,
    "discord": _discord,
    "teams": _teams,
    "ntfy": _ntfy,
    "matrix": _matrix,
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
}
