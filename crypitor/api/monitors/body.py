"""What is watched."""

from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
)

from crypitor.api.endpoints.body import EndpointBody, QuietBody, SilenceBody
from crypitor.api.monitors.rules import RuleBody
from crypitor.api.serving.bodies import AddressEntry, Body, Line
from crypitor.api.serving.words import PhaseWord
from crypitor.webhook.silence import MOST_SILENCES

MOST_RULES = 64
MOST_INLINE_ADDRESSES = 10_000
MOST_NETWORKS = 64
MOST_ENDPOINTS = 16
MOST_TAGS = 50

_TAG = r'^[^\x00-\x1f\x7f"\\]*$'


def _confirmations(value: object) -> int | str | None:
    if value is None or value in ("safe", "finalized"):
        return value
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 100_000:
        raise ValueError("this has to be a number from 1 to 100000, 'safe', 'finalized' or null")
    return number


def _few_inline(value: object) -> object:
    if isinstance(value, list) and len(value) > MOST_INLINE_ADDRESSES:
        raise ValueError(
            f"{len(value)} addresses; the limit is {MOST_INLINE_ADDRESSES} here: add the others "
            "through POST /v1/monitors/{id}/addresses"
        )
    return value


class MonitorQuietBody(QuietBody):
    """At most so many messages in a window to each endpoint; then one that counts the rest."""

    webhooks: bool = Field(False, description="Whether `standard` webhooks are counted too.")


class MonitorBody(Body):
    """A standing question: what to watch, where, and whom to tell."""

    model_config = ConfigDict(
        json_schema_extra={
            # With `any` address each rule needs a limit, or it would match everything on a chain.
            "if": {"properties": {"addresses": {"const": "any"}}, "required": ["addresses"]},
            "then": {
                "properties": {
                    "rules": {
                        "type": "array",
                        "items": {
                            "anyOf": [
                                {
                                    "properties": {"contracts": {"type": "array"}},
                                    "required": ["contracts"],
                                },
                                {
                                    "properties": {"where": {"type": "string"}},
                                    "required": ["where"],
                                },
                                {"properties": {"kind": {"enum": ["event", "call", "view"]}}},
                            ]
                        },
                    }
                },
                "required": ["rules"],
            },
        }
    )

    name: Line = Field("", max_length=200)
    networks: list[str] = Field(
        min_length=1, max_length=MOST_NETWORKS, description="Names from GET /v1/networks."
    )
    addresses: Annotated[
        Annotated[Literal["any"], Tag("any")]
        | Annotated[list[AddressEntry], BeforeValidator(_few_inline), Tag("list")],
        Discriminator(lambda value: "any" if isinstance(value, str) else "list"),
    ] = Field(
        default_factory=list,
        description=(
            "Whose transfers and deployments are watched; `any` for everybody's, then each rule of "
            "such a kind has contracts or a condition. Events, calls and views need none; "
            "balances are of addresses that are named. "
            f"At most {MOST_INLINE_ADDRESSES} here, more through /addresses. In a PATCH the list "
            "takes the place of all addresses that are watched."
        ),
        json_schema_extra={"maxItems": MOST_INLINE_ADDRESSES},
    )
    rules: list[RuleBody] | None = Field(
        None,
        min_length=1,
        max_length=MOST_RULES,
        description="Left out: native, erc20, erc721 and erc1155 in all directions.",
    )
    endpoints: list[str] = Field(
        default_factory=list, max_length=MOST_ENDPOINTS, description="Ids of endpoints."
    )
    webhook: EndpointBody | None = Field(
        None, description="Shorthand: makes an endpoint and puts its id into `endpoints`."
    )
    notify: list[PhaseWord] = Field(
        default=["detected", "confirmed", "reverted"],
        max_length=10,
        description="The phases that are delivered. `ended`, of balances and views alone: the "
        "condition ceased to be.",
    )
    confirmations: Annotated[
        int | str | None,
        PlainValidator(_confirmations),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 100_000},
                    {"enum": ["safe", "finalized"]},
                    {"type": "null"},
                ]
            }
        ),
    ] = Field(None, description="null: what the network's configuration says.")
    tags: list[Annotated[str, Field(min_length=1, max_length=100, pattern=_TAG)]] = Field(
        default_factory=list, max_length=MOST_TAGS
    )
    note: Annotated[str, Field(pattern=r"^[^\x00]*$")] = Field("", max_length=10_000)
    severity: Literal["info", "warning", "error", "critical"] | None = Field(
        None,
        description="How much a match matters, to PagerDuty, Opsgenie, ntfy and mail, and in the "
        "text of messages; null: a warning, of which nothing is said.",
    )
    quiet: MonitorQuietBody | None = Field(
        None,
        description="How much it tells each of its endpoints; messages beyond it are `counted`. "
        "null: all. Not at endpoints that are `ordered`, have a `digest` or a limit of their own, "
        "nor for `pagerduty`, `opsgenie`, `crypitor` and topics, which are told everything.",
    )
    silence: list[SilenceBody] = Field(
        default_factory=list,
        max_length=MOST_SILENCES,
        description="Hours in which it tells nothing. What comes is sent when they are over; with "
        "`quiet`, as much of it as that allows. Not at endpoints that are `ordered`.",
    )
    enabled: bool = True
