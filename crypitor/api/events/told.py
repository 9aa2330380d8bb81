"""What webhooks in the standard format are sent: a body for each type."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict  # pydantic takes this TypedDict alone

from crypitor.api.events.examples import ENDED_BODY, MATCH_BODY, MOVED, NEWS
from crypitor.api.matches.parts import MatchBody
from crypitor.api.serving.answers import Time
from crypitor.api.serving.examples import TIME
from crypitor.api.serving.webhooks import Webhook


class NewsOf(TypedDict):
    """An endpoint, as news of it names it: of its URL the host alone, as paths hold tokens."""

    id: str
    description: str
    host: str | None


class EndpointNews(TypedDict):
    """The trouble that an endpoint is in, or where it is found from now on."""

    endpoint: NewsOf
    state: Literal["healthy", "failing", "disabled"]
    reason: str | None
    failures_in_row: int
    failing_since: str | None


class MatchDetected(TypedDict):
    """A match was found in the newest blocks, or by a backfill."""

    type: Literal["match.detected"]
    timestamp: Time
    data: MatchBody


class MatchConfirmed(TypedDict):
    """The block of a match has the confirmations that were asked for, and is still on the chain."""

    type: Literal["match.confirmed"]
    timestamp: Time
    data: MatchBody


class MatchEnded(TypedDict):
    """What a balance or a view was told for has ceased to be; `data.ended` is what showed it."""

    type: Literal["match.ended"]
    timestamp: Time
    data: MatchBody


class MatchReverted(TypedDict):
    """The block of a match has left the chain; what was told of it before is void."""

    type: Literal["match.reverted"]
    timestamp: Time
    data: MatchBody


class EndpointFailing(TypedDict):
    """Another endpoint of the project fails."""

    type: Literal["endpoint.failing"]
    timestamp: Time
    data: EndpointNews


class EndpointDisabled(TypedDict):
    """Another endpoint of the project was disabled, because it asked for it or failed too long."""

    type: Literal["endpoint.disabled"]
    timestamp: Time
    data: EndpointNews


class EndpointMoved(TypedDict):
    """Another endpoint of the project is found at another URL: its Telegram group has moved."""

    type: Literal["endpoint.moved"]
    timestamp: Time
    data: EndpointNews


class Ping(TypedDict):
    """Sent by hand, to see whether an endpoint answers."""

    type: Literal["ping"]


WebhookBody = TypeAliasType(
    "WebhookBody",
    Annotated[
        MatchDetected
        | MatchConfirmed
        | MatchEnded
        | MatchReverted
        | EndpointFailing
        | EndpointDisabled
        | EndpointMoved
        | Ping,
        Field(discriminator="type"),
    ],
)
"""Any of them, told apart by `type`."""

_MATCH = {"timestamp": TIME, "data": MATCH_BODY}
_ENDED = {"timestamp": TIME, "data": ENDED_BODY}
_NEWS = {"timestamp": TIME, "data": NEWS}
_MOVED = {"timestamp": TIME, "data": MOVED}

WEBHOOKS = (
    Webhook("match.detected", MatchDetected, {**_MATCH, "type": "match.detected"}),
    Webhook("match.confirmed", MatchConfirmed, {**_MATCH, "type": "match.confirmed"}),
    Webhook("match.ended", MatchEnded, {**_ENDED, "type": "match.ended"}),
    Webhook("match.reverted", MatchReverted, {**_MATCH, "type": "match.reverted"}),
    Webhook("endpoint.failing", EndpointFailing, {**_NEWS, "type": "endpoint.failing"}),
    Webhook("endpoint.disabled", EndpointDisabled, {**_NEWS, "type": "endpoint.disabled"}),
    Webhook("endpoint.moved", EndpointMoved, {**_MOVED, "type": "endpoint.moved"}),
    Webhook("ping", Ping, {"type": "ping"}),
)
