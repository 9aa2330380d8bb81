"""How the stored body of a service is sent: method, path, and what it wants to see of a key. Pure.

The body of a delivery is shown by the API; so what it is sent with is added here.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import msgspec

from crypitor.errors import Invalid, Mistake
from crypitor.webhook.mail import EMAIL, login_of

ROUTING_KEY = "x-routing-key"
APPRISE = "apprise"
SERVICE_URL = "x-apprise-url"
WIRED = ("ntfy", "matrix", "pagerduty", "opsgenie")
"""Formats that are not a POST of the stored body to the endpoint's URL."""

_MATRIX = re.compile(r"/_matrix/client/(v3|r0)/rooms/[^/]+/send/m\.room\.message")
_NAMED = re.compile(r"apprise://[A-Za-z0-9._-]{1,63}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Wired:
    """A request. target: path and query (RFC 9112, 3.2.1)."""

    method: str
    target: str
    body: bytes


def wired(form: str, url: str, headers: Mapping[str, str], webhook_id: str, body: bytes) -> Wired:
    """Return what is sent. form: one of `WIRED`. body: as it is stored."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    path = parts.path.rstrip("/")
    if form == "matrix":  # the same id does nothing twice, whatever is tried again
        return Wired("PUT", f"{path}/{quote(webhook_id, safe='')}{query}", body)
    if form == "ntfy":
        folder, _, topic = path.rpartition("/")
        return Wired("POST", f"{folder}/{query}", _with("topic", unquote(topic), body))
    if form == "pagerduty":
        return Wired("POST", f"{path}{query}", _with("routing_key", routing_key(headers), body))
    document = msgspec.json.decode(body)
    for action in ("close", "acknowledge"):
        if (alias := document.pop(action, None)) is not None:
            target = f"{path}/{quote(alias, safe='')}/{action}?identifierType=alias"
            return Wired("POST", target, msgspec.json.encode(document))
    return Wired("POST", f"{path}{query}", body)


def routing_key(headers: Mapping[str, str]) -> str:
    """Return PagerDuty's key, which an endpoint has among its headers; empty for none."""
    return next((value for name, value in headers.items() if name.lower() == ROUTING_KEY), "")


def service_url(headers: Mapping[str, str]) -> str:
    """Return the URL by which Apprise knows a service, among the headers; empty for none."""
    return next((value for name, value in headers.items() if name.lower() == SERVICE_URL), "")


def check_destination(form: str, url: str, headers: Mapping[str, str]) -> None:
    """Raise Invalid, with pointers, where a format, its URL and its headers do not go together."""
    if form == EMAIL:
        login_of(headers)
    check = _CHECKS.get(form)
    names = {name.lower() for name, value in headers.items() if value}
    path = urlsplit(url).path.rstrip("/")
    if form == APPRISE and not _NAMED.fullmatch(url):
        path = url
    mistakes = check(path, names) if check else []
    if mistakes:
        raise Invalid(f"this cannot be sent to {form}", mistakes)


def _matrix_mistakes(path: str, names: Collection[str]) -> list[Mistake]:
    mistakes = []
    if not _MATRIX.fullmatch(path):
        wrong = "write https://<server>/_matrix/client/v3/rooms/<room id>/send/m.room.message"
        mistakes.append(Mistake("/url", wrong))
    if "authorization" not in names:
        wrong = "Matrix wants Authorization: Bearer <access token>"
        mistakes.append(Mistake("/headers", wrong))
    return mistakes


def _ntfy_mistakes(path: str, _: Collection[str]) -> list[Mistake]:
    if _TOPIC.fullmatch(unquote(path.rpartition("/")[2])):
        return []
    return [Mistake("/url", "write https://<server>/<topic>: up to 64 letters, digits, _ and -")]


def _pagerduty_mistakes(_: str, names: Collection[str]) -> list[Mistake]:
    if ROUTING_KEY in names:
        return []
    wrong = "PagerDuty wants the integration's key as the header X-Routing-Key"
    return [Mistake("/headers", wrong)]


def _apprise_mistakes(path: str, names: Collection[str]) -> list[Mistake]:
    mistakes = []
    if path:
        wrong = "write apprise://<name>: a name of your own; what opens the service is a header"
        mistakes.append(Mistake("/url", wrong))
    if SERVICE_URL not in names:
        wrong = "Apprise wants the service's URL as the header X-Apprise-URL"
        mistakes.append(Mistake("/headers", wrong))
    return mistakes


def _opsgenie_mistakes(path: str, names: Collection[str]) -> list[Mistake]:
    mistakes = []
    if not path.endswith("/v2/alerts"):
        wrong = "write https://api.opsgenie.com/v2/alerts, or the same of api.eu.opsgenie.com"
        mistakes.append(Mistake("/url", wrong))
    if "authorization" not in names:
        wrong = "Opsgenie wants Authorization: GenieKey <API key>"
        mistakes.append(Mistake("/headers", wrong))
    return mistakes


def _with(name: str, value: str, body: bytes) -> bytes:
    return msgspec.json.encode({name: value, **msgspec.json.decode(body)})


_CHECKS: Mapping[str, Callable[[str, Collection[str]], list[Mistake]]] = {
    "matrix": _matrix_mistakes,
    "ntfy": _ntfy_mistakes,
    "pagerduty": _pagerduty_mistakes,
    "opsgenie": _opsgenie_mistakes,
    APPRISE: _apprise_mistakes,
}
