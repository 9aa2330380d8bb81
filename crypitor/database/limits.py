"""What a project may have and do, and how much of it is used."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from crypitor.database.engine import Transaction
from crypitor.errors import Conflict

DAY_MS = 86_400_000

LEAST_PER_SECOND = 1e-5
"""About one a day: of less, nobody could say when the next may come."""

SELECT_LIMITS = "select limits from projects where id = :project_id"

HOLD = "select id from projects where id = :project_id for no key update"

USED = {
    "monitors": "select count(*) from monitors where project_id = :project_id",
    "rules_cost": """select cast(coalesce(sum(rules_cost), 0) as bigint) from monitors
        where project_id = :project_id""",
    "addresses": """select cast(coalesce(sum(address_count), 0) as bigint) from monitors
        where project_id = :project_id""",
    "endpoints": "select count(*) from endpoints where project_id = :project_id",
    "deliveries_per_day": """select count(*) from deliveries
        where project_id = :project_id and created_at >= :midnight""",
    # Of one that was cancelled, what was done of it.
    "backfill_blocks_per_day": """select cast(coalesce(sum(case when status = 'cancelled'
            then position else to_block end - from_block + 1), 0) as bigint) from jobs
        where project_id = :project_id and created_at >= :midnight""",
}

WORDS = {
    "monitors": "monitors",
    "rules_cost": "points of rules",
    "addresses": "addresses",
    "endpoints": "endpoints",
    "deliveries_per_day": "deliveries a day",
    "backfill_blocks_per_day": "blocks of backfills a day",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one project may have and do; None for no limit. Days begin at midnight, UTC.

    rules_cost: in points, see `crypitor.monitor.cost`.
    """

    monitors: int | None = None
    rules_cost: int | None = None
    addresses: int | None = None
    endpoints: int | None = None
    deliveries_per_day: int | None = None
    requests_per_second: float | None = None
    backfill_blocks_per_day: int | None = None

    def changed(self, own: Mapping[str, Any]) -> "Limits":
        """Return these, with a project's own in their place."""
        return Limits(**{**asdict(self), **own})

    def of(self, name: str) -> float | None:
        """Return one by its name."""
        found: float | None = getattr(self, name)
        return found


UNLIMITED = Limits()


def midnight(now: int) -> int:
    """Return when the day began, in unix milliseconds."""
    return now - now % DAY_MS


def own_limits(text: str) -> dict[str, Any]:
    """Return a project's own limits out of the text that is stored."""
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


async def limits_of(tx: Transaction, project_id: str, defaults: Limits) -> Limits:
    """Return what a project may have; the defaults for one that is not there."""
    text: str | None = await tx.value(SELECT_LIMITS, project_id=project_id)
    return defaults if text is None else defaults.changed(own_limits(text))


async def used_of(tx: Transaction, project_id: str, name: str, now: int) -> int:
    """Return how much of a limit is used. now: unix milliseconds."""
    used: int = await tx.value(USED[name], project_id=project_id, midnight=midnight(now))
    return used


async def keep_limits(
    tx: Transaction, project_id: str, defaults: Limits, names: Collection[str], now: int
) -> None:
    """Raise Conflict where what this transaction has added is more than may be.

    Call it after the additions and after `record_changes`: it lets one at a time count.
    """
    limits = await limits_of(tx, project_id, defaults)
    limited = [name for name in names if limits.of(name) is not None]
    if limited and tx.dialect == "postgresql":
        await tx.run(HOLD, project_id=project_id)
    for name in limited:
        most, used = limits.of(name), await used_of(tx, project_id, name, now)
        if most is not None and used > most:
            raise Conflict(
                f"this project may have {most:g} {WORDS[name]} (limit '{name}'),"
                f" and would have {used}"
            )
