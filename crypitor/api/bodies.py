"""What callers may write in bodies, with limits and defaults."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
)

from crypitor.api.entries import LONGEST_LABEL, address_of, entry_of
from crypitor.api.moment import Moment
from crypitor.evm.abi.fragment import LONGEST_FRAGMENT
from crypitor.evm.types import Address
from crypitor.monitor.condition.lexer import LONGEST_CONDITION
from crypitor.webhook.template import CONTENT_TYPE, JSON_TYPE, LONGEST_TEMPLATE

MOST_RULES = 64
MOST_INLINE_ADDRESSES = 10_000
MOST_NETWORKS = 64
MOST_ENDPOINTS = 16
MOST_CONTRACTS = 1_000
MOST_TAGS = 50
DEEPEST_FRAGMENT = 64
LAST_BLOCK = 2**53 - 1

ADDRESS_PATTERN = "^0[xX]([0-9a-f]{40}|[0-9A-F]{40})$"
_ADDRESS_WORDS = "0x and 40 hex digits; mixed case only with a true EIP-55 checksum"
LINE = r"^[^\x00-\x1f\x7f]*$"
_TAG = r'^[^\x00-\x1f\x7f"\\]*$'


def _confirmations(value: object) -> int | str | None:
    if value is None or value in ("safe", "finalized"):
        return value
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 100_000:
        raise ValueError("this has to be a number from 1 to 100000, 'safe', 'finalized' or null")
    return number


def _whole(value: object) -> object:
    """Return 7 for 7.0, which is an integer in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _few_inline(value: object) -> object:
    if isinstance(value, list) and len(value) > MOST_INLINE_ADDRESSES:
        raise ValueError(
            f"{len(value)} addresses; the limit is {MOST_INLINE_ADDRESSES} here: add the others "
            "through POST /v1/monitors/{id}/addresses"
        )
    return value


def _signature(value: object) -> object:
    if not isinstance(value, str | dict):
        raise ValueError("this has to be text, or an entry of a JSON ABI")  # noqa: TRY004 - pydantic's
    if not _is_shallow(value, DEEPEST_FRAGMENT):
        raise ValueError("this is nested too deeply")
    if len(msgspec.json.encode(value)) > LONGEST_FRAGMENT:
        raise ValueError(f"the limit is {LONGEST_FRAGMENT} characters")
    return value


def _is_shallow(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in inner)


_ADDRESS_SCHEMA = {"type": "string", "pattern": ADDRESS_PATTERN, "description": _ADDRESS_WORDS}
AddressText: TypeAlias = Annotated[
    Address, PlainValidator(address_of), WithJsonSchema(_ADDRESS_SCHEMA)
]
Entry: TypeAlias = Annotated[
    tuple[Address, str | None],
    PlainValidator(entry_of),
    WithJsonSchema(
        {
            "title": "Entry",
            "oneOf": [
                _ADDRESS_SCHEMA,
                {
                    "type": "object",
                    "properties": {
                        "address": _ADDRESS_SCHEMA,
                        "label": {
                            "type": ["string", "null"],
                            "maxLength": LONGEST_LABEL,
                            "pattern": LINE,
                        },
                    },
                    "required": ["address"],
                    "additionalProperties": False,
                },
            ],
        }
    ),
]
Height: TypeAlias = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=LAST_BLOCK)]
Line: TypeAlias = Annotated[str, Field(pattern=LINE)]


class Body(BaseModel):
    """A JSON object without unknown members, of which nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


Where: TypeAlias = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=LONGEST_CONDITION,
        description="A condition over the match, such as `amount >= 1.5 ether and "
        "not watched(to_address)`; left out: none.",
    ),
]
Contracts: TypeAlias = Annotated[
    list[AddressText] | None,
    Field(
        min_length=1,
        max_length=MOST_CONTRACTS,
        description="Only these contracts; left out: any.",
    ),
]
Signature: TypeAlias = Annotated[
    str | dict[str, Any],
    PlainValidator(_signature),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": LONGEST_FRAGMENT},
                {"type": "object", "title": "JSON ABI fragment"},
            ],
            "description": "As in Solidity, `Transfer(address indexed from, address indexed to, "
            "uint256 value)`, or an entry of a JSON ABI.",
        }
    ),
]


class NativeRule(Body):
    """Transactions that move the chain's own coin."""

    kind: Literal["native"]
    direction: Literal["all", "in", "out"] = "all"
    include_failed: bool = Field(
        default=False, description="Also those that failed; their `status` is `failed`."
    )
    where: Where = None


class TokenRule(Body):
    """Transfers of tokens."""

    kind: Literal["erc20", "erc721", "erc1155"]
    direction: Literal["all", "in", "out"] = "all"
    contracts: Contracts = None
    where: Where = None


class EventRule(Body):
    """Logs of an event, whoever the monitor's addresses are. An anonymous one needs contracts."""

    kind: Literal["event"]
    signature: Signature
    contracts: Contracts = None
    where: Where = None


class CallRule(Body):
    """Transactions that call a function, failed ones too, whoever the monitor's addresses are."""

    kind: Literal["call"]
    signature: Signature
    contracts: Contracts = None
    where: Where = None


class InternalRule(Body):
    """Value that calls within successful transactions moved; the network needs `traces`."""

    kind: Literal["internal"]
    direction: Literal["all", "in", "out"] = "all"
    where: Where = None


class DeploymentRule(Body):
    """Transactions that create a contract: `out` for the sender, `in` for the contract."""

    kind: Literal["deployment"]
    direction: Literal["all", "in", "out"] = "all"
    where: Where = None


RuleBody: TypeAlias = Annotated[
    NativeRule | InternalRule | TokenRule | EventRule | CallRule | DeploymentRule,
    Field(discriminator="kind"),
]


_HEADER_NAME = "^[A-Za-z0-9_-]{1,96}$"
_HEADER_VALUE = "^[\\x20-\\x7e]*$"
Headers: TypeAlias = Annotated[
    dict[
        Annotated[str, Field(pattern=_HEADER_NAME)],
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


class EndpointBody(Body):
    """A URL that takes webhooks."""

    url: str = Field(
        description="http(s), public unless the operator allows more, without user information, "
        "at most 2048 characters. `kafka://TOPIC` publishes to a topic that the operator allows.",
        json_schema_extra={"format": "uri"},
    )
    description: Line = Field("", max_length=500)
    format: Literal["standard", "crypitor", "slack", "discord", "telegram"] = Field(
        "standard",
        description="`crypitor`: the original Crypitor's bodies, for receivers written for them. "
        "`slack`, `discord`, `telegram`: messages for people; the URL is that of an incoming "
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
    rate_per_second: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="null: no limit; for `slack`, `discord` and `telegram` what they take.",
    )
    events: list[Literal["endpoint.failing", "endpoint.disabled"]] = Field(
        default_factory=list,
        max_length=2,
        description="News of the project's other endpoints that this one is told.",
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


class MonitorBody(Body):
    """A standing question: what to watch, where, and whom to tell."""

    model_config = ConfigDict(
        json_schema_extra={
            # Everything on a chain would be too much: any address needs a limit in each rule.
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
                                {"properties": {"kind": {"enum": ["event", "call"]}}},
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
        | Annotated[list[Entry], BeforeValidator(_few_inline), Tag("list")],
        Discriminator(lambda value: "any" if isinstance(value, str) else "list"),
    ] = Field(
        default_factory=list,
        description=(
            "Whose transfers and deployments are watched; `any` for everybody's, then each rule of "
            "such a kind has contracts or a condition. Events and calls need none. "
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
    notify: list[Literal["detected", "confirmed", "reverted"]] = Field(
        default=["detected", "confirmed", "reverted"], description="The phases that are delivered."
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
    enabled: bool = True


class BackfillBody(Body):
    """Past blocks of one network, both ends included."""

    network: str = Field(description="One of the monitor's networks.")
    from_block: Height
    to_block: Height | None = Field(
        None,
        description="At most the network's tip, which is also the default: later blocks are "
        "matched as they come.",
    )


class RetryBody(Body):
    """Which deliveries are meant."""

    again: bool = Field(default=False, description="Also one that was taken.")


class ReplayBody(Body):
    """Which deliveries are to be sent again."""

    since: Moment | None = Field(
        None, description="Created at this time or later; left out: since the first."
    )
    until: Moment | None = Field(
        None, description="Created before this time; left out: before this request."
    )
    status: list[Literal["failed", "delivered"]] = Field(
        default=["failed"],
        min_length=1,
        max_length=2,
        description="`delivered` also sends again what was taken.",
    )


class ProjectBody(Body):
    """What owns monitors, endpoints, matches and keys."""

    name: Line = Field(min_length=1, max_length=200)


class KeyBody(Body):
    """An API key."""

    name: Line = Field(min_length=1, max_length=200)
    scope: Literal["read", "write", "admin"] = Field(
        "write", description="Each includes those before it."
    )
    project: str | None = Field(
        None, description="null: the project of the key that asks; others need an operator's key."
    )
