"""Token transfers as logs tell them: ERC-20, ERC-721 and ERC-1155.

ERC-20 and ERC-721 share one signature; the number of indexed arguments tells them apart. A log
that carries the signature and does not decode is no transfer.
Sources: ERC-20, ERC-721, ERC-1155 ("Events"); Solidity ABI specification.
"""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from crypitor.evm.types import Address, Log

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"

WORD = 64
"""Hex digits of one ABI word."""

_NO_ADDRESS_PADDING = "0x" + "0" * 24


class TokenTransfer(msgspec.Struct, frozen=True, gc=False):
    """What one log, or one item of a TransferBatch, moved.

    amount: smallest unit; 1 for an ERC-721 token.
    token_id: None for ERC-20.
    item: place within a TransferBatch, else None.
    """

    sender: "Address"
    receiver: "Address"
    amount: int
    token_id: int | None
    item: int | None


def address_in(topic: str) -> "Address":
    """Return the address in an indexed argument; its twelve bytes of padding are not looked at."""
    return "0x" + topic[26:]


def transfer(log: "Log") -> list[TokenTransfer]:
    """Decode `Transfer` with three topics (ERC-20) or four (ERC-721); [] when it is neither."""
    parties = _parties(log.topics[1:3])
    if parties is None:
        return []
    if len(log.topics) == 4:
        token_id = int(log.topics[3], 16)
        return [TokenTransfer(*parties, amount=1, token_id=token_id, item=None)]
    if len(log.topics) != 3 or len(log.data) < 2 + WORD:
        return []
    amount = int(log.data[2 : 2 + WORD], 16)
    return [TokenTransfer(*parties, amount=amount, token_id=None, item=None)]


def transfer_single(log: "Log") -> list[TokenTransfer]:
    """Decode `TransferSingle` of ERC-1155; [] when it does not decode."""
    parties = _parties(log.topics[2:4])
    if parties is None or len(log.data) < 2 + 2 * WORD:
        return []
    token_id, amount = int(log.data[2 : 2 + WORD], 16), int(log.data[2 + WORD : 2 + 2 * WORD], 16)
    return [TokenTransfer(*parties, amount=amount, token_id=token_id, item=None)]


def transfer_batch(log: "Log") -> list[TokenTransfer]:
    """Decode `TransferBatch` of ERC-1155, an entry for each item; [] when it does not decode."""
    parties, arrays = _parties(log.topics[2:4]), batch_arrays(log.data)
    if parties is None or arrays is None:
        return []
    return [
        TokenTransfer(*parties, amount=amount, token_id=token_id, item=item)
        for item, (token_id, amount) in enumerate(zip(*arrays, strict=True))
    ]


def batch_arrays(data: str) -> tuple[list[int], list[int]] | None:
    """Return the ids and the amounts of a `TransferBatch`, None when they do not decode."""
    ids, amounts = _uint_array(data, 0), _uint_array(data, 1)
    if ids is None or amounts is None or len(ids) != len(amounts):
        return None
    return ids, amounts


def _parties(topics: tuple[str, ...]) -> "tuple[Address, Address] | None":
    if len(topics) != 2:
        return None
    sender, receiver = topics
    if not (sender.startswith(_NO_ADDRESS_PADDING) and receiver.startswith(_NO_ADDRESS_PADDING)):
        return None
    return address_in(sender), address_in(receiver)


def _uint_array(data: str, argument: int) -> list[int] | None:
    """Return the `uint256[]` whose offset stands in the given word, None when it is cut short."""
    head = data[2 + argument * WORD : 2 + (argument + 1) * WORD]
    if len(head) < WORD:
        return None
    start = 2 + int(head, 16) * 2
    length = data[start : start + WORD]
    if len(length) < WORD:
        return None
    first, count = start + WORD, int(length, 16)
    if count > (len(data) - first) // WORD:
        return None
    return [int(data[at : at + WORD], 16) for at in range(first, first + count * WORD, WORD)]
