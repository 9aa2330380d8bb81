"""The role that looks at balances and views, in each block in which any is due.

It walks behind the matcher, over the headers that were matched: what it does never delays a block.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

import structlog

from crypitor.database.effects import Saved
from crypitor.database.engine import Database, Transaction
from crypitor.database.gauges import (
    Due,
    Place,
    Stored,
    begin_looks,
    gauges_at,
    next_look,
    place_of,
)
from crypitor.database.looks import Look, save_looks
from crypitor.database.monitors import newest_revision
from crypitor.database.unwound import unwind
from crypitor.errors import NodeUnavailable
from crypitor.evm.multicall import Read
from crypitor.evm.types import Address, Hash, Header
from crypitor.gauges.followed import Followed
from crypitor.gauges.kept import Kept, Watched
from crypitor.monitor.gauges import Gauge, Looked, look
from crypitor.monitor.models import Confirmations, Match
from crypitor.runtime.loop import Health, forever
from crypitor.webhook.message import NetworkTitle
from crypitor.worker.nodes import Nodes
from crypitor.worker.rpc import Tag
from crypitor.worker.state import NoState

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.25
MOST_DUE = 1_000
"""Gauges that are looked at in one block although it did not touch them; the others come next."""

MOST_UNWOUND = 500
SLICE = 50


class Observer(Protocol):
    """Hears what was looked at, for the metrics."""

    def looked(
        self, network: str, gauges: int, matches: Sequence[Match], saved: Saved, no_answer: int
    ) -> None:
        """Count what came of a block. no_answer: conditions that had none."""


class Looker:
    """Looks at the state of one network while this process leads it.

    nodes: its own, so that the live path's connections and limits stay free.
    term: the process's term as the network's leader, None while it is none.
    confirmations: required where a monitor says nothing else.
    wake: told the endpoints that have something new.  clock: unix milliseconds.
    """

    def __init__(
        self,
        network: str,
        chain_id: int,
        title: NetworkTitle,
        nodes: Nodes,
        database: Database,
        *,
        term: Callable[[], int | None],
        confirmations: Confirmations,
        wake: Callable[[Iterable[str]], None],
        clock: Callable[[], int],
        observer: Observer,
    ) -> None:
        self.role = f"looks {network}"
        self._network = network
        self._chain_id = chain_id
        self._title = title
        self._nodes = nodes
        self._database = database
        self._term = term
        self._confirmations: Confirmations = confirmations
        self._wake = wake
        self._clock = clock
        self._observer = observer
        self._followed = Followed(network, database)
        self._kept = Kept()
        self._led: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set. The service is ready whatever keeps a look waiting."""
        await forever(self.role, self.step, stop=stop, health=Health(), idle_seconds=IDLE_SECONDS)

    async def step(self) -> bool:
        """Do what comes next: follow monitors, go back, or look at one block. False for nothing.

        Raises NodeUnavailable and DatabaseUnavailable; it can be repeated after both.
        """
        term = self._term()
        if term != self._led:
            self._followed.forget()
            self._kept.clear()
            self._led = term
        if term is None:
            return False
        if not self._followed:
            await self._followed.refresh()
        if not self._followed:
            return False
        if await self._followed.enrol_some():
            self._kept.clear()
            return True
        return await self._go_on(term)

    async def _go_on(self, term: int) -> bool:
        revision, place, due = await self._database.read(
            partial(_what_is_next, network=self._network, kept=self._kept.subjects), at_once=True
        )
        if not self._followed.knows(revision):
            await self._followed.refresh()
            return True
        if place.newest is None:
            return False
        if not place.stands:
            return await self._unwind(term)
        if not place.begun or place.lost:
            return await self._database.write(
                partial(begin_looks, network=self._network, term=term)
            )
        if due is None:
            return False
        self._kept.begin(revision, place.hash)
        return await self._look(await self._with_changed(due), term)

    async def _with_changed(self, due: Due) -> Due:
        """Return what is due, with what only the block's access list says to be changed."""
        if not self._followed.asks_changes:
            return due
        try:
            changed = await self._nodes.changed(due.header.hash)
        except NodeUnavailable:  # what has to be asked is asked all the same
            changed = None
        more = sorted((changed or frozenset()).difference(due.subjects))
        if not more:
            return due
        known = [one for one in more if one in self._kept]
        unknown = [one for one in more if one not in self._kept]
        read = partial(gauges_at, network=self._network, subjects=unknown, header=due.header)
        found = await self._database.read(read, at_once=True)
        return replace(due, touched=[*due.touched, *found], known=[*due.known, *known])

    async def _unwind(self, term: int) -> bool:
        """Go back over what a reorg took away."""
        saved = await self._database.write(
            partial(
                unwind,
                network=self._network,
                title=self._title,
                term=term,
                now=self._clock(),
                limit=MOST_UNWOUND,
            )
        )
        if saved is None:
            return False
        self._wake(saved.endpoints)
        return True

    async def _look(self, due: Due, term: int) -> bool:
        """Look at what is due in a block, and store what came of it."""
        asked, gone = self._asked(due)
        look_ = partial(
            Look,
            network=self._network,
            chain_id=self._chain_id,
            title=self._title,
            header=due.header,
            gone=gone,
            due=frozenset(stored.id for stored in due.others),
            safe=await self._height("safe", due),
            finalized=await self._height("finalized", due),
        )
        try:
            answers = await self._answers(due.header, [each.read for each in asked])
        except NoState as trouble:
            if due.newest:
                raise
            log.info(
                "no node has the state of a block any more: looking at a later one",
                network=self._network,
                block=due.header.number,
                trouble=str(trouble),
            )
            missed = [each.gauge for each in asked]
            return await self._save(look_(looked=(), missed=missed, now=self._clock()), (), term)
        found, put_off = await self._looked(due.header, asked, answers)
        looked = [each for _, each in found]
        required = [
            (each.match, each.gauge.monitor.confirmations or self._confirmations)
            for each in looked
            if each.match is not None
        ]
        told = look_(looked=looked, put_off=put_off, required=required, now=self._clock())
        return await self._save(told, found, term)

    def _asked(self, due: Due) -> tuple[list[Watched], list[str]]:
        """Return the gauges that are due, and the ids of those that nobody asks any more."""
        gone: list[str] = []
        read: dict[Address, list[Watched]] = {}
        for stored in due.touched:
            if (watched := self._watched(stored)) is None:
                gone.append(stored.id)
            else:
                read.setdefault(stored.subject, []).append(watched)
        for subject, gauges in read.items():
            self._kept.put(subject, gauges)
        touched = [*chain.from_iterable(read.values()), *self._kept.of(due.known)]
        if not due.others:
            return touched, gone
        asked = {each.gauge.id: each for each in touched}
        for stored in due.others:
            if stored.id in asked:
                continue
            kept = self._kept.of([stored.subject])
            watched = next((one for one in kept if one.gauge.id == stored.id), None)
            if (watched := watched or self._watched(stored)) is None:
                gone.append(stored.id)
            else:
                asked[stored.id] = watched
        return list(asked.values()), list(dict.fromkeys(gone))

    def _watched(self, stored: Stored) -> Watched | None:
        gauge = self._followed.gauge(stored)
        return None if gauge is None else Watched(gauge, gauge.read, stored.standing)

    async def _answers(self, header: Header, reads: Sequence[Read]) -> list[str | None]:
        """Return the answer to each read; those that are alike are asked once."""
        distinct = list(dict.fromkeys(reads))
        if not distinct:
            return []
        answers = await self._nodes.state(header.hash, distinct)
        if len(distinct) == len(reads):
            return answers
        of = dict(zip(distinct, answers, strict=True))
        return [of[read] for read in reads]

    async def _looked(
        self, header: Header, asked: Sequence[Watched], answers: Sequence[str | None]
    ) -> tuple[list[tuple[Watched, Looked]], list[Gauge]]:
        """Return what each answer comes to, and the gauges without one."""
        looked: list[tuple[Watched, Looked]] = []
        put_off: list[Gauge] = []
        for place, (each, answer) in enumerate(zip(asked, answers, strict=True)):
            found = look(each.gauge, each.standing, header, self._chain_id, answer)
            if found is None:
                put_off.append(each.gauge)
            else:
                looked.append((each, found))
            if place % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        return looked, put_off

    async def _height(self, tag: Tag, due: Due) -> int | None:
        """Return the height of a tag, where something waits for it."""
        if tag not in due.tags:
            return None
        header = await self._nodes.header_at(tag)
        return None if header is None else header.number

    async def _save(self, look_: Look, found: Iterable[tuple[Watched, Looked]], term: int) -> bool:
        saved = await self._database.write(partial(save_looks, look=look_, term=term), at_once=True)
        if saved is None:
            self._kept.clear()
            return False
        self._kept.looked(look_.header.hash, found)
        self._wake(saved.endpoints)
        self._observer.looked(
            self._network,
            len(look_.looked),
            [match for match, _ in look_.required],
            saved,
            sum(each.no_answer for each in look_.looked),
        )
        return True


async def _what_is_next(
    tx: Transaction, network: str, kept: Callable[[int, Hash | None], Collection[Address]]
) -> tuple[int, Place, Due | None]:
    """Return the newest change of a monitor, how far was looked, and at what to look next."""
    revision = await newest_revision(tx)
    place = await place_of(tx, network)
    known = kept(revision, place.hash)
    return revision, place, await next_look(tx, place, network, known, MOST_DUE)
