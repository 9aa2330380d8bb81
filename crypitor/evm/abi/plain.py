"""Decoded arguments as JSON documents carry them."""

from collections.abc import Sequence
from typing import Any

from crypitor.evm.abi.types import Argument, ArrayType, IntegerType, TupleType, Type


def to_json(arguments: Sequence[Argument], values: Sequence[Any]) -> dict[str, Any]:
    """Return arguments as an object, in the order of the signature.

    Integers are decimal strings, tuples objects, arrays lists; addresses and byte strings are
    0x-hex. An argument without a name has its position for a key: "0", "1".
    """
    return {
        argument.name or str(position): _plain(argument.type, value)
        for position, (argument, value) in enumerate(zip(arguments, values, strict=True))
    }


def _plain(kind: Type, value: Any) -> Any:
    match kind:
        case IntegerType():
            return str(value)
        case ArrayType(item, _):
            return [_plain(item, each) for each in value]
        case TupleType(members):
            return to_json(members, value)
        case _:
            return value
