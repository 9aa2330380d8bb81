"""What the API answers of gauges."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


class SeenAt(TypedDict):
    """A block in which a gauge was looked at."""

    number: int
    hash: str
    timestamp: Time


class ReadingAnswer(TypedDict):
    """What a gauge showed from this block on, until the next reading."""

    block: SeenAt
    balance: Annotated[str | None, Field(description="In the smallest unit; null for a view.")]
    result: Annotated[
        dict[str, Any] | None, Field(description="By name, or place; null where it reverted.")
    ]
    state: Literal["armed", "raised"]
    match: str | None


class GaugeAnswer(TypedDict):
    """A balance or a view, for one rule of a monitor.

    `looked_at` is the last look, whatever it showed; a reading is kept where value or state became
    others.
    """

    id: str
    network: str
    kind: Literal["balance", "view"]
    address: Annotated[str | None, Field(description="The account; null for a view.")]
    contract: Annotated[str | None, Field(description="null for the chain's coin.")]
    token_id: str | None
    signature: str | None
    where: str | None
    state: Annotated[
        Literal["armed", "raised"],
        Field(description="raised: it has told, and waits for its end."),
    ]
    match: Annotated[str | None, Field(description="That it told and that has not ended.")]
    looked_at: Annotated[SeenAt | None, Field(description="null before the first look.")]
    balance: str | None
    result: dict[str, Any] | None
    readings: Annotated[list[ReadingAnswer], Field(description="Newest first.")]


class GaugePage(TypedDict):
    """Gauges of a monitor, by their ids."""

    data: list[GaugeAnswer]
    next_cursor: str | None
