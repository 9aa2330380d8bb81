"""Keeps secrets out of what people and log files see. Pure."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

HIDDEN = "…"

_URL = re.compile(r"""\b[a-z][a-z0-9+.-]*://[^\s"'<>\\]+""", re.IGNORECASE)
# Ours (`whsec_…`, `whsk_…`, `ke_<id>_<secret>`), and what follows `Authorization: Bearer`.
_WEBHOOK_SECRET = re.compile(r"\b(whsec|whsk)_[A-Za-z0-9+/_=-]+")
_API_KEY = re.compile(r"\b(ke_[0-9a-z]+)_[0-9A-Za-z]{16,}")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def shown(url: str) -> str:
    """Reduce a URL to `scheme://host:port`: keys stand in its user info, path or query."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return HIDDEN
    if not parts.scheme or not host:
        return HIDDEN
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def names_of(urls: Sequence[str]) -> list[str]:
    """Return a name for each URL: its host and port, numbered where that is not unique.

    Paths, queries and user names of node URLs are keys more often than not: they are left out.
    """
    hosts = [urlsplit(url).netloc.rpartition("@")[2] for url in urls]
    return [
        host if hosts.count(host) == 1 else f"{host}#{hosts[: at + 1].count(host)}"
        for at, host in enumerate(hosts)
    ]


def redacted(text: str) -> str:
    """Return a text without secrets: URLs lose user info, and long words in path and query."""
    if "://" in text:
        text = _URL.sub(lambda found: _without_keys(found[0]), text)
    text = _WEBHOOK_SECRET.sub(rf"\1_{HIDDEN}", text)
    text = _API_KEY.sub(rf"\1_{HIDDEN}", text)
    return _BEARER.sub(rf"\1 {HIDDEN}", text)


def _without_keys(url: str) -> str:
    scheme, _, rest = url.partition("://")
    place = re.match(r"[^/?#]*", rest)
    authority = place[0] if place else ""
    tail = rest[len(authority) :]
    # A hash or an address is public; everything else that is long may be a key.
    tail = re.sub(
        r"[A-Za-z0-9_~.%-]{16,}",
        lambda word: word[0] if re.fullmatch(r"0x[0-9a-fA-F]{40,64}", word[0]) else HIDDEN,
        tail,
    )
    tail = re.sub(r"/bot[0-9]+:[^/?#]*", f"/bot{HIDDEN}", tail)  # a Telegram bot's token
    tail = re.sub(r"([?&][^=&#]+)=[^&#]*", rf"\1={HIDDEN}", tail)
    return f"{scheme}://{authority.rpartition('@')[2]}{tail}"
