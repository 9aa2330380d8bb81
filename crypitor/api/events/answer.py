"""What the API answers of events."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict  # pydantic takes this TypedDict alone

from crypitor.api.events.told import EndpointNews
from crypitor.api.matches.parts import MatchBody
from crypitor.api.serving.answers import Time

Position = Annotated[int, Field(description="Grows from event to event, with gaps.")]


class MatchEvent(TypedDict):
    """A phase of a match: the body that a webhook in the standard format has, and its position."""

    position: Position
    type: Literal["match.detected", "match.confirmed", "match.ended", "match.reverted"]
    timestamp: Time
    data: MatchBody


class EndpointEvent(TypedDict):
    """News of an endpoint: the body that a webhook in the standard format has, and its position."""

    position: Position
    type: Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]
    timestamp: Time
    data: EndpointNews


EventAnswer = TypeAliasType(
    "EventAnswer", Annotated[MatchEvent | EndpointEvent, Field(discriminator="type")]
)


class EventPage(TypedDict):
    """Events in commit order.

    With `order=asc` `next_cursor` is never null: asking again with it gives what came since. A page
    looks through 2000 events at most, so that one with filters may be short, or empty, while there
    are more: the end is where `next_cursor` stays the same.
    """

    data: list[EventAnswer]
    next_cursor: str | None
