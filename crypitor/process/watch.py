"""Watches from outside whether networks and deliveries move, and says so where they stand still.

It shares nothing with those who make the progress: what is matched and what is due it reads from
the database, what there is to match it asks the nodes itself, by connections of its own. So it sees
also what its makers cannot say: one that hangs, a queue that hands nothing out, a claim that finds
nothing, a process that is gone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Literal, Protocol

import structlog

from crypitor.config import Config
from crypitor.database.engine import Database, Transaction
from crypitor.database.standstill import MatchedTip, first_due, matched_tips
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header
from crypitor.runtime.loop import Health, clock, forever
from crypitor.runtime.still import LOOK_SECONDS, DueStill, NetworkStill

log = structlog.get_logger(__name__)

STEP_SECONDS = 5.0

ANSWER_SECONDS = 15.0
"""For the nodes' heads, and for the database, after which one does not wait for them."""

DELIVERIES = "deliveries"

Seen = tuple[dict[str, MatchedTip], dict[str, int]]


class ShowsHead(Protocol):
    """A node."""

    async def header_at(self, place: Literal["latest"]) -> Header | None:
        """Return the newest header. Raises NodeUnavailable."""


async def newest_head(nodes: Sequence[ShowsHead]) -> int:
    """Return the highest head of those that nodes show. Raises NodeUnavailable if none does."""
    shown = await asyncio.gather(
        *(node.header_at("latest") for node in nodes), return_exceptions=True
    )
    heads = [header.number for header in shown if isinstance(header, Header)]
    if heads:
        return max(heads)
    for trouble in shown:
        if isinstance(trouble, BaseException) and not isinstance(trouble, NodeUnavailable):
            raise trouble
    raise NodeUnavailable("; ".join(str(trouble or "has no latest block") for trouble in shown))


class Watch:
    """One process's watch over networks and deliveries.

    networks: those of the configuration → the first block to be matched, None for the head as it
    is when it is first looked at. heads: network → asks its nodes for their newest height; raises
    NodeUnavailable. deliveries: whether what is due is watched too. health: where others say what
    they cannot do, which is not said twice. clock: unix milliseconds. timer: seconds that only
    grow.
    """

    def __init__(
        self,
        database: Database,
        *,
        networks: Mapping[str, int | None],
        heads: Mapping[str, Callable[[], Awaitable[int]]],
        deliveries: bool,
        health: Health,
        clock: Callable[[], int],
        timer: Callable[[], float] = time.monotonic,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._database = database
        self._heads = heads
        self._health = health
        self._clock = clock
        self._timer = timer
        self._answer_seconds = answer_seconds
        now = timer()
        self._networks = {name: NetworkStill(first, now) for name, first in networks.items()}
        self._due = DueStill(now) if deliveries else None
        self._reading: asyncio.Task[Seen] | None = None
        self._read_at = now
        self._since: dict[str, float] = {}

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Look every few seconds until `stop` is set."""
        await forever("watch", self.step, stop=stop, health=health, idle_seconds=STEP_SECONDS)
        if self._reading is not None:
            self._reading.cancel()

    def reason(self, network: str) -> str | None:
        """Return why a network is taken to stand still, None as long as it moves."""
        still = self._networks.get(network)
        return still.reason(self._timer()) if still is not None else None

    async def step(self) -> bool:
        """Look once, and tell what has begun or ended. Always False. Raises DatabaseUnavailable."""
        seen = await self._look()
        if seen is not None:
            tips, due = seen
            now = self._timer()
            for name, still in self._networks.items():
                still.matched(tips.get(name), now)
            if self._due is not None:
                self._due.seen(due, now)
            await asyncio.gather(
                *(
                    self._ask(name, still)
                    for name, still in self._networks.items()
                    if still.wants_head(now)
                )
            )
        self._tell()
        return False

    async def _look(self) -> Seen | None:
        """Return what the database shows; None where it does not answer: then it is asked no more.

        What hangs would otherwise be joined by one more look every few seconds.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._database.read(self._read))
        await asyncio.wait([self._reading], timeout=self._answer_seconds)
        if not self._reading.done():
            return None
        reading, self._reading = self._reading, None
        seen = reading.result()
        self._read_at = self._timer()
        return seen

    async def _read(self, tx: Transaction) -> Seen:
        due = {} if self._due is None else await first_due(tx, self._clock())
        return await matched_tips(tx), due

    async def _ask(self, name: str, still: NetworkStill) -> None:
        trouble = f"no answer within {self._answer_seconds:g} s"
        try:
            async with asyncio.timeout(self._answer_seconds):
                still.shown(await self._heads[name](), self._timer())
                return
        except NodeUnavailable as gone:
            trouble = str(gone)
        except TimeoutError:
            pass
        still.silent(trouble, self._timer())

    def _tell(self) -> None:
        now, told = self._timer(), self._health.troubles
        for name, still in self._networks.items():
            reason = still.reason(now)
            if {f"worker {name}", f"worker {name} reorg"} & told.keys():
                reason = None  # its worker says more of it
            self._note(f"network {name}", reason, {"network": name}, now)
        if self._due is not None:
            reason = None if "webhook" in told else self._due.reason(now)
            self._note(DELIVERIES, reason, {"role": "webhook"}, now)
        silent = now - self._read_at
        reason = None
        if self._reading is not None and silent >= LOOK_SECONDS:
            reason = f"the database has not answered for {silent:.0f} s"
        self._note("database", reason, {"role": "watch"}, now)

    def _note(self, name: str, reason: str | None, whose: Mapping[str, str], now: float) -> None:
        if reason is not None:
            self._health.begin(name, reason)
            if name not in self._since:
                self._since[name] = now
                log.warning("stands still", **whose, trouble=reason)
        elif (since := self._since.pop(name, None)) is not None:
            self._health.end(name)
            log.info("moves again", **whose, seconds=round(now - since, 1))


async def watch_of(
    config: Config,
    roles: Sequence[str],
    database: Database,
    health: Health,
    connected: Callable[[str, str], Awaitable[ShowsHead]],
) -> Watch:
    """Return the watch of a process with these roles.

    connected: network and URL → a node of it, to which a connection is opened by the first look.
    """
    followed = config.followed if {"api", "worker", "monitor"} & {*roles} else {}
    nodes = {
        name: [await connected(name, url) for url in network.rpc]
        for name, network in followed.items()
    }
    return Watch(
        database,
        networks={
            name: network.start if isinstance(network.start, int) else None
            for name, network in followed.items()
        },
        heads={name: partial(newest_head, each) for name, each in nodes.items()},
        deliveries=bool({"api", "webhook"} & {*roles}),
        health=health,
        clock=clock,
    )
