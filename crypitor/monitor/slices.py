"""Finds the matches of a block without holding the event loop for as long as that takes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.evm.types import Address, Block
from crypitor.monitor.index import Index
from crypitor.monitor.match import Tally, search
from crypitor.monitor.models import Match
from crypitor.monitor.touched import touched

SLICE_SECONDS = 0.004
"""After which others get their turn."""

MOST_STARTS = 3
"""The last one goes through: an index that is changed without an end stops no block."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of a block came to. seconds: of work, without the pauses.

    touched: the watched accounts and contracts whose state the block may have changed.
    """

    matches: list[Match]
    tally: Tally
    seconds: float
    touched: Sequence[Address] = ()


async def find_in_slices(
    block: Block,
    network: str,
    chain_id: int,
    index: Index,
    slice_seconds: float = SLICE_SECONDS,
    coin: Address | None = None,
) -> Found:
    """Return every match of a block, as `find_matches` does with the index as it is in the end.

    What is changed in a pause would be in force for a part of the block: then it is begun again.
    """
    seconds = 0.0
    for start in range(1, MOST_STARTS + 1):
        tally, version, by_id = Tally(), index.version, dict[str, Match]()
        began = time.perf_counter()
        for match in search(block, network, chain_id, index, tally, coin):
            if match is not None:
                by_id.setdefault(match.id, match)
            if start < MOST_STARTS and time.perf_counter() - began >= slice_seconds:
                seconds += time.perf_counter() - began
                await asyncio.sleep(0)
                began = time.perf_counter()
                if index.version != version:
                    break
        else:
            seconds += time.perf_counter() - began
            changed = touched(block, index, network)
            return Found(list(by_id.values()), tally, seconds, changed)
    raise AssertionError("the last start has no pause")
