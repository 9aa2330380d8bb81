"""What stands before all that is answered: by which name, through whom, from whose page one asks.

Nothing of a forwarding header is believed but what a trusted proxy wrote into it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal, TypeAlias

from multidict import CIMultiDictProxy

from crypitor.errors import Forbidden, Misdirected

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address
Headers: TypeAlias = CIMultiDictProxy[str]

MOST_HOPS = 32
"""Of a chain of proxies that is followed back."""

FORWARDING = frozenset((
    "cf-connecting-ip", "client-ip", "fastly-client-ip", "forwarded", "true-client-ip", "via",
    "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for", "x-original-host",
    "x-original-url", "x-real-ip", "x-rewrite-url",
))  # fmt: skip
"""Names that proxies add, lower-case, beside all that begin with `x-forwarded`."""

_PORT = re.compile(r":\d{1,5}$")
_SAME = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class Front:
    """What the configuration says of who may ask.

    hosts: names that the service has, lower-case; none for any. proxies: whose X-Forwarded-*
    headers are believed. origins: of pages that may call the API. base_path: before every path at
    the proxy, "" or as in "/crypitor". open_to: who sees the details without a key.
    """

    hosts: frozenset[str] = frozenset()
    proxies: Sequence[Network] = ()
    origins: frozenset[str] = frozenset()
    base_path: str = ""
    open_to: Literal["nobody", "loopback", "everybody"] = "loopback"

    def is_proxy(self, peer: object) -> bool:
        """Tell whether what is said by whoever connects from there is believed."""
        address = _address(str(peer))
        return address is not None and any(address in network for network in self.proxies)

    def opens_to(self, peer: str, host: str, headers: Headers, *, auth: bool = True) -> bool:
        """Tell whether the details are shown without a key. peer: where the connection is from."""
        if not auth or self.open_to != "loopback":
            return self.open_to == "everybody" or not auth
        return (
            comes_from_here(peer)
            and is_this_machine(host)
            and not (self.is_proxy(peer) or is_forwarded(headers) or is_foreign(host, headers))
        )

    def client_of(self, peer: str, headers: Headers) -> str:
        """Return the address that a trusted proxy names: the last that is not a proxy's itself."""
        client = peer
        hops = ",".join(headers.getall("X-Forwarded-For", ())).split(",")[-MOST_HOPS:]
        for hop in reversed(hops):
            address = _address(_without_port(hop.strip()))
            if address is None:
                break
            client = str(address)
            if not self.is_proxy(client):
                break
        return client

    def check_host(self, host: str) -> None:
        """Raise Misdirected for a name that is not the service's.

        Addresses and localhost always pass: no page of another site can have them for its name.
        """
        if not self.hosts:
            return
        name = host_name(host)
        if name not in self.hosts and not _is_literal(name):
            raise Misdirected("this service does not have the name that was called")


def refuse_all_but_local(host: str, headers: Headers) -> None:
    """Raise Forbidden for what did not come straight from a program or page of this machine.

    Where there are no keys, this is what keeps others out: a proxy that listens for them, and pages
    in a browser of this machine, also under names of their own that lead here.
    """
    if not all(map(is_this_machine, (host, *headers.getall("Host", ())))):
        raise Forbidden("without keys only requests to localhost are answered")
    if is_forwarded(headers):
        raise Forbidden(
            "without keys nothing is answered through a proxy; one may stand before it with"
            " api.auth = true"
        )
    if is_foreign(host, headers):
        raise Forbidden("without keys nothing is answered to a page of another site")


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Tell whether a proxy says that it stands before us."""
    lowered = [name.lower().replace("_", "-") for name in headers]
    return any(name in FORWARDING or name.startswith("x-forwarded") for name in lowered)


def is_foreign(host: str, headers: Headers) -> bool:
    """Tell whether a browser says that another site's page asks.

    host: as it was called. A browser that names no site names the origin, where it matters.
    """
    if any(site not in _SAME for site in headers.getall("Sec-Fetch-Site", ())):
        return True
    return any(
        origin.partition("://")[2].lower() != host.lower()
        for origin in headers.getall("Origin", ())
    )


def host_name(host: str) -> str:
    """Return the name of a Host header, without port and brackets, in lower case."""
    return _PORT.sub("", host).strip("[]").rstrip(".").lower()


def is_this_machine(host: str) -> bool:
    """Tell whether a Host header names this machine, and not some DNS name that leads to it."""
    name = host_name(host)
    address = _address(name)
    return name == "localhost" if address is None else is_loopback(address)


def is_loopback(address: Address) -> bool:
    """Tell whether an address is this machine's to itself, also written as IPv6."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def comes_from_here(peer: str) -> bool:
    """Tell whether a connection comes from this machine."""
    address = _address(peer)
    return address is not None and is_loopback(address)


def _is_literal(name: str) -> bool:
    return name == "localhost" or _address(name) is not None


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(text: str) -> str:
    """Return the address of `192.0.2.1:80`, `[2001:db8::1]:80`, or of itself."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
