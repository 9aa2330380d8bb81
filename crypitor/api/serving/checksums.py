"""Addresses as EIP-55 writes them, where a caller asks for it; they are lower-case elsewhere."""

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from crypitor.evm.address import checksummed

_ADDRESS = re.compile("0x[0-9a-f]{40}")
AT_ONCE = 200
"""Items of a list that are written so before others are let go on: some milliseconds."""

_written = lru_cache(maxsize=10_000)(checksummed)


def truth(value: object) -> bool:
    """Return what `true` and `false` stand for in a query."""
    if value not in ("true", "false"):
        raise ValueError("this has to be true or false")
    return value == "true"


Truth = Annotated[bool, PlainValidator(truth), WithJsonSchema({"type": "boolean"})]


class Shown(BaseModel):
    """How an answer is to be written."""

    model_config = ConfigDict(extra="forbid")

    checksum: Truth = Field(
        default=False,
        description="`true`: addresses with their EIP-55 checksum, in place of lower-case.",
    )


def with_checksums(value: Any) -> Any:
    """Return JSON with the checksum of each address in it; names of fields stay as they are."""
    if isinstance(value, str):
        return _written(value) if len(value) == 42 and _ADDRESS.fullmatch(value) else value
    if isinstance(value, dict):
        return {name: with_checksums(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_checksums(inner) for inner in value]
    return value


async def answer_with_checksums(answer: Any, give_way: Callable[[], Awaitable[None]]) -> Any:
    """Return an answer with checksums; others are let go on while a long page is written."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        return with_checksums(answer)
    written: list[Any] = []
    for start in range(0, len(items), AT_ONCE):
        written += map(with_checksums, items[start : start + AT_ONCE])
        await give_way()
    return {**with_checksums({**answer, "data": []}), "data": written}
