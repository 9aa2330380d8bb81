"""How a list of deliveries is asked for."""

from typing import Literal, TypeAlias

from pydantic import Field

from crypitor.api.serving.moment import Moment
from crypitor.api.serving.paging import Name, OrderedQuery, Query, cursor_of
from crypitor.api.serving.words import StatusWord, TypeWord

Outcome: TypeAlias = Literal["taken", "refused", "unanswered"]


class AttemptQuery(Query):
    """What a list of attempts is narrowed to."""

    cursor: str | None = cursor_of(r"[0-9]{1,18}\.[0-9]{1,9}\.[A-Za-z0-9_-]{1,64}")
    monitor: Name | None = None
    endpoint: Name | None = None
    type: TypeWord | None = Field(None, description="What its delivery tells.")
    outcome: Outcome | None = None
    since: Moment | None = Field(None, description="Begun at this time or later.")
    until: Moment | None = Field(None, description="Begun before this time.")


class DeliveryQuery(OrderedQuery):
    """What a list of deliveries is narrowed to."""

    cursor: str | None = cursor_of(r"[0-9]{1,18}\.[A-Za-z0-9_-]{1,64}")
    monitor: Name | None = None
    endpoint: Name | None = None
    match: Name | None = None
    status: StatusWord | None = None
    type: TypeWord | None = Field(None, description="What it tells.")
    since: Moment | None = Field(None, description="Queued at this time or later.")
    until: Moment | None = Field(None, description="Queued before this time.")
