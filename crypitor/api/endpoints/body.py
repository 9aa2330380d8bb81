"""Who is told, and how."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, WithJsonSchema

from crypitor.api.serving.bodies import Body, Line
from crypitor.webhook.delivery import LEAST_PER_SECOND
from crypitor.webhook.egress import LONGEST_URL
from crypitor.webhook.quiet import LONGEST_WINDOW_SECONDS, MOST_MESSAGES
from crypitor.webhook.silence import MOST_SILENCES
from crypitor.webhook.success import (
    ANY_SUCCESS,
    LONGEST_POINTER,
    LONGEST_STATUS,
    LONGEST_SUBSTRING,
    POINTER,
    STATUS,
)
from crypitor.webhook.template import CONTENT_TYPE, JSON_TYPE, LONGEST_TEMPLATE
from crypitor.webhook.tls import LONGEST_PEM

_HEADER_NAME = "^[A-Za-z0-9-]{1,96}$"
_NAME_WITH_A_REASON = "^[A-Za-z0-9_-]{1,96}$"
"""What is told in a sentence of its own when it is refused, instead of by the pattern."""

_HEADER_VALUE = "^[\\x20-\\x7e]*$"
Headers: TypeAlias = Annotated[
    dict[
        Annotated[str, Field(pattern=_NAME_WITH_A_REASON)],
        Annotated[str, Field(pattern=_HEADER_VALUE, max_length=4000)],
    ],
    Field(max_length=32),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 32,
            "propertyNames": {"pattern": _HEADER_NAME},
            "additionalProperties": {
                "type": "string",
                "pattern": _HEADER_VALUE,
                "maxLength": 4000,
            },
        }
    ),
]


class TemplateBody(Body):
    """A body in which `{{data.amount}}` stands for a field of the standard one."""

    body: str = Field(
        min_length=1,
        max_length=LONGEST_TEMPLATE,
        description="In JSON a field is escaped for a place between quotes; `{{field | json}}` is "
        "a whole value. Other formatters: `short`, `upper`, `lower`, `url`, `html`. Beside those "
        "of the standard body there are `text` and `links.transaction`, `.block`, `.address`, "
        "`.contract`.",
    )
    content_type: str = Field(JSON_TYPE, pattern=CONTENT_TYPE)


class PointedBody(Body):
    """A place in a JSON answer, and what has to stand there."""

    pointer: str = Field(
        pattern=POINTER, max_length=LONGEST_POINTER, description="RFC 6901: `/result/0/ok`."
    )
    value: Any = Field(None, description="Any JSON value; compared as such: 1 is 1.0 and not true.")


class SuccessBody(Body):
    """Which answers have taken a delivery."""

    status: str = Field(
        ANY_SUCCESS,
        pattern=STATUS,
        max_length=LONGEST_STATUS,
        description="`2xx`, `3xx` or codes, with commas: `200,202`, `2xx,409`. 410, 429 and 503 "
        "cannot be among them.",
    )
    body: (
        Annotated[
            Annotated[
                Annotated[str, Field(min_length=1, max_length=LONGEST_SUBSTRING)], Tag("text")
            ]
            | Annotated[PointedBody, Tag("pointed")],
            Discriminator(lambda value: "text" if isinstance(value, str) else "pointed"),
        ]
        | None
    ) = Field(None, description="Some text of the body, or what stands at a place in its JSON.")


Pem: TypeAlias = Annotated[str, Field(min_length=1, max_length=LONGEST_PEM)]


class TlsBody(Body):
    """TLS of an endpoint's own, in PEM; it is sealed, and never shown again."""

    ca: Pem | None = Field(
        None, description="The authorities that are believed, in place of the system's."
    )
    certificate: Pem | None = Field(
        None, description="For a receiver that asks for one, with those between it and its root."
    )
    key: Pem | None = Field(None, description="Its private key, without a passphrase.")


class DigestBody(Body):
    """Letters that hold more than one message."""

    seconds: int = Field(
        ge=1, le=86_400, description="Between two letters, in which messages gather."
    )
    count: int = Field(50, ge=1, le=200, description="Messages in one letter, at most.")


class QuietBody(Body):
    """At most so many messages in a window; then one that counts the rest."""

    most: int = Field(ge=1, le=MOST_MESSAGES, description="Messages in a window.")
    window_seconds: int = Field(
        ge=1,
        le=LONGEST_WINDOW_SECONDS,
        description="From the first of them; what comes when it is full gathers until its end.",
    )


_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class SilenceBody(Body):
    """Hours in which nothing is sent; what comes waits for their end."""

    begins: str = Field(pattern=_CLOCK, description="`HH:MM`, as a clock on the wall shows it.")
    ends: str = Field(pattern=_CLOCK, description="The same; not later: of the next day.")
    timezone: str = Field(
        "UTC", max_length=60, description="Of the clock: a name of IANA, such as `Europe/Berlin`."
    )
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None = Field(
        None, min_length=1, max_length=7, description="On which they begin; null: on each."
    )


_SCHEMES = (
    "[hH][tT][tT][pP][sS]?",
    "[sS][mM][tT][pP][sS]?",
    "[kK][aA][fF][kK][aA]",
    "[tT][eE][sS][tT]",
    "[aA][pP][pP][rR][iI][sS][eE]",
)
URL_PATTERN = f"^({'|'.join(_SCHEMES)})://"
"""What may stand where; whether it may be called is told in a sentence, and by no pattern."""


class EndpointBody(Body):
    """A URL that takes webhooks."""

    url: str = Field(
        description="http(s), public unless the operator allows more, without user information, "
        "at most 2048 characters. `kafka://TOPIC` publishes to a topic that the operator allows. "
        "`test://receiver` is a receiver of the service's own, to try with.",
        json_schema_extra={"format": "uri", "pattern": URL_PATTERN, "maxLength": LONGEST_URL},
    )
    description: Line = Field("", max_length=500)
    format: Literal[
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
    ] = Field(
        "standard",
        description="`crypitor`: the original Crypitor's bodies, for receivers written for them. "
        "The others: messages for people; the URL is that of an incoming "
        "webhook, for Telegram `https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>`.",
    )
    template: TemplateBody | None = Field(
        None, description="A body of your own in place of the standard one; null: none."
    )
    signature: Literal["v1", "v1a"] = Field(
        "v1",
        description="`v1`: HMAC-SHA256 with a shared secret. `v1a`: ed25519; receivers need only "
        "the public key. A change replaces the secret, as `/rotate` does.",
    )
    headers: Headers = Field(
        default_factory=dict,
        description="Sent with each webhook. Readers without write scope see *** for the values.",
    )
    ordered: bool = Field(default=False, description="One at a time, first in first out.")
    checksum: bool = Field(
        default=False,
        description="Values of its bodies that are addresses are written with their EIP-55 "
        "checksum, from what is told next on; false: in lower case, as everywhere. Not in formats "
        "for people.",
    )
    rate_per_second: float | None = Field(
        None,
        ge=LEAST_PER_SECOND,
        le=10_000,
        description="From one in a day or so; null: no limit; in a format for people what the "
        "service takes.",
    )
    events: list[Literal["endpoint.failing", "endpoint.disabled", "endpoint.moved"]] = Field(
        default_factory=list,
        max_length=3,
        description="News of the project's other endpoints that this one is told.",
    )
    success: SuccessBody | None = Field(
        None, description="Which answers have taken a delivery; null: every 2xx."
    )
    tls: TlsBody | None = Field(
        None, description="For receivers inside a company; null: as everywhere."
    )
    digest: DigestBody | None = Field(
        None, description="Only for `email`; null: each message is a letter."
    )
    quiet: QuietBody | None = Field(
        None,
        description="Messages beyond the limit are `counted`: one message says how many they were. "
        "null: each is told. Not for `pagerduty`, `opsgenie`, `crypitor` and topics, and neither "
        "with `ordered` nor with `digest`.",
    )
    silence: list[SilenceBody] = Field(
        default_factory=list,
        max_length=MOST_SILENCES,
        description="Hours in which it is told nothing. What comes is sent when they are over; "
        "with `quiet`, one message counts it.",
    )
    enabled: bool = True


class RotationBody(Body):
    """Which secret is to sign from now on."""

    secret: str | None = Field(
        None,
        max_length=200,
        description="One of your own: `whsec_` and base64 of 24 to 64 bytes, or `whsk_` and base64 "
        "of an ed25519 seed and its public key; null: a new one is made.",
    )
    signature: Literal["v1", "v1a"] | None = Field(None, description="null: as before.")
