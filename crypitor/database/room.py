"""How large a database is that is a file, and how much room its disk has left."""

import shutil
from dataclasses import dataclass

from crypitor.database.sqlite import path_of

LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes: of the database with its journal, free on its disk, and of the whole disk."""

    used_bytes: int
    free_bytes: int
    disk_bytes: int

    @property
    def is_nearly_full(self) -> bool:
        """Whether less than 1 GB is free, and that is a twentieth of it, or less than is used."""
        few = self.free_bytes < self.disk_bytes * LEAST_FREE_SHARE
        return self.free_bytes < LEAST_FREE_BYTES and (few or self.free_bytes < self.used_bytes)


def room_of(url: str) -> Room | None:
    """Return the room of a SQLite database; None of another, and where it cannot be told."""
    if not url.startswith("sqlite"):
        return None
    path = path_of(url)
    used = 0
    try:
        for each in (path, path.with_name(f"{path.name}-wal")):
            used += each.stat().st_size if each.exists() else 0
        disk = shutil.disk_usage(path.parent)
    except OSError:
        return None
    return Room(used, disk.free, disk.total)
