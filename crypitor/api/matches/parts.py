"""What a match is made of, in answers and in webhooks."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Confirmations, DecodedArgs, Time
from crypitor.monitor.models import Kind


class MatchedMonitor(TypedDict):
    """The monitor, as it was when the match was found."""

    id: str
    name: str
    tags: list[str]
    severity: NotRequired[Literal["info", "warning", "error", "critical"]]


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
    type: NotRequired[Annotated[int, Field(description="This and the rest: of kind transaction.")]]
    nonce: NotRequired[str | None]
    selector: NotRequired[str | None]
    gas_used: NotRequired[str | None]
    gas_price: NotRequired[str | None]
    fee: NotRequired[str | None]


class MatchedContract(TypedDict):
    """A contract, and what it was known to say of itself when the match was stored."""

    address: str
    name: str | None
    symbol: str | None
    decimals: int | None


class CoinAnswer(TypedDict):
    """The chain's own coin. Withdrawals may be counted in another one."""

    symbol: str | None
    decimals: int


class DecodedAnswer(TypedDict):
    """An event or a call, decoded."""

    name: str
    signature: str
    args: DecodedArgs


class WithdrawalAnswer(TypedDict):
    """What names a withdrawal (EIP-4895)."""

    index: int
    validator_index: int


class DelegationAnswer(TypedDict):
    """An authorization (EIP-7702): `delegate` is null where the code is cleared."""

    delegate: str | None
    nonce: str
    chain_id: Annotated[int, Field(description="0 for any chain.")]


class BalanceAnswer(TypedDict):
    """A balance, in smallest units and in whole coins, and the one at the look before."""

    value: str
    formatted: Annotated[str | None, Field(description="null where the decimals are not known.")]
    previous: Annotated[str | None, Field(description="null at the first look.")]
    previous_formatted: str | None
    change: str | None


class ViewAnswer(TypedDict):
    """A function that was called, and what it returned, now and at the look before."""

    name: str
    signature: str
    args: DecodedArgs
    result: Annotated[
        dict[str, Any] | None,
        Field(description="By name, or place; null where it reverted or returned something else."),
    ]
    previous: dict[str, Any] | None
    reverted: bool


LookedAt: TypeAlias = Annotated[
    list[MatchedBlock | None],
    Field(
        min_length=2,
        max_length=2,
        description="The block of the look before, null at the first, and the block of this one. "
        "What the value was in between was not asked.",
    ),
]


class EndedAnswer(TypedDict):
    """What showed that a condition ceased to be."""

    block: MatchedBlock
    balance: NotRequired[BalanceAnswer]
    view: NotRequired[ViewAnswer]
    looked_at: LookedAt


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
    transaction: Annotated[
        MatchedTransaction | None,
        Field(description="null for what none carries: withdrawals, balances and views."),
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
        MatchedContract | None,
        Field(description="That emitted the log, was called or was created; null for native."),
    ]
    amount: Annotated[str | None, Field(description="null for events, calls and deployments.")]
    amount_formatted: str | None
    token_id: str | None
    event: DecodedAnswer | None
    coin: NotRequired[
        Annotated[
            CoinAnswer,
            Field(description="What a native or internal transfer, a withdrawal or a fee is in."),
        ]
    ]
    call: NotRequired[Annotated[DecodedAnswer, Field(description="Of a call.")]]
    withdrawal: NotRequired[Annotated[WithdrawalAnswer, Field(description="Of a withdrawal.")]]
    delegation: NotRequired[Annotated[DelegationAnswer, Field(description="Of a delegation.")]]
    balance: NotRequired[Annotated[BalanceAnswer, Field(description="Of a balance.")]]
    view: NotRequired[Annotated[ViewAnswer, Field(description="Of a view.")]]
    looked_at: NotRequired[Annotated[LookedAt, Field(description="Of balances and views.")]]
    ended: NotRequired[
        Annotated[EndedAnswer, Field(description="Of balances and views whose condition ended.")]
    ]


class MatchBody(Found):
    """A match, as webhooks and events tell it in `data`."""

    confirmations: Annotated[
        int, Field(description="head - block + 1; 0 for a block that has left the chain.")
    ]
    confirmations_required: Confirmations
