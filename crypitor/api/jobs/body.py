"""What is done once: backfills and replays."""

from typing import Literal

from pydantic import Field

from crypitor.api.serving.bodies import Body, Height
from crypitor.api.serving.moment import Moment


class BackfillBody(Body):
    """Past blocks of one network, both ends included."""

    network: str = Field(description="One of the monitor's networks.")
    from_block: Height
    to_block: Height | None = Field(
        None,
        description="At most the network's tip, which is also the default: later blocks are "
        "matched as they come.",
    )


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
