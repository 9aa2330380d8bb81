"""What the API answers of projects."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


class LimitsAnswer(TypedDict):
    """A project's own limits; null: as the configuration says."""

    monitors: int | None
    rules_cost: int | None
    addresses: int | None
    endpoints: int | None
    deliveries_per_day: int | None
    requests_per_second: float | None
    backfill_blocks_per_day: int | None


class ProjectAnswer(TypedDict):
    """A project."""

    id: str
    name: str
    operator: Annotated[
        bool, Field(description="Whether its admin keys administer all projects; one is.")
    ]
    limits: LimitsAnswer
    created_at: Time


class ProjectPage(TypedDict):
    """Projects, newest first."""

    data: list[ProjectAnswer]
    next_cursor: str | None


class UsageAnswer(TypedDict):
    """One limit, and how much of it is used."""

    limit: Annotated[float | None, Field(description="null: none.")]
    used: Annotated[float | None, Field(description="null: it is not counted for long.")]


class Usages(TypedDict):
    """The limits in force, the project's own or the configuration's."""

    monitors: UsageAnswer
    rules_cost: UsageAnswer
    addresses: UsageAnswer
    endpoints: UsageAnswer
    deliveries_per_day: UsageAnswer
    requests_per_second: UsageAnswer
    backfill_blocks_per_day: UsageAnswer


class ProjectUsage(TypedDict):
    """What a project uses of its limits."""

    project: str
    limits: Usages
    day_ends_at: Annotated[Time, Field(description="From then on a new day is counted.")]
