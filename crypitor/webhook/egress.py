"""Who may be called: checked when a URL is saved, and again at every connection.

The second check is the one that counts: it sees the address that is dialled, whatever DNS says by
then. The first gives the user a sentence instead of a failed delivery. `ipaddress.is_global` is not
enough for either: it calls NAT64, 6to4, multicast and two clouds' metadata addresses global.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, TypeAlias

from yarl import URL

from crypitor.errors import Invalid, Mistake

Network: TypeAlias = IPv4Network | IPv6Network

LONGEST_URL = 2048
MOST_HEADERS = 32
LONGEST_HEADER = 4096

# IANA special-purpose registries, multicast, and addresses that clouds use for themselves though
# they look public (168.63.129.16: Azure). Forms that carry an IPv4 address inside are refused even
# when that address is public: nobody needs them to be reached.
_DENIED = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24
    198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32
    ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64
    2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10
    fec0::/10 ff00::/8
"""
DENIED = tuple(ip_network(text) for text in _DENIED.split())
_GLOBAL_UNICAST = ip_network("2000::/3")
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

# Names that only an inside network resolves (RFC 6761, 6762, 8375, ICANN's .internal, custom).
_INSIDE = re.compile(
    r"(^|\.)(localhost|localdomain|local|internal|intranet|home\.arpa|home|lan|corp|private|svc)$"
)
_LOCALHOST = re.compile(r"(^|\.)(localhost|localdomain)$")
# Read from the text itself: parsers forgive an empty user name, or a sign before the port.
_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_BEHIND_AUTHORITY = re.compile(r"https?://[^/?#]*([^#]*)", re.IGNORECASE)
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# What we say about a request, and what frames it: not the user's.
_OWN_HEADERS = {
    "connection", "content-encoding", "content-length", "expect", "host", "http2-settings",
    "keep-alive", "te", "trailer", "trailers", "transfer-encoding", "upgrade",
}  # fmt: skip
_OWN_PREFIXES = ("webhook-", "proxy-")


class NotPublicError(OSError):
    """An address that may not be called; an OSError, so that a name's next one is tried."""


def networks(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of `webhook.allow_private`. Raises ValueError for one that is none."""
    return tuple(ip_network(cidr) for cidr in cidrs)


def check_address(sockaddr: Sequence[Any], allow: Sequence[Network]) -> None:
    """Raise NotPublicError unless an address is public or in a network that is allowed.

    sockaddr: as the socket gets it: host, port, and for IPv6 flow and scope.
    """
    host = str(sockaddr[0])
    if not _may_be_called(host, allow):
        raise NotPublicError(f"{host} is not a public address")


def check_url(url: str, allow: Sequence[Network] = ()) -> str:
    """Return a URL as it will be called. Raises Invalid with the reason why it cannot be.

    Path and query stay as they are written, to the byte: receivers sign them, and sort by them. The
    fragment goes; scheme and host are in lower case, the host in ASCII (RFC 5891).
    """
    return f"{called_url(url, allow).origin()}{_behind_authority(url)}"


def request_target(url: str) -> str:
    """Return path and query of a URL as they are written; `/` for no path. RFC 9112, 3.2.1."""
    written = _behind_authority(url)
    return written if written.startswith("/") else f"/{written}"


def called_url(url: str, allow: Sequence[Network]) -> URL:
    """Return our own reading of where a URL leads; what is asked for there: `request_target`."""
    parsed = _parsed(url)
    if parsed.scheme not in ("http", "https"):
        raise Invalid("the URL has to begin with https:// or http://")
    _check_authority(url)
    if not parsed.port:
        raise Invalid("the port of the URL has to be 1 to 65535")
    host = parsed.raw_host or ""
    if ":" in host:
        _check_literal(host, allow)
    else:
        _check_name(host.removesuffix("."), allow)
    return parsed


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Invalid, with a pointer to each, for headers that an endpoint cannot have."""
    if len(headers) > MOST_HEADERS:
        raise Invalid(f"an endpoint has at most {MOST_HEADERS} headers")
    mistakes = []
    for name, value in headers.items():
        pointer = "/headers/" + name.replace("~", "~0").replace("/", "~1")
        if not _HEADER_NAME.fullmatch(name):
            mistakes.append(Mistake(pointer, "this is not the name of a header"))
        elif "_" in name:
            mistakes.append(
                Mistake(pointer, "no underscore: many servers drop such names, or take _ for -")
            )
        elif is_own_header(name):
            mistakes.append(
                Mistake(pointer, "this header is the sender's: it says how the body is sent")
            )
        elif not (value.isascii() and value.isprintable()):
            mistakes.append(Mistake(pointer, "a value is printable ASCII"))
        elif len(name) + len(value) > LONGEST_HEADER:
            mistakes.append(Mistake(pointer, f"a header has at most {LONGEST_HEADER} characters"))
    if mistakes:
        raise Invalid("the headers cannot be used", mistakes)


def is_own_header(name: str) -> bool:
    """Tell whether a header is the sender's alone: signature, host and what frames the body.

    By whichever name a server may take for it.
    """
    lowered = name.lower().replace("_", "-")
    return lowered in _OWN_HEADERS or lowered.startswith(_OWN_PREFIXES)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the internet's, by our own list."""
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in DENIED)


def _may_be_called(host: str, allow: Sequence[Network]) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if any(address in network for network in allow):
        return True
    return "%" not in host and is_public(address)


def _behind_authority(url: str) -> str:
    found = _BEHIND_AUTHORITY.match(url)
    return found[1] if found else ""


def _parsed(url: str) -> URL:
    if len(url) > LONGEST_URL:
        raise Invalid(f"the URL is longer than {LONGEST_URL} characters")
    if not _behind_authority(url).isascii():
        raise Invalid("path and query of the URL have to be ASCII, the rest percent-encoded")
    if not re.match(r"https?://[^/]", url, re.IGNORECASE):
        raise Invalid("the URL has to begin with https:// or http:// and a host")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise Invalid("the URL must not hold spaces, control characters or backslashes")
    authority = _AUTHORITY.match(url)
    if authority and not _is_plain(authority[1]):
        raise Invalid("the host of the URL is not a name: write its letters in their usual form")
    try:
        parsed = URL(url)
        _ = parsed.port  # parsed late, and raises late
    except ValueError as error:
        raise Invalid(f"this is not a URL: {error}") from error
    return parsed


def _is_plain(text: str) -> bool:
    """Tell whether what is not ASCII are letters, none of them another way to write others.

    So a name with umlauts is one, and digits in circles or a full stop of another script are not.
    """
    return unicodedata.normalize("NFKC", text) == unicodedata.normalize("NFC", text) and all(
        one.isascii() or unicodedata.category(one)[0] in "LM" for one in text
    )


def _check_authority(url: str) -> None:
    authority = _AUTHORITY.match(url)
    text = authority[1] if authority else ""
    if "@" in text:
        raise Invalid("the URL must not hold a user name or password: use the endpoint's headers")
    _, colon, port = text.rpartition("]")[2].partition(":")
    if colon and not port.isdigit():
        raise Invalid("the port of the URL has to be a number")


def _check_literal(host: str, allow: Sequence[Network]) -> None:
    if not _may_be_called(host, allow):
        raise Invalid(f"{host} is not a public address (see webhook.allow_private)")


def _check_name(host: str, allow: Sequence[Network]) -> None:
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            IPv4Address(host)
        except ValueError as error:
            raise Invalid(f"{host} is not an IPv4 address in its usual form") from error
        _check_literal(host, allow)
        return
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise Invalid("the host of the URL is not a name")
    if _LOCALHOST.search(host):
        if not any(_overlaps(network, _LOOPBACK) for network in allow):
            raise Invalid(f"{host} is this machine (see webhook.allow_private)")
    elif ("." not in host or _INSIDE.search(host)) and not allow:
        raise Invalid(f"{host} is a name of an inside network (see webhook.allow_private)")


def _overlaps(network: Network, others: Iterable[Network]) -> bool:
    return any(type(network) is type(other) and network.overlaps(other) for other in others)
