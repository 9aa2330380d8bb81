"""What the API takes and answers, as JSON has it. Made by `make client`."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class AcknowledgedAnswer(TypedDict):
    """Who has said first that somebody takes care of a match, and when."""

    at: str
    """RFC 3339, UTC, milliseconds."""
    by: str
    """The id of the key."""


class AddedAnswer(TypedDict):
    """What became of the addresses: added + already_present + invalid_count is what was sent."""

    added: int
    already_present: int
    invalid: list["InvalidEntry"]
    """At most the first 1000."""
    invalid_count: int
    armed_from: dict[str, int | None]
    """Network → first block that this is in force for. null before the first block of a
    network that is matched: it will be that one. In every answer that changes what is
    watched.
    """


class AddressList(TypedDict):
    """AddressList."""

    addresses: list["AddressEntry"]
    """What is no address is passed over and listed in the answer."""


class AddressPage(TypedDict):
    """Addresses in their own order."""

    data: list["LabelledAddress"]
    next_cursor: str | None


class Alive(TypedDict):
    """The process lives."""

    status: Literal["ok"]


class AttemptAnswer(TypedDict):
    """One POST of a delivery and what came of it."""

    number: int
    started_at: str
    """RFC 3339, UTC, milliseconds."""
    duration_ms: int
    status_code: int | None
    error: str | None
    answer: str | None
    """How the answer's body begins."""
    request_headers: dict[str, str] | None
    """By name, as the endpoint is now; *** for signatures and for the values of its own
    headers. null when it was deleted.
    """


class AttemptCounts(TypedDict):
    """Attempts that ended."""

    taken: int
    """Answered with success."""
    refused: int
    """Answered with anything else."""
    unanswered: int
    """Without an answer: no connection, or too late."""


class AttemptPage(TypedDict):
    """Attempts, newest first."""

    data: list["ListedAttempt"]
    next_cursor: str | None


class AuditAnswer(TypedDict):
    """Who did what to what, when."""

    position: int
    """Grows from entry to entry."""
    at: str
    """RFC 3339, UTC, milliseconds."""
    project: str
    """Whose thing it is."""
    action: str
    """`monitor.create`, `endpoint.secret.read`, `key.rotate` and the like."""
    subject: str | None
    """Id of the thing."""
    via: Literal["api", "command", "start"]
    """A request, a command on the machine, or the start of the service."""
    key: str | None
    """Id of the key that asked."""
    address: str | None
    """Of the machine that asked."""
    request_id: str | None
    before: dict[str, Any] | None
    """As JSON shows it, its secrets hidden; null where there is none."""
    after: dict[str, Any] | None
    """As JSON shows it, its secrets hidden; null where there is none."""


class AuditPage(TypedDict):
    """Entries of the audit, newest first."""

    data: list["AuditAnswer"]
    next_cursor: str | None


class BackfillBody(TypedDict):
    """Past blocks of one network, both ends included."""

    network: str
    """One of the monitor's networks."""
    from_block: int
    to_block: NotRequired[int | None]
    """At most the network's tip, which is also the default: later blocks are matched as they
    come.
    """


class BalanceAnswer(TypedDict):
    """A balance, in smallest units and in whole coins, and the one at the look before."""

    value: str
    formatted: str | None
    """null where the decimals are not known."""
    previous: str | None
    """null at the first look."""
    previous_formatted: str | None
    change: str | None


class BalanceRule(TypedDict):
    """What each watched address has of the chain's coin, or of each of these tokens."""

    kind: Literal["balance"]
    contracts: NotRequired[list[str] | None]
    """Of tokens (ERC-20, ERC-721, or ERC-1155 with `token_id`); left out: the chain's coin."""
    token_id: NotRequired[str | None]
    """Of an ERC-1155 token, in decimal."""
    where: str
    """Told once when it becomes true, such as `balance < 5 ether`, `change <= -10%`,
    `result.answer < previous.answer`.
    """
    rearm: NotRequired[str | None]
    """What must hold before it is told again, and then has ended; left out: that `where` is
    false.
    """
    every_seconds: NotRequired[int | None]
    """Looked at this often at least, by the chain's time, beside the blocks that touch it.
    Left out together with `every_blocks`: 3600.
    """
    every_blocks: NotRequired[int | None]
    """The same, in blocks."""


class BucketAnswer(TypedDict):
    """How many took so long."""

    from_ms: int
    """This long or longer."""
    below_ms: int
    """Shorter than this: twice as long."""
    count: int


class CallRule(TypedDict):
    """Transactions that call a function, failed ones too, whoever the monitor's addresses are."""

    kind: Literal["call"]
    signature: str | dict[str, Any]
    """As in Solidity, `Transfer(address indexed from, address indexed to, uint256 value)`, or
    an entry of a JSON ABI.
    """
    contracts: NotRequired[list[str] | None]
    """Only these contracts; left out: any."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class CoinAnswer(TypedDict):
    """The chain's own coin. Withdrawals may be counted in another one."""

    symbol: str | None
    decimals: int


class Counted(TypedDict):
    """What gathered beyond an endpoint's `quiet`, by type and by monitor."""

    count: int
    since: str
    """RFC 3339, UTC, milliseconds."""
    until: str
    """RFC 3339, UTC, milliseconds."""
    types: dict[str, int]
    monitors: list["CountedOf"]


class CountedOf(TypedDict):
    """How many of the messages were of one monitor; its name is empty once it is deleted."""

    id: str
    name: str
    count: int


class CountsAnswer(TypedDict):
    """What happened in some time."""

    matches: "MatchCounts"
    deliveries: "DeliveryCounts"
    attempts: "AttemptCounts"
    first_attempt: "LatencyAnswer | None"
    """From the moment a delivery was queued to its first attempt; null of none."""
    success: "LatencyAnswer | None"
    """From the moment a delivery was queued until it was taken, without those that were sent
    again; null of none.
    """


class DayAnswer(TypedDict):
    """One day in UTC, as far as it was looked at."""

    date: str
    blocks: int
    matches: int


class DecodedAnswer(TypedDict):
    """An event or a call, decoded."""

    name: str
    signature: str
    args: dict[str, Any]
    """By name, or position where there is none: integers as decimal text, tuples as objects,
    arrays as lists.
    """


class DelegationAnswer(TypedDict):
    """An authorization (EIP-7702): `delegate` is null where the code is cleared."""

    delegate: str | None
    nonce: str
    chain_id: int
    """0 for any chain."""


class DelegationRule(TypedDict):
    """Authorizations by which a watched account sets, changes or clears its code (EIP-7702)."""

    kind: Literal["delegation"]
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class Deleted(TypedDict):
    """What is left of a resource."""

    id: str
    deleted: Literal[True]


class DeletedMonitor(TypedDict):
    """What is left of a monitor."""

    id: str
    deleted: Literal[True]
    armed_from: dict[str, int | None]
    """Network → first block that this is in force for. null before the first block of a
    network that is matched: it will be that one. In every answer that changes what is
    watched.
    """


class DeliveriesCounted(TypedDict):
    """More came than the `quiet` of this endpoint allows: this counts the rest, once each."""

    type: Literal["deliveries.counted"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "Counted"


class DeliveryAnswer(TypedDict):
    """One phase of one match on its way to one endpoint; `id` is its `webhook-id`.

    News of an endpoint (`endpoint.failing`, `.disabled`, `.moved`) has no monitor, match
    and phase. `body`, as it is sent, and `attempts` only where one delivery is asked for.
    """

    id: str
    type: str
    """As in its body."""
    monitor: str | None
    match: str | None
    endpoint: str
    phase: Literal["detected", "confirmed", "ended", "reverted"] | None
    status: Literal["waiting", "pending", "delivered", "counted", "failed", "cancelled"]
    attempt_count: int
    due_at: str | None
    """Of the next attempt; null when there is none to come."""
    error: str | None
    created_at: str
    """RFC 3339, UTC, milliseconds."""
    finished_at: str | None
    body: NotRequired[str | None]
    """null once it is not kept any more."""
    attempts: NotRequired[list["AttemptAnswer"]]


class DeliveryCounts(TypedDict):
    """Deliveries that ended; one that was sent again ends again."""

    delivered: int
    failed: int
    cancelled: int


class DeliveryPage(TypedDict):
    """Deliveries, newest first."""

    data: list["DeliveryAnswer"]
    next_cursor: str | None


class DeploymentRule(TypedDict):
    """Transactions that create a contract: `out` for the sender, `in` for the contract."""

    kind: Literal["deployment"]
    direction: NotRequired[Literal["all", "in", "out"]]
    """Default: all."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class DigestAnswer(TypedDict):
    """Letters that hold more than one message."""

    seconds: int
    count: int


class DigestBody(TypedDict):
    """Letters that hold more than one message."""

    seconds: int
    """Between two letters, in which messages gather."""
    count: NotRequired[int]
    """Messages in one letter, at most. Default: 50."""


class EndedAnswer(TypedDict):
    """What showed that a condition ceased to be."""

    block: "MatchedBlock"
    balance: NotRequired["BalanceAnswer"]
    view: NotRequired["ViewAnswer"]
    looked_at: list["MatchedBlock | None"]
    """The block of the look before, null at the first, and the block of this one. What the
    value was in between was not asked.
    """


class EndpointAnswer(TypedDict):
    """A URL for webhooks.

    `success`, `tls`, `digest`, `quiet`, `silence` and `checksum` where they are set,
    `secret` once.
    """

    id: str
    url: str
    description: str
    format: str
    template: "TemplateAnswer | None"
    signature: Literal["v1", "v1a"]
    public_key: str | None
    """`whpk_…`, which verifies `v1a`; null for `v1`."""
    headers: dict[str, str]
    ordered: bool
    rate_per_second: float | None
    events: list[Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]]
    enabled: bool
    state: Literal["healthy", "failing", "disabled"]
    """failing: from the 4th failed attempt in a row. disabled: it answered 410 or `webhook-
    delivery: disable`, or nothing but failures for 5 days; its deliveries are kept, and are
    sent when it is enabled again.
    """
    state_reason: str | None
    circuit: Literal["closed", "open", "half-open"]
    """closed: it is called. open: it failed too often and rests; its deliveries are kept.
    half-open: one attempt shows whether it is back.
    """
    waiting: "WaitingAnswer | None"
    """null when nothing queued has to wait."""
    created_at: str
    """RFC 3339, UTC, milliseconds."""
    updated_at: str
    """RFC 3339, UTC, milliseconds."""
    success: NotRequired["SuccessAnswer"]
    tls: NotRequired["TlsAnswer"]
    digest: NotRequired["DigestAnswer"]
    quiet: NotRequired["QuietAnswer"]
    silence: NotRequired[list["SilenceAnswer"]]
    checksum: NotRequired[bool]
    secret: NotRequired[str]


class EndpointBody(TypedDict):
    """A URL that takes webhooks."""

    url: str
    """http(s), public unless the operator allows more, without user information, at most 2048
    characters. `kafka://TOPIC` publishes to a topic that the operator allows.
    `test://receiver` is a receiver of the service's own, to try with.
    """
    description: NotRequired[str]
    format: NotRequired[
        Literal[
            "standard",
            "crypitor",
            "slack",
            "discord",
            "telegram",
            "teams",
            "ntfy",
            "matrix",
            "pagerduty",
            "opsgenie",
            "apprise",
            "email",
        ]
    ]
    """`crypitor`: the original Crypitor's bodies, for receivers written for them. The others:
    messages for people; the URL is that of an incoming webhook, for Telegram
    `https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>`. Default: standard.
    """
    template: NotRequired["TemplateBody | None"]
    """A body of your own in place of the standard one; null: none."""
    signature: NotRequired[Literal["v1", "v1a"]]
    """`v1`: HMAC-SHA256 with a shared secret. `v1a`: ed25519; receivers need only the public
    key. A change replaces the secret, as `/rotate` does. Default: v1.
    """
    headers: NotRequired[dict[str, str]]
    """Sent with each webhook. Readers without write scope see *** for the values."""
    ordered: NotRequired[bool]
    """One at a time, first in first out. Default: false."""
    checksum: NotRequired[bool]
    """Values of its bodies that are addresses are written with their EIP-55 checksum, from
    what is told next on; false: in lower case, as everywhere. Not in formats for people.
    Default: false.
    """
    rate_per_second: NotRequired[float | None]
    """From one in a day or so; null: no limit; in a format for people what the service takes."""
    events: NotRequired[list[Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]]]
    """News of the project's other endpoints that this one is told."""
    success: NotRequired["SuccessBody | None"]
    """Which answers have taken a delivery; null: every 2xx."""
    tls: NotRequired["TlsBody | None"]
    """For receivers inside a company; null: as everywhere."""
    digest: NotRequired["DigestBody | None"]
    """Only for `email`; null: each message is a letter."""
    quiet: NotRequired["QuietBody | None"]
    """Messages beyond the limit are `counted`: one message says how many they were. null: each
    is told. Not for `pagerduty`, `opsgenie`, `crypitor` and topics, and neither with
    `ordered` nor with `digest`.
    """
    silence: NotRequired[list["SilenceBody"]]
    """Hours in which it is told nothing. What comes is sent when they are over; with `quiet`,
    one message counts it.
    """
    enabled: NotRequired[bool]
    """Default: true."""


class EndpointBodyPatch(TypedDict):
    """What changes (application/merge-patch+json)."""

    url: NotRequired[str]
    """http(s), public unless the operator allows more, without user information, at most 2048
    characters. `kafka://TOPIC` publishes to a topic that the operator allows.
    `test://receiver` is a receiver of the service's own, to try with.
    """
    description: NotRequired[str | None]
    format: NotRequired[
        Literal[
            "standard",
            "crypitor",
            "slack",
            "discord",
            "telegram",
            "teams",
            "ntfy",
            "matrix",
            "pagerduty",
            "opsgenie",
            "apprise",
            "email",
        ]
        | None
    ]
    """`crypitor`: the original Crypitor's bodies, for receivers written for them. The others:
    messages for people; the URL is that of an incoming webhook, for Telegram
    `https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>`. Default: standard.
    """
    template: NotRequired["TemplateBody | None"]
    """A body of your own in place of the standard one; null: none."""
    signature: NotRequired[Literal["v1", "v1a"] | None]
    """`v1`: HMAC-SHA256 with a shared secret. `v1a`: ed25519; receivers need only the public
    key. A change replaces the secret, as `/rotate` does. Default: v1.
    """
    headers: NotRequired[dict[str, str | None] | None]
    """Sent with each webhook. Readers without write scope see *** for the values."""
    ordered: NotRequired[bool | None]
    """One at a time, first in first out. Default: false."""
    checksum: NotRequired[bool | None]
    """Values of its bodies that are addresses are written with their EIP-55 checksum, from
    what is told next on; false: in lower case, as everywhere. Not in formats for people.
    Default: false.
    """
    rate_per_second: NotRequired[float | None]
    """From one in a day or so; null: no limit; in a format for people what the service takes."""
    events: NotRequired[
        list[Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]] | None
    ]
    """News of the project's other endpoints that this one is told."""
    success: NotRequired["SuccessBody | None"]
    """Which answers have taken a delivery; null: every 2xx."""
    tls: NotRequired["TlsBody | None"]
    """For receivers inside a company; null: as everywhere."""
    digest: NotRequired["DigestBody | None"]
    """Only for `email`; null: each message is a letter."""
    quiet: NotRequired["QuietBody | None"]
    """Messages beyond the limit are `counted`: one message says how many they were. null: each
    is told. Not for `pagerduty`, `opsgenie`, `crypitor` and topics, and neither with
    `ordered` nor with `digest`.
    """
    silence: NotRequired["list[SilenceBody] | None"]
    """Hours in which it is told nothing. What comes is sent when they are over; with `quiet`,
    one message counts it.
    """
    enabled: NotRequired[bool | None]
    """Default: true."""


class EndpointDisabled(TypedDict):
    """Another endpoint of the project was disabled, because it asked for it or failed too
    long.
    """

    type: Literal["endpoint.disabled"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "EndpointNews"


class EndpointEvent(TypedDict):
    """News of an endpoint: the body that a webhook in the standard format has, and its
    position.
    """

    position: int
    """Grows from event to event, with gaps."""
    type: Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "EndpointNews"


class EndpointFailing(TypedDict):
    """Another endpoint of the project fails."""

    type: Literal["endpoint.failing"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "EndpointNews"


class EndpointMoved(TypedDict):
    """Another endpoint of the project is found at another URL: its Telegram group has moved."""

    type: Literal["endpoint.moved"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "EndpointNews"


class EndpointNews(TypedDict):
    """The trouble that an endpoint is in, or where it is found from now on."""

    endpoint: "NewsOf"
    state: Literal["healthy", "failing", "disabled"]
    reason: str | None
    failures_in_row: int
    failing_since: str | None


class EndpointPage(TypedDict):
    """Endpoints, newest first."""

    data: list["EndpointAnswer"]
    next_cursor: str | None


class EventPage(TypedDict):
    """Events in commit order.

    With `order=asc` `next_cursor` is never null: asking again with it gives what came
    since. A page looks through 2000 events at most, so that one with filters may be short,
    or empty, while there are more: the end is where `next_cursor` stays the same.
    """

    data: list["EventAnswer"]
    next_cursor: str | None


class EventRule(TypedDict):
    """Logs of an event, whoever the monitor's addresses are. An anonymous one needs contracts."""

    kind: Literal["event"]
    signature: str | dict[str, Any]
    """As in Solidity, `Transfer(address indexed from, address indexed to, uint256 value)`, or
    an entry of a JSON ABI.
    """
    contracts: NotRequired[list[str] | None]
    """Only these contracts; left out: any."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class FindingAnswer(TypedDict):
    """One part of the transaction, held against one rule.

    Of balances and views, which stand in no transaction: one account or contract that it
    touched, as it was after the whole block.
    """

    matches: bool
    reasons: list["ReasonAnswer"]
    """Empty if it matches."""
    direction: Literal["in", "out"] | None
    """A transfer is held against a rule once for each of its parties."""
    address: str | None
    """The party in this direction; of a balance, whose it is."""
    from_address: str | None
    to_address: str | None
    contract: str | None
    amount: str | None
    token_id: str | None
    args: dict[str, Any] | None
    """Of an event or a call that was decoded."""
    log_index: int | None
    item: int | None
    where: "WhereAnswer | None"
    """Also where something else is in the way; null without a condition, and where there is
    nothing to ask it of.
    """


class GaugeAnswer(TypedDict):
    """A balance or a view, for one rule of a monitor.

    `looked_at` is the last look, whatever it showed; a reading is kept where value or state
    became others.
    """

    id: str
    network: str
    kind: Literal["balance", "view"]
    address: str | None
    """The account; null for a view."""
    contract: str | None
    """null for the chain's coin."""
    token_id: str | None
    signature: str | None
    where: str | None
    state: Literal["armed", "raised"]
    """raised: it has told, and waits for its end."""
    match: str | None
    """That it told and that has not ended."""
    looked_at: "SeenAt | None"
    """null before the first look."""
    balance: str | None
    result: dict[str, Any] | None
    readings: list["ReadingAnswer"]
    """Newest first."""


class GaugePage(TypedDict):
    """Gauges of a monitor, by their ids."""

    data: list["GaugeAnswer"]
    next_cursor: str | None


class GroupAnswer(TypedDict):
    """What happened to one of the networks, monitors or endpoints."""

    subject: str
    """Name of the network; id of monitor or endpoint."""
    matches: "MatchCounts"
    deliveries: "DeliveryCounts"
    attempts: "AttemptCounts"
    first_attempt: "MeanAnswer | None"
    success: "MeanAnswer | None"


class HeightsAnswer(TypedDict):
    """Heights, both included, and how many of them have a block."""

    from_block: int
    to_block: int
    count: int
    is_most: bool
    """Whether it may be fewer."""


class HistogramAnswer(TypedDict):
    """How long things took in the whole time, by doublings; empty lists for nothing known."""

    first_attempt: list["BucketAnswer"]
    success: list["BucketAnswer"]


class InternalRule(TypedDict):
    """Value that calls within successful transactions moved; the network needs `traces`."""

    kind: Literal["internal"]
    direction: NotRequired[Literal["all", "in", "out"]]
    """Default: all."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class InvalidEntry(TypedDict):
    """A line that was not taken. For JSON `line` is the place in the list; both begin with 1."""

    line: int
    value: str
    reason: str


class JobAnswer(TypedDict):
    """A backfill or a replay and how far it has come.

    Open jobs are `queued` or `running`; `done` and `cancelled` are final.
    """

    id: str
    kind: Literal["backfill", "replay"]
    monitor: str | None
    """null for the replay of an endpoint."""
    status: Literal["queued", "running", "done", "cancelled"]
    network: NotRequired[str]
    from_block: NotRequired[int]
    to_block: NotRequired[int]
    blocks_done: NotRequired[int]
    """From `from_block` on, without a gap."""
    blocks_total: NotRequired[int]
    matches_found: NotRequired[int]
    """In the blocks done; those of blocks that a reorg made it read twice count twice."""
    matches_new: NotRequired[int]
    """Of those, how many were not stored before: these are sent."""
    blocks_per_second: NotRequired[float | None]
    """Lately; null before the first part is done."""
    expected_at: NotRequired[str | None]
    """When it will be done at this rate; null while not known."""
    endpoint: NotRequired[str | None]
    """null for the replay of a monitor."""
    since: NotRequired[str | None]
    until: NotRequired[str]
    """RFC 3339, UTC, milliseconds."""
    delivery_status: NotRequired[list[Literal["failed", "delivered"]]]
    deliveries_total: NotRequired[int | None]
    """That failed, when the job was made; null above 100,000, and where those that were taken
    are asked for too.
    """
    deliveries_queued: NotRequired[int]
    """Due again by now."""
    deliveries_left_out: NotRequired[int]
    """Whose endpoint is deleted or disabled, or whose body is not kept any more."""
    looked_at_until: NotRequired[str | None]
    """Deliveries created before this are done."""
    trouble: str | None
    """Why it makes no progress now, or why it was cancelled."""
    created_at: str
    """RFC 3339, UTC, milliseconds."""
    started_at: str | None
    finished_at: str | None


class JobPage(TypedDict):
    """Jobs, newest first."""

    data: list["JobAnswer"]
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
    created_at: str
    """RFC 3339, UTC, milliseconds."""
    expires_at: str | None
    """From then on it opens nothing; null: for ever."""
    last_used_at: str | None
    """To some ten seconds; null before the first time."""
    revoked_at: str | None
    secret: NotRequired[str | None]


class KeyBody(TypedDict):
    """An API key."""

    name: str
    scope: NotRequired[Literal["read", "write", "admin"]]
    """Each includes those before it. Default: write."""
    project: NotRequired[str | None]
    """null: the project of the key that asks; others need an operator's key."""
    expires_at: NotRequired[str | None]
    """From then on it opens nothing."""


class KeyPage(TypedDict):
    """Keys, newest first."""

    data: list["KeyAnswer"]
    next_cursor: str | None


class KeyRotationBody(TypedDict):
    """For how long both keys open."""

    overlap_seconds: NotRequired[int]
    """For how long the old key opens yet. Default: 86400."""


class LabelledAddress(TypedDict):
    """A watched address."""

    address: str
    label: str | None


class LabelledEntry(TypedDict):
    """LabelledEntry."""

    address: str
    """0x and 40 hex digits; mixed case only with a true EIP-55 checksum"""
    label: NotRequired[str | None]


class LatencyAnswer(TypedDict):
    """How long something took. Quantiles are right to 9 %."""

    count: int
    mean_ms: int
    p50_ms: int
    p95_ms: int
    p99_ms: int


class LimitsAnswer(TypedDict):
    """A project's own limits; null: as the configuration says."""

    monitors: int | None
    rules_cost: int | None
    addresses: int | None
    endpoints: int | None
    deliveries_per_day: int | None
    requests_per_second: float | None
    backfill_blocks_per_day: int | None


class LimitsBody(TypedDict):
    """What a project may have and do; null: as the configuration says. Days begin at 00:00
    UTC.
    """

    monitors: NotRequired[int | None]
    rules_cost: NotRequired[int | None]
    """Points of all rules of its monitors: one for each rule, each type of its signature, and
    each microsecond that its conditions may take for a match.
    """
    addresses: NotRequired[int | None]
    """Of all its monitors together."""
    endpoints: NotRequired[int | None]
    deliveries_per_day: NotRequired[int | None]
    """Beyond them, deliveries wait for the next day."""
    requests_per_second: NotRequired[float | None]
    """To each process that serves the API; those of one second at once."""
    backfill_blocks_per_day: NotRequired[int | None]


class ListedAttempt(TypedDict):
    """One POST, as lists have it; /v1/deliveries/{id} of its `delivery` has the rest."""

    delivery: str
    number: int
    """1 for the first of its delivery."""
    type: str
    """What its delivery tells."""
    monitor: str | None
    match: str | None
    endpoint: str
    outcome: Literal["taken", "refused", "unanswered"]
    """As in /v1/stats: `refused` was answered, with a status or a body."""
    started_at: str
    """RFC 3339, UTC, milliseconds."""
    duration_ms: int
    status_code: int | None
    error: str | None


class LogLevelAnswer(TypedDict):
    """What is heard from now on, until the next reload or start."""

    level: str
    module: str | None


class LogLevelBody(TypedDict):
    """From which level on the process, or one module of it, is heard."""

    level: Literal["debug", "info", "warning", "error"]
    module: NotRequired[str | None]
    """As in `worker` or `worker.follower`, with all within it; null for all."""


class MatchAnswer(TypedDict):
    """A match in its present phase: what its webhooks have in `data`, and phase and time.

    `acknowledged` once somebody has.
    """

    id: str
    monitor: "MatchedMonitor"
    network: str
    chain_id: int
    kind: "Kind"
    direction: Literal["in", "out"] | None
    """null for events and calls."""
    address: str | None
    """The watched party; null for events and calls."""
    label: str | None
    block: "MatchedBlock"
    transaction: "MatchedTransaction | None"
    """null for what none carries: withdrawals, balances and views."""
    log_index: int | None
    item: int | None
    from_address: str | None
    """Sender, caller or creator; null for events."""
    to_address: str | None
    """Receiver, called or created contract; null for events and for creations that failed."""
    contract: "MatchedContract | None"
    """That emitted the log, was called or was created; null for native."""
    amount: str | None
    """null for events, calls and deployments."""
    amount_formatted: str | None
    token_id: str | None
    event: "DecodedAnswer | None"
    coin: NotRequired["CoinAnswer"]
    """What a native or internal transfer, a withdrawal or a fee is in."""
    call: NotRequired["DecodedAnswer"]
    """Of a call."""
    withdrawal: NotRequired["WithdrawalAnswer"]
    """Of a withdrawal."""
    delegation: NotRequired["DelegationAnswer"]
    """Of a delegation."""
    balance: NotRequired["BalanceAnswer"]
    """Of a balance."""
    view: NotRequired["ViewAnswer"]
    """Of a view."""
    looked_at: NotRequired[list["MatchedBlock | None"]]
    """Of balances and views."""
    ended: NotRequired["EndedAnswer"]
    """Of balances and views whose condition ended."""
    phase: Literal["detected", "confirmed", "ended", "reverted"]
    created_at: str
    """RFC 3339, UTC, milliseconds."""
    confirmations: int | None
    """Of now: tip - block + 1; null while the tip is not known."""
    confirmations_required: "Confirmations"
    acknowledged: NotRequired["AcknowledgedAnswer"]


class MatchBody(TypedDict):
    """A match, as webhooks and events tell it in `data`."""

    id: str
    monitor: "MatchedMonitor"
    network: str
    chain_id: int
    kind: "Kind"
    direction: Literal["in", "out"] | None
    """null for events and calls."""
    address: str | None
    """The watched party; null for events and calls."""
    label: str | None
    block: "MatchedBlock"
    transaction: "MatchedTransaction | None"
    """null for what none carries: withdrawals, balances and views."""
    log_index: int | None
    item: int | None
    from_address: str | None
    """Sender, caller or creator; null for events."""
    to_address: str | None
    """Receiver, called or created contract; null for events and for creations that failed."""
    contract: "MatchedContract | None"
    """That emitted the log, was called or was created; null for native."""
    amount: str | None
    """null for events, calls and deployments."""
    amount_formatted: str | None
    token_id: str | None
    event: "DecodedAnswer | None"
    coin: NotRequired["CoinAnswer"]
    """What a native or internal transfer, a withdrawal or a fee is in."""
    call: NotRequired["DecodedAnswer"]
    """Of a call."""
    withdrawal: NotRequired["WithdrawalAnswer"]
    """Of a withdrawal."""
    delegation: NotRequired["DelegationAnswer"]
    """Of a delegation."""
    balance: NotRequired["BalanceAnswer"]
    """Of a balance."""
    view: NotRequired["ViewAnswer"]
    """Of a view."""
    looked_at: NotRequired[list["MatchedBlock | None"]]
    """Of balances and views."""
    ended: NotRequired["EndedAnswer"]
    """Of balances and views whose condition ended."""
    confirmations: int
    """head - block + 1; 0 for a block that has left the chain."""
    confirmations_required: "Confirmations"


class MatchConfirmed(TypedDict):
    """The block of a match has the confirmations that were asked for, and is still on the
    chain.
    """

    type: Literal["match.confirmed"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "MatchBody"


class MatchCounts(TypedDict):
    """Matches, by what was told of them: each phase is counted in the time in which it was
    told.
    """

    detected: int
    confirmed: int
    ended: int
    reverted: int


class MatchDetected(TypedDict):
    """A match was found in the newest blocks, or by a backfill."""

    type: Literal["match.detected"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "MatchBody"


class MatchEnded(TypedDict):
    """What a balance or a view was told for has ceased to be; `data.ended` is what showed it."""

    type: Literal["match.ended"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "MatchBody"


class MatchEvent(TypedDict):
    """A phase of a match: the body that a webhook in the standard format has, and its
    position.
    """

    position: int
    """Grows from event to event, with gaps."""
    type: Literal["match.detected", "match.confirmed", "match.ended", "match.reverted"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "MatchBody"


class MatchPage(TypedDict):
    """Matches by the order in which they were stored."""

    data: list["MatchAnswer"]
    next_cursor: str | None


class MatchReverted(TypedDict):
    """The block of a match has left the chain; what was told of it before is void."""

    type: Literal["match.reverted"]
    timestamp: str
    """RFC 3339, UTC, milliseconds."""
    data: "MatchBody"


class MatchedBlock(TypedDict):
    """The block."""

    number: int
    hash: str
    timestamp: str
    """RFC 3339, UTC, milliseconds."""


class MatchedContract(TypedDict):
    """A contract, and what it was known to say of itself when the match was stored."""

    address: str
    name: str | None
    symbol: str | None
    decimals: int | None


class MatchedMonitor(TypedDict):
    """The monitor, as it was when the match was found."""

    id: str
    name: str
    tags: list[str]
    severity: NotRequired[Literal["info", "warning", "error", "critical"]]


class MatchedTransaction(TypedDict):
    """The transaction. `value` is in the smallest unit; `to_address` is null for a creation."""

    hash: str
    index: int
    from_address: str
    to_address: str | None
    value: str
    status: Literal["success", "failed"]
    type: NotRequired[int]
    """This and the rest: of kind transaction."""
    nonce: NotRequired[str | None]
    selector: NotRequired[str | None]
    gas_used: NotRequired[str | None]
    gas_price: NotRequired[str | None]
    fee: NotRequired[str | None]


class MeanAnswer(TypedDict):
    """How long something took on average."""

    count: int
    mean_ms: int


class MonitorAnswer(TypedDict):
    """A monitor.

    `webhook`, with its secret, is only in the answer to a request that had one.
    """

    id: str
    name: str
    networks: list[str]
    addresses: "Literal['any'] | list[str | LabelledAddress] | None"
    """As they were written, in their own order; null when there are more than 1000, and in
    lists: read them through /addresses.
    """
    address_count: int
    rules: list["RuleAnswer"]
    endpoints: list[str]
    webhook: NotRequired["EndpointAnswer"]
    notify: list[Literal["detected", "confirmed", "ended", "reverted"]]
    confirmations: "Confirmations | None"
    tags: list[str]
    note: str
    severity: NotRequired[Literal["info", "warning", "error", "critical"]]
    quiet: NotRequired["MonitorQuietAnswer"]
    silence: NotRequired[list["SilenceAnswer"]]
    enabled: bool
    created_at: str
    """RFC 3339, UTC, milliseconds."""
    updated_at: str
    """RFC 3339, UTC, milliseconds."""
    armed_from: NotRequired[dict[str, int | None]]
    """Network → first block that this is in force for. null before the first block of a
    network that is matched: it will be that one. In every answer that changes what is
    watched.
    """
    warnings: NotRequired[list["MonitorWarning"]]
    """Not in lists; empty where all is well."""


class MonitorBody(TypedDict):
    """A standing question: what to watch, where, and whom to tell."""

    name: NotRequired[str]
    networks: list[str]
    """Names from GET /v1/networks."""
    addresses: NotRequired["Literal['any'] | list[AddressEntry]"]
    """Whose transfers and deployments are watched; `any` for everybody's, then each rule of
    such a kind has contracts or a condition. Events, calls and views need none; balances
    are of addresses that are named. At most 10000 here, more through /addresses. In a PATCH
    the list takes the place of all addresses that are watched.
    """
    rules: NotRequired["list[RuleBody] | None"]
    """Left out: native, erc20, erc721 and erc1155 in all directions."""
    endpoints: NotRequired[list[str]]
    """Ids of endpoints."""
    webhook: NotRequired["EndpointBody | None"]
    """Shorthand: makes an endpoint and puts its id into `endpoints`."""
    notify: NotRequired[list[Literal["detected", "confirmed", "ended", "reverted"]]]
    """The phases that are delivered. `ended`, of balances and views alone: the condition
    ceased to be. Default: detected, confirmed, reverted.
    """
    confirmations: NotRequired[int | Literal["safe", "finalized"] | None]
    """null: what the network's configuration says."""
    tags: NotRequired[list[str]]
    note: NotRequired[str]
    severity: NotRequired[Literal["info", "warning", "error", "critical"] | None]
    """How much a match matters, to PagerDuty, Opsgenie, ntfy and mail, and in the text of
    messages; null: a warning, of which nothing is said.
    """
    quiet: NotRequired["MonitorQuietBody | None"]
    """How much it tells each of its endpoints; messages beyond it are `counted`. null: all.
    Not at endpoints that are `ordered`, have a `digest` or a limit of their own, nor for
    `pagerduty`, `opsgenie`, `crypitor` and topics, which are told everything.
    """
    silence: NotRequired[list["SilenceBody"]]
    """Hours in which it tells nothing. What comes is sent when they are over; with `quiet`, as
    much of it as that allows. Not at endpoints that are `ordered`.
    """
    enabled: NotRequired[bool]
    """Default: true."""


class MonitorBodyPatch(TypedDict):
    """What changes (application/merge-patch+json)."""

    name: NotRequired[str | None]
    networks: NotRequired[list[str]]
    """Names from GET /v1/networks."""
    addresses: NotRequired["Literal['any'] | list[AddressEntry] | None"]
    """Whose transfers and deployments are watched; `any` for everybody's, then each rule of
    such a kind has contracts or a condition. Events, calls and views need none; balances
    are of addresses that are named. At most 10000 here, more through /addresses. In a PATCH
    the list takes the place of all addresses that are watched.
    """
    rules: NotRequired["list[RuleBody] | None"]
    """Left out: native, erc20, erc721 and erc1155 in all directions."""
    endpoints: NotRequired[list[str] | None]
    """Ids of endpoints."""
    webhook: NotRequired["EndpointBody | None"]
    """Shorthand: makes an endpoint and puts its id into `endpoints`."""
    notify: NotRequired[list[Literal["detected", "confirmed", "ended", "reverted"]] | None]
    """The phases that are delivered. `ended`, of balances and views alone: the condition
    ceased to be. Default: detected, confirmed, reverted.
    """
    confirmations: NotRequired[int | Literal["safe", "finalized"] | None]
    """null: what the network's configuration says."""
    tags: NotRequired[list[str] | None]
    note: NotRequired[str | None]
    severity: NotRequired[Literal["info", "warning", "error", "critical"] | None]
    """How much a match matters, to PagerDuty, Opsgenie, ntfy and mail, and in the text of
    messages; null: a warning, of which nothing is said.
    """
    quiet: NotRequired["MonitorQuietBody | None"]
    """How much it tells each of its endpoints; messages beyond it are `counted`. null: all.
    Not at endpoints that are `ordered`, have a `digest` or a limit of their own, nor for
    `pagerduty`, `opsgenie`, `crypitor` and topics, which are told everything.
    """
    silence: NotRequired["list[SilenceBody] | None"]
    """Hours in which it tells nothing. What comes is sent when they are over; with `quiet`, as
    much of it as that allows. Not at endpoints that are `ordered`.
    """
    enabled: NotRequired[bool | None]
    """Default: true."""


class MonitorPage(TypedDict):
    """Monitors, newest first."""

    data: list["MonitorAnswer"]
    next_cursor: str | None


class MonitorQuietAnswer(TypedDict):
    """At most so many messages in a window to each endpoint; then one that counts the rest."""

    most: int
    window_seconds: int
    webhooks: bool


class MonitorQuietBody(TypedDict):
    """At most so many messages in a window to each endpoint; then one that counts the rest."""

    most: int
    """Messages in a window."""
    window_seconds: int
    """From the first of them; what comes when it is full gathers until its end."""
    webhooks: NotRequired[bool]
    """Whether `standard` webhooks are counted too. Default: false."""


class MonitorWarning(TypedDict):
    """Why a monitor, as it is, does less than one may think. `pointer`: of the field."""

    pointer: str
    detail: str


class NativeRule(TypedDict):
    """Transactions that move the chain's own coin."""

    kind: Literal["native"]
    direction: NotRequired[Literal["all", "in", "out"]]
    """Default: all."""
    include_failed: NotRequired[bool]
    """Also those that failed; their `status` is `failed`. Default: false."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class NetworkAnswer(TypedDict):
    """A network as this process sees it; null for what it does not know (yet)."""

    name: str
    chain_id: int
    display_name: str
    symbol: str
    explorer: str | None
    confirmations: "Confirmations"
    state: Literal["following", "catching up", "waiting", "stopped", "standby"] | None
    """waiting: the next block cannot be had, or does not prove itself. stopped: a reorg was
    deeper than max_reorg_depth; see `/resume`.
    """
    trouble: str | None
    """Why it is waiting or stopped."""
    head: int | None
    tip: int | None
    lag_blocks: int | None
    lag_seconds: float | None
    confirmed: int | None
    """Newest block with the network's confirmations."""
    finalized: int | None
    blocks_per_second: float | None
    """Loaded, over the last half minute."""
    seconds_to_head: float | None
    """Estimate while catching up; null where there is none."""
    requests_per_block: float | None
    """Requests to all nodes for each block, since the start."""
    last_reorg: "ReorgAnswer | None"
    reorgs: list["ReorgAnswer"]
    """The newest 20 since the process that follows it began, newest first."""
    nodes: list["NodeAnswer"]


class NetworkPage(TypedDict):
    """All networks that are configured."""

    data: list["NetworkAnswer"]
    next_cursor: str | None
    """Always null: all are in one page."""


class NewsOf(TypedDict):
    """An endpoint, as news of it names it: of its URL the host alone, as paths hold tokens."""

    id: str
    description: str
    host: str | None


class NodeAnswer(TypedDict):
    """One JSON-RPC endpoint of a network; `name` is its host and port."""

    name: str
    state: Literal["active", "standby", "failing"]
    """active: it answered last. failing: its last answer was none."""
    head: int | None
    head_seconds: float | None
    """How long ago it first showed this head."""
    error: str | None
    """Why it is failing."""
    error_rate: float
    """Share of failures among its last dozens of requests."""
    latency_ms: float | None
    """Of a request, newest counting most."""
    requests: int
    """Sent since the start; a batch is one."""
    batch_calls: int | None
    """The most calls it takes in one request; null where no limit was met."""
    limits: list[str]
    """What it refuses, found out by asking, in its own words."""


class NowAnswer(TypedDict):
    """How it goes now: a minute's mean of the last five whole minutes, and what waits."""

    matches_per_minute: float
    """Detected."""
    deliveries_per_minute: float
    """Delivered."""
    attempts_per_minute: float
    pending: int | None
    """Deliveries that wait for an attempt, 10,000 where there are more; null of a network or a
    monitor.
    """


class OldSecretAnswer(TypedDict):
    """A secret that was replaced, and until when it signs too."""

    secret: str
    signature: Literal["v1", "v1a"]
    public_key: str | None
    signs_until: str
    """RFC 3339, UTC, milliseconds."""


class Ping(TypedDict):
    """Sent by hand, to see whether an endpoint answers."""

    type: Literal["ping"]


class PingAnswer(TypedDict):
    """One POST of `{"type": "ping"}` and what came of it."""

    endpoint: str
    webhook_id: str
    succeeded: bool
    started_at: str
    """RFC 3339, UTC, milliseconds."""
    duration_ms: int
    status_code: int | None
    """null when no answer came."""
    error: str | None
    """null when the ping was taken."""
    answer: str | None
    """How the answer's body begins."""
    request_headers: dict[str, str] | None
    """By name, as the endpoint is now; *** for signatures and for the values of its own
    headers. null when it was deleted.
    """


class PointAnswer(TypedDict):
    """What happened in a minute or an hour."""

    matches: "MatchCounts"
    deliveries: "DeliveryCounts"
    attempts: "AttemptCounts"
    first_attempt: "LatencyAnswer | None"
    """From the moment a delivery was queued to its first attempt; null of none."""
    success: "LatencyAnswer | None"
    """From the moment a delivery was queued until it was taken, without those that were sent
    again; null of none.
    """
    at: str
    """Its beginning."""


class PointedAnswer(TypedDict):
    """A place in a JSON answer, and what has to stand there."""

    pointer: str
    value: Any


class PointedBody(TypedDict):
    """A place in a JSON answer, and what has to stand there."""

    pointer: str
    """RFC 6901: `/result/0/ok`."""
    value: NotRequired[Any]
    """Any JSON value; compared as such: 1 is 1.0 and not true."""


class Problem(TypedDict):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list["Wrong"]]
    error_count: NotRequired[int]
    """Of all errors, where more were found than are listed."""
    troubles: NotRequired[dict[str, str]]
    """/readyz: what is in trouble → which trouble."""


class ProcessAnswer(TypedDict):
    """One process of the service, as it said itself in the last ten seconds."""

    id: str
    roles: list[str]
    troubles: dict[str, str]
    """Empty when it can do its work."""


class ProjectAnswer(TypedDict):
    """A project."""

    id: str
    name: str
    operator: bool
    """Whether its admin keys administer all projects; one is."""
    limits: "LimitsAnswer"
    created_at: str
    """RFC 3339, UTC, milliseconds."""


class ProjectBody(TypedDict):
    """What owns monitors, endpoints, matches and keys."""

    name: str
    limits: NotRequired["LimitsBody"]


class ProjectBodyPatch(TypedDict):
    """What changes (application/merge-patch+json)."""

    name: NotRequired[str]
    limits: NotRequired["LimitsBody | None"]


class ProjectPage(TypedDict):
    """Projects, newest first."""

    data: list["ProjectAnswer"]
    next_cursor: str | None


class ProjectUsage(TypedDict):
    """What a project uses of its limits."""

    project: str
    limits: "Usages"
    day_ends_at: str
    """From then on a new day is counted."""


class QuietAnswer(TypedDict):
    """At most so many messages in a window; then one that counts the rest."""

    most: int
    window_seconds: int


class QuietBody(TypedDict):
    """At most so many messages in a window; then one that counts the rest."""

    most: int
    """Messages in a window."""
    window_seconds: int
    """From the first of them; what comes when it is full gathers until its end."""


class ReadingAnswer(TypedDict):
    """What a gauge showed from this block on, until the next reading."""

    block: "SeenAt"
    balance: str | None
    """In the smallest unit; null for a view."""
    result: dict[str, Any] | None
    """By name, or place; null where it reverted."""
    state: Literal["armed", "raised"]
    match: str | None


class Ready(TypedDict):
    """This process can do its work."""

    status: Literal["ready"]
    roles: list[str]
    degraded: NotRequired[list[str]]
    """Networks and roles that stand still meanwhile."""
    troubles: NotRequired[dict[str, str]]
    """What is in trouble → which trouble."""
    processes: list["ProcessAnswer"]
    """All that are heard of, this one among them."""


class ReasonAnswer(TypedDict):
    """What is in the way of a match."""

    obstacle: Literal[
        "kind", "signature", "contract", "undecoded", "failed", "direction", "party", "where"
    ]
    """kind: it is nothing of the rule's kind. signature: another event or function. contract:
    not one of the rule's. undecoded: not by the signature. failed: the transaction failed.
    direction: not the rule's. party: not watched. where: the condition is false or has no
    answer; of balances and views also: it was true before.
    """
    detail: str


class ReloadAnswer(TypedDict):
    """What was read again."""

    changed: list[str]
    """Keys that are in force in a moment."""
    restart: list[str]
    """Keys that differ, and take effect at the next start."""


class RemovedAnswer(TypedDict):
    """What became of the addresses."""

    removed: int
    not_present: int
    invalid: list["InvalidEntry"]
    """At most the first 1000."""
    invalid_count: int
    armed_from: dict[str, int | None]
    """Network → first block that this is in force for. null before the first block of a
    network that is matched: it will be that one. In every answer that changes what is
    watched.
    """


class ReorgAnswer(TypedDict):
    """Blocks that left the chain: how many, and the newest that stayed."""

    at: str
    """RFC 3339, UTC, milliseconds."""
    depth: int
    ancestor: int


class ReplayBody(TypedDict):
    """Which deliveries are to be sent again."""

    since: NotRequired[str | None]
    """Created at this time or later; left out: since the first."""
    until: NotRequired[str | None]
    """Created before this time; left out: before this request."""
    status: NotRequired[list[Literal["failed", "delivered"]]]
    """`delivered` also sends again what was taken. Default: failed."""


class ResumeAnswer(TypedDict):
    """What going on at a block came to, or would come to."""

    network: str
    from_block: int
    reason: NotRequired[str]
    """Why this block is proposed, where none was named."""
    dry_run: bool
    stands_on: int | None
    """The block below it; null where it stands on nothing that nodes have."""
    reverted: int
    """Matches above it. A dry run counts 10,000 at most."""
    left_unmatched: "HeightsAnswer | None"
    """Blocks above what was matched that are passed over; null for none."""


class ResumeBody(TypedDict):
    """Where a network goes on."""

    from_block: NotRequired[int | None]
    """The first block that is read again; its parent is kept. 0 begins the chain anew. A dry
    run may leave it out: then a block is proposed.
    """
    dry_run: NotRequired[bool]
    """Only say what it would come to; nothing is changed. Default: false."""


class RetryBody(TypedDict):
    """Which deliveries are meant."""

    again: NotRequired[bool]
    """Also one that was taken. Default: false."""


class RotationBody(TypedDict):
    """Which secret is to sign from now on."""

    secret: NotRequired[str | None]
    """One of your own: `whsec_` and base64 of 24 to 64 bytes, or `whsk_` and base64 of an
    ed25519 seed and its public key; null: a new one is made.
    """
    signature: NotRequired[Literal["v1", "v1a"] | None]
    """null: as before."""


class RuleAnswer(TypedDict):
    """One part of the question: what was given, and the direction where there is one."""

    kind: "Kind"
    signature: NotRequired[str | dict[str, Any]]
    direction: NotRequired[Literal["all", "in", "out"]]
    contracts: NotRequired[list[str]]
    where: NotRequired[str]
    include_failed: NotRequired[bool]
    args: NotRequired[list[Any] | dict[str, Any]]
    token_id: NotRequired[str]
    rearm: NotRequired[str]
    every_seconds: NotRequired[int]
    every_blocks: NotRequired[int]


class SecretAnswer(TypedDict):
    """The signing secret of an endpoint, and those before it that still sign.

    `public_key` verifies signatures of kind `v1a`; null for `v1`.
    """

    secret: str
    signature: Literal["v1", "v1a"]
    public_key: str | None
    old_secrets: list["OldSecretAnswer"]


class SeenAt(TypedDict):
    """A block in which a gauge was looked at."""

    number: int
    hash: str
    timestamp: str
    """RFC 3339, UTC, milliseconds."""


class SilenceAnswer(TypedDict):
    """Hours in which nothing is sent, by the clock of a place."""

    begins: str
    ends: str
    timezone: str
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]


class SilenceBody(TypedDict):
    """Hours in which nothing is sent; what comes waits for their end."""

    begins: str
    """`HH:MM`, as a clock on the wall shows it."""
    ends: str
    """The same; not later: of the next day."""
    timezone: NotRequired[str]
    """Of the clock: a name of IANA, such as `Europe/Berlin`. Default: UTC."""
    days: NotRequired[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None]
    """On which they begin; null: on each."""


class StatsAnswer(TypedDict):
    """What happened, counted beside the work itself: seconds after it, and kept over restarts."""

    step: Literal["minute", "hour"]
    since: str
    """RFC 3339, UTC, milliseconds."""
    until: str
    """Not included."""
    complete: bool
    """Whether all that is stored was counted at the time of this answer."""
    now: "NowAnswer"
    total: "CountsAnswer"
    histogram: "HistogramAnswer"
    series: list["PointAnswer"]
    """Each minute or hour of the time, oldest first."""
    groups: "list[GroupAnswer] | None"
    """The busiest 100, as `by` asks; null where it does not."""


class SuccessAnswer(TypedDict):
    """Which answers have taken a delivery."""

    status: str
    body: "str | PointedAnswer | None"


class SuccessBody(TypedDict):
    """Which answers have taken a delivery."""

    status: NotRequired[str]
    """`2xx`, `3xx` or codes, with commas: `200,202`, `2xx,409`. 410, 429 and 503 cannot be
    among them. Default: 2xx.
    """
    body: NotRequired["str | PointedBody | None"]
    """Some text of the body, or what stands at a place in its JSON."""


class TemplateAnswer(TypedDict):
    """A body in which fields are filled in."""

    body: str
    content_type: str


class TemplateBody(TypedDict):
    """A body in which `{{data.amount}}` stands for a field of the standard one."""

    body: str
    """In JSON a field is escaped for a place between quotes; `{{field | json}}` is a whole
    value. Other formatters: `short`, `upper`, `lower`, `url`, `html`. Beside those of the
    standard body there are `text` and `links.transaction`, `.block`, `.address`,
    `.contract`.
    """
    content_type: NotRequired[str]
    """Default: application/json."""


class TlsAnswer(TypedDict):
    """TLS of an endpoint's own, by the SHA-256 of each certificate's DER; it is never shown
    again.

    `expires_at`: when the first of the certificates ends.
    """

    ca: str | None
    certificate: str | None
    key: Literal["***"] | None
    expires_at: str | None


class TlsBody(TypedDict):
    """TLS of an endpoint's own, in PEM; it is sealed, and never shown again."""

    ca: NotRequired[str | None]
    """The authorities that are believed, in place of the system's."""
    certificate: NotRequired[str | None]
    """For a receiver that asks for one, with those between it and its root."""
    key: NotRequired[str | None]
    """Its private key, without a passphrase."""


class TokenRule(TypedDict):
    """Transfers of tokens."""

    kind: Literal["erc20", "erc721", "erc1155"]
    direction: NotRequired[Literal["all", "in", "out"]]
    """Default: all."""
    contracts: NotRequired[list[str] | None]
    """Only these contracts; left out: any."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class TransactionRule(TypedDict):
    """Transactions from or to a watched address, whatever they call, move or become."""

    kind: Literal["transaction"]
    direction: NotRequired[Literal["all", "in", "out"]]
    """Default: all."""
    include_failed: NotRequired[bool]
    """Also those that failed; their `status` is `failed`. Default: true."""
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class TrialAnswer(TypedDict):
    """What a monitor would match, and of one transaction why, or why not."""

    monitor: str
    network: str
    enabled: bool
    """A disabled monitor is tested like any other, and matches nothing."""
    match_count: int
    matches: list["TriedMatch"]
    """At most 100, as webhooks have them in `data`."""
    transaction: "TriedTransactionAnswer | None"
    """null where blocks were asked for."""
    blocks: "TriedBlocksAnswer | None"
    """null where a transaction was asked for."""


class TrialBody(TypedDict):
    """A transaction, or blocks of which both ends are included."""

    network: str
    """One of the monitor's networks."""
    transaction: NotRequired[str | None]
    """Its hash."""
    from_block: NotRequired[int | None]
    to_block: NotRequired[int | None]
    """The newest block, if it is left out. At most 10000 blocks in all."""


class TriedBlocksAnswer(TypedDict):
    """The blocks that were looked at."""

    from_block: int
    to_block: int
    """The last one that was looked at."""
    complete: bool
    """false: there was no time for the rest; ask for it from there on."""
    seconds: float | None
    """The chain's time that these blocks cover."""
    matches_per_day: float | None
    """At this rate; null where a single block was looked at."""
    days: list["DayAnswer"]
    undecoded: int
    """Logs and calls of a rule's signature that do not decode by it."""
    condition_errors: int
    """Conditions that had no answer."""
    warning: str | None
    """Set above 1,000 matches a day, and where conditions fail."""


class TriedMatch(TypedDict):
    """What would be told of a match, but for its confirmations."""

    id: str
    monitor: "MatchedMonitor"
    network: str
    chain_id: int
    kind: "Kind"
    direction: Literal["in", "out"] | None
    """null for events and calls."""
    address: str | None
    """The watched party; null for events and calls."""
    label: str | None
    block: "MatchedBlock"
    transaction: "MatchedTransaction | None"
    """null for what none carries: withdrawals, balances and views."""
    log_index: int | None
    item: int | None
    from_address: str | None
    """Sender, caller or creator; null for events."""
    to_address: str | None
    """Receiver, called or created contract; null for events and for creations that failed."""
    contract: "MatchedContract | None"
    """That emitted the log, was called or was created; null for native."""
    amount: str | None
    """null for events, calls and deployments."""
    amount_formatted: str | None
    token_id: str | None
    event: "DecodedAnswer | None"
    coin: NotRequired["CoinAnswer"]
    """What a native or internal transfer, a withdrawal or a fee is in."""
    call: NotRequired["DecodedAnswer"]
    """Of a call."""
    withdrawal: NotRequired["WithdrawalAnswer"]
    """Of a withdrawal."""
    delegation: NotRequired["DelegationAnswer"]
    """Of a delegation."""
    balance: NotRequired["BalanceAnswer"]
    """Of a balance."""
    view: NotRequired["ViewAnswer"]
    """Of a view."""
    looked_at: NotRequired[list["MatchedBlock | None"]]
    """Of balances and views."""
    ended: NotRequired["EndedAnswer"]
    """Of balances and views whose condition ended."""


class TriedRuleAnswer(TypedDict):
    """One rule of the monitor."""

    rule: int
    """Its place in the monitor's rules, from 0."""
    kind: "Kind"
    matches: int
    detail: str
    """The answer in a sentence."""
    findings: list["FindingAnswer"]
    """In the chain's order; of more than 100 those nearest to a match."""
    left_out: int
    """How many findings are not shown."""


class TriedTransactionAnswer(TypedDict):
    """The transaction and every rule."""

    hash: str
    block: "MatchedBlock"
    from_address: str
    to_address: str | None
    value: str
    status: Literal["success", "failed"]
    rules: list["TriedRuleAnswer"]


class UsageAnswer(TypedDict):
    """One limit, and how much of it is used."""

    limit: float | None
    """null: none."""
    used: float | None
    """null: it is not counted for long."""


class Usages(TypedDict):
    """The limits in force, the project's own or the configuration's."""

    monitors: "UsageAnswer"
    rules_cost: "UsageAnswer"
    addresses: "UsageAnswer"
    endpoints: "UsageAnswer"
    deliveries_per_day: "UsageAnswer"
    requests_per_second: "UsageAnswer"
    backfill_blocks_per_day: "UsageAnswer"


class ViewAnswer(TypedDict):
    """A function that was called, and what it returned, now and at the look before."""

    name: str
    signature: str
    args: dict[str, Any]
    """By name, or position where there is none: integers as decimal text, tuples as objects,
    arrays as lists.
    """
    result: dict[str, Any] | None
    """By name, or place; null where it reverted or returned something else."""
    previous: dict[str, Any] | None
    reverted: bool


class ViewRule(TypedDict):
    """What a function returns that reads a contract, whoever the monitor's addresses are."""

    kind: Literal["view"]
    signature: str | dict[str, Any]
    """With what it returns: `function latestRoundData() view returns (uint80 roundId, int256
    answer)`, or an entry of a JSON ABI.
    """
    contracts: list[str]
    """Each is asked."""
    args: NotRequired[list[Any] | dict[str, Any] | None]
    """What the function is called with: a list, or an object by the names of its signature.
    Integers as numbers or decimal text.
    """
    where: str
    """Told once when it becomes true, such as `balance < 5 ether`, `change <= -10%`,
    `result.answer < previous.answer`.
    """
    rearm: NotRequired[str | None]
    """What must hold before it is told again, and then has ended; left out: that `where` is
    false.
    """
    every_seconds: NotRequired[int | None]
    """Looked at this often at least, by the chain's time, beside the blocks that touch it.
    Left out together with `every_blocks`: 3600.
    """
    every_blocks: NotRequired[int | None]
    """The same, in blocks."""


class WaitingAnswer(TypedDict):
    """Why nothing is sent to an endpoint although something is queued for it.

    `disabled`: until somebody enables it. `circuit`: it failed too often, and is tried now
    and then. `retry-after`: it said for how long, by 429 or 503 or by its announced limits.
    `limit`: its project has used up the day's deliveries. `quiet`: it was told what its
    limit allows, and what gathers is counted then. `silence`: until its hours of silence
    are over. `retry`: it is `ordered`, and the first in its order waits for its next
    attempt.
    """

    reason: Literal["disabled", "circuit", "retry-after", "limit", "quiet", "silence", "retry"]
    since: str
    """RFC 3339, UTC, milliseconds."""
    delivery: str
    """The first in the endpoint's order."""
    next_attempt_at: str | None
    """null while disabled."""


class WhereAnswer(TypedDict):
    """What a condition came to."""

    outcome: bool | None
    """null: no answer, which is not a match; `error` says why."""
    error: str | None
    parts: list["WherePart"]
    """Each is evaluated, also where the whole did not need it."""


class WherePart(TypedDict):
    """A comparison, or another part of a condition that is true or false by itself."""

    text: str
    position: int
    """Where it stands in the condition, from 0."""
    outcome: bool | None
    """null: no answer; `error` says why."""
    error: str | None
    values: dict[str, Any]
    """Of the fields and calculations in it; integers are decimal text."""


class WithdrawalAnswer(TypedDict):
    """What names a withdrawal (EIP-4895)."""

    index: int
    validator_index: int


class WithdrawalRule(TypedDict):
    """What a block credits to a watched address without a transaction (EIP-4895)."""

    kind: Literal["withdrawal"]
    where: NotRequired[str | None]
    """A condition over the match, such as `amount >= 1.5 ether and not watched(to_address)`;
    left out: none.
    """


class Wrong(TypedDict):
    """One wrong place: an RFC 6901 pointer into the body, or `?name` of a parameter."""

    pointer: str
    detail: str


AddressEntry: TypeAlias = str | LabelledEntry


Confirmations: TypeAlias = int | Literal["safe", "finalized"]


EventAnswer: TypeAlias = MatchEvent | EndpointEvent


Kind: TypeAlias = Literal[
    "native",
    "internal",
    "erc20",
    "erc721",
    "erc1155",
    "event",
    "call",
    "deployment",
    "transaction",
    "withdrawal",
    "delegation",
    "balance",
    "view",
]
"""What a rule looks at, and what a match is."""


RuleBody: TypeAlias = (
    NativeRule
    | InternalRule
    | TokenRule
    | EventRule
    | CallRule
    | DeploymentRule
    | TransactionRule
    | WithdrawalRule
    | DelegationRule
    | BalanceRule
    | ViewRule
)


WebhookBody: TypeAlias = (
    MatchDetected
    | MatchConfirmed
    | MatchEnded
    | MatchReverted
    | EndpointFailing
    | EndpointDisabled
    | EndpointMoved
    | DeliveriesCounted
    | Ping
)
