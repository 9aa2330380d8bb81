"""How statistics are asked for."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from crypitor.api.serving.moment import Moment
from crypitor.api.serving.paging import Name
from crypitor.api.serving.reading import summary
from crypitor.database.statistics import HOUR_MS, SPANS, Kind, Span
from crypitor.errors import Invalid, Mistake

DAY_MS = 24 * HOUR_MS
LONGEST_MS: dict[Span, int] = {"minute": DAY_MS, "hour": 90 * DAY_MS}
USUAL_MS: dict[Span, int] = {"minute": HOUR_MS, "hour": DAY_MS}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which time, in whole minutes or hours: unix milliseconds, `until` itself not included."""

    since: int
    until: int


class StatsQuery(BaseModel):
    """Whose statistics, of when."""

    model_config = ConfigDict(extra="forbid")

    network: Name | None = Field(None, description="Count what is of this network alone.")
    monitor: Name | None = Field(None, description="Count what is of this monitor alone.")
    endpoint: Name | None = Field(
        None,
        description="Count what went to this endpoint alone. Only one of network, monitor and "
        "endpoint can be given. An endpoint has no matches of its own.",
    )
    step: Span = Field(
        "minute", description="`minute`: of the last 24 hours. `hour`: of the last 90 days."
    )
    since: Moment | None = Field(
        None,
        description="From the minute or hour that has this time; left out: an hour before `until` "
        "in minutes, a day in hours. What is longer ago than is kept is left out.",
    )
    until: Moment | None = Field(
        None, description="Up to this time, with its minute or hour; left out: until now."
    )
    by: Literal["network", "monitor", "endpoint"] | None = Field(
        None, description="Also the sums of each network, monitor or endpoint, the busiest first."
    )

    @property
    def subject(self) -> tuple[Kind, str]:
        """What is counted by. Raises Invalid where more than one is given."""
        subjects: dict[Kind, str | None] = {
            "network": self.network,
            "monitor": self.monitor,
            "endpoint": self.endpoint,
        }
        given = [(kind, one) for kind, one in subjects.items() if one is not None]
        if len(given) > 1:
            mistakes = [
                Mistake(f"?{kind}", "give one of network, monitor, endpoint") for kind, _ in given
            ]
            raise Invalid(summary(mistakes), mistakes)
        return given[0] if given else ("project", "")

    def asked(self, now: int) -> Asked:
        """Return the time that is asked for. now: unix milliseconds."""
        length = SPANS[self.step]
        present = now - now % length + length  # the end of the minute or hour that is now
        end = present if self.until is None else min(present, -(-self.until // length) * length)
        begin = end - USUAL_MS[self.step]
        if self.since is not None:
            begin = self.since - self.since % length
        begin = max(begin, present - LONGEST_MS[self.step])
        return Asked(begin, max(begin, end))
