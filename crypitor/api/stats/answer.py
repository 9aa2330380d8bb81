"""What statistics are."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


class MatchCounts(TypedDict):
    """Matches, by what was told of them: each phase is counted in the time in which it was told."""

    detected: int
    confirmed: int
    ended: int
    reverted: int


class DeliveryCounts(TypedDict):
    """Deliveries that ended; one that was sent again ends again."""

    delivered: int
    failed: int
    cancelled: int


class AttemptCounts(TypedDict):
    """Attempts that ended."""

    taken: Annotated[int, Field(description="Answered with success.")]
    refused: Annotated[int, Field(description="Answered with anything else.")]
    unanswered: Annotated[int, Field(description="Without an answer: no connection, or too late.")]


class LatencyAnswer(TypedDict):
    """How long something took. Quantiles are right to 9 %."""

    count: int
    mean_ms: int
    p50_ms: int
    p95_ms: int
    p99_ms: int


class MeanAnswer(TypedDict):
    """How long something took on average."""

    count: int
    mean_ms: int


FirstAttempt = Annotated[
    LatencyAnswer | None,
    Field(description="From the moment a delivery was queued to its first attempt; null of none."),
]
Success = Annotated[
    LatencyAnswer | None,
    Field(
        description="From the moment a delivery was queued until it was taken, without those that "
        "were sent again; null of none."
    ),
]


class CountsAnswer(TypedDict):
    """What happened in some time."""

    matches: MatchCounts
    deliveries: DeliveryCounts
    attempts: AttemptCounts
    first_attempt: FirstAttempt
    success: Success


class PointAnswer(CountsAnswer):
    """What happened in a minute or an hour."""

    at: Annotated[Time, Field(description="Its beginning.")]


class GroupAnswer(TypedDict):
    """What happened to one of the networks, monitors or endpoints."""

    subject: Annotated[str, Field(description="Name of the network; id of monitor or endpoint.")]
    matches: MatchCounts
    deliveries: DeliveryCounts
    attempts: AttemptCounts
    first_attempt: MeanAnswer | None
    success: MeanAnswer | None


class NowAnswer(TypedDict):
    """How it goes now: a minute's mean of the last five whole minutes, and what waits."""

    matches_per_minute: Annotated[float, Field(description="Detected.")]
    deliveries_per_minute: Annotated[float, Field(description="Delivered.")]
    attempts_per_minute: float
    pending: Annotated[
        int | None,
        Field(
            description="Deliveries that wait for an attempt, 10,000 where there are more; null of "
            "a network or a monitor."
        ),
    ]


class BucketAnswer(TypedDict):
    """How many took so long."""

    from_ms: Annotated[int, Field(description="This long or longer.")]
    below_ms: Annotated[int, Field(description="Shorter than this: twice as long.")]
    count: int


class HistogramAnswer(TypedDict):
    """How long things took in the whole time, by doublings; empty lists for nothing known."""

    first_attempt: list[BucketAnswer]
    success: list[BucketAnswer]


class StatsAnswer(TypedDict):
    """What happened, counted beside the work itself: seconds after it, and kept over restarts."""

    step: Literal["minute", "hour"]
    since: Time
    until: Annotated[Time, Field(description="Not included.")]
    complete: Annotated[
        bool,
        Field(description="Whether all that is stored was counted at the time of this answer."),
    ]
    now: NowAnswer
    total: CountsAnswer
    histogram: HistogramAnswer
    series: Annotated[
        list[PointAnswer], Field(description="Each minute or hour of the time, oldest first.")
    ]
    groups: Annotated[
        list[GroupAnswer] | None,
        Field(description="The busiest 100, as `by` asks; null where it does not."),
    ]
