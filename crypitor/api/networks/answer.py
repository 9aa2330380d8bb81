"""What the API answers of networks and their nodes."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Confirmations, Time


class NodeAnswer(TypedDict):
    """One JSON-RPC endpoint of a network; `name` is its host and port."""

    name: str
    state: Annotated[
        Literal["active", "standby", "failing"],
        Field(description="active: it answered last. failing: its last answer was none."),
    ]
    head: int | None
    head_seconds: Annotated[
        float | None, Field(description="How long ago it first showed this head.")
    ]
    error: Annotated[str | None, Field(description="Why it is failing.")]
    error_rate: Annotated[
        float, Field(description="Share of failures among its last dozens of requests.")
    ]
    latency_ms: Annotated[float | None, Field(description="Of a request, newest counting most.")]
    requests: Annotated[int, Field(description="Sent since the start; a batch is one.")]
    batch_calls: Annotated[
        int | None,
        Field(description="The most calls it takes in one request; null where no limit was met."),
    ]
    limits: Annotated[
        list[str], Field(description="What it refuses, found out by asking, in its own words.")
    ]


class ReorgAnswer(TypedDict):
    """Blocks that left the chain: how many, and the newest that stayed."""

    at: Time
    depth: int
    ancestor: int


class NetworkAnswer(TypedDict):
    """A network as this process sees it; null for what it does not know (yet)."""

    name: str
    chain_id: int
    display_name: str
    symbol: str
    explorer: str | None
    confirmations: Confirmations
    state: Annotated[
        Literal["following", "catching up", "waiting", "stopped", "standby"] | None,
        Field(
            description="waiting: the next block cannot be had, or does not prove itself. "
            "stopped: a reorg was deeper than max_reorg_depth; see `/resume`."
        ),
    ]
    trouble: Annotated[str | None, Field(description="Why it is waiting or stopped.")]
    head: int | None
    tip: int | None
    lag_blocks: int | None
    lag_seconds: float | None
    confirmed: Annotated[
        int | None, Field(description="Newest block with the network's confirmations.")
    ]
    finalized: int | None
    blocks_per_second: Annotated[
        float | None, Field(description="Loaded, over the last half minute.")
    ]
    seconds_to_head: Annotated[
        float | None, Field(description="Estimate while catching up; null where there is none.")
    ]
    requests_per_block: Annotated[
        float | None, Field(description="Requests to all nodes for each block, since the start.")
    ]
    last_reorg: ReorgAnswer | None
    reorgs: Annotated[
        list[ReorgAnswer],
        Field(description="The newest 20 since the process that follows it began, newest first."),
    ]
    nodes: list[NodeAnswer]


class HeightsAnswer(TypedDict):
    """Heights, both included, and how many of them have a block."""

    from_block: int
    to_block: int
    count: int
    is_most: Annotated[bool, Field(description="Whether it may be fewer.")]


class ResumeAnswer(TypedDict):
    """What going on at a block came to, or would come to."""

    network: str
    from_block: int
    reason: NotRequired[
        Annotated[str, Field(description="Why this block is proposed, where none was named.")]
    ]
    dry_run: bool
    stands_on: Annotated[
        int | None,
        Field(description="The block below it; null where it stands on nothing that nodes have."),
    ]
    reverted: Annotated[
        int, Field(description="Matches above it. A dry run counts 10,000 at most.")
    ]
    left_unmatched: Annotated[
        HeightsAnswer | None,
        Field(description="Blocks above what was matched that are passed over; null for none."),
    ]


class NetworkPage(TypedDict):
    """All networks that are configured."""

    data: list[NetworkAnswer]
    next_cursor: Annotated[str | None, Field(description="Always null: all are in one page.")]
