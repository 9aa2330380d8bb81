"""What the API answers of matches, deliveries and attempts."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.answers.terms import Confirmations, Time


class MatchAnswer(TypedDict):
    """A match in its present phase: what its webhooks have in `data`, and phase and time."""

    id: str
    phase: Literal["detected", "confirmed", "reverted"]
    created_at: Time
    monitor: dict[str, Any]
    network: str
    chain_id: int
    kind: str
    direction: Annotated[
        Literal["in", "out"] | None, Field(description="null for events and calls.")
    ]
    address: Annotated[
        str | None, Field(description="The watched party; null for events and calls.")
    ]
    label: str | None
    block: dict[str, Any]
    transaction: Annotated[
        dict[str, Any] | None,
        Field(description="null for withdrawals, which no transaction carries."),
    ]
    log_index: int | None
    item: int | None
    from_address: Annotated[
        str | None,
        Field(description="Sender, caller or creator; null for events."),
    ]
    to_address: Annotated[
        str | None,
        Field(
            description="Receiver, called or created contract; null for events and for creations "
            "that failed."
        ),
    ]
    contract: Annotated[
        dict[str, Any] | None,
        Field(description="That emitted the log, was called or was created; null for native."),
    ]
    amount: Annotated[str | None, Field(description="null for events, calls and deployments.")]
    amount_formatted: str | None
    token_id: str | None
    event: dict[str, Any] | None
    call: NotRequired[
        Annotated[
            dict[str, Any],
            Field(description="Of a call: name, signature and args, as `event` has them."),
        ]
    ]
    withdrawal: NotRequired[
        Annotated[
            dict[str, Any], Field(description="Of a withdrawal: `index` and `validator_index`.")
        ]
    ]
    delegation: NotRequired[
        Annotated[
            dict[str, Any],
            Field(
                description="Of a delegation: `delegate`, null where the code is cleared, `nonce` "
                "and `chain_id`, 0 for any chain."
            ),
        ]
    ]
    confirmations: Annotated[
        int | None, Field(description="Of now: tip - block + 1; null while the tip is not known.")
    ]
    confirmations_required: Confirmations


class MatchPage(TypedDict):
    """Matches by the order in which they were stored."""

    data: list[MatchAnswer]
    next_cursor: str | None


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


class PingAnswer(TypedDict):
    """One POST of `{"type": "ping"}` and what came of it."""

    endpoint: str
    webhook_id: str
    succeeded: bool
    started_at: Time
    duration_ms: int
    status_code: Annotated[int | None, Field(description="null when no answer came.")]
    error: Annotated[str | None, Field(description="null when the ping was taken.")]
    answer: Annotated[str | None, Field(description="How the answer's body begins.")]
    request_headers: RequestHeaders


class DeliveryAnswer(TypedDict):
    """One phase of one match on its way to one endpoint; `id` is its `webhook-id`.

    News of an endpoint (`endpoint.failing`, `endpoint.disabled`) has no monitor, match and phase.
    `body`, as it is sent, and `attempts` only where one delivery is asked for.
    """

    id: str
    type: Annotated[str, Field(description="As in its body.")]
    monitor: str | None
    match: str | None
    endpoint: str
    phase: Literal["detected", "confirmed", "reverted"] | None
    status: Literal["waiting", "pending", "delivered", "failed", "cancelled"]
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
