"""How a list of jobs is asked for."""

from typing import Literal

from crypitor.api.serving.paging import Name, OrderedQuery, cursor_of, ids


class JobQuery(OrderedQuery):
    """What a list of jobs is narrowed to."""

    cursor: str | None = cursor_of(ids("jo_"))
    monitor: Name | None = None
    endpoint: Name | None = None
    kind: Literal["backfill", "replay"] | None = None
    status: Literal["queued", "running", "done", "cancelled"] | None = None
