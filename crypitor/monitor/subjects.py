"""What a transaction holds that a rule can ask about. Pure."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from crypitor.evm.abi import Values
from crypitor.evm.delegations import Delegation
from crypitor.evm.transfers import (
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    TokenTransfer,
    transfer,
    transfer_batch,
    transfer_single,
)
from crypitor.evm.types import InternalTransfer, Log, Receipt, Transaction, Withdrawal
from crypitor.evm.withdrawals import WEI_PER_GWEI
from crypitor.monitor.models import Kind, Rule, Subject

DECODERS: Mapping[str | None, Callable[[Log], list[TokenTransfer]]] = {
    TRANSFER: transfer,
    TRANSFER_SINGLE: transfer_single,
    TRANSFER_BATCH: transfer_batch,
}
"""First topic of a transfer's log → what reads it."""


_POST_EXECUTION = "0x7d"
_ZERO = "0x" + "00" * 20


def parts(transaction: Transaction) -> list[tuple[int | None, Transaction]]:
    """Return what a transaction does, each with its place: itself, or its list of calls."""
    if not transaction.calls:
        return [(None, transaction)]
    return [
        (place, replace(transaction, to=call.to, value=call.value, input=call.input, calls=()))
        for place, call in enumerate(transaction.calls)
    ]


def native(transaction: Transaction, receipt: Receipt, item: int | None = None) -> Subject | None:
    """Return the transfer of a transaction's own value, also of one that failed.

    item: the place among the calls of an account-abstraction transaction, else None.
    """
    amount = int(transaction.value, 16)
    receiver = transaction.to or (receipt.contract_address if receipt.succeeded else None)
    if not amount or (receiver is None and receipt.succeeded):
        return None
    return Subject(Kind.NATIVE, transaction.sender, receiver, amount, item=item)


def internal(moved: InternalTransfer) -> Subject:
    """Return the transfer that a call within a transaction made."""
    amount = int(moved.value, 16)
    return Subject(Kind.INTERNAL, moved.sender, moved.receiver, amount, item=moved.item)


def deployment(transaction: Transaction, receipt: Receipt) -> Subject | None:
    """Return the creation of a contract by a transaction that succeeded.

    The OP stack's type 0x7d has no receiver, and a contract's address in its receipt, and creates
    nothing.
    """
    created = receipt.contract_address
    if receipt.type == _POST_EXECUTION and transaction.sender == _ZERO:
        return None
    if transaction.to is not None or created is None or not receipt.succeeded:
        return None
    return Subject(Kind.DEPLOYMENT, transaction.sender, created, None, contract=created)


def whole(transaction: Transaction, receipt: Receipt) -> Subject:
    """Return a transaction as such, whatever it does and whether it succeeded."""
    receiver = transaction.to or (receipt.contract_address if receipt.succeeded else None)
    return Subject(Kind.TRANSACTION, transaction.sender, receiver, None)


def withdrawal(withdrawn: Withdrawal, place: int) -> Subject | None:
    """Return what a block credits to an account. place: in the block's list."""
    amount = int(withdrawn.amount, 16) * WEI_PER_GWEI
    if not amount:
        return None
    return Subject(
        Kind.WITHDRAWAL, None, withdrawn.address, amount, item=place, withdrawal=withdrawn
    )


def delegation(given: Delegation) -> Subject:
    """Return the account's word on whose code runs in its name."""
    return Subject(
        Kind.DELEGATION, given.authority, given.delegate, None, item=given.item, delegation=given
    )


def token_transfers(log: Log) -> list[Subject]:
    """Return the transfers that a log tells, none if it tells none.

    What is not hexadecimal, possible in an unproven block, is none.
    """
    decode = DECODERS.get(log.topics[0]) if log.topics else None
    try:
        return [] if decode is None else [_token(log, moved) for moved in decode(log)]
    except ValueError:
        return []


def event(log: Log, rule: Rule, args: Values) -> Subject:
    """Return the event of a rule that a log was decoded to be."""
    return Subject(
        Kind.EVENT, None, None, None, log=log, contract=log.address, abi=rule.abi, args=args
    )


def call(transaction: Transaction, rule: Rule, args: Values, item: int | None = None) -> Subject:
    """Return the call of a rule that a transaction's input was decoded to be.

    item: the place among the calls of an account-abstraction transaction, else None.
    """
    sender, to = transaction.sender, transaction.to
    return Subject(Kind.CALL, sender, to, None, item=item, contract=to, abi=rule.abi, args=args)


def _token(log: Log, moved: TokenTransfer) -> Subject:
    if log.topics[0] != TRANSFER:
        kind = Kind.ERC1155
    else:
        kind = Kind.ERC20 if moved.token_id is None else Kind.ERC721
    return Subject(
        kind,
        moved.sender,
        moved.receiver,
        moved.amount,
        moved.token_id,
        log,
        moved.item,
        contract=log.address,
    )
