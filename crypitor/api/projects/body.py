"""What a project may be, and what it may have."""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from crypitor.api.serving.bodies import LAST_BLOCK, Body, Line, whole
from crypitor.database.limits import LEAST_PER_SECOND

Most: TypeAlias = Annotated[int, Field(ge=0, le=LAST_BLOCK), BeforeValidator(whole)]


class LimitsBody(Body):
    """What a project may have and do; null: as the configuration says. Days begin at 00:00 UTC."""

    monitors: Most | None = None
    rules_cost: Most | None = Field(
        None,
        description="Points of all rules of its monitors: one for each rule, each type of its "
        "signature, and each microsecond that its conditions may take for a match.",
    )
    addresses: Most | None = Field(None, description="Of all its monitors together.")
    endpoints: Most | None = None
    deliveries_per_day: Most | None = Field(
        None, description="Beyond them, deliveries wait for the next day."
    )
    requests_per_second: Annotated[float, Field(ge=LEAST_PER_SECOND, le=1_000_000)] | None = Field(
        None, description="To each process that serves the API; those of one second at once."
    )
    backfill_blocks_per_day: Most | None = None


class ProjectBody(Body):
    """What owns monitors, endpoints, matches and keys."""

    name: Line = Field(min_length=1, max_length=200)
    limits: LimitsBody = Field(default_factory=lambda: LimitsBody.model_validate({}))
