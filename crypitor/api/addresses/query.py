"""How a list of addresses is asked for."""

from typing import Annotated

from pydantic import Field

from crypitor.api.serving.paging import Query


class AddressQuery(Query):
    """What a list of addresses is narrowed to."""

    search: Annotated[str, Field(pattern="^0[xX][0-9a-fA-F]{0,40}$")] | None = Field(
        None, description="How the addresses begin, with 0x."
    )
