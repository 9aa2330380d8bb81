"""What the API answers of jobs."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


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


class JobPage(TypedDict):
    """Jobs, newest first."""

    data: list[JobAnswer]
    next_cursor: str | None
