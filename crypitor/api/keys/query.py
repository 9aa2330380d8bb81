"""How a list of keys is asked for."""

from crypitor.api.serving.paging import Name, Query


class KeyQuery(Query):
    """What a list of keys is narrowed to."""

    project: Name | None = None
