"""How events are asked for."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from crypitor.api.serving.bodies import AddressText
from crypitor.api.serving.paging import Name, Placed, Query
from crypitor.api.serving.words import KindWord, TypeWord
from crypitor.database.epochs import POSITION
from crypitor.database.events import EventFilter

CursorText: TypeAlias = Annotated[str, Field(pattern=f"^{POSITION}$")]


class EventQuery(Query):
    """What a page of events is narrowed to."""

    cursor: CursorText | None = Field(None, description="`next_cursor` of the page before.")
    order: Literal["desc", "asc"] = Field(
        "asc",
        description="`asc`: from the oldest event that is kept, and on as new ones come; nothing "
        "is skipped or repeated. `desc`: the newest first.",
    )
    monitor: Name | None = None
    network: Name | None = None
    kind: KindWord | None = None
    type: TypeWord | None = None
    address: AddressText | None = Field(None, description="The watched address.")

    @property
    def chosen(self) -> EventFilter:
        """The filters."""
        return EventFilter(self.monitor, self.network, self.kind, self.type, self.address)


class StreamQuery(Placed):
    """What a stream of events is narrowed to."""

    cursor: CursorText | None = Field(
        None,
        description="Begin after this event: an `id` of the stream, or a `next_cursor` of "
        "/v1/events. `Last-Event-ID` goes before it. Left out: from now on.",
    )
    monitor: Name | None = None
    network: Name | None = None
    kind: KindWord | None = None
    type: TypeWord | None = None
    address: AddressText | None = Field(None, description="The watched address.")

    @property
    def chosen(self) -> EventFilter:
        """The filters."""
        return EventFilter(self.monitor, self.network, self.kind, self.type, self.address)
