"""Keeps what an endpoint calls with out of what is kept of its answers. Pure.

Receivers echo what they were sent: URLs with a bot's token in error pages and redirects, headers in
debugging output. What an answer says is shown to whoever may read.
"""

import html
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from crypitor.runtime.remembered import remembered

HIDDEN = "…"
SHORTEST_SECRET = 8
SHORTEST_IN_A_PATH = 16
"""Of a receiver's own URL, in whose path names stand more often than keys."""

# Parts of services' paths that everybody knows, and what a chat's URL says of the chat.
_PUBLIC = {
    "IncomingWebhook", "incoming", "integrations", "m.room.message", "sendMessage", "services",
    "triggers", "webhook", "webhookb2", "webhooks", "workflows",
}  # fmt: skip
_PUBLIC_PARAMETERS = {"api-version", "chat_id", "from", "to", "message_thread_id", "sp", "sv"}


def without_secrets(
    text: str, url: str, headers: Mapping[str, str], *, chat: bool = True, cut: bool = False
) -> str:
    """Return a text without what is secret in an endpoint's URL and headers.

    chat: whether the URL is a service's, whose path is a key. cut: the text ends where it was cut
    off: what may be the beginning of a secret goes too.
    """
    shortest = SHORTEST_SECRET if chat else SHORTEST_IN_A_PATH
    secrets = _written(url, tuple(headers.items()), shortest)
    if not secrets:
        return text
    if cut:
        text = text[: max(0, len(text) - len(secrets[0]))]
    # One search for each: a pattern of all of them takes a second and 800 MB to compile where
    # headers are as long as they may be. What one of them covers is not looked at again.
    lowered, shown = _lowered(text), [(0, len(text))]
    for secret in secrets:
        if secret in lowered:
            shown = [part for span in shown for part in _around(secret, lowered, *span)]
    return HIDDEN.join(text[start:stop] for start, stop in shown)


def _around(secret: str, lowered: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield what is left of a part of a text without a secret: what stands before it and behind."""
    while (place := lowered.find(secret, start, stop)) >= 0:
        yield start, place
        start = place + len(secret)
    yield start, stop


@lru_cache(maxsize=4096)
def holds_secrets(url: str) -> bool:
    """Tell whether something in a receiver's own URL may be a secret."""
    return any(_in_url(url, SHORTEST_IN_A_PATH))


def _size(url: str, headers: tuple[tuple[str, str], ...], _shortest: int) -> int:
    return len(url) + sum(len(value) for _, value in headers)


@remembered(_size)
def _written(url: str, headers: tuple[tuple[str, str], ...], shortest: int) -> tuple[str, ...]:
    """Return all secrets in every form in which they may be written, lowered, longest first."""
    secrets = {*_in_url(url, shortest), *_in_headers(headers)}
    written = {_lowered(form) for secret in secrets for form in _forms(secret)}
    return tuple(sorted(written, key=len, reverse=True))


def _lowered(text: str) -> str:
    """Return a text in lower case, each letter in its place: one that would become two stays."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)


def _in_url(url: str, shortest: int) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # no request leads there, and nothing of it can be told apart
        yield url
        return
    for segment in parts.path.split("/"):
        word = unquote(segment)
        if found := re.fullmatch("bot(.*:.*)", word):  # a Telegram bot's token
            yield found[1]
            yield found[1].partition(":")[2]
        elif len(word) >= shortest and word not in _PUBLIC:
            yield word
    for name, value in parse_qsl(parts.query):
        if len(value) >= SHORTEST_SECRET and name not in _PUBLIC_PARAMETERS:
            yield value


def _in_headers(headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for _, value in headers:
        # With a scheme before it, as in `Bearer …`, the credential alone is as good.
        for part in (value, value.rpartition(" ")[2]):
            if len(part) >= SHORTEST_SECRET:
                yield part


def _forms(secret: str) -> set[str]:
    """Return a secret as it may be written: in a URL, in JSON, in HTML."""
    forms = {secret, quote(secret), quote(secret, safe=""), secret.replace("/", "\\/")}
    return {form for form in (*forms, html.escape(secret)) if form}
