"""Moves of a chain's own coin as logs tell them, on chains that write such logs. Pure.

Sources: EIP-7708; matter-labs/era-contracts, L2BaseToken.sol and bootloader.yul; 0xPolygon/bor,
core/bor_fee_log.go and core/evm.go.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from crypitor.evm.transfers import TRANSFER, WORD, address_in
from crypitor.evm.types import Address, Block, InternalTransfer, Log, Receipt, Transaction

LOG_TRANSFER = "0xe6497e3ee548a3372136af2fcb0696db31fc6cf20260707645068bd3fe97f3c4"
"""LogTransfer(address indexed token, address indexed from, address indexed to, uint256, …)."""


class CoinLogs(msgspec.Struct, frozen=True):
    """Who speaks for a chain's own coin, and how.

    address: whose logs they are. They are never ERC-20 transfers, unless a rule names it.
    topic: of the event that tells a move; the amount is the first word of its data.
    sender_at: which topic is the sender; the receiver's is the next.
    fees: accounts that take fees and give back what was too much of them.
    since: height from which every move has its log; None where that is not known.
    """

    address: Address
    topic: str = TRANSFER
    sender_at: int = 1
    fees: frozenset[Address] = frozenset()
    since: int | None = None


EIP_7708 = CoinLogs("0x" + "f" * 39 + "e")
"""Since Ethereum's Amsterdam. Nobody else can write logs of this address: it has no code."""

ZKSYNC_COIN = CoinLogs(
    "0x" + "0" * 36 + "800a", fees=frozenset({"0x" + "0" * 36 + "8001"}), since=0
)
"""L2BaseToken; the fee goes to the bootloader, 0x8001, and what is left of it comes back."""

BOR_COIN = CoinLogs("0x" + "0" * 36 + "1010", LOG_TRANSFER, sender_at=2, since=0)
"""MRC20. Fees have an event of their own. What SELFDESTRUCT hands over has no log."""


CoinName: TypeAlias = Literal["eip7708", "zksync", "bor"]

COINS: Mapping[CoinName, CoinLogs] = {
    "eip7708": EIP_7708,
    "zksync": ZKSYNC_COIN,
    "bor": BOR_COIN,
}
"""How the configuration names them."""


def coin_transfers(block: Block, told: CoinLogs) -> tuple[InternalTransfer, ...]:
    """Return the internal transfers of a block as the coin's logs tell them, in their order.

    Left out is one log of each payment: the transaction's own, which is its native transfer.
    """
    found: list[InternalTransfer] = []
    address, topic = told.address, told.topic
    for index, receipt in enumerate(block.receipts):
        logs = [
            log
            for log in receipt.logs
            if log.address == address and log.topics and log.topics[0] == topic
        ]
        if logs and receipt.succeeded:
            found += _inner(index, block.transactions[index], receipt, logs, told)
    return tuple(found)


def _inner(
    index: int,
    transaction: Transaction,
    receipt: Receipt,
    logs: Sequence[Log],
    told: CoinLogs,
) -> Iterator[InternalTransfer]:
    own: tuple[Address | None, Address | None, int] | None = None
    if (value := int(transaction.value, 16)) > 0:
        own = transaction.sender, transaction.to or receipt.contract_address, value
    item = 0
    for log in logs:
        moved = _moved(log, told)
        if moved is None or not moved[2] or not told.fees.isdisjoint(moved[:2]):
            continue
        if moved == own:
            own = None
            continue
        sender, receiver, amount = moved
        yield InternalTransfer(index, item, sender, receiver, hex(amount))
        item += 1


def _moved(log: Log, told: CoinLogs) -> tuple[Address, Address, int] | None:
    """Return sender, receiver and amount; None for a log that does not decode."""
    parties = log.topics[told.sender_at : told.sender_at + 2]
    amount = log.data[2 : 2 + WORD]
    if len(parties) != 2 or len(amount) < WORD:
        return None
    try:
        return address_in(parties[0]), address_in(parties[1]), int(amount, 16)
    except ValueError:
        return None
