"""What the API answers of deliveries and attempts."""

from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time
from crypitor.api.serving.words import PhaseWord, StatusWord

RequestHeaders: TypeAlias = Annotated[
    dict[str, str] | None,
    Field(
        description="By name, as the endpoint is now; *** for signatures and for the values of its "
        "own headers. null when it was deleted."
    ),
]


class AttemptAnswer(TypedDict):
    """One POST of a delivery and what came of it."""

    number: int
    started_at: Time
    duration_ms: int
    status_code: int | None
    error: str | None
    answer: Annotated[str | None, Field(description="How the answer's body begins.")]
    request_headers: RequestHeaders


class ListedAttempt(TypedDict):
    """One POST, as lists have it; /v1/deliveries/{id} of its `delivery` has the rest."""

    delivery: str
    number: Annotated[int, Field(description="1 for the first of its delivery.")]
    type: Annotated[str, Field(description="What its delivery tells.")]
    monitor: str | None
    match: str | None
    endpoint: str
    outcome: Annotated[
        Literal["taken", "refused", "unanswered"],
        Field(description="As in /v1/stats: `refused` was answered, with a status or a body."),
    ]
    started_at: Time
    duration_ms: int
    status_code: int | None
    error: str | None


class AttemptPage(TypedDict):
    """Attempts, newest first."""

    data: list[ListedAttempt]
    next_cursor: str | None


class DeliveryAnswer(TypedDict):
    """One phase of one match on its way to one endpoint; `id` is its `webhook-id`.

    News of an endpoint (`endpoint.failing`, `.disabled`, `.moved`) has no monitor, match and phase.
    `body`, as it is sent, and `attempts` only where one delivery is asked for.
    """

    id: str
    type: Annotated[str, Field(description="As in its body.")]
    monitor: str | None
    match: str | None
    endpoint: str
    phase: PhaseWord | None
    status: StatusWord
    attempt_count: int
    due_at: Annotated[
        str | None, Field(description="Of the next attempt; null when there is none to come.")
    ]
    error: str | None
    created_at: Time
    finished_at: str | None
    body: NotRequired[
        Annotated[str | None, Field(description="null once it is not kept any more.")]
    ]
    attempts: NotRequired[list[AttemptAnswer]]


class DeliveryPage(TypedDict):
    """Deliveries, newest first."""

    data: list[DeliveryAnswer]
    next_cursor: str | None
