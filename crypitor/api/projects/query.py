"""How a list of projects is asked for."""

from crypitor.api.serving.paging import Query, cursor_of, ids


class ProjectQuery(Query):
    """A page of projects."""

    cursor: str | None = cursor_of(ids("pr_"))
