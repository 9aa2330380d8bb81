"""The disk of a SQLite database: told before it is full, and then what can wait does.

What waits is what nobody is told by and what is done again in any case: backfills, replays and
copies. Blocks, deliveries and changes over the API go on, and what makes room (retention) does too.
"""

import asyncio
from collections.abc import Callable

from crypitor.config import Config
from crypitor.database.room import Room, room_of
from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.loop import Health, forever
from crypitor.runtime.metrics import Metrics

LOOK_SECONDS = 5.0


class Disk:
    """Looks how much room is left. room: None where that cannot be told."""

    def __init__(self, room: Callable[[], Room | None], metrics: Metrics) -> None:
        self._room = room
        self._free = metrics.disk_free_bytes
        self._left_mb: int | None = None  # while there is too little

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Look until `stop` is set."""
        await forever("disk", self.step, stop=stop, health=health, idle_seconds=LOOK_SECONDS)

    async def step(self) -> bool:
        """Look once; False. Raises DatabaseUnavailable while the disk is nearly full."""
        room = await asyncio.to_thread(self._room)
        if room is not None:
            self._free.set(room.free_bytes)
        full = room is not None and room.is_nearly_full
        self._left_mb = room.free_bytes >> 20 if room is not None and full else None
        self.spare()
        return False

    def spare(self) -> None:
        """Let only go on what cannot wait. Raises DatabaseUnavailable while there is no room."""
        if self._left_mb is not None:
            raise DatabaseUnavailable(
                f"the disk of the database is nearly full: {self._left_mb} MB are free"
            )


def disk_of(config: Config, metrics: Metrics) -> Disk:
    """Return what looks at the disk of the configured database; of a server's there is none."""
    url = config.database.url.get_secret_value()
    return Disk(lambda: room_of(url), metrics)
