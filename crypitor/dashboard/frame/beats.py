"""What cards and lists show of the last hour and of the newest blocks beside the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crypitor.api.stats.routes import read_stats
from crypitor.dashboard.frame.charts import DAY, HOUR, MINUTE, Span, asked, span_of
from crypitor.dashboard.frame.visit import Visit
from crypitor.database.engine import Transaction
from crypitor.database.recent import Mined, detected, newest_blocks

SHOWN_BLOCKS = 60
SPARK_PARTS = 30
SPARK_DAYS = 14


@dataclass(frozen=True, slots=True)
class Beat:
    """What cards show of networks, by their names.

    block_seconds: the mean time of a block, None while unknown. sparks: matches of the last hour.
    """

    block_seconds: dict[str, float | None] = field(default_factory=dict)
    sparks: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Charted:
    """Statistics of the time that a page's address names. name: of that time."""

    name: str
    span: Span
    stats: Mapping[str, Any]


async def charted(visit: Visit, **subject: str) -> Charted:
    """Return statistics for charts. subject: network, monitor or endpoint; none for all."""
    name, span = span_of(visit.request.query.get("span"))
    query = {**subject, **asked(span, visit.context.clock())}
    return Charted(name, span, await visit.ask(read_stats, query=query))


async def beat_of(visit: Visit, networks: Sequence[Any]) -> Beat:
    """Return what the cards of networks show beside what the API tells of them."""
    names = [network["name"] for network in networks]
    now, project = visit.context.clock(), visit.who.project_id
    since = now - now % MINUTE - HOUR + 2 * MINUTE

    async def unit(tx: Transaction) -> Beat:
        times = {name: mean_seconds(await newest_blocks(tx, name, SHOWN_BLOCKS)) for name in names}
        sparks = await detected(
            tx, project, "network", names,
            span="minute", since=since, each=HOUR // SPARK_PARTS, parts=SPARK_PARTS,
        )  # fmt: skip
        return Beat(times, sparks)

    return await visit.context.database.read(unit, at_once=True)


async def days_of(visit: Visit, monitors: Sequence[str]) -> dict[str, list[int]]:
    """Return how much each monitor matched on each of the last days; days of UTC."""
    now, project = visit.context.clock(), visit.who.project_id
    since = now - now % DAY - (SPARK_DAYS - 1) * DAY
    return await visit.context.database.read(
        lambda tx: detected(
            tx, project, "monitor", monitors, span="hour", since=since, each=DAY, parts=SPARK_DAYS
        ),
        at_once=True,
    )


def mean_seconds(blocks: Sequence[Mined]) -> float | None:
    """Return the mean time of a block; None where there are too few to tell."""
    if len(blocks) < 2 or blocks[-1].number == blocks[0].number:
        return None
    return max(blocks[-1].at - blocks[0].at, 0) / (blocks[-1].number - blocks[0].number)
