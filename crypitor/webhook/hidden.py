"""Keeps what an endpoint calls with out of what is kept of its answers. Pure.

Receivers echo what they were sent: URLs with a bot's token in error pages and redirects, headers in
debugging output. What an answer says is shown to whoever may read.
"""

import html
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

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
    longest, pattern = _pattern(url, tuple(headers.items()), shortest)
    if pattern is None:
        return text
    return pattern.sub(HIDDEN, text[: len(text) - longest] if cut else text)


@lru_cache(maxsize=4096)
def holds_secrets(url: str) -> bool:
    """Tell whether something in a receiver's own URL may be a secret."""
    return any(_in_url(url, SHORTEST_IN_A_PATH))


@lru_cache(maxsize=1024)
def _pattern(
    url: str, headers: tuple[tuple[str, str], ...], shortest: int
) -> tuple[int, re.Pattern[str] | None]:
    secrets = {*_in_url(url, shortest), *_in_headers(headers)}
    written = {form for secret in secrets for form in _forms(secret)}
    if not written:
        return 0, None
    longest_first = sorted(written, key=len, reverse=True)
    return len(longest_first[0]), re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)


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
