"""A service of many processes: several of each role, beside one Kafka and one PostgreSQL."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.rig import Service

ROLES = ("worker", "monitor", "webhook", "api")

LAST_LINES = 20

STARTED_AT_ONCE = 2
"""A start takes more than a second of a core: all at once they would be late for its patience."""


class Fleet:
    """Processes by role; one more API, which nobody kills, is the one that is asked.

    settings: of all of them.
    """

    def __init__(self, folder: Path, settings: dict[str, str], each: int) -> None:
        self.members: list[tuple[str, Service]] = []
        for role in ROLES:
            for number in range(each):
                place = folder / f"{role}-{number}"
                place.mkdir()
                self.members.append((role, Service(place, settings, roles=[role])))
        place = folder / "front"
        place.mkdir()
        self.front = Service(place, settings, roles=["api"])

    async def start(self) -> None:
        """Start all of them; the first one makes the schema, or waits for who does."""
        await self.front.start()
        few = asyncio.Semaphore(STARTED_AT_ONCE)

        async def start(service: Service) -> None:
            async with few:
                await service.start()

        await asyncio.gather(*(start(service) for _, service in self.members))

    async def kill_some(self, chance: random.Random) -> str:
        """Kill or pause one or two of them; start or continue them a little later."""
        chosen = chance.sample(self.members, chance.choice((1, 1, 2)))
        pause = chance.random() < 0.25
        for _, service in chosen:
            if pause:
                service.process.send_signal(signal.SIGSTOP)
            else:
                await service.kill()
        await asyncio.sleep(chance.choice((0.0, 0.5, 8.0)) if not pause else 12.0)
        for _, service in chosen:
            if pause:
                service.process.send_signal(signal.SIGCONT)
            else:
                await service.start()
        return " ".join(("paused" if pause else "killed", *(role for role, _ in chosen)))

    def of_role(self, role: str) -> list[Service]:
        """Return those that are killed, of one role."""
        return [service for of, service in self.members if of == role]

    async def stop(self) -> list[int]:
        """Ask all of them to end; return their exit statuses."""
        services = [self.front, *(service for _, service in self.members)]
        return await asyncio.gather(*(service.stop() for service in services))

    def ended(self) -> dict[str, str]:
        """Return role and status → the end of its log, of those that ended by themselves."""
        return {
            f"{service.folder.name}, status {service.process.returncode}": "\n".join(
                service.log.read_text().splitlines()[-LAST_LINES:]
            )
            for _, service in self.members
            if service.process.returncode is not None
        }


@asynccontextmanager
async def fleet(folder: Path, settings: dict[str, str], each: int) -> AsyncIterator[Fleet]:
    """Start a fleet, and let none of its processes outlive the test."""
    ships = Fleet(folder, settings, each)
    try:
        await ships.start()
        yield ships
    finally:
        for service in [ships.front, *(service for _, service in ships.members)]:
            if service.process is not None and service.process.returncode is None:
                await service.kill()


def settings_of(database_url: str, servers: Sequence[str], prefix: str) -> dict[str, str]:
    """Return what makes processes one service."""
    return {
        "CRYPITOR__DATABASE__URL": database_url,
        "CRYPITOR__DATABASE__CONNECTIONS": "4",
        "CRYPITOR__QUEUE__KIND": "kafka",
        "CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": ",".join(servers),
        "CRYPITOR__QUEUE__TOPIC_PREFIX": prefix,
    }
