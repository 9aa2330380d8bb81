"""What was given out, kept beside the database: a copy of it from before does not know.

A few lines in a file: how far the database had come when a cursor was given out, and which
Idempotency-Keys were answered within the day. Read at start, and compared with the database.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import structlog

from crypitor.database.engine import Transaction
from crypitor.database.epochs import Epoch, current_epoch, has_epoch, renew_epoch
from crypitor.database.files import FILE_MODE, make_folder
from crypitor.database.idempotency import KEPT_MS, answered_since

log = structlog.get_logger(__name__)

# A key that retention is about to remove proves nothing if it is missing.
REMEMBERED_MS = KEPT_MS - 60_000
FEW_LINES = 20_000
LONGEST_CHANGE_MS = 600_000
"""The database notes a key when it is claimed, and the file when its change is committed."""


class Given:
    """path: of the file; None remembers in memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._keys: dict[str, int] = {}
        self._lost: set[str] = set()
        self._lines = 0
        self._most_lines = FEW_LINES
        self._failed = False
        self.height: tuple[str, int] | None = None
        """Name of the epoch of what was given out last, and how far the database had come."""
        self._read()

    def note_height(self, epoch: Epoch) -> None:
        """Remember that a place was given out. Call it before the answer leaves."""
        if self.height != (epoch.name, epoch.height) and not self._is_past(epoch):
            self.height = (epoch.name, epoch.height)
            self._append(f"height {epoch.name} {epoch.height}")

    def note_key(self, project_id: str, key: str, now: int) -> None:
        """Remember that a key was answered. now: unix milliseconds."""
        mark = mark_of(project_id, key)
        if mark not in self._keys:
            self._keys[mark] = now
            self._append(f"key {mark} {now}")

    def knows_key(self, project_id: str, key: str, now: int) -> bool:
        """Tell whether a key was answered within the day."""
        at = self._keys.get(mark_of(project_id, key))
        return at is not None and now - at < REMEMBERED_MS

    def keys_to_know(self, now: int) -> dict[str, int]:
        """Return the marks of the keys that the database has to know, and when they were answered.

        Without those that are known to be lost.
        """
        return {
            mark: at
            for mark, at in self._keys.items()
            if mark not in self._lost and now - at < REMEMBERED_MS
        }

    def note_lost(self, marks: Iterable[str]) -> None:
        """Remember which keys the database has lost: it began a new time for that."""
        for mark in marks:
            self._lost.add(mark)
            self._append(f"lost {mark} {self._keys[mark]}")

    def _is_past(self, epoch: Epoch) -> bool:
        return (
            self.height is not None
            and self.height[0] == epoch.name
            and (self.height[1] > epoch.height)
        )

    def _read(self) -> None:
        for words in self._words():
            self._lines += 1
            with suppress(ValueError):
                kind, name, number = words
                if kind == "height":
                    self.height = (name, int(number))
                elif kind in ("key", "lost"):
                    self._keys[name] = int(number)
                if kind == "lost":
                    self._lost.add(name)

    def _words(self) -> Iterator[list[str]]:
        if self._path is not None:
            with suppress(OSError), self._path.open(encoding="ascii", errors="replace") as file:
                for line in file:
                    yield line.split()

    def _append(self, line: str) -> None:
        """Add a line; kill -9 leaves it whole or not at all, and a power cut may take the last."""
        if self._path is None:
            return
        self._lines += 1
        try:
            make_folder(self._path.parent)
            with _private(self._path, os.O_APPEND) as file:
                file.write(f"{line}\n")
        except OSError as error:
            if not self._failed:
                log.warning("what was given out cannot be noted", trouble=str(error))
            self._failed = True
        if self._lines > self._most_lines:
            self._write_anew(self._path)

    def _write_anew(self, path: Path) -> None:
        """Leave out what is too old, so that the file stays as long as a day."""
        self._read()  # another process of this folder may have added some
        oldest = max(self._keys.values(), default=0) - REMEMBERED_MS
        self._keys = {mark: at for mark, at in self._keys.items() if at > oldest}
        self._lost &= self._keys.keys()
        lines = [
            f"{'lost' if mark in self._lost else 'key'} {mark} {at}\n"
            for mark, at in self._keys.items()
        ]
        if self.height is not None:
            lines.append(f"height {self.height[0]} {self.height[1]}\n")
        new = path.with_name(f"{path.name}.new")
        with suppress(OSError):
            with _private(new, os.O_TRUNC) as file:
                file.writelines(lines)
            new.replace(path)
        self._lines = len(lines)
        self._most_lines = max(FEW_LINES, 2 * len(lines))


async def begin_new_time_if_lost(
    tx: Transaction, given: Given, now: int, random_bytes: Callable[[int], bytes]
) -> bool:
    """Renew the epoch if the database does not know what was given out; say whether it was."""
    epoch = await current_epoch(tx)
    lost = await _lost_keys(tx, given, now)
    if lost or await _is_behind(tx, given, epoch):
        await renew_epoch(tx, epoch, random_bytes)
        given.note_lost(lost)
        return True
    return False


async def _is_behind(tx: Transaction, given: Given, epoch: Epoch) -> bool:
    if given.height is None:
        return False
    name, height = given.height
    return not await has_epoch(tx, name) or (name == epoch.name and height > epoch.height)


async def _lost_keys(tx: Transaction, given: Given, now: int) -> set[str]:
    wanted = given.keys_to_know(now)
    if not wanted:
        return set()
    since = min(wanted.values()) - LONGEST_CHANGE_MS
    known = {mark_of(*pair) for pair in await answered_since(tx, since)}
    return wanted.keys() - known


def mark_of(project_id: str, key: str) -> str:
    """Return what stands for a key: keys may be secrets, and may be long."""
    return hashlib.sha256(f"{project_id} {key}".encode()).hexdigest()[:32]


def _private(path: Path, flag: int) -> TextIO:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | flag, FILE_MODE)
    return os.fdopen(opened, "w", encoding="ascii")
