"""What a trial of a monitor is asked and answers."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.matches.parts import Found, MatchedBlock
from crypitor.api.serving.answers import DecodedArgs
from crypitor.api.serving.bodies import Body, Height
from crypitor.monitor.models import Kind

MOST_TRIED_BLOCKS = 10_000

TRANSACTION_PATTERN = "^0[xX][0-9a-fA-F]{64}$"


def _transaction(value: object) -> str | None:
    if value is not None and not (
        isinstance(value, str) and re.fullmatch(TRANSACTION_PATTERN[1:-1], value)
    ):
        raise ValueError("a transaction's hash is 0x and 64 hex digits")
    return None if value is None else value.lower()


class TrialBody(Body):
    """A transaction, or blocks of which both ends are included."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {
                "properties": {"transaction": {"type": "string"}},
                "required": ["transaction"],
            },
            "then": {"properties": {"from_block": {"type": "null"}, "to_block": {"type": "null"}}},
            "else": {
                "properties": {"from_block": {"type": "integer"}},
                "required": ["from_block"],
            },
        }
    )

    network: str = Field(description="One of the monitor's networks.")
    transaction: Annotated[
        str | None,
        PlainValidator(_transaction),
        WithJsonSchema(
            {"anyOf": [{"type": "string", "pattern": TRANSACTION_PATTERN}, {"type": "null"}]}
        ),
    ] = Field(None, description="Its hash.")
    from_block: Height | None = None
    to_block: Height | None = Field(
        None,
        description="The newest block, if it is left out. At most "
        f"{MOST_TRIED_BLOCKS} blocks in all.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.transaction is None) == (self.from_block is None):
            raise ValueError("this has to have either transaction, or from_block and to_block")
        if self.transaction is not None and self.to_block is not None:
            raise ValueError("to_block belongs to from_block; a transaction is in one block")
        return self


class WherePart(TypedDict):
    """A comparison, or another part of a condition that is true or false by itself."""

    text: str
    position: Annotated[int, Field(description="Where it stands in the condition, from 0.")]
    outcome: Annotated[bool | None, Field(description="null: no answer; `error` says why.")]
    error: str | None
    values: Annotated[
        dict[str, Any],
        Field(description="Of the fields and calculations in it; integers are decimal text."),
    ]


class WhereAnswer(TypedDict):
    """What a condition came to."""

    outcome: Annotated[
        bool | None, Field(description="null: no answer, which is not a match; `error` says why.")
    ]
    error: str | None
    parts: Annotated[
        list[WherePart],
        Field(description="Each is evaluated, also where the whole did not need it."),
    ]


class ReasonAnswer(TypedDict):
    """What is in the way of a match."""

    obstacle: Annotated[
        Literal[
            "kind", "signature", "contract", "undecoded", "failed", "direction", "party", "where"
        ],
        Field(
            description="kind: it is nothing of the rule's kind. signature: another event or "
            "function. contract: not one of the rule's. undecoded: not by the signature. failed: "
            "the transaction failed. direction: not the rule's. party: not watched. where: the "
            "condition is false or has no answer; of balances and views also: it was true before."
        ),
    ]
    detail: str


class FindingAnswer(TypedDict):
    """One part of the transaction, held against one rule.

    Of balances and views, which stand in no transaction: one account or contract that it touched,
    as it was after the whole block.
    """

    matches: bool
    reasons: Annotated[list[ReasonAnswer], Field(description="Empty if it matches.")]
    direction: Annotated[
        Literal["in", "out"] | None,
        Field(description="A transfer is held against a rule once for each of its parties."),
    ]
    address: Annotated[
        str | None, Field(description="The party in this direction; of a balance, whose it is.")
    ]
    from_address: str | None
    to_address: str | None
    contract: str | None
    amount: str | None
    token_id: str | None
    args: Annotated[
        DecodedArgs | None, Field(description="Of an event or a call that was decoded.")
    ]
    log_index: int | None
    item: int | None
    where: Annotated[
        WhereAnswer | None,
        Field(
            description="Also where something else is in the way; null without a condition, and "
            "where there is nothing to ask it of."
        ),
    ]


class TriedRuleAnswer(TypedDict):
    """One rule of the monitor."""

    rule: Annotated[int, Field(description="Its place in the monitor's rules, from 0.")]
    kind: Kind
    matches: int
    detail: Annotated[str, Field(description="The answer in a sentence.")]
    findings: Annotated[
        list[FindingAnswer],
        Field(description="In the chain's order; of more than 100 those nearest to a match."),
    ]
    left_out: Annotated[int, Field(description="How many findings are not shown.")]


class TriedTransactionAnswer(TypedDict):
    """The transaction and every rule."""

    hash: str
    block: MatchedBlock
    from_address: str
    to_address: str | None
    value: str
    status: Literal["success", "failed"]
    rules: list[TriedRuleAnswer]


class DayAnswer(TypedDict):
    """One day in UTC, as far as it was looked at."""

    date: str
    blocks: int
    matches: int


class TriedBlocksAnswer(TypedDict):
    """The blocks that were looked at."""

    from_block: int
    to_block: Annotated[int, Field(description="The last one that was looked at.")]
    complete: Annotated[
        bool, Field(description="false: there was no time for the rest; ask for it from there on.")
    ]
    seconds: Annotated[float | None, Field(description="The chain's time that these blocks cover.")]
    matches_per_day: Annotated[
        float | None, Field(description="At this rate; null where a single block was looked at.")
    ]
    days: list[DayAnswer]
    undecoded: Annotated[
        int, Field(description="Logs and calls of a rule's signature that do not decode by it.")
    ]
    condition_errors: Annotated[int, Field(description="Conditions that had no answer.")]
    warning: Annotated[
        str | None, Field(description="Set above 1,000 matches a day, and where conditions fail.")
    ]


class TriedMatch(Found):
    """What would be told of a match, but for its confirmations."""


class TrialAnswer(TypedDict):
    """What a monitor would match, and of one transaction why, or why not."""

    monitor: str
    network: str
    enabled: Annotated[
        bool, Field(description="A disabled monitor is tested like any other, and matches nothing.")
    ]
    match_count: int
    matches: Annotated[
        list[TriedMatch],
        Field(description="At most 100, as webhooks have them in `data`."),
    ]
    transaction: Annotated[
        TriedTransactionAnswer | None, Field(description="null where blocks were asked for.")
    ]
    blocks: Annotated[
        TriedBlocksAnswer | None, Field(description="null where a transaction was asked for.")
    ]
