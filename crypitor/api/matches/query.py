"""How a list of matches is asked for."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from crypitor.api.serving.bodies import AddressText
from crypitor.api.serving.moment import Moment
from crypitor.api.serving.paging import Name, Query
from crypitor.api.serving.words import KindWord, PhaseWord
from crypitor.database.epochs import POSITION
from crypitor.evm.address import parse_hash


def _transaction(value: Any) -> str:
    try:
        return parse_hash(value)
    except ValueError as error:
        raise ValueError(str(error)) from None


class MatchQuery(Query):
    """What a list of matches is narrowed to."""

    cursor: str | None = Field(
        None, pattern=f"^{POSITION}$", description="`next_cursor` of the page before."
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
    phase: PhaseWord | None = None
    kind: KindWord | None = None
    since: Moment | None = Field(None, description="Matched at this time or later.")
    until: Moment | None = Field(None, description="Matched before this time.")
