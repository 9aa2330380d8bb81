"""Block access lists as nodes serve them.

Source: EIP-7928; execution-apis, `eth_getBlockAccessList`. What was only read is not listed, as
nothing here says what contracts read; tokens keep what everybody has in a mapping in slot 0.
"""

from collections import defaultdict
from collections.abc import Iterable

from crypitor.development.simulator.blocks import SimulatedBlock
from crypitor.development.simulator.documents import Document
from crypitor.development.simulator.happened import Happened
from crypitor.development.simulator.state import COIN, FIRST_COINS, FIRST_TOKENS, State
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address

_DELEGATES = "0xef0100"
_FIELDS = ("storageChanges", "storageReads", "balanceChanges", "nonceChanges", "codeChanges")


def access_list(block: SimulatedBlock, state: State) -> list[Document]:
    """Return what a block did to each account, in the order of addresses."""
    found: defaultdict[Address, Document] = defaultdict(lambda: {name: [] for name in _FIELDS})
    happened = [*block.truth, *(one for one in block.beside if one.kind == "withdrawal")]
    coins = [one for one in happened if one.kind in COIN]
    for account in _parties(coins):
        had = state.balance(block, account, first=FIRST_COINS)
        changes = _changes(block, coins, account, had)
        found[account]["balanceChanges"] = [_change(*change) for change in changes]
    for contract in {one.contract for one in happened if one.contract is not None}:
        moved = [one for one in happened if one.contract == contract]
        found[contract]["storageChanges"] = list(_slots(block, moved, contract, state))
    for mined in block.transactions:
        envelope, index = mined.signed.envelope, mined.index + 1
        nonces = found[mined.signed.sender]["nonceChanges"]
        nonces.append(_change(index, envelope.nonce + 1))
        if mined.created is not None and mined.succeeded:
            code = {"index": hex(index), "code": "0x00"}
            found[mined.created]["codeChanges"].append(code)
        for item in mined.delegated:
            given = envelope.authorizations[item]
            code = {"index": hex(index), "code": _DELEGATES + given.address[2:]}
            found[given.authority]["codeChanges"].append(code)
    return [{"address": address, **found[address]} for address in sorted(found)]


def _slots(
    block: SimulatedBlock, moved: list[Happened], contract: Address, state: State
) -> Iterable[Document]:
    ids = {one.token_id for one in moved}
    for account in _parties(moved):
        for token_id in ids:
            some = [one for one in moved if one.token_id == token_id]
            had = state.balance(block, account, contract, token_id, FIRST_TOKENS)
            changes = _changes(block, some, account, had)
            if changes:
                slot = int(account, 16).to_bytes(32) + (token_id or 0).to_bytes(32)
                values = [{"index": hex(at), "value": f"0x{now:064x}"} for at, now in changes]
                yield {"key": "0x" + keccak(slot).hex(), "changes": values}


def _changes(
    block: SimulatedBlock, moved: Iterable[Happened], account: Address, had: int
) -> list[tuple[int, int]]:
    """Return after which transactions an account had another amount, and which.

    had: at the end of the block.  A transaction's index begins with 1; withdrawals come behind all.
    """
    by_index: defaultdict[int, int] = defaultdict(int)
    for one in moved:
        behind = len(block.transactions)
        index = 1 + (behind if one.transaction_index is None else one.transaction_index)
        sign = (one.to_address == account) - (one.from_address == account)
        by_index[index] += sign * (one.amount or 0)
    has = had - sum(by_index.values())
    changes = []
    for index, change in sorted(by_index.items()):
        has += change
        if change:
            changes.append((index, has))
    return changes


def _parties(moved: Iterable[Happened]) -> list[Address]:
    parties = {party for one in moved for party in (one.from_address, one.to_address)}
    return sorted(party for party in parties if party is not None)


def _change(index: int, value: int) -> Document:
    return {"index": hex(index), "value": hex(value)}
