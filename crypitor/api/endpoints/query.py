"""How a list of endpoints is asked for."""

from crypitor.api.serving.paging import OrderedQuery, cursor_of, ids


class EndpointQuery(OrderedQuery):
    """A page of endpoints."""

    cursor: str | None = cursor_of(ids("ep_"))
