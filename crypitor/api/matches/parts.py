"""What a match is made of, in answers and in webhooks."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Confirmations, DecodedArgs, Time
from crypitor.monitor.models import Kind


class MatchedMonitor(TypedDict):
    """The monitor, as it was when the match was found."""

    id: str
    name: str
    tags: list[str]


class MatchedBlock(TypedDict):
    """The block."""

    number: int
    hash: str
    timestamp: Time


class MatchedTransaction(TypedDict):
    """The transaction. `value` is in the smallest unit; `to_address` is null for a creation."""

    hash: str
    index: int
    from_address: str
    to_address: str | None
    value: str
    status: Literal["success", "failed"]


class MatchedContract(TypedDict):
    """A contract, and what it was known to say of itself when the match was stored."""

    address: str
    name: str | None
    symbol: str | None
    decimals: int | None


class DecodedAnswer(TypedDict):
    """An event or a call, decoded."""

    name: str
    signature: str
    args: DecodedArgs


class Found(TypedDict):
    """What stays the same in all phases of a match."""

    id: str
    monitor: MatchedMonitor
    network: str
    chain_id: int
    kind: Kind
    direction: Annotated[
        Literal["in", "out"] | None, Field(description="null for events and calls.")
    ]
    address: Annotated[
        str | None, Field(description="The watched party; null for events and calls.")
    ]
    label: str | None
    block: MatchedBlock
    transaction: MatchedTransaction
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
        MatchedContract | None,
        Field(description="That emitted the log, was called or was created; null for native."),
    ]
    amount: Annotated[str | None, Field(description="null for events, calls and deployments.")]
    amount_formatted: str | None
    token_id: str | None
    event: DecodedAnswer | None
    call: NotRequired[Annotated[DecodedAnswer, Field(description="Of a call.")]]


class MatchBody(Found):
    """A match, as webhooks and events tell it in `data`."""

    confirmations: Annotated[
        int, Field(description="head - block + 1; 0 for a block that has left the chain.")
    ]
    confirmations_required: Confirmations
