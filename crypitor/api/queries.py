"""What callers may write behind the question mark, with limits and defaults."""

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from crypitor.api.bodies.terms import LINE, AddressText
from crypitor.api.moment import Moment
from crypitor.evm.address import parse_hash


def _whole(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,6}", value, re.ASCII):
        raise ValueError("this has to be a number from 1 to 1000")
    return value


def _truth(value: object) -> bool:
    if value not in ("true", "false"):
        raise ValueError("this has to be true or false")
    return value == "true"


def _transaction(value: Any) -> str:
    try:
        return parse_hash(value)
    except ValueError as error:
        raise ValueError(str(error)) from None


Name: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,64}$")]


class Query(BaseModel):
    """Parameters of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, BeforeValidator(_whole)] = Field(100, ge=1, le=1000)
    cursor: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]{1,128}$",
        description="`next_cursor` of the page before.",
    )


class MonitorQuery(Query):
    """What a list of monitors is narrowed to."""

    network: Name | None = None
    tag: Annotated[str, Field(min_length=1, max_length=100, pattern=LINE)] | None = None
    enabled: Annotated[bool, PlainValidator(_truth), WithJsonSchema({"type": "boolean"})] | None = (
        None
    )
    search: Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)] | None = Field(
        None, description="Part of name or note, in any case, or an id."
    )


class AddressQuery(Query):
    """What a list of addresses is narrowed to."""

    search: Annotated[str, Field(pattern="^0[xX][0-9a-fA-F]{0,40}$")] | None = Field(
        None, description="How the addresses begin, with 0x."
    )


class MatchQuery(Query):
    """What a list of matches is narrowed to."""

    cursor: str | None = Field(
        None, pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before."
    )
    order: Literal["desc", "asc"] = Field(
        "desc",
        description=(
            "`asc`: oldest first, as a feed: `next_cursor` is never null, and asking again with it "
            "gives what has matched since; nothing is skipped or repeated. A match has one place "
            "in it, whatever its later phases."
        ),
    )
    monitor: Name | None = None
    network: Name | None = None
    transaction: (
        Annotated[
            str,
            PlainValidator(_transaction),
            WithJsonSchema({"type": "string", "pattern": "^0[xX][0-9a-fA-F]{64}$"}),
        ]
        | None
    ) = None
    address: AddressText | None = Field(None, description="The watched address.")
    phase: Literal["detected", "confirmed", "reverted"] | None = None
    kind: (
        Literal[
            "native", "internal", "erc20", "erc721", "erc1155", "event", "call", "deployment",
            "transaction", "withdrawal", "delegation",
        ]
        | None
    ) = None  # fmt: skip
    since: Moment | None = Field(None, description="Matched at this time or later.")
    until: Moment | None = Field(None, description="Matched before this time.")


class DeliveryQuery(Query):
    """What a list of deliveries is narrowed to."""

    cursor: str | None = Field(
        None,
        pattern=r"^[0-9]{1,18}\.[A-Za-z0-9_-]{1,64}$",
        description="`next_cursor` of the page before.",
    )
    monitor: Name | None = None
    endpoint: Name | None = None
    match: Name | None = None
    status: Literal["waiting", "pending", "delivered", "failed", "cancelled"] | None = None


class KeyQuery(Query):
    """What a list of keys is narrowed to."""

    project: Name | None = None
