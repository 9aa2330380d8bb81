"""JSON without what is secret in it: for what is kept of requests and answers. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from crypitor.runtime.redaction import redacted, shown

HIDDEN = "***"
SECRET_NAMES = frozenset({"secret", "secrets", "old_secrets", "password", "token", "authorization"})
SECRET_TABLES = frozenset({"headers", "request_headers"})
MOST_LISTED = 100


def concealed(document: Any) -> Any:
    """Return JSON with its secrets hidden, and of long lists of addresses the beginning.

    What a member is called says what it holds: a secret, headers, a URL, of which the host stays
    (its path and query are keys more often than not). Secrets of our own form are hidden anywhere.
    """
    if isinstance(document, Mapping):
        return {name: _member(name, value) for name, value in document.items()}
    if isinstance(document, str):
        return redacted(document)
    if isinstance(document, Sequence):
        return [concealed(value) for value in document]
    return document


def _member(name: str, value: Any) -> Any:
    lower = name.lower()
    if value is None or isinstance(value, bool):
        return value
    if lower in SECRET_NAMES:
        return HIDDEN
    if lower in SECRET_TABLES and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    if lower == "url" and isinstance(value, str):
        place = shown(value)
        return value if place == value.rstrip("/") else f"{place}/{HIDDEN}"
    if lower == "addresses" and isinstance(value, Sequence) and not isinstance(value, str):
        return [concealed(one) for one in value[:MOST_LISTED]]
    return concealed(value)
