"""Which watched addresses and contracts a block touched: those whose state may be another. Pure.

More is touched than what moved: who only sent a transaction paid for it, and a token may move
without a `Transfer`. What a block does not show is found by looking now and then.
"""

from collections.abc import Iterable

from crypitor.evm.types import Address, Block, Digits
from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind

_ADDRESS_TOPIC = "0x" + "0" * 24


def touched(block: Block, index: Index, network: str) -> list[Address]:
    """Return the accounts and contracts of gauges that a block may have changed, in order."""
    asked = index.asked
    found: set[Address] = set()
    if Kind.BALANCE in asked.kinds:
        for digits, numbers in index.watched_among(_parties(block)).items():
            if any(
                network in watching.monitor.networks and Kind.BALANCE in watching.rules
                for watching in index.watching(numbers)
            ):
                found.add(f"0x{digits}")
    if asked.viewed:
        found |= asked.viewed.keys() & _contracts(block)
    return sorted(found)


def _parties(block: Block) -> set[Digits]:
    """Return everybody whose balance of something a block may have changed."""
    parties: set[Address] = set()
    named: set[Digits] = set()
    for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
        parties.add(transaction.sender)
        parties.update(filter(None, (transaction.to, receipt.contract_address)))
        parties.update(call.to for call in transaction.calls if call.to is not None)
        for log in receipt.logs:
            parties.add(log.address)
            named.update(_addresses(log.topics))
    for inner in block.traces:
        parties.update((inner.sender, inner.receiver))
    parties.update(withdrawn.address for withdrawn in block.withdrawals)
    return named | {party[2:] for party in parties}


def _addresses(topics: Iterable[str]) -> Iterable[Digits]:
    """Return what may be an address among a log's topics, the first of which may be one too."""
    return [topic[26:] for topic in topics if topic.startswith(_ADDRESS_TOPIC)]


def _contracts(block: Block) -> set[Address]:
    """Return the contracts that a block called or that emitted something."""
    called = {transaction.to for transaction in block.transactions}
    called |= {call.to for transaction in block.transactions for call in transaction.calls}
    called |= {log.address for receipt in block.receipts for log in receipt.logs}
    called |= {inner.receiver for inner in block.traces}
    called |= {inner.sender for inner in block.traces}
    return {contract for contract in called if contract is not None}
