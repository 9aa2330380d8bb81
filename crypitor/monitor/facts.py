"""What a condition is asked about: a subject, its place in the chain, and who watches it. Pure."""

from crypitor.evm.types import Address, Header, Receipt, Transaction
from crypitor.monitor.condition import Facts
from crypitor.monitor.index import Watching
from crypitor.monitor.models import Direction, Subject


def facts_of(
    network: str,
    chain_id: int,
    header: Header,
    transaction: Transaction,
    receipt: Receipt,
    subject: Subject,
    watching: Watching | None,
    direction: Direction | None = None,
    address: Address | None = None,
) -> Facts:
    """Return what a condition is asked about.

    watching: None for what is the same for every monitor.
    direction, address: the watched party, if any.
    """
    return Facts(
        network,
        chain_id,
        header,
        transaction,
        receipt,
        _nobody if watching is None else watching.watches,
        direction,
        address,
        None if watching is None or address is None else watching.labels.get(address),
        subject.sender,
        subject.receiver,
        subject.contract,
        subject.amount,
        subject.token_id,
        subject.log,
        subject.item,
        subject.args,
        subject.withdrawal,
        subject.delegation,
    )


def _nobody(_: Address) -> bool:
    return False
