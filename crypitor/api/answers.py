"""What the API answers, as types: checked by mypy, documented from here."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

Time: TypeAlias = Annotated[str, Field(description="RFC 3339, UTC, milliseconds.")]
ArmedFrom: TypeAlias = Annotated[
    dict[str, int | None],
    Field(
        description="Network → first block that this is in force for; null while not known. "
        "In every answer that changes what is watched."
    ),
]
Confirmations: TypeAlias = int | Literal["safe", "finalized"]


class LabelledAddress(TypedDict):
    """A watched address."""

    address: str
    label: str | None


class RuleAnswer(TypedDict):
    """One part of the question: what was given, and the direction where there is one."""

    kind: str
    signature: NotRequired[str | dict[str, Any]]
    direction: NotRequired[str]
    contracts: NotRequired[list[str]]
    where: NotRequired[str]
    include_failed: NotRequired[bool]


class TemplateAnswer(TypedDict):
    """A body in which fields are filled in."""

    body: str
    content_type: str


class WaitingAnswer(TypedDict):
    """Why nothing is sent to an endpoint although something is queued for it.

    `disabled`: until somebody enables it. `circuit`: it failed too often, and is tried now and
    then. `retry`: it is `ordered`, and the first in its order waits for its next attempt.
    """

    reason: Literal["disabled", "circuit", "retry"]
    since: Time
    delivery: Annotated[str, Field(description="The first in the endpoint's order.")]
    next_attempt_at: Annotated[str | None, Field(description="null while disabled.")]


class EndpointAnswer(TypedDict):
    """A URL that takes webhooks. `secret` only in the answer that makes it."""

    id: str
    url: str
    description: str
    format: str
    template: TemplateAnswer | None
    signature: Literal["v1", "v1a"]
    public_key: Annotated[
        str | None, Field(description="`whpk_…`, which verifies `v1a`; null for `v1`.")
    ]
    headers: dict[str, str]
    ordered: bool
    rate_per_second: float | None
    events: list[Literal["endpoint.failing", "endpoint.disabled"]]
    enabled: bool
    state: Annotated[
        Literal["healthy", "failing", "disabled"],
        Field(
            description="failing: from the 4th failed attempt in a row. disabled: it answered 410 "
            "or `webhook-delivery: disable`, or nothing but failures for 5 days; its deliveries "
            "are kept, and are sent when it is enabled again."
        ),
    ]
    state_reason: str | None
    circuit: Annotated[
        Literal["closed", "open", "half-open"],
        Field(
            description="closed: it is called. open: it failed too often and rests; its "
            "deliveries are kept. half-open: one attempt shows whether it is back."
        ),
    ]
    waiting: Annotated[
        WaitingAnswer | None, Field(description="null when nothing queued has to wait.")
    ]
    created_at: Time
    updated_at: Time
    secret: NotRequired[str]


class MonitorAnswer(TypedDict):
    """A monitor.

    `webhook`, with its secret, is only in the answer to a request that had one.
    """

    id: str
    name: str
    networks: list[str]
    addresses: Annotated[
        Literal["any"] | list[str | LabelledAddress] | None,
        Field(
            description="As they were written, in their own order; null when there are more than "
            "1000, and in lists: read them through /addresses."
        ),
    ]
    address_count: int
    rules: list[RuleAnswer]
    endpoints: list[str]
    webhook: NotRequired[EndpointAnswer]
    notify: list[str]
    confirmations: Confirmations | None
    tags: list[str]
    note: str
    enabled: bool
    created_at: Time
    updated_at: Time
    armed_from: NotRequired[ArmedFrom]


class MonitorPage(TypedDict):
    """Monitors, newest first."""

    data: list[MonitorAnswer]
    next_cursor: str | None


class DeletedMonitor(TypedDict):
    """What is left of a monitor."""

    id: str
    deleted: Literal[True]
    armed_from: ArmedFrom


class Deleted(TypedDict):
    """What is left of a resource."""

    id: str
    deleted: Literal[True]


class InvalidEntry(TypedDict):
    """A line that was not taken. For JSON `line` is the place in the list; both begin with 1."""

    line: int
    value: str
    reason: str


class AddedAnswer(TypedDict):
    """What became of the addresses: added + already_present + invalid_count is what was sent."""

    added: int
    already_present: int
    invalid: Annotated[list[InvalidEntry], Field(description="At most the first 1000.")]
    invalid_count: int
    armed_from: ArmedFrom


class RemovedAnswer(TypedDict):
    """What became of the addresses."""

    removed: int
    not_present: int
    invalid: Annotated[list[InvalidEntry], Field(description="At most the first 1000.")]
    invalid_count: int
    armed_from: ArmedFrom


class AddressPage(TypedDict):
    """Addresses in their own order."""

    data: list[LabelledAddress]
    next_cursor: str | None


class EndpointPage(TypedDict):
    """Endpoints, newest first."""

    data: list[EndpointAnswer]
    next_cursor: str | None


class OldSecretAnswer(TypedDict):
    """A secret that was replaced, and until when it signs too."""

    secret: str
    signature: Literal["v1", "v1a"]
    public_key: str | None
    signs_until: Time


class SecretAnswer(TypedDict):
    """The signing secret of an endpoint, and those before it that still sign.

    `public_key` verifies signatures of kind `v1a`; null for `v1`.
    """

    secret: str
    signature: Literal["v1", "v1a"]
    public_key: str | None
    old_secrets: list[OldSecretAnswer]


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
    transaction: dict[str, Any]
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
            "stopped: a reorg was deeper than max_reorg_depth; see `crypitor network resume`."
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
    last_reorg: dict[str, Any] | None
    nodes: list[NodeAnswer]


class NetworkPage(TypedDict):
    """All networks that are configured."""

    data: list[NetworkAnswer]
    next_cursor: None


class JobAnswer(TypedDict):
    """A backfill or a replay and how far it has come.

    Open jobs are `queued` or `running`; `done` and `cancelled` are final.
    """

    id: str
    kind: Literal["backfill", "replay"]
    monitor: Annotated[str | None, Field(description="null for the replay of an endpoint.")]
    status: Literal["queued", "running", "done", "cancelled"]
    network: NotRequired[str]
    from_block: NotRequired[int]
    to_block: NotRequired[int]
    blocks_done: NotRequired[
        Annotated[int, Field(description="From `from_block` on, without a gap.")]
    ]
    blocks_total: NotRequired[int]
    matches_found: NotRequired[
        Annotated[
            int,
            Field(
                description="In the blocks done; those of blocks that a reorg made it read twice "
                "count twice."
            ),
        ]
    ]
    matches_new: NotRequired[
        Annotated[
            int, Field(description="Of those, how many were not stored before: these are sent.")
        ]
    ]
    blocks_per_second: NotRequired[
        Annotated[float | None, Field(description="Lately; null before the first part is done.")]
    ]
    expected_at: NotRequired[
        Annotated[
            str | None,
            Field(description="When it will be done at this rate; null while not known."),
        ]
    ]
    endpoint: NotRequired[
        Annotated[str | None, Field(description="null for the replay of a monitor.")]
    ]
    since: NotRequired[str | None]
    until: NotRequired[Time]
    delivery_status: NotRequired[list[Literal["failed", "delivered"]]]
    deliveries_total: NotRequired[
        Annotated[
            int | None,
            Field(
                description="That failed, when the job was made; null above 100,000, and where "
                "those that were taken are asked for too."
            ),
        ]
    ]
    deliveries_queued: NotRequired[Annotated[int, Field(description="Due again by now.")]]
    deliveries_left_out: NotRequired[
        Annotated[
            int,
            Field(
                description="Whose endpoint is deleted or disabled, or whose body is not kept any "
                "more."
            ),
        ]
    ]
    looked_at_until: NotRequired[
        Annotated[str | None, Field(description="Deliveries created before this are done.")]
    ]
    trouble: Annotated[
        str | None, Field(description="Why it makes no progress now, or why it was cancelled.")
    ]
    created_at: Time
    started_at: str | None
    finished_at: str | None


class ProjectAnswer(TypedDict):
    """A project."""

    id: str
    name: str
    created_at: Time


class ProjectPage(TypedDict):
    """Projects, newest first."""

    data: list[ProjectAnswer]
    next_cursor: str | None


class KeyAnswer(TypedDict):
    """An API key.

    `secret` only in the answer that makes it; null where that answer is repeated for an
    Idempotency-Key, because it is stored nowhere.
    """

    id: str
    project: str
    name: str
    scope: Literal["read", "write", "admin"]
    created_at: Time
    revoked_at: str | None
    secret: NotRequired[str | None]


class KeyPage(TypedDict):
    """Keys, newest first."""

    data: list[KeyAnswer]
    next_cursor: str | None


class Alive(TypedDict):
    """The process lives."""

    status: Literal["ok"]


class ProcessAnswer(TypedDict):
    """One process of the service, as it said itself in the last ten seconds."""

    id: str
    roles: list[str]
    troubles: Annotated[dict[str, str], Field(description="Empty when it can do its work.")]


class Ready(TypedDict):
    """Every role of this process can do its work."""

    status: Literal["ready"]
    roles: list[str]
    processes: Annotated[
        list[ProcessAnswer], Field(description="All, where there are several; else empty.")
    ]


class Wrong(TypedDict):
    """One wrong place: an RFC 6901 pointer into the body, or `?name` of a parameter."""

    pointer: str
    detail: str


class Problem(TypedDict):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[Wrong]]
    troubles: NotRequired[
        Annotated[dict[str, str], Field(description="/readyz: what is in trouble → which trouble.")]
    ]
