"""Who holds a database: the parts of the service that must not be there twice, and how it is told.

With the in-process queue a database has one owner. It is held by the operating system or by a
session of the server, never by a row or by the text of a file: what a process held is free at once
when it ends, however it ends. Decision 92 says why so.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from crypitor.errors import ConfigError


class Part(IntEnum):
    """What is held. Never renumber: releases beside each other mean the same by it."""

    CHAINS = 1
    API = 2
    WEBHOOK = 3


Parts = Mapping[Part, bool]
"""What a process holds → whether it wants to be the only one there."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a database.

    life: of the process, unlike any other's. since: RFC 3339, empty where it is not known.
    """

    life: str
    process: int
    host: str
    since: str
    parts: Parts = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.life:
            return "another process"
        since = f" since {self.since}" if self.since else ""
        return f"process {self.process} on {self.host}{since}"


UNKNOWN = Holder("", 0, "", "")
"""Holds something, and nobody can read who it is."""


class Taken(ConfigError):
    """Another process holds what this one needs for itself."""


class Hold(Protocol):
    """What one process holds of one database.

    lost: set when the server has ended what holds it, until `keep` looks; then anybody can take it.
    """

    holder: Holder
    lost: asyncio.Event

    def take_early(self) -> None:
        """Take all parts, where that needs no server. Raises Taken and ConfigError."""

    async def take(self) -> None:
        """Take all parts, or none. Raises Taken, ConfigError and DatabaseUnavailable."""

    async def keep(self) -> None:
        """Make sure of it; take anew what was lost, if nobody else has.

        Raises Displaced if somebody has, and DatabaseUnavailable while that is not known.
        """

    async def others(self) -> Collection[Holder] | None:
        """Return who else holds something now; None where that cannot be known."""

    async def release(self) -> None:
        """Let it go."""


def parts_of(roles: Collection[str], *, in_process: bool) -> dict[Part, bool]:
    """Return what a process with these roles holds.

    in_process: whether its queue is. Then its matcher believes what it knows of the chains, and,
    together with an API, what it knows of the monitors: nobody else may change them.
    """
    parts = {}
    if {"worker", "monitor"} & set(roles):
        parts[Part.CHAINS] = in_process
    if "api" in roles:
        parts[Part.API] = in_process and "monitor" in roles
    if "webhook" in roles:
        parts[Part.WEBHOOK] = False
    return parts


def clash(mine: Parts, theirs: Parts) -> bool:
    """Whether two processes exclude each other."""
    return any(mine[part] or theirs[part] for part in mine.keys() & theirs.keys())


def this_process(parts: Parts) -> Holder:
    """Return this process as a holder from now on, in a life of its own."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Holder(secrets.token_hex(4), os.getpid(), socket.gethostname(), since, parts)


def taken(name: str, mine: Parts, others: Iterable[Holder]) -> Taken:
    """Return the refusal: who holds what is needed, and what to do. name: of the database."""
    excluding = [other for other in others if other is UNKNOWN or clash(mine, other.parts)]
    known = sorted((other for other in excluding if other is not UNKNOWN), key=str)
    who = " and ".join(map(str, known)) or "another process"
    cure = (
        f"stop it (on {known[0].host}: kill {known[0].process})" if known else "stop that process"
    )
    mistake = (
        f"database.url: {name} is held by {who}. With the in-process queue one process owns a"
        f" database: {cure}, or give this one another database.url; several share one with"
        ' queue.kind = "kafka"'
    )
    return Taken("the database has an owner already", [mistake])
