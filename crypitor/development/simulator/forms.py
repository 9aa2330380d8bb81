"""Results of JSON-RPC calls as nodes write them that have forms of their own; all of them right."""

from collections.abc import Callable
from typing import Any, TypeAlias

from crypitor.development.simulator.documents import Document
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.lies import checksum_case

Form: TypeAlias = Callable[[Any], Any]
"""A decoded result → the same, written otherwise."""

_QUANTITIES = frozenset(
    {
        "number", "blockNumber", "timestamp", "transactionIndex", "logIndex", "value", "type",
        "status", "cumulativeGasUsed", "gasUsed", "gas", "nonce",
    }
)  # fmt: skip
_ADDRESSES = ("to", "contractAddress")


def padded(result: Any) -> Any:
    """Write a zero before the digits of each quantity."""
    return _each(
        result,
        lambda found: {
            name: f"0x0{value[2:]}" if name in _QUANTITIES and isinstance(value, str) else value
            for name, value in found.items()
        },
    )


def empty_addresses(result: Any) -> Any:
    """Write an empty text in place of an address that is null."""
    return _each(
        result,
        lambda found: found | {name: "" for name in _ADDRESSES if found.get(name, "") is None},
    )


def milliseconds(result: Any) -> Any:
    """Write timestamps in milliseconds."""
    return _each(
        result,
        lambda found: (
            found
            | (
                {"timestamp": hex(int(found["timestamp"], 16) * 1000 + 250)}
                if isinstance(found.get("timestamp"), str)
                else {}
            )
        ),
    )


def _each(result: Any, change: Callable[[Document], Document]) -> Any:
    """Change each object of a result, and those within it."""
    if isinstance(result, dict):
        return {name: _each(value, change) for name, value in change(result).items()}
    if isinstance(result, list):
        return [_each(value, change) for value in result]
    return result


FORMS: dict[Fault, Form] = {
    Fault.PADDED: padded,
    Fault.EMPTY_ADDRESSES: empty_addresses,
    Fault.MILLISECONDS: milliseconds,
    Fault.CHECKSUM_CASE: checksum_case,
}
"""Fault → how it writes a result."""
