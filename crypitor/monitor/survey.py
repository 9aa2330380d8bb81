"""One look over a whole block: what of it somebody may have asked about. Pure.

Most of a block concerns nobody. What is done for every log and every transaction is done here, many
at once where compiled code can; all that follows is done for what this leaves over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

from crypitor.evm.delegations import Delegation
from crypitor.evm.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE, WORD
from crypitor.evm.types import Address, Block, Digits, Hash, Log
from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind
from crypitor.monitor.prepared import ByName
from crypitor.monitor.watchers import Numbers

_KINDS = {
    TRANSFER: (Kind.ERC20, Kind.ERC721),
    TRANSFER_SINGLE: (Kind.ERC1155,),
    TRANSFER_BATCH: (Kind.ERC1155,),
}
"""First topic of a transfer's log → what it can be."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What of a block has to be looked at.

    transactions: by their hashes, also those of which only a log is looked at.
    logs: by their identity.
    withdrawals: by their place in the block.
    delegations: all of the block, by the index of their transaction; none if nobody asks.
    watched: the parties of the block that are watched, and who does.
    """

    transactions: set[Hash] = field(default_factory=set)
    logs: set[int] = field(default_factory=set)
    withdrawals: set[int] = field(default_factory=set)
    delegations: dict[int, list[Delegation]] = field(default_factory=dict)
    watched: dict[Address, Numbers] = field(default_factory=dict)


def survey(block: Block, index: Index, given: Iterable[Delegation] = ()) -> Survey:
    """Return what of a block has to be looked at. given: its delegations, if somebody asks."""
    found = Survey()
    for one in given:
        found.delegations.setdefault(one.transaction_index, []).append(one)
    asked = index.asked
    moved: list[Log] = []
    parties: list[Digits] = []
    if not asked.kinds.keys().isdisjoint(_TOKENS):
        moved, parties = _moved(block) if index.watches_addresses else (_moving(block), [])
    if index.watches_addresses:
        _find_watched(block, moved, parties, index, found)
    if asked.transfers.found:
        _find_any(block, moved, asked.transfers, found)
    if asked.events.found:
        _find_told(block, asked.events, found)
    if asked.calls.found:
        named, calls = asked.calls.names, asked.calls.found
        found.transactions.update(
            transaction.hash
            for transaction in block.transactions
            if transaction.input[:10] in calls and named(transaction.input[:10], transaction.to)
        )
        found.transactions.update(
            transaction.hash
            for transaction in block.transactions
            for call in transaction.calls
            if call.input[:10] in calls and named(call.input[:10], call.to)
        )
    return found


def _find_watched(
    block: Block, moved: Sequence[Log], parties: list[Digits], index: Index, found: Survey
) -> None:
    """Find all whose parties are watched, by one look-up of all parties of a block.

    They stand in pairs, one for each log, transaction, inner transfer, delegation and withdrawal.
    parties: of the logs; the others are added.
    """
    kinds = index.asked.kinds
    of_logs = len(parties)
    owners = _add_parties(block, found, parties, kinds)
    carried = len(parties)
    if Kind.WITHDRAWAL in kinds:
        for withdrawn in block.withdrawals:
            parties += (withdrawn.address[2:], withdrawn.address[2:])
    watched = index.watched_among(set(parties))
    if not watched:
        return
    found.watched.update((f"0x{digits}", numbers) for digits, numbers in watched.items())
    for place in compress(range(len(parties)), map(watched.__contains__, parties)):
        if place < of_logs:
            _add(moved[place >> 1], found)
        elif place < carried:
            found.transactions.add(owners[place - of_logs >> 1])
        else:
            found.withdrawals.add(place - carried >> 1)


def _moved(block: Block) -> tuple[list[Log], list[Digits]]:
    """Return the logs that may tell of tokens that moved, and of each its two parties.

    In one pass that names no log's topics twice: it is a third of what is done for every log.
    """
    moved: list[Log] = []
    parties: list[Digits] = []
    add = moved.append
    for receipt in block.receipts:
        for log in receipt.logs:
            topics = log.topics
            if len(topics) > 2:
                first = topics[0]
                if first == TRANSFER:
                    add(log)
                    parties += (topics[1][26:], topics[2][26:])
                elif first in _KINDS:  # in ERC-1155 the operator comes first
                    add(log)
                    parties += (topics[2][26:], topics[-1][26:])
    return moved, parties


def _moving(block: Block) -> list[Log]:
    """Return the same logs, where nobody asks for their parties."""
    return [
        log
        for receipt in block.receipts
        for log in receipt.logs
        if len(log.topics) > 2 and log.topics[0] in _KINDS
    ]


def _add_parties(
    block: Block, found: Survey, parties: list[Digits], kinds: Mapping[Kind, int]
) -> list[Hash]:
    """Add the parties of what transactions do beside their logs; return which transaction it is.

    kinds: that are asked about. What neither moves value nor creates is only a transaction.
    """
    owners: list[Hash] = []
    every = Kind.TRANSACTION in kinds
    if not kinds.keys().isdisjoint(_OF_TRANSACTIONS):
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            if transaction.value != "0x0" or transaction.to is None or every:
                sender = transaction.sender
                receiver = transaction.to or receipt.contract_address or sender
                parties += (sender[2:], receiver[2:])
                owners.append(transaction.hash)
            if transaction.calls:
                sender = transaction.sender
                for call in transaction.calls:
                    receiver = call.to or receipt.contract_address or sender
                    parties += (sender[2:], receiver[2:])
                    owners.append(transaction.hash)
    for inner in block.traces:
        parties += (inner.sender[2:], inner.receiver[2:])
        owners.append(block.transactions[inner.transaction_index].hash)
    for several in found.delegations.values():
        for given in several:
            parties += (given.authority[2:], given.authority[2:])
            owners.append(block.transactions[given.transaction_index].hash)
    return owners


def _find_any(block: Block, moved: Sequence[Log], asked: ByName[Kind], found: Survey) -> None:
    """Find what moves, or creates a contract, where every party is watched."""
    for kind in asked.found:
        if kind is Kind.WITHDRAWAL:
            found.withdrawals.update(range(len(block.withdrawals)))
        elif kind in _TOKENS:
            for log in _asked_about(kind, moved, asked):
                _add(log, found)
        else:
            found.transactions.update(_carrying(kind, block, asked.least(kind) or 0, found))


def _asked_about(kind: Kind, moved: Sequence[Log], asked: ByName[Kind]) -> list[Log]:
    """Return those logs that may tell of a token of this kind which somebody asks about.

    Of an ERC-20 token the amount is compared as the text in which it stands: its first word.
    """
    by_contract, least = asked.found[kind], asked.least(kind)
    logs = [log for log in moved if kind in _KINDS[log.topics[0]]]
    if least is None:
        return [log for log in logs if log.address in by_contract]
    if kind is not Kind.ERC20 or not least:
        return logs
    text = f"{least:0{WORD}x}"
    return [log for log in logs if log.data[2 : 2 + WORD] >= text or log.address in by_contract]


_TOKENS = (Kind.ERC20, Kind.ERC721, Kind.ERC1155)
_OF_TRANSACTIONS = (Kind.NATIVE, Kind.DEPLOYMENT, Kind.TRANSACTION)


def _carrying(kind: Kind, block: Block, least: int, found: Survey) -> Iterator[Hash]:
    """Yield the transactions that may hold something of a kind which no log tells.

    least: the smallest amount that somebody asks about.
    """
    match kind:
        case Kind.NATIVE:
            yield from (
                each.hash
                for each in block.transactions
                if each.calls or (each.value != "0x0" and int(each.value, 16) >= least)
            )
        case Kind.DEPLOYMENT:
            yield from (each.hash for each in block.transactions if each.to is None or each.calls)
        case Kind.INTERNAL:
            yield from (block.transactions[one.transaction_index].hash for one in block.traces)
        case Kind.DELEGATION:
            yield from (block.transactions[place].hash for place in found.delegations)
        case _:
            yield from (each.hash for each in block.transactions)


def _find_told(block: Block, asked: ByName[str | None], found: Survey) -> None:
    """Find the logs that may be events which somebody asks about."""
    logs = [log for receipt in block.receipts for log in receipt.logs]
    firsts = [log.topics[0] if log.topics else None for log in logs]
    for log in compress(logs, map(asked.found.__contains__, firsts)):
        if log.topics and asked.names(log.topics[0], log.address):
            _add(log, found)
    if None in asked.found:
        for log in logs:
            if asked.names(None, log.address):
                _add(log, found)


def _add(log: Log, found: Survey) -> None:
    found.logs.add(id(log))
    found.transactions.add(log.transaction_hash)
