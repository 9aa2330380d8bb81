"""Who is connected: how many in all and from each address, and who gives way to the next."""

import select
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any, Protocol, runtime_checkable

LOOK_SECONDS = 0.05
"""Between two looks at who has gone, where there is no room: each takes some hundred calls."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of the connections to one port. heads are of requests, with their first line.

    head_seconds: for all of a head, from its first byte or the connection's beginning on.
    body_seconds: without a byte of a body that has begun. read_seconds: in which an answer that
    waits to be read shrinks by `least_read_bytes`, or is read. idle_seconds: between two requests.
    look_seconds: between two looks at all of them. shared: tells whether many clients come from an
    address, as from a proxy: then they count in all alone.
    """

    connections: int = 1_000
    connections_per_address: int = 250
    head_bytes: int = 32 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    read_seconds: float = 30.0
    least_read_bytes: int = 16 * 1024
    idle_seconds: float = 75.0
    look_seconds: float = 1.0
    shared: Callable[[str], bool] = lambda _: False


class Guest(Protocol):
    """A connection."""

    def leave(self) -> None:
        """Be closed now."""

    @property
    def has_gone(self) -> bool:
        """Whether nobody is at its other end any more, which no loop tells of."""


@runtime_checkable
class MayLeave(Protocol):
    """A connection that can be said to be of no matter for now."""

    def may_leave(self) -> None:
        """Say that what is under way may be given up for another connection."""


@dataclass(slots=True)
class _Crowd:
    """Connections of one address, or all. idle: those that wait for a request, longest first."""

    all: set[Guest] = field(default_factory=set)
    idle: OrderedDict[Guest, None] = field(default_factory=OrderedDict)


class Crowd:
    """Counts connections.

    Where there are too many, the one that has been without a request for longest gives way to a new
    one: who only holds connections shuts nobody out. Where all have requests under way, the new one
    is refused, unless some of them are found to have gone. clock: seconds that only grow.
    """

    def __init__(self, bounds: Bounds, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bounds = bounds
        self._clock = clock
        self._looked = float("-inf")
        self._everybody = _Crowd()
        self._of: dict[str, _Crowd] = {}

    @property
    def guests(self) -> list[Guest]:
        """All connections."""
        return list(self._everybody.all)

    def admitted(self, guest: Guest, address: str, *, shared: bool = False) -> bool:
        """Take in a connection, as one that is idle; False where there is no room for it."""
        bounds = self._bounds
        mine = self._of.get(address) or _Crowd()
        for crowd, most in (
            (mine, bounds.connections if shared else bounds.connections_per_address),
            (self._everybody, bounds.connections),
        ):
            if len(crowd.all) >= most and not self._makes_room(crowd):
                return False
        mine = self._of.setdefault(address, mine)
        for crowd in (mine, self._everybody):
            crowd.all.add(guest)
            crowd.idle[guest] = None
        return True

    def _makes_room(self, crowd: _Crowd) -> bool:
        """Close the one that has been idle for longest, or those who have gone; tell whether."""
        if crowd.idle:
            next(iter(crowd.idle)).leave()
            return True
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        gone = [guest for guest in crowd.all if guest.has_gone]
        for guest in gone:
            guest.leave()
        return bool(gone)

    def is_busy(self, guest: Guest, address: str) -> None:
        """Note that a request has come on a connection."""
        if address in self._of:
            self._of[address].idle.pop(guest, None)
            self._everybody.idle.pop(guest, None)

    def is_idle(self, guest: Guest, address: str) -> None:
        """Note that a connection waits for its next request, or for what may be given up."""
        crowd = self._of.get(address)
        if crowd is not None and guest in crowd.all:
            crowd.idle[guest] = self._everybody.idle[guest] = None

    def left(self, guest: Guest, address: str) -> None:
        """Forget a connection."""
        crowd = self._of.get(address)
        for one in (crowd, self._everybody):
            if one is not None:
                one.all.discard(guest)
                one.idle.pop(guest, None)
        if crowd is not None and not crowd.all:
            del self._of[address]


def peer_of(transport: Any) -> str:
    """Return the address that a connection comes from; "" for what has none."""
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""


def has_gone(transport: Any) -> bool:
    """Tell whether the other side has ended a connection; no loop does while nothing is read of it.

    False where the system does not say.
    """
    if not hasattr(select, "poll"):
        return False
    look, ended = select.poll(), select.POLLERR | select.POLLHUP | getattr(select, "POLLRDHUP", 0)
    try:
        look.register(transport.get_extra_info("socket").fileno(), ended)
        return any(said & ended for _, said in look.poll(0))
    except (OSError, ValueError):  # it is being closed
        return False


def place_of(peer: str) -> str:
    """Return what counts as one address: of IPv6 the /64 that one customer has.

    peer: as text; the answer is "" for what is no address, such as a Unix socket's.
    """
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
