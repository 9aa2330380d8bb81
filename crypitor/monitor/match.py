"""Which monitors a block answers. Pure.

Everything in a block is looked at once and, unless somebody watches one of its parties, only
looked at: decoding, ids and matches are made for hits alone.
"""

from collections.abc import Callable, Iterator

from crypitor.evm.transfers import (
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    TokenTransfer,
    address_in,
    transfer,
    transfer_batch,
    transfer_single,
)
from crypitor.evm.types import Address, Block, Header, Log, Receipt, Transaction
from crypitor.monitor.index import Index, Watching, directions_of
from crypitor.monitor.models import Direction, Kind, Match, Transfer, match_id


def find_matches(block: Block, network: str, index: Index) -> list[Match]:
    """Return every match of a block, in the order of the chain, each once."""
    found: dict[str, Match] = {}
    for transaction, receipt, moved in _watched_transfers(block, index):
        for match in _answers(block.header, transaction, receipt, moved, network, index):
            found.setdefault(match.id, match)
    return list(found.values())


def _watched_transfers(
    block: Block, index: Index
) -> Iterator[tuple[Transaction, Receipt, Transfer]]:
    look_up, any_party = index.look_up, index.any_party
    for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
        if transaction.value != "0x0" and receipt.succeeded:
            receiver = transaction.to or receipt.contract_address
            if look_up(transaction.sender) is not None or look_up(receiver) is not None:
                native = _native(transaction, receiver)
                if native is not None:
                    yield transaction, receipt, native
        for log in receipt.logs:
            topics = log.topics
            if len(topics) < 3 or topics[0] not in _DECODERS:
                continue
            first = _FIRST_PARTY[topics[0]]
            if (
                look_up(address_in(topics[first])) is not None
                or (len(topics) > first + 1 and look_up(address_in(topics[first + 1])) is not None)
                or any_party(log.address)
            ):
                for moved in _decoded(log):
                    yield transaction, receipt, _token(log, moved)


_DECODERS: dict[str, Callable[[Log], list[TokenTransfer]]] = {
    TRANSFER: transfer,
    TRANSFER_SINGLE: transfer_single,
    TRANSFER_BATCH: transfer_batch,
}

# The sender's topic; the receiver's is the one after it. In ERC-1155 the operator comes first.
_FIRST_PARTY = {TRANSFER: 1, TRANSFER_SINGLE: 2, TRANSFER_BATCH: 2}


def _decoded(log: Log) -> list[TokenTransfer]:
    """Decode a transfer; what is not hexadecimal, possible in an unproven block, is none."""
    try:
        return _DECODERS[log.topics[0]](log)
    except ValueError:
        return []


def _native(transaction: Transaction, receiver: Address | None) -> Transfer | None:
    amount = int(transaction.value, 16)
    if not amount or receiver is None:
        return None
    return Transfer(Kind.NATIVE, transaction.sender, receiver, amount, None, None, None)


def _token(log: Log, moved: TokenTransfer) -> Transfer:
    if log.topics[0] != TRANSFER:
        kind = Kind.ERC1155
    else:
        kind = Kind.ERC20 if moved.token_id is None else Kind.ERC721
    return Transfer(
        kind, moved.sender, moved.receiver, moved.amount, moved.token_id, log, moved.item
    )


def _answers(
    header: Header,
    transaction: Transaction,
    receipt: Receipt,
    moved: Transfer,
    network: str,
    index: Index,
) -> Iterator[Match]:
    everyone = () if moved.log is None else index.any_party(moved.log.address)
    for direction, party in ((Direction.OUT, moved.sender), (Direction.IN, moved.receiver)):
        for numbers in (index.look_up(party), everyone):
            for watching in index.watching(numbers):
                if network in watching.monitor.networks and _asked(watching, moved, direction):
                    monitor = watching.monitor
                    yield Match(
                        match_id(
                            monitor.id, direction, party, header.hash, transaction.hash, moved
                        ),
                        monitor,
                        network,
                        direction,
                        party,
                        watching.labels.get(party),
                        header,
                        transaction,
                        receipt,
                        moved,
                    )


def _asked(watching: Watching, moved: Transfer, direction: Direction) -> bool:
    contract = None if moved.log is None else moved.log.address
    return any(
        direction in directions_of(rule) and (rule.contracts is None or contract in rule.contracts)
        for rule in watching.rules.get(moved.kind, ())
    )
