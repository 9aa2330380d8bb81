"""Keeps secrets out of what people and log files see. Pure."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

HIDDEN = "…"

LONGEST = 8 * 1024
"""Characters of a text that are looked at, and then shown; strangers write longer ones."""

# All patterns are linear: what they read may be anybody's. What stands before :// does not matter.
_URL = re.compile(r"""://[^\s"'<>\\]+""")
# A hash or an address is public; everything else that is long may be a key.
_LONG_WORD = re.compile(r"[A-Za-z0-9_~.%-]{16,}")
_PUBLIC = re.compile(r"0x[0-9a-fA-F]{40,64}")
_BOT_TOKEN = re.compile(r"/bot[0-9]+:[^/?#]*")  # of Telegram
_PARAMETER = re.compile(r"([?&][^=&#?]+)=[^&#]*")
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


def cut(text: str, most: int = LONGEST) -> str:
    """Return the beginning of a text that is longer than `most`, and how long it is.

    It ends before the word, or the URL, in whose middle it would end: half a secret is not seen to
    be one.
    """
    if len(text) <= most:
        return text
    kept = text[:most]
    word = max(map(kept.rfind, " \n\t\"'")) + 1
    url = kept.find("://", word)
    kept = kept[:word] if url >= 0 else kept.rstrip(_OF_WORDS)
    return f"{kept}{HIDDEN} ({len(text)} characters)"


_OF_WORDS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=~.%-"


def redacted(text: str) -> str:
    """Return a text without secrets: URLs lose user info, and long words in path and query.

    What is longer than LONGEST is cut first.
    """
    text = cut(text)
    if "://" in text:
        text = _URL.sub(lambda found: _without_keys(found[0]), text)
    text = _WEBHOOK_SECRET.sub(rf"\1_{HIDDEN}", text)
    text = _API_KEY.sub(rf"\1_{HIDDEN}", text)
    return _BEARER.sub(rf"\1 {HIDDEN}", text)


def _without_keys(url: str) -> str:
    scheme, _, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    tail = _LONG_WORD.sub(lambda word: word[0] if _PUBLIC.fullmatch(word[0]) else HIDDEN, tail)
    tail = _BOT_TOKEN.sub(f"/bot{HIDDEN}", tail)
    tail = _PARAMETER.sub(rf"\1={HIDDEN}", tail)
    return f"{scheme}://{authority.rpartition('@')[2]}{tail}"
