"""How a list of keys is asked for."""

from crypitor.api.serving.paging import Name, Query, cursor_of, ids


class KeyQuery(Query):
    """What a list of keys is narrowed to."""

    cursor: str | None = cursor_of(ids("ke_"))
    project: Name | None = None
