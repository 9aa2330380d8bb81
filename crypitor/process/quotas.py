"""The role that holds each project to its deliveries a day.

Nothing is counted on the way of a block. Every few seconds what came since is counted, and the
endpoints of a project that is over its limit rest until the next day; their deliveries wait.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from crypitor.database.engine import Database
from crypitor.database.limits import DAY_MS, Limits, midnight
from crypitor.database.quotas import (
    daily_limits,
    deliveries_between,
    end_rest,
    rest_endpoints,
    resting_projects,
)
from crypitor.runtime.loop import Health, forever
from crypitor.webhook.health import limited_until

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0

SETTLED_MS = 60_000
"""A delivery is committed so soon after its `created_at`: what is older is counted once."""


@dataclass(slots=True)
class _Counted:
    """What was counted of one project.

    day: its midnight. before: up to when `count` is. told: whether the log has that it is over.
    """

    day: int
    before: int
    count: int = 0
    told: bool = False


class Quotas:
    """Looks at the projects that have a limit. wake: tells the sender of endpoints."""

    def __init__(
        self,
        database: Database,
        defaults: Limits,
        *,
        clock: Callable[[], int],
        wake: Callable[[Iterable[str]], None],
    ) -> None:
        self._database = database
        self._defaults = defaults
        self._clock = clock
        self._wake = wake
        self._counted: dict[str, _Counted] = {}

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Look until `stop` is set."""

        async def step() -> bool:
            await self.step()
            return False

        await forever("quotas", step, stop=stop, health=health, idle_seconds=lambda: LOOK_SECONDS)

    async def step(self) -> None:
        """Count for each limited project what came, and let its endpoints rest or go on."""
        now = self._clock()
        until = limited_until(now)
        limits = await self._database.read(lambda tx: daily_limits(tx, self._defaults))
        resting = await self._database.read(lambda tx: resting_projects(tx, until))
        self._counted = {at: one for at, one in self._counted.items() if limits.get(at) is not None}
        for project_id, most in limits.items():
            if most is not None and await self._count(project_id, now) > most:
                await self._rest(project_id, now, until)
            elif project_id in resting:  # the limit was raised, or taken away
                self._wake(
                    await self._database.write(
                        lambda tx, at=project_id: end_rest(tx, at, until, now)  # type: ignore[misc]
                    )
                )

    async def _count(self, project_id: str, now: int) -> int:
        day = midnight(now)
        known = self._counted.get(project_id)
        if known is None or known.day != day:
            known = self._counted[project_id] = _Counted(day, day)
        settled = max(known.before, now - SETTLED_MS)

        async def between(since: int, until: int) -> int:
            return await self._database.read(
                lambda tx: deliveries_between(tx, project_id, since, until)
            )

        known.count += await between(known.before, settled)
        known.before = settled
        return known.count + await between(settled, day + DAY_MS)

    async def _rest(self, project_id: str, now: int, until: int) -> None:
        rested = await self._database.write(lambda tx: rest_endpoints(tx, project_id, until, now))
        if rested and not self._counted[project_id].told:
            log.warning("a project has used up the day's deliveries", project=project_id)
            self._counted[project_id].told = True
        self._wake(rested)
