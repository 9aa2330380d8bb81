"""Places that no webhook goes to, whatever `allow_private` opens: those of the service itself.

Its listener, its database, its Kafka and its nodes trust who reaches them; an endpoint's owner
must not reach them through us. A place is a host and a port. One that is named by address, or whose
name leads to an address inside, is closed by address too; one on this machine is closed on all its
addresses, as who listens on one often listens on all. One at a public name is closed by that name
alone, because the addresses of large providers serve everybody.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from aiohttp.abc import AbstractResolver
from yarl import URL

from crypitor.errors import Invalid
from crypitor.webhook.egress import NotPublicError, is_public
from crypitor.webhook.ports import Ports

Place = tuple[str, int]

LOOK_UP_SECONDS = 2.0


class Closed:
    """The service's own places, and ports that nobody's webhooks go to.

    places: host and port of what it calls. ports: it listens on. callable_ports: of receivers.
    """

    def __init__(
        self,
        places: Iterable[Place] = (),
        ports: Iterable[int] = (),
        callable_ports: Ports | None = None,
    ) -> None:
        self._names = frozenset((_host(host), port) for host, port in places)
        self._ports = {port for _, port in self._names}
        self._addresses = {
            (str(address), port) for host, port in self._names for address in _literals(host)
        }
        self._own_ports = set(ports)
        for host, port in self._names:
            self._note_here(_literals(host), port)
        self._callable = callable_ports or Ports()

    def check_port(self, url: URL) -> None:
        """Raise Invalid for a URL whose port is not a receiver's."""
        self._callable.check(url.port or 0)

    def _note_here(self, addresses: Iterable[IPv4Address | IPv6Address], port: int) -> None:
        """Close a port on all addresses of this machine where a place of ours is on one of them."""
        if port not in self._own_ports and any(map(_is_here, addresses)):
            self._own_ports.add(port)

    def listens(self, port: int) -> None:
        """Close a port of this machine, on all its addresses: we listen there ourselves."""
        self._own_ports.add(port)

    def check_url(self, url: URL) -> None:
        """Raise Invalid for a URL that names a place of the service."""
        port = url.port or 0
        if port not in self._ports and port not in self._own_ports:
            return
        host = _host(url.raw_host or "")
        literals = _literals(host)
        if (host, port) in self._names or any(self._is_closed(one, port) for one in literals):
            raise Invalid(f"{host}:{port} belongs to this service itself")

    def check_address(self, sockaddr: Sequence[Any]) -> None:
        """Raise NotPublicError for the address of such a place. sockaddr: as the socket gets it."""
        host, port = str(sockaddr[0]), int(sockaddr[1])
        if any(self._is_closed(one, port) for one in _literals(host)):
            raise NotPublicError(f"{host}:{port} belongs to this service itself")

    async def look_up(self, resolver: AbstractResolver) -> None:
        """Find where the names inside lead to now; what does not answer stays as it was."""
        names = [place for place in self._names if not _literals(place[0])]
        await asyncio.gather(*(self._look_up(resolver, *place) for place in names))

    async def _look_up(self, resolver: AbstractResolver, host: str, port: int) -> None:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await resolver.resolve(host, port, socket.AF_UNSPEC)
        except (OSError, TimeoutError):
            return
        for each in found:
            addresses = _literals(each["host"])
            self._note_here(addresses, port)
            for address in addresses:
                if not is_public(address):
                    self._addresses.add((str(address), port))

    def _is_closed(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        if port in self._ports and (str(address), port) in self._addresses:
            return True
        return port in self._own_ports and _is_here(address)


def _host(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _literals(host: str) -> list[IPv4Address | IPv6Address]:
    """Return the addresses that a host means without being asked for; none for most names."""
    if host in ("localhost", "localhost.localdomain"):
        return [ip_address("127.0.0.1"), ip_address("::1")]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return []
    mapped = address.ipv4_mapped if address.version == 6 else None
    return [address, mapped] if mapped else [address]


def _is_here(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is this machine's: only then can a socket be bound to it."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
