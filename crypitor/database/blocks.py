"""The effect of blocks, in units: headers, matches, deliveries, what is confirmed and reverted.

The first statement of each moves the network's sequence from what the caller knew, or holds it
there; where that is no longer true somebody else has matched the chain meanwhile, and nothing is
written.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from crypitor.database.effects import (
    Effect,
    Occasion,
    Saved,
    conclude,
    hold_positions,
    store_matches,
    tell,
    tell_moved,
)
from crypitor.database.engine import Transaction
from crypitor.database.monitors import hold_revision
from crypitor.errors import IndexOutdated
from crypitor.evm.types import Address, Hash, Header
from crypitor.monitor.models import Phase
from crypitor.webhook.message import NetworkTitle


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip(Occasion):
    """The newest matched block of a chain.

    sequence: of its message. safe, finalized: heights of the node's tags, None where it has none.
    """

    sequence: int
    safe: int | None = None
    finalized: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEffect(Effect):
    """What a block does to its chain.

    sequence: of its message.
    ancestor_number: the block it stands on; matched blocks above it are orphaned. None for the
    first block.
    safe, finalized: heights of the node's tags, None where it has none.
    oldest_kept: headers below this height are forgotten.
    touched: the watched accounts and contracts whose state it may have changed.
    revision: of the monitors by which the matches were found; None where they cannot change by
    another process.
    """

    sequence: int
    ancestor_number: int | None
    safe: int | None
    finalized: int | None
    oldest_kept: int
    touched: Sequence[Address] = ()
    revision: int | None = None

    @property
    def tip(self) -> Tip:
        """What the block is once it is stored."""
        return Tip(
            network=self.network,
            title=self.title,
            header=self.header,
            now=self.now,
            sequence=self.sequence,
            safe=self.safe,
            finalized=self.finalized,
        )


ADVANCE = """update networks set sequence = :sequence
    where name = :network and sequence = :expected returning name"""

# Those that are orphaned, and those that are too old.
FORGET_HEADERS = """delete from headers
    where network = :network and (number > :ancestor or number < :oldest) returning number"""

# Whoever looks at state goes back as far, also where the ancestor is forgotten before that.
LEAVE_LOOKS = """update networks set looked_number = :number, looked_hash = :hash
    where name = :network and looked_number > :number"""

KEEP_HEADER = """insert into headers (network, number, hash, parent_hash, timestamp, touched)
    values (:network, :number, :hash, :parent_hash, :timestamp, :touched)"""

SELECT_ORPHANED = """select id, project_id, monitor_id, phase, returns, block_number, confirm_block,
        confirm_tag, document, origin
    from matches
    where network = :network and block_number > :ancestor and block_hash <> :coming
        and phase <> 'reverted'
    order by position"""

CONFIRM = """update matches set phase = 'confirmed', told_at = :now
    where network = :network and phase = 'detected' and {condition}
    returning position, id, project_id, monitor_id, phase, returns, block_number, confirm_block,
        confirm_tag, document, origin"""

CONFIRMED_BY_NUMBER = "confirm_block <= :height"
CONFIRMED_BY_TAG = "confirm_block is null and confirm_tag = :tag and block_number <= :height"


async def save_blocks(
    tx: Transaction,
    effects: Sequence[BlockEffect],
    expected_sequence: int,
    *,
    confirming: bool = True,
) -> Saved | None:
    """Store the effects of blocks, each the parent of the next.

    expected_sequence: of the message before, as the caller knows it. Where that has passed, None is
    returned and nothing stored. What is confirmed by any of them is told as of the last one; if not
    `confirming`, that is left to `confirm_as_of`.
    Raises IndexOutdated if monitors have changed: the order of commits says by which monitors a
    block is matched.
    """
    first, last = effects[0], effects[-1]
    if not await _moved(tx, last.network, expected_sequence, last.sequence):
        return None
    saved = Saved()
    await _leave_branch(tx, first, saved, last.oldest_kept)
    await tx.many(
        KEEP_HEADER,
        [(effect.network, *_fields(effect.header), _listed(effect.touched)) for effect in effects],
    )
    await store_matches(tx, effects, saved)
    if confirming:
        await _confirm(tx, last.tip, saved)
    await conclude(tx, saved, last.now)
    await _require_revision(tx, effects)
    return saved


async def save_some(
    tx: Transaction, effect: BlockEffect, expected_sequence: int, *, leaving: bool
) -> Saved | None:
    """Store some matches of the next block, which is not the chain's first, before the block.

    leaving: with the first of them goes the branch that the block leaves; to look for it with each
    would be to look through all that were stored before. The chain stands at the block's ancestor
    until `save_blocks` has stored the rest: whichever block comes next, the same or another, these
    matches are above what it stands on. Otherwise as `save_blocks`.
    """
    if not await _moved(tx, effect.network, expected_sequence, expected_sequence):
        return None
    saved = Saved()
    if leaving:
        await _leave_branch(tx, effect, saved, effect.oldest_kept)
    await store_matches(tx, [effect], saved)
    await conclude(tx, saved, effect.now)
    await _require_revision(tx, [effect])
    return saved


async def confirm_as_of(tx: Transaction, tip: Tip) -> Saved | None:
    """Tell what the newest matched block confirms; None where the chain has gone on since.

    What is not told, because the process ends before, the next block confirms.
    """
    if not await _moved(tx, tip.network, tip.sequence, tip.sequence):
        return None
    saved = Saved()
    await _confirm(tx, tip, saved)
    await conclude(tx, saved, tip.now)
    return saved


async def _moved(tx: Transaction, network: str, expected: int, sequence: int) -> bool:
    """Move the network's sequence, or hold it where it is; False if it is elsewhere."""
    name = await tx.value(ADVANCE, sequence=sequence, network=network, expected=expected)
    return name is not None


async def _leave_branch(tx: Transaction, effect: BlockEffect, saved: Saved, oldest: int) -> None:
    """Revert what stands above a block's parent; forget those headers, and those below `oldest`."""
    if effect.ancestor_number is not None:
        await _revert_orphaned(tx, effect, effect.ancestor_number, effect.header.hash, saved)
        forgotten = await tx.all(
            FORGET_HEADERS, network=effect.network, ancestor=effect.ancestor_number, oldest=oldest
        )
        if any(row["number"] > effect.ancestor_number for row in forgotten):
            await tx.run(
                LEAVE_LOOKS,
                network=effect.network,
                number=effect.ancestor_number,
                hash=effect.header.parent_hash,
            )


async def _require_revision(tx: Transaction, effects: Sequence[BlockEffect]) -> None:
    if effects[-1].revision is not None:
        held = await hold_revision(tx)
        if any(effect.revision != held for effect in effects):
            raise IndexOutdated("monitors have changed since the blocks were matched")


def _listed(touched: Sequence[Address]) -> str | None:
    return json.dumps(touched) if touched else None


def _fields(header: Header) -> tuple[object, ...]:
    return header.number, header.hash, header.parent_hash, header.timestamp


async def revert_above(
    tx: Transaction, network: str, title: NetworkTitle, ancestor: Header, now: int
) -> Saved:
    """Revert the matches above a block, and queue the news of it. now: unix milliseconds.

    What was looked at above it is to be unwound.
    """
    saved = Saved()
    occasion = Occasion(network=network, title=title, header=ancestor, now=now)
    await _revert_orphaned(tx, occasion, ancestor.number, "", saved)
    await tx.run(LEAVE_LOOKS, network=network, number=ancestor.number, hash=ancestor.hash)
    await conclude(tx, saved, now)
    return saved


async def _revert_orphaned(
    tx: Transaction, occasion: Occasion, ancestor: int, coming: Hash, saved: Saved
) -> None:
    """Revert what is stored above a block, but for parts of the block that comes."""
    rows = await tx.all(SELECT_ORPHANED, network=occasion.network, ancestor=ancestor, coming=coming)
    saved.reverted = len(rows)
    if rows:
        await hold_positions(tx)
    await tell(tx, occasion, Phase.REVERTED, rows, saved)


async def _confirm(tx: Transaction, tip: Tip, saved: Saved) -> None:
    heights = (
        (CONFIRMED_BY_NUMBER, None, tip.header.number),
        (CONFIRMED_BY_TAG, "safe", tip.safe),
        (CONFIRMED_BY_TAG, "finalized", tip.finalized),
    )
    for condition, tag, height in heights:
        if height is None:
            continue
        rows = await tx.all(
            CONFIRM.format(condition=condition),
            network=tip.network,
            height=height,
            tag=tag,
            now=tip.now,
        )
        rows.sort(key=itemgetter("position"))
        saved.confirmed += len(rows)
        await tell_moved(tx, tip, Phase.CONFIRMED, rows, saved)
