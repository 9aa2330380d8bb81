"""Parameters of JSON-RPC methods, and what a node answers to wrong ones.

Source: execution-apis; go-ethereum's texts.
"""

import re
from typing import Any

from crypitor.development.simulator.calls import Event
from crypitor.evm.types import Address, Hash

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
NOT_FOUND = -32001
INVALID_PARAMS = -32602
PARSE_ERROR = -32700
SERVER_ERROR = -32000
REVERTED = 3

_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,15})", re.ASCII | re.IGNORECASE)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(r"0x[0-9a-f]{40}", re.ASCII | re.IGNORECASE)
_DATA = re.compile(r"0x([0-9a-f]{2})*", re.ASCII | re.IGNORECASE)


class RpcError(Exception):
    """What a node answers instead of a result."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class LogFilter:
    """The `address` and `topics` of eth_getLogs. Raises RpcError for one that cannot be read.

    Each place of `topics` is null for any topic, a topic, or a list of which one must be there.
    """

    def __init__(self, query: dict[str, Any]) -> None:
        topics = query.get("topics") or []
        if not isinstance(topics, list):
            raise RpcError(INVALID_PARAMS, "invalid argument 0: topics is not a list")
        self._addresses = {read_address(each) for each in _several(query.get("address"))}
        self._topics = [
            {bytes.fromhex(read_hash(each)[2:]) for each in _several(place)} for place in topics
        ]

    def accepts(self, event: Event) -> bool:
        """Whether the log is asked for; one with fewer topics than the filter has places is not."""
        if self._addresses and event.address not in self._addresses:
            return False
        if len(self._topics) > len(event.topics):
            return False
        return all(
            not wanted or topic in wanted
            for wanted, topic in zip(self._topics, event.topics, strict=False)
        )


def is_hash(value: Any) -> bool:
    """Whether the value is 0x and 64 hex digits."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def read_hash(value: Any) -> Hash:
    """Return a hash in lower case."""
    if not is_hash(value):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {_shown(value)} is not a hash")
    return str(value).lower()


def read_address(value: Any) -> Address:
    """Return an address in lower case."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {_shown(value)} is not an address")
    return value.lower()


def read_quantity(value: Any) -> int:
    """Return a number of at most 64 bits; leading zeros are refused."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise RpcError(
            INVALID_PARAMS, f"invalid argument: {_shown(value)} is neither a number nor a tag"
        )
    return int(value, 16)


def read_data(value: Any) -> bytes:
    """Return bytes of any length."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {_shown(value)} is not hex data")
    return bytes.fromhex(value[2:])


def read_object(value: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {_shown(value)} is not an object")
    return value


def _several(value: Any) -> list[Any]:
    """Nothing in particular for null, and a list of one for one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _shown(value: Any) -> str:
    return repr(value)[:80]
