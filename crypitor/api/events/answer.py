"""What the API answers of events."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


class EventAnswer(TypedDict):
    """An event: the body that a webhook in the standard format has of it, and its position."""

    position: Annotated[int, Field(description="Grows from event to event, with gaps.")]
    type: Annotated[
        str,
        Field(
            description="`match.detected`, `match.confirmed`, `match.reverted`, "
            "`endpoint.failing`, `endpoint.disabled` or `endpoint.moved`."
        ),
    ]
    timestamp: Time
    data: Annotated[dict[str, Any], Field(description="As in the webhook of this type.")]


class EventPage(TypedDict):
    """Events in commit order.

    With `order=asc` `next_cursor` is never null: asking again with it gives what came since. A page
    looks through 2000 events at most, so that one with filters may be short, or empty, while there
    are more: the end is where `next_cursor` stays the same.
    """

    data: list[EventAnswer]
    next_cursor: str | None
