"""Blocks as Ethereum JSON-RPC serves them, reduced to the fields that are used.

Hashes, addresses and byte strings are lower-case 0x-hex. Quantities stay hex text until somebody
needs their number: of a thousand logs in a block, most are only looked at. Every type is also the
wire form on the queue. Source: execution-apis, schemas `Block`, `TransactionInfo`, `ReceiptInfo`,
`Log`.

What nodes write otherwise is brought into this form where a block is read (`worker/tidy.py`), which
goes by the annotations here: a field of these types needs no more to be compared as text.
"""

from functools import lru_cache
from typing import Annotated, TypeAlias

import msgspec

Address: TypeAlias = Annotated[str, "address"]
"""0x and 40 lower-case hex digits."""

Digits: TypeAlias = str
"""Of an address, its 40 lower-case hex digits alone: as they end a topic."""

Hash: TypeAlias = str
"""0x and 64 lower-case hex digits."""

Quantity: TypeAlias = Annotated[str, "quantity"]
"""0x and the hex digits of a non-negative integer, no more than it needs: `int(quantity, 16)`."""

Timestamp: TypeAlias = Annotated[str, "timestamp"]
"""A quantity of unix seconds."""

Data: TypeAlias = Annotated[str, "bytes"]
"""0x and pairs of lower-case hex digits, or none."""

Loose: TypeAlias = str | int | float | None
"""A quantity of which nothing depends but what users ask; some nodes send a number or nothing."""

_HASH_TEXT = len("0x") + 64


@lru_cache(maxsize=1024)
def counted(count: int) -> list[Quantity]:
    """Return "0x0", "0x1" and so on, as transactions and logs are numbered; not to be changed."""
    return [hex(number) for number in range(count)]


class Log(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One emitted event, undecoded.

    topics: zero to four hashes; the first is the event's signature unless it is anonymous.
    index: position among all logs of the block.
    """

    address: Address
    topics: tuple[str, ...]
    data: Data
    index: Quantity = msgspec.field(name="logIndex")
    block_hash: Hash
    transaction_hash: Hash


def number_of(loose: Loose, most: int = 2**256 - 1) -> int | None:
    """Return the number that stands there; None where there is none up to `most`."""
    if isinstance(loose, str):
        try:
            loose = int(loose, 16)
        except ValueError:
            return None
    return loose if isinstance(loose, int) and 0 <= loose <= most else None


class Authorization(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """An entry of a transaction's `authorizationList`, as it was served (EIP-7702)."""

    chain_id: Loose = None
    address: Loose = None
    nonce: Loose = None
    y_parity: Loose = None
    v: Loose = None
    r: Loose = None
    s: Loose = None


class InnerCall(msgspec.Struct, frozen=True, gc=False):
    """One of the calls that a transaction of an account-abstraction type makes.

    to: None for a contract creation.  value: wei.  What is not of this form is not read: few blocks
    have such calls, and no others should be searched for them.
    """

    to: Annotated[Address, msgspec.Meta(pattern=r"^0x[0-9a-f]{40}\Z")] | None = None
    value: Annotated[Quantity, msgspec.Meta(pattern=r"^0x[0-9a-f]{1,64}\Z")] = "0x0"
    input: Annotated[Data, msgspec.Meta(pattern=r"^0x([0-9a-f]{2})*\Z")] = "0x"


class Transaction(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A transaction within a block.

    to: None for a contract creation.
    value: wei.  index: position in the block.
    calls: what a transaction does that has no receiver, value and input of its own but a list of
    them (Tempo's type 0x76); empty for all others.
    """

    hash: Hash
    index: Quantity = msgspec.field(name="transactionIndex")
    block_hash: Hash
    sender: Address = msgspec.field(name="from")
    value: Quantity = ""
    to: Address | None = None
    input: Data = "0x"
    nonce: Loose = None
    authorization_list: tuple[Authorization, ...] | None = None
    calls: tuple[InnerCall, ...] = ()


class Receipt(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What came of a transaction.

    status: "0x1" success, "0x0" failure, None before Byzantium, where `root`, a hash, stands
    instead. Some nodes fill in both: then `root` is what the header commits to.
    contract_address: of the created contract, if the transaction created one.
    gas_used: by this transaction alone.  effective_gas_price, blob_gas_price: wei a unit.
    l1_fee: wei, what an OP chain takes for the data beside the gas.
    base_fee: wei; of Celo's type 0x7b, whose receipts commit to it.
    """

    transaction_hash: Hash
    transaction_index: Quantity
    block_hash: Hash
    logs: tuple[Log, ...]
    cumulative_gas_used: Quantity = "0x0"
    logs_bloom: str = "0x"
    status: Quantity | None = None
    root: str | None = None
    type: Quantity | None = None
    contract_address: Address | None = None
    deposit_nonce: Quantity | None = None
    deposit_receipt_version: Quantity | None = None
    gas_used: Loose = None
    effective_gas_price: Loose = None
    l1_fee: Loose = None
    blob_gas_used: Loose = None
    blob_gas_price: Loose = None
    base_fee: Quantity | None = None

    @property
    def has_post_state(self) -> bool:
        """Whether it is from before Byzantium, when receipts told no status."""
        return self.root is not None and len(self.root) == _HASH_TEXT

    @property
    def succeeded(self) -> bool:
        """Whether the transaction took effect; receipts from before Byzantium count as success."""
        return self.status is None or self.status == "0x1" or self.has_post_state


class Withdrawal(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a block credits to an account without a transaction (EIP-4895).

    index: counts all withdrawals of the chain.  amount: gwei.
    """

    index: Quantity
    validator_index: Quantity
    address: Address
    amount: Quantity


class Header(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a block to recognise its place in the chain.

    number: height, genesis is 0.  timestamp: unix seconds.
    """

    number: int
    hash: Hash
    parent_hash: Hash
    timestamp: int

    def is_parent_of(self, header: "Header") -> bool:
        """Whether `header` is the next block on top of this one.

        Its height is one more, but that some chains have heights without a block.
        """
        return header.parent_hash == self.hash and header.number > self.number


class Seal(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The fields of a JSON-RPC block by which the rest of it is proven.

    Bloom and roots are as they came: who proves by one of them finds what is wrong with it.
    settled_height: where the roots are of earlier blocks, up to which one.
    """

    number: Quantity
    hash: Hash
    parent_hash: Hash
    timestamp: Timestamp
    logs_bloom: str = "0x"
    receipts_root: Hash = "0x"
    transactions_root: Hash = "0x"
    withdrawals_root: Hash | None = None
    settled_height: Quantity | None = None

    @property
    def header(self) -> Header:
        """What is kept of the block."""
        return Header(
            number=int(self.number, 16),
            hash=self.hash,
            parent_hash=self.parent_hash,
            timestamp=int(self.timestamp, 16),
        )


class InternalTransfer(msgspec.Struct, frozen=True, gc=False):
    """Wei that a call inside a successful transaction moved.

    transaction_index: position in the block.  item: position among the internal transfers of the
    transaction, in the order of the calls.  value: above zero.
    """

    transaction_index: int
    item: int
    sender: Address
    receiver: Address
    value: Quantity


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """What a header commits to of earlier blocks: from where its parent stopped up to `height`.

    receipts_root: of all their receipts in a row.  Source: Avalanche's ACP-194.
    """

    height: int
    receipts_root: Hash


class Block(msgspec.Struct, frozen=True, gc=False):
    """A header with everything that happened in the block; receipt i belongs to transaction i.

    traces: the internal transfers in the order of the chain; none where the network's traces are
    off.
    withdrawals: in the order of the block, after all transactions.
    settlement: where the header commits to earlier blocks in place of its own.
    known: the transactions whose receipts are the node's, None where all are; the other receipts
    say nothing but that they stand for one of success (`monitor/needed.py`).
    """

    header: Header
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]
    traces: tuple[InternalTransfer, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    settlement: Settlement | None = None
    known: tuple[Hash, ...] | None = None
