"""How the effects of blocks are stored: in bounded transactions, what is told first, first."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from crypitor.database.blocks import BlockEffect, Tip, confirm_as_of, save_blocks, save_some
from crypitor.database.effects import Saved
from crypitor.database.engine import Database, Transaction

MOST_MATCHES = 200
"""Of one transaction, so that others who write, the sender first, do not wait long for it."""

TURNS_OF_A_POST = 2
"""Of the loop, after which the first POST of what was stored has left: all else can wait."""

Claiming: TypeAlias = Callable[
    [Iterable[str]], AbstractContextManager[Callable[[Transaction], Awaitable[None]]]
]

_Storing: TypeAlias = Callable[[Transaction], Awaitable[Saved | None]]


class Saving:
    """Stores effects, and wakes whoever sends what came of them.

    A block alone, as at the head, is told as soon as can be: of many matches each part is sent
    while the next is stored, and what the block confirms waits for the first POST.

    wake: told the endpoints that have something new, right after it is stored.
    claiming: of the sender in this process, if there is one: what a unit of work queues for these
    endpoints is claimed by what the context yields, within that unit.
    """

    def __init__(
        self,
        database: Database,
        *,
        wake: Callable[[Iterable[str]], None],
        claiming: Claiming | None,
    ) -> None:
        self._database = database
        self._wake = wake
        self._claiming = claiming or (lambda _: nullcontext(_claim_nothing))
        self._tips: dict[str, Tip] = {}

    async def save(
        self, effects: Sequence[BlockEffect], expected_sequence: int, *, at_head: bool = True
    ) -> Saved | None:
        """Store the effects of blocks, each the parent of the next; see `save_blocks`.

        at_head: what they confirm may be left to `confirm`. Else many blocks are to come, and to
        confirm with them is one transaction less.
        """
        if len(effects) > 1:
            return await self._stored(
                partial(save_blocks, effects=effects, expected_sequence=expected_sequence)
            )
        effect, saved = effects[0], Saved()
        *parts, rest = _parts(effect)
        for part in parts:
            some = await self._told(
                part,
                partial(
                    save_some,
                    effect=part,
                    expected_sequence=expected_sequence,
                    leaving=part is parts[0],
                ),
            )
            if some is None:
                return None
            saved.add(some)
        confirming = not (at_head and effect.matches)
        last = await self._told(
            rest,
            partial(
                save_blocks,
                effects=[rest],
                expected_sequence=expected_sequence,
                confirming=confirming,
            ),
        )
        if last is None:
            return None
        if not confirming:
            self.confirm_later(effect.tip)
        saved.add(last)
        return saved

    def confirm_later(self, tip: Tip) -> None:
        """Leave what the newest block of a network confirms to `confirm`."""
        self._tips[tip.network] = tip

    async def confirm(self) -> None:
        """Tell what the newest blocks confirm, where that was left."""
        for network, tip in [*self._tips.items()]:
            await self._stored(partial(confirm_as_of, tip=tip))
            del self._tips[network]

    async def _told(self, effect: BlockEffect, store: _Storing) -> Saved | None:
        """Store; the sender here claims at once, and the first POST leaves."""
        endpoints = {at for match, _ in effect.matches for at in match.monitor.endpoints}
        with self._claiming(endpoints) as claim:

            async def unit(tx: Transaction) -> Saved | None:
                saved = await store(tx)
                if saved is not None and endpoints:
                    await claim(tx)
                return saved

            saved = await self._database.write(unit, at_once=True, prompt=True)
        if saved is not None:
            self._wake(saved.endpoints)
            for _ in range(TURNS_OF_A_POST):
                await asyncio.sleep(0)
        return saved

    async def _stored(self, store: _Storing) -> Saved | None:
        saved = await self._database.write(store, at_once=True)
        if saved is not None:
            self._wake(saved.endpoints)
        return saved


def _parts(effect: BlockEffect) -> list[BlockEffect]:
    """Return a block's effect with no more of its matches each than a transaction may have.

    What is stored of a chain's very first block could not be taken back: it stays whole.
    """
    if effect.ancestor_number is None:
        return [effect]
    starts = range(0, max(len(effect.matches), 1), MOST_MATCHES)
    return [
        replace(effect, matches=effect.matches[start : start + MOST_MATCHES]) for start in starts
    ]


async def _claim_nothing(_: Transaction) -> None:
    """Stand in for a sender that is elsewhere."""
