"""What the API answers of matches."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Confirmations, Time


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
