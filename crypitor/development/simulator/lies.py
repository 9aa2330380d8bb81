"""Changes to the results of JSON-RPC calls, as nodes that fail or lie make them.

Each takes the decoded result and returns another; where there is nothing to change, the same.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from crypitor.development.simulator.documents import Document
from crypitor.development.simulator.faults import Fault
from crypitor.evm.keccak import keccak

Lie: TypeAlias = Callable[[Any, Random], Any]
"""A result that was decoded for this alone → what is told in its place."""

_CONTENT = ("address", "topics", "data")
_ADDRESS_LENGTH, _HASH_LENGTH = 42, 66


def empty_logs(receipts: list[Document], _: Random) -> list[Document]:
    """Leave out all logs."""
    for receipt in receipts:
        receipt["logs"] = []
    return receipts


def drop_log(receipts: list[Document], rng: Random) -> list[Document]:
    """Leave out one log; the others keep their indexes."""
    holders = [receipt for receipt in receipts if receipt["logs"]]
    if holders:
        logs = rng.choice(holders)["logs"]
        del logs[rng.randrange(len(logs))]
    return receipts


def cut_last_tx(receipts: list[Document], _: Random) -> list[Document]:
    """Leave out the logs of the last transaction that has some."""
    for receipt in reversed(receipts):
        if receipt["logs"]:
            receipt["logs"] = []
            break
    return receipts


def swapped_logs(receipts: list[Document], rng: Random) -> list[Document]:
    """Exchange what two logs say; each place keeps its index."""
    logs = _logs(receipts)
    if len(logs) > 1:
        one, other = rng.sample(logs, 2)
        for name in _CONTENT:
            one[name], other[name] = other[name], one[name]
    return receipts


def changed_topic(receipts: list[Document], rng: Random) -> list[Document]:
    """Put another address into a topic."""
    logs = [log for log in _logs(receipts) if len(log["topics"]) > 1]
    if logs:
        topics = rng.choice(logs)["topics"]
        topics[rng.randrange(1, len(topics))] = f"0x{rng.getrandbits(160):064x}"
    return receipts


def changed_data(receipts: list[Document], rng: Random) -> list[Document]:
    """Change the last byte of a log's data: the amount, of an ERC-20 transfer."""
    logs = [log for log in _logs(receipts) if len(log["data"]) > len("0x")]
    if logs:
        log = rng.choice(logs)
        log["data"] = f"{log['data'][:-2]}{int(log['data'][-2:], 16) ^ 1:02x}"
    return receipts


def flipped_status(receipts: list[Document], rng: Random) -> list[Document]:
    """Show a transaction that failed as done, or the other way round."""
    if receipts:
        receipt = rng.choice(receipts)
        receipt["status"] = "0x0" if receipt["status"] == "0x1" else "0x1"
    return receipts


def missing_receipt(receipts: list[Document], rng: Random) -> list[Document]:
    """Leave out one receipt."""
    if receipts:
        del receipts[rng.randrange(len(receipts))]
    return receipts


def checksum_case(result: Any) -> Any:
    """Write addresses with their checksum (EIP-55) and hashes in upper case."""
    if isinstance(result, dict):
        return {name: checksum_case(value) for name, value in result.items()}
    if isinstance(result, list):
        return [checksum_case(value) for value in result]
    if not isinstance(result, str) or not result.startswith("0x"):
        return result
    if len(result) == _ADDRESS_LENGTH:
        digits = result[2:]
        marks = keccak(digits.encode()).hex()
        return "0x" + "".join(
            digit.upper() if mark >= "8" else digit
            for digit, mark in zip(digits, marks, strict=False)
        )
    return "0x" + result[2:].upper() if len(result) == _HASH_LENGTH else result


OF_RECEIPTS: dict[Fault, Lie] = {
    Fault.EMPTY_LOGS: empty_logs,
    Fault.DROP_LOG: drop_log,
    Fault.CUT_LAST_TX: cut_last_tx,
    Fault.SWAPPED_LOGS: swapped_logs,
    Fault.CHANGED_TOPIC: changed_topic,
    Fault.CHANGED_DATA: changed_data,
    Fault.FLIPPED_STATUS: flipped_status,
    Fault.MISSING_RECEIPT: missing_receipt,
}
"""Fault → what it does to a list of receipts."""


def of_logs(lie: Lie, logs: list[Document], rng: Random) -> list[Document]:
    """Do to the logs of eth_getLogs what is done to those of receipts."""
    transactions: dict[str, Document] = {}
    for log in logs:
        receipt = transactions.setdefault(log["transactionHash"], {"status": "0x1", "logs": []})
        receipt["logs"].append(log)
    return _logs(lie(list(transactions.values()), rng))


def _logs(receipts: list[Document]) -> list[Document]:
    return [log for receipt in receipts for log in receipt["logs"]]
