"""Messages for people as Teams, ntfy, Matrix, PagerDuty, Opsgenie, mail, Apprise want them. Pure.

What is here is stored with the delivery, and holds no key: `wire` adds what a service wants to see
of the endpoint when it is sent.

Sources: Microsoft Learn, "Create incoming webhooks with Workflows" and the schema of adaptive cards
1.4; docs.ntfy.sh/publish, "Publish as JSON"; Matrix client-server API 1.13, m.room.message;
PagerDuty Events API v2, "Send an Alert Event"; Opsgenie Alert API v2, create, acknowledge, close.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from crypitor.webhook.message import CHATS, MARKDOWN, Message, Piece, cut, joined, safe

EMAIL_SUBJECT_CHARACTERS = 250
NTFY_MESSAGE_CHARACTERS = 1000
APPRISE_TITLE_CHARACTERS = 250
PAGERDUTY_SUMMARY_CHARACTERS = 1024
OPSGENIE_MESSAGE_CHARACTERS = 130
SOURCE = "Crypitor"
_RESOLVING = ("reverted", "ended", "ping")
"""What closes an alert, or opens none: a ping wakes nobody."""

_APPRISE_TYPES: Mapping[str | None, str] = {
    "info": "info", "warning": "warning", "error": "failure", "critical": "failure",
}  # fmt: skip

ALERTS = ("pagerduty", "opsgenie")
"""Formats that open an alert, which can be acknowledged and is closed."""

_NTFY_PRIORITIES: Mapping[str | None, int] = {"info": 2, "warning": 3, "error": 4, "critical": 5}
_OPSGENIE_PRIORITIES: Mapping[str | None, str] = {
    "info": "P5",
    "warning": "P3",
    "error": "P2",
    "critical": "P1",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A message and what it is about.

    key: the same for all that is told of one thing: the id of a match or an endpoint. network: as
    people know it, empty for none. timestamp: RFC 3339. tags, severity: of the monitor.
    """

    message: Message
    key: str
    timestamp: str
    network: str = ""
    tags: Sequence[str] = ()
    severity: str | None = None

    @property
    def resolves(self) -> bool:
        """Whether what was told before is over."""
        return self.message.kind in _RESOLVING

    @property
    def plain(self) -> str:
        """The lines without the headline, as plain text."""
        return joined(self.message.lines, lambda piece: piece.text, "{}")


def destination_body(form: str, told: Told) -> str:
    """Return what a service takes, but for what `wire` adds. form: one of `DESTINATIONS`."""
    return msgspec.json.encode(_BODIES[form](told)).decode()


def acknowledgement_body(form: str, key: str) -> str:
    """Return what tells that somebody takes care of an alert. form: one of `ALERTS`."""
    bodies = {
        "pagerduty": {"event_action": "acknowledge", "dedup_key": key},
        "opsgenie": {"acknowledge": key, "source": SOURCE, "note": "acknowledged in Crypitor"},
    }
    return msgspec.json.encode(bodies[form]).decode()


def _teams(told: Told) -> dict[str, Any]:
    def piece(one: Piece) -> str:
        text = MARKDOWN.sub(r"\\\1", one.text)
        return f"[{text}]({safe(one.url)})" if one.url else text

    texts = [joined([line], piece, "**{}**") for line in told.message.lines]
    headline = {"type": "TextBlock", "wrap": True, "weight": "Bolder", "size": "Medium"}
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {**headline, "text": MARKDOWN.sub(r"\\\1", told.message.headline)},
            *({"type": "TextBlock", "wrap": True, "text": text} for text in texts),
        ],
    }
    if told.message.url:
        action = {"type": "Action.OpenUrl", "title": "Transaction", "url": told.message.url}
        card["actions"] = [action]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _ntfy(told: Told) -> dict[str, Any]:
    body: dict[str, Any] = {
        "title": cut(told.message.headline, 250),
        "message": cut(told.plain or told.message.headline, NTFY_MESSAGE_CHARACTERS),
        "priority": _ntfy_priority(told),
    }
    if told.message.url:
        body["click"] = told.message.url
        body["actions"] = [{"action": "view", "label": "Transaction", "url": told.message.url}]
    return body


def _ntfy_priority(told: Told) -> int:
    """Return it from 1 to 5; 3 is what nothing is said of."""
    usual = 4 if told.message.kind == "reverted" else 3
    return usual if told.resolves else _NTFY_PRIORITIES.get(told.severity, usual)


def _matrix(told: Told) -> dict[str, Any]:
    def piece(one: Piece) -> str:
        text = html.escape(one.text)
        return f'<a href="{html.escape(one.url)}">{text}</a>' if one.url else text

    lines = [(Piece(told.message.headline, bold=True),), *told.message.lines]
    return {
        "msgtype": "m.text",
        "body": "\n".join(filter(None, (told.message.headline, told.plain))),
        "format": "org.matrix.custom.html",
        "formatted_body": joined(lines, piece, "<strong>{}</strong>").replace("\n", "<br>"),
        "m.mentions": {},
    }


def _pagerduty(told: Told) -> dict[str, Any]:
    if told.resolves:
        return {"event_action": "resolve", "dedup_key": told.key}
    body: dict[str, Any] = {
        "event_action": "trigger",
        "dedup_key": told.key,
        "client": SOURCE,
        "payload": {
            "summary": cut(told.message.headline, PAGERDUTY_SUMMARY_CHARACTERS),
            "source": told.network or SOURCE,
            "severity": told.severity or "warning",
            "timestamp": told.timestamp,
            "custom_details": {"message": told.plain, "tags": list(told.tags)},
        },
    }
    if told.message.url:
        body["links"] = [{"href": told.message.url, "text": "Transaction"}]
    return body


def _opsgenie(told: Told) -> dict[str, Any]:
    if told.resolves:
        return {"close": told.key, "source": SOURCE, "note": told.message.headline}
    link = f"\n{told.message.url}" if told.message.url else ""
    return {
        "message": cut(told.message.headline, OPSGENIE_MESSAGE_CHARACTERS),
        "alias": told.key,
        "description": told.message.headline + "\n" + told.plain + link,
        "tags": [tag[:50] for tag in told.tags[:20]],
        "entity": told.network,
        "source": SOURCE,
        "priority": _OPSGENIE_PRIORITIES.get(told.severity, "P3"),
    }


def _email(told: Told) -> dict[str, Any]:
    def plain(one: Piece) -> str:
        return f"{one.text} ({one.url})" if one.url else one.text

    def marked(one: Piece) -> str:
        text = html.escape(one.text)
        return f'<a href="{html.escape(one.url)}">{text}</a>' if one.url else text

    lines = [(Piece(told.message.headline, bold=True),), *told.message.lines]
    return {
        "subject": cut(told.message.headline, EMAIL_SUBJECT_CHARACTERS),
        "text": joined(lines, plain, "{}"),
        "html": "<p>" + joined(lines, marked, "<b>{}</b>").replace("\n", "<br>\n") + "</p>\n",
        "thread": told.key,
    }


def _apprise(told: Told) -> dict[str, Any]:
    if told.resolves:
        kind = "info" if told.message.kind == "reverted" else "success"
    else:
        kind = _APPRISE_TYPES.get(told.severity, "warning")
    link = f"\n{told.message.url}" if told.message.url else ""
    return {
        "title": cut(told.message.headline, APPRISE_TITLE_CHARACTERS),
        "body": (told.plain or told.message.headline) + link,
        "type": kind,
    }


_BODIES: Mapping[str, Callable[[Told], dict[str, Any]]] = {
    "teams": _teams,
    "ntfy": _ntfy,
    "matrix": _matrix,
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
    "email": _email,
    "apprise": _apprise,
}
DESTINATIONS = tuple(_BODIES)
PEOPLE = (*CHATS, *DESTINATIONS)
"""All formats that are messages for people: their URLs are keys, and their bodies are read."""
