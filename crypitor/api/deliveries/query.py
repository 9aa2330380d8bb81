"""How a list of deliveries is asked for."""

from typing import Literal

from pydantic import Field

from crypitor.api.serving.paging import Name, Query
from crypitor.database.epochs import PREFIX


class DeliveryQuery(Query):
    """What a list of deliveries is narrowed to."""

    cursor: str | None = Field(
        None,
        pattern=rf"^{PREFIX}[0-9]{{1,18}}\.[A-Za-z0-9_-]{{1,64}}$",
        description="`next_cursor` of the page before.",
    )
    monitor: Name | None = None
    endpoint: Name | None = None
    match: Name | None = None
    status: Literal["waiting", "pending", "delivered", "failed", "cancelled"] | None = None
