"""How a list of monitors is asked for."""

from typing import Annotated

from pydantic import Field

from crypitor.api.serving.bodies import LINE
from crypitor.api.serving.checksums import Truth
from crypitor.api.serving.paging import Name, OrderedQuery, cursor_of, ids


class MonitorQuery(OrderedQuery):
    """What a list of monitors is narrowed to."""

    cursor: str | None = cursor_of(ids("mo_"))
    network: Name | None = None
    tag: Annotated[str, Field(min_length=1, max_length=100, pattern=LINE)] | None = None
    enabled: Truth | None = None
    search: Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)] | None = Field(
        None, description="Part of name or note, in any case, or an id."
    )
