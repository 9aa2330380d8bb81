"""What a condition can ask about, for each kind of rule, and the record that answers it."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from crypitor.evm.abi.types import Argument
from crypitor.evm.delegations import Delegation
from crypitor.evm.types import Address, Header, Log, Receipt, Transaction, Withdrawal, number_of
from crypitor.monitor.condition import types
from crypitor.monitor.condition.types import UINT64, UINT256, Bytes, Nullable, Record, Text, Type


class Facts(msgspec.Struct, gc=False):
    """What is known of one possible match; a field that its kind of rule has not, keeps None.

    watched: whether an address is one of the monitor's.
    address, label: the watched party.
    amount: wei or the token's smallest unit.
    log: which says so; None where no log does.
    args: of the event or the call, as `crypitor.evm.abi` decodes them.
    balance: of the watched party. result: what a function returned, by position. previous: either
    of them at the look before; None, or for a result `NoResult`, where there is none.
    """

    network: str
    chain_id: int
    header: Header
    transaction: Transaction
    receipt: Receipt
    watched: Callable[[Address], bool]
    direction: str | None = None
    address: Address | None = None
    label: str | None = None
    from_address: Address | None = None
    to_address: Address | None = None
    contract: Address | None = None
    amount: int | None = None
    token_id: int | None = None
    log: Log | None = None
    item: int | None = None
    args: tuple[Any, ...] = ()
    withdrawal: Withdrawal | None = None
    delegation: Delegation | None = None
    balance: int = 0
    previous: Any = None
    result: Any = ()
    reverted: bool = False

    @property
    def change(self) -> int | None:
        """By how much a balance is more than at the look before; None at the first."""
        return None if self.previous is None else self.balance - self.previous

    @property
    def status(self) -> str:
        """`success` or `failed`, of the transaction."""
        return "success" if self.receipt.succeeded else "failed"

    @property
    def gas_used(self) -> int | None:
        """Gas of the transaction; None where the node does not say."""
        return number_of(self.receipt.gas_used, UINT64.high)

    @property
    def gas_price(self) -> int | None:
        """Wei that a unit of gas cost."""
        return number_of(self.receipt.effective_gas_price)

    @property
    def fee(self) -> int | None:
        """Wei that the transaction cost beside its value: gas, blobs and an OP chain's L1 fee."""
        return fee_of(self.receipt)

    @property
    def nonce(self) -> int | None:
        """Of the sender before the transaction."""
        return number_of(self.transaction.nonce, UINT64.high)

    @property
    def type(self) -> int:
        """Of the transaction, 0 where the node names none."""
        return number_of(self.receipt.type, UINT64.high) or 0

    @property
    def selector(self) -> str | None:
        """The first four bytes of a call's input; None for a creation and a shorter input."""
        return selector_of(self.transaction)

    @property
    def log_index(self) -> int | None:
        """Place among all logs of the block."""
        return None if self.log is None else int(self.log.index, 16)


class NoResult(tuple[Any, ...]):
    """What stands for a result that is not there: whatever is asked of it has no answer."""

    __slots__ = ()

    def __getitem__(self, _: Any) -> Any:
        """Refuse to be read."""
        raise ValueError("there is no result")


def fee_of(receipt: Receipt) -> int | None:
    """Return what a transaction cost its sender beside its value; None where that is not told.

    Gas at its price, blobs at theirs (EIP-4844), and what an OP chain takes for data (`l1Fee`).
    """
    gas, price = number_of(receipt.gas_used), number_of(receipt.effective_gas_price)
    if gas is None or price is None:
        return None
    fee = gas * price + (number_of(receipt.l1_fee) or 0)
    if number_of(receipt.type) == _BLOB:
        fee += (number_of(receipt.blob_gas_used) or 0) * (number_of(receipt.blob_gas_price) or 0)
    return number_of(fee)


def selector_of(transaction: Transaction) -> str | None:
    """Return the four bytes by which a transaction names a function; None where it names none."""
    if transaction.to is None or len(transaction.input) < _SELECTOR_TEXT:
        return None
    return transaction.input[:_SELECTOR_TEXT]


_BLOB = 3
_SELECTOR_TEXT = len("0x") + 8


@dataclass(frozen=True, slots=True)
class Known:
    """A field: its type, and the Python expression that reads it from `f`, the Facts."""

    type: Type
    source: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields of one rule, by the name that a condition gives them."""

    kind: str
    fields: Mapping[str, Known]

    def names(self) -> list[str]:
        """Return every name, and those of the arguments one by one."""
        names = [name for name in self.fields if name != "args" and "[" not in name]
        for of in ("args", "result", "previous"):
            whole = self.fields.get(of)
            if whole is not None and isinstance(whole.type, Record):
                names += [
                    f"{of}.{name}" if name else f"{of}[{position}]"
                    for position, (name, _) in enumerate(whole.type.members)
                ]
        return names


_ADDRESS = types.Address()
_HASH = Bytes(32)
_STATUS = Text(folded=True, choices=("success", "failed"))

_EVERYWHERE = {
    "network": Known(Text(), "f.network"),
    "chain_id": Known(UINT64, "f.chain_id"),
    "block.number": Known(UINT64, "f.header.number"),
    "block.hash": Known(_HASH, "f.header.hash"),
    "block.timestamp": Known(UINT64, "f.header.timestamp"),
    "transaction.hash": Known(_HASH, "f.transaction.hash"),
    "transaction.index": Known(UINT64, "int(f.transaction.index, 16)"),
    "transaction.from_address": Known(_ADDRESS, "f.transaction.sender"),
    "transaction.to_address": Known(Nullable(_ADDRESS), "f.transaction.to"),
    "transaction.value": Known(UINT256, "int(f.transaction.value, 16)"),
    "transaction.status": Known(_STATUS, "f.status"),
    "transaction.gas_used": Known(Nullable(UINT64), "f.gas_used"),
    "transaction.gas_price": Known(Nullable(UINT256), "f.gas_price"),
    "transaction.fee": Known(Nullable(UINT256), "f.fee"),
    "transaction.nonce": Known(Nullable(UINT64), "f.nonce"),
    "transaction.input": Known(Bytes(), "f.transaction.input"),
    "transaction.type": Known(UINT64, "f.type"),
    "transaction.selector": Known(Nullable(Bytes(4)), "f.selector"),
    "status": Known(_STATUS, "f.status"),
}
OF_RECEIPT = frozenset({"f.status", "f.gas_used", "f.gas_price", "f.fee", "f.type"})
"""What only the receipt of a transaction says, of rules that no log answers."""

LABEL = "f.label"
"""What each monitor says of an address by itself."""

_PARTY = {
    "direction": Known(Text(folded=True, choices=("in", "out")), "f.direction"),
    "address": Known(_ADDRESS, "f.address"),
    "label": Known(Nullable(Text()), LABEL),
}
OF_PARTY = frozenset(known.source for known in _PARTY.values())
"""What reads the party of a transfer that is looked at."""

_FROM = {"from_address": Known(_ADDRESS, "f.from_address")}
_TO = {"to_address": Known(_ADDRESS, "f.to_address")}
_AMOUNT = {"amount": Known(UINT256, "f.amount")}
_TOKEN_ID = {"token_id": Known(UINT256, "f.token_id")}
_ITEM = {"item": Known(Nullable(UINT64), "f.item")}
_CONTRACT = {
    "contract": Known(_ADDRESS, "f.contract"),
    "contract.address": Known(_ADDRESS, "f.contract"),
}
_LOG = {**_CONTRACT, "log_index": Known(UINT64, "f.log_index")}
_NULLABLE_TO = {"to_address": Known(Nullable(_ADDRESS), "f.to_address")}

_OWN: dict[str, dict[str, Known]] = {
    # a creation that failed has no receiver
    "native": {**_PARTY, **_FROM, **_NULLABLE_TO, **_AMOUNT},
    "internal": {**_PARTY, **_FROM, **_TO, **_AMOUNT, **_ITEM},
    "erc20": {**_PARTY, **_FROM, **_TO, **_AMOUNT, **_LOG},
    "erc721": {**_PARTY, **_FROM, **_TO, **_AMOUNT, **_TOKEN_ID, **_LOG},
    "erc1155": {**_PARTY, **_FROM, **_TO, **_AMOUNT, **_TOKEN_ID, **_LOG, **_ITEM},
    "event": _LOG,
    "call": {**_FROM, **_TO, **_CONTRACT},
    "deployment": {**_PARTY, **_FROM, **_TO, **_CONTRACT},
    # as native: a creation that failed has no receiver
    "transaction": {**_PARTY, **_FROM, **_NULLABLE_TO},
    "withdrawal": {
        **_PARTY,
        **_TO,
        **_AMOUNT,
        **_ITEM,
        "withdrawal.index": Known(UINT64, "int(f.withdrawal.index, 16)"),
        "withdrawal.validator_index": Known(UINT64, "int(f.withdrawal.validator_index, 16)"),
    },
    # a delegate is null where the code is cleared
    "delegation": {
        **_PARTY,
        **_FROM,
        **_NULLABLE_TO,
        **_ITEM,
        "delegation.nonce": Known(UINT64, "f.delegation.nonce"),
        "delegation.chain_id": Known(UINT256, "f.delegation.chain_id"),
    },
    "balance": {
        "address": _PARTY["address"],
        "label": _PARTY["label"],
        "contract": Known(Nullable(_ADDRESS), "f.contract"),
        "token_id": Known(Nullable(UINT256), "f.token_id"),
        "balance": Known(UINT256, "f.balance"),
        "previous": Known(Nullable(UINT256), "f.previous"),
        "change": Known(Nullable(types.Int(-(2**256) + 1, 2**256 - 1)), "f.change"),
    },
    "view": {**_CONTRACT, "reverted": Known(types.Bool(), "f.reverted")},
}
_WITHOUT_TRANSACTION = ("withdrawal", "balance", "view")


_OF_TRANSACTION = ("transaction.", "status")
_LONGEST_LIKELY, _MOST_LIKELY = 40, 64


def scope_for(kind: str, arguments: Sequence[Argument] = ()) -> Scope:
    """Return what a rule of a kind can ask about.

    arguments: of its event or function, of a view what it returns. Raises KeyError for a kind that
    there is not.
    """
    fields = {**_OWN[kind], **_EVERYWHERE}
    if kind in _WITHOUT_TRANSACTION:  # no transaction carries it
        fields = {name: fields[name] for name in fields if not name.startswith(_OF_TRANSACTION)}
    if kind == "view":
        fields |= {**_returned("result", arguments), **_returned("previous", arguments)}
    elif arguments:
        members = tuple((argument.name, types.of_abi(argument.type)) for argument in arguments)
        fields["args"] = Known(Record(members), "f.args")
    return Scope(str(kind), fields)


def _returned(name: str, outputs: Sequence[Argument]) -> dict[str, Known]:
    """Return the fields of what a function returns: a single value is the result itself."""
    if len(outputs) != 1:
        members = tuple((output.name, types.of_abi(output.type)) for output in outputs)
        return {name: Known(Record(members), f"f.{name}")}
    single = Known(types.of_abi(outputs[0].type), f"f.{name}[0]")
    names = [name, *([f"{name}.{outputs[0].name}"] if outputs[0].name else [])]
    if not isinstance(single.type, Record | types.ListOf):
        names.append(f"{name}[0]")
    return dict.fromkeys(names, single)


def unknown_field(scope: Scope, name: str) -> str:
    """Return the sentence that refuses a field, with those that may have been meant."""
    names = scope.names()
    if name == "args":
        return f"a rule of kind {scope.kind} has no arguments"
    if any(name in fields for fields in _OWN.values()):
        return f"a rule of kind {scope.kind} has no {name}; it has {', '.join(names)}"
    parts = [each for each in names if each.startswith(f"{name}.")]
    if parts:
        return f"{name} has parts: {', '.join(parts)}"
    return _unknown(name, names, names)


def unknown_member(record: Record, name: str) -> str:
    """Return the sentence that refuses a member of a tuple."""
    names = [each for each, _ in record.members if each]
    known = [each or f"[{number}]" for number, (each, _) in enumerate(record.members)]
    return _unknown(name, names, known)


def _unknown(name: str, names: Sequence[str], known: Sequence[str]) -> str:
    shown = name[:80]
    # To compare two names takes a time that grows with both lengths.
    likely = [each for each in names if len(each) <= _LONGEST_LIKELY][:_MOST_LIKELY]
    near = difflib.get_close_matches(shown[:_LONGEST_LIKELY], likely, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}"
    return f"unknown field {shown!r}; {hint}"
