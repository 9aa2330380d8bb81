"""Notes in which block the conditions of balances and views ceased to be."""

from collections.abc import Mapping, Sequence

from crypitor.database.engine import Transaction
from crypitor.database.tokens import known_tokens
from crypitor.evm.metadata import NOTHING, Token
from crypitor.evm.types import Address
from crypitor.monitor.gauges import Ended
from crypitor.webhook.body import end_of

# What a match has ended by already stays: the past may be looked at once more.
END = """update matches set ended_block = :number, ended_hash = :hash, ended = :ended
    where id = :id and phase in ('detected', 'confirmed') and ended_hash is null"""


async def note_ended(tx: Transaction, network: str, ended: Sequence[Ended]) -> None:
    """Note what showed the end of matches, and in which block."""
    if not ended:
        return
    contracts = sorted({one.subject.contract for one in ended if one.subject.contract})
    known = await known_tokens(tx, network, contracts) if contracts else {}
    await tx.many(
        END,
        [
            (
                one.header.number,
                one.header.hash,
                end_of(one.subject, one.header, _token(known, one)),
                one.match,
            )
            for one in ended
        ],
    )


def _token(known: Mapping[Address, Token], ended: Ended) -> Token:
    return known.get(ended.subject.contract or "", NOTHING)
