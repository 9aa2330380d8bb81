"""When keys were used: noted in memory, and stored now and then for all of them together."""

from crypitor.database.engine import Database
from crypitor.database.keys import note_uses

STORE_SECONDS = 10.0
AGAIN_MS = 10_000


class Uses:
    """When keys were used that has not been stored yet.

    A use within ten seconds of one that was noted is left out, so that a busy key costs one write
    each ten seconds; what was not stored when the process ends is lost.
    """

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}
        self._waiting: dict[str, int] = {}

    def note(self, key_id: str, now: int) -> None:
        """Note a use. now: unix milliseconds."""
        if key_id and abs(now - self._noted.get(key_id, -AGAIN_MS)) >= AGAIN_MS:
            self._noted[key_id] = self._waiting[key_id] = now

    async def store(self, database: Database) -> None:
        """Store what was noted. Raises DatabaseUnavailable, and will store it the next time."""
        waiting = dict(self._waiting)
        if not waiting:
            return
        await database.write(lambda tx: note_uses(tx, waiting), at_once=True)
        for key_id, at in waiting.items():
            if self._waiting.get(key_id) == at:
                del self._waiting[key_id]
