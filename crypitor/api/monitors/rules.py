"""The kinds of rules."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from crypitor.api.serving.bodies import AddressText, Body
from crypitor.evm.abi.fragment import LONGEST_FRAGMENT
from crypitor.monitor.condition.lexer import LONGEST_CONDITION

MOST_CONTRACTS = 1_000
DEEPEST_FRAGMENT = 64


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


class TransactionRule(Body):
    """Transactions from or to a watched address, whatever they call, move or become."""

    kind: Literal["transaction"]
    direction: Literal["all", "in", "out"] = "all"
    include_failed: bool = Field(
        default=True, description="Also those that failed; their `status` is `failed`."
    )
    where: Where = None


class WithdrawalRule(Body):
    """What a block credits to a watched address without a transaction (EIP-4895)."""

    kind: Literal["withdrawal"]
    where: Where = None


class DelegationRule(Body):
    """Authorizations by which a watched account sets, changes or clears its code (EIP-7702)."""

    kind: Literal["delegation"]
    where: Where = None


Condition: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_CONDITION,
        description="Told once when it becomes true, such as `balance < 5 ether`, "
        "`change <= -10%`, `result.answer < previous.answer`.",
    ),
]
Rearm: TypeAlias = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=LONGEST_CONDITION,
        description="What must hold before it is told again, and then has ended; left out: that "
        "`where` is false.",
    ),
]
EverySeconds: TypeAlias = Annotated[
    int | None,
    Field(
        ge=1,
        le=31_536_000,
        description="Looked at this often at least, by the chain's time, beside the blocks that "
        "touch it. Left out together with `every_blocks`: 3600.",
    ),
]
EveryBlocks: TypeAlias = Annotated[
    int | None,
    Field(ge=1, le=10_000_000, description="The same, in blocks."),
]


def _args(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, dict | list):
        raise ValueError("a list of the arguments expected, or an object by their names")  # noqa: TRY004 - pydantic's
    if not _is_shallow(value, DEEPEST_FRAGMENT):
        raise ValueError("this is nested too deeply")
    if len(msgspec.json.encode(value)) > LONGEST_ARGS:
        raise ValueError(f"the limit is {LONGEST_ARGS} characters")
    return value


LONGEST_ARGS = 20_000
Args: TypeAlias = Annotated[
    list[Any] | dict[str, Any] | None,
    PlainValidator(_args),
    WithJsonSchema(
        {
            "anyOf": [{"type": "array", "items": {}}, {"type": "object"}, {"type": "null"}],
            "description": "What the function is called with: a list, or an object by the names "
            "of its signature. Integers as numbers or decimal text.",
        }
    ),
]
_NATURAL = r"^(0|[1-9][0-9]{0,77})$"


class BalanceRule(Body):
    """What each watched address has of the chain's coin, or of each of these tokens."""

    kind: Literal["balance"]
    contracts: Annotated[
        list[AddressText] | None,
        Field(
            min_length=1,
            max_length=MOST_CONTRACTS,
            description="Of tokens (ERC-20, ERC-721, or ERC-1155 with `token_id`); left out: the "
            "chain's coin.",
        ),
    ] = None
    token_id: Annotated[
        str | None, Field(pattern=_NATURAL, description="Of an ERC-1155 token, in decimal.")
    ] = None
    where: Condition
    rearm: Rearm = None
    every_seconds: EverySeconds = None
    every_blocks: EveryBlocks = None


class ViewRule(Body):
    """What a function returns that reads a contract, whoever the monitor's addresses are."""

    kind: Literal["view"]
    signature: Annotated[
        str | dict[str, Any],
        PlainValidator(_signature),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "minLength": 1, "maxLength": LONGEST_FRAGMENT},
                    {"type": "object", "title": "JSON ABI fragment"},
                ],
                "description": "With what it returns: `function latestRoundData() view returns "
                "(uint80 roundId, int256 answer)`, or an entry of a JSON ABI.",
            }
        ),
    ]
    contracts: Annotated[
        list[AddressText],
        Field(min_length=1, max_length=MOST_CONTRACTS, description="Each is asked."),
    ]
    args: Args = None
    where: Condition
    rearm: Rearm = None
    every_seconds: EverySeconds = None
    every_blocks: EveryBlocks = None


RuleBody = TypeAliasType(
    "RuleBody",
    Annotated[
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
        | ViewRule,
        Field(discriminator="kind"),
    ],
)
