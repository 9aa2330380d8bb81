"""How a list of addresses is asked for."""

from typing import Annotated

from pydantic import Field

from crypitor.api.serving.paging import Query, cursor_of


class AddressQuery(Query):
    """What a list of addresses is narrowed to."""

    cursor: str | None = cursor_of("0x[0-9a-fA-F]{40}")
    search: Annotated[str, Field(pattern="^0[xX][0-9a-fA-F]{0,40}$")] | None = Field(
        None, description="How the addresses begin, with 0x."
    )
