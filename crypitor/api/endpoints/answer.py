"""What the API answers of endpoints and their secrets."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.deliveries.answer import RequestHeaders
from crypitor.api.serving.answers import Time

News: TypeAlias = Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]


class TemplateAnswer(TypedDict):
    """A body in which fields are filled in."""

    body: str
    content_type: str


class PointedAnswer(TypedDict):
    """A place in a JSON answer, and what has to stand there."""

    pointer: str
    value: Any


class SuccessAnswer(TypedDict):
    """Which answers have taken a delivery."""

    status: str
    body: str | PointedAnswer | None


class TlsAnswer(TypedDict):
    """TLS of an endpoint's own, by the SHA-256 of each certificate's DER; it is never shown again.

    `expires_at`: when the first of the certificates ends.
    """

    ca: str | None
    certificate: str | None
    key: Literal["***"] | None
    expires_at: str | None


class DigestAnswer(TypedDict):
    """Letters that hold more than one message."""

    seconds: int
    count: int


class QuietAnswer(TypedDict):
    """At most so many messages in a window; then one that counts the rest."""

    most: int
    window_seconds: int


class SilenceAnswer(TypedDict):
    """Hours in which nothing is sent, by the clock of a place."""

    begins: str
    ends: str
    timezone: str
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]


class WaitingAnswer(TypedDict):
    """Why nothing is sent to an endpoint although something is queued for it.

    `disabled`: until somebody enables it. `circuit`: it failed too often, and is tried now and
    then. `retry-after`: it said for how long, by 429 or 503 or by its announced limits. `limit`:
    its project has used up the day's deliveries. `quiet`: it was told what its limit allows, and
    what gathers is counted then. `silence`: until its hours of silence are over. `retry`: it is
    `ordered`, and the first in its order waits for its next attempt.
    """

    reason: Literal["disabled", "circuit", "retry-after", "limit", "quiet", "silence", "retry"]
    since: Time
    delivery: Annotated[str, Field(description="The first in the endpoint's order.")]
    next_attempt_at: Annotated[str | None, Field(description="null while disabled.")]


class EndpointAnswer(TypedDict):
    """A URL for webhooks.

    `success`, `tls`, `digest`, `quiet`, `silence` and `checksum` where they are set, `secret` once.
    """

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
    events: list[News]
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
    success: NotRequired[SuccessAnswer]
    tls: NotRequired[TlsAnswer]
    digest: NotRequired[DigestAnswer]
    quiet: NotRequired[QuietAnswer]
    silence: NotRequired[list[SilenceAnswer]]
    checksum: NotRequired[bool]
    secret: NotRequired[str]


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
