"""The role that copies a SQLite database now and then, and knows how old the newest copy is."""

import asyncio
import fcntl
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from crypitor.config import Config
from crypitor.config.paths import backup_folder, database_file
from crypitor.database.copying import Stopped, Unusable, copy, outages
from crypitor.database.files import make_folder
from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.loop import Health, clock, forever
from crypitor.runtime.metrics import Metrics

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
HOUR_MS = 3_600_000

_NAME = re.compile(r"crypitor-(\d{8}T\d{6}Z)\.db")
_STAMP = "%Y%m%dT%H%M%SZ"


def backups_of(
    config: Config, roles: Sequence[str], metrics: Metrics, spare: Callable[[], None]
) -> "Backups | None":
    """Return what copies the database, if that is configured, and let the metrics tell its age."""
    database, folder = database_file(config), backup_folder(config)
    hours = config.backup.hours
    if hours is None or database is None or folder is None:
        return None
    if not {"webhook", "monitor"} & set(roles):
        return None
    backups = Backups(
        database, folder, hours=hours, keep=config.backup.keep, clock=clock, spare=spare
    )
    metrics.backup_age_seconds.set_function(backups.age_seconds)
    metrics.backup_period_seconds.set(hours * HOUR_MS / 1000)
    return backups


class Backups:
    """Makes a copy as soon as the newest one is older than it should be, also after a restart.

    database: the SQLite file. folder: of the copies, whose names say when they were made. hours:
    between two. keep: how many. clock: unix milliseconds.
    """

    def __init__(
        self,
        database: Path,
        folder: Path,
        *,
        hours: float,
        keep: int,
        clock: Callable[[], int],
        spare: Callable[[], None] = lambda: None,
    ) -> None:
        self._spare = spare
        self._database = database
        self._folder = folder
        self._keep = keep
        self._clock = clock
        self._stopped = threading.Event()
        self._period_ms = round(hours * HOUR_MS)

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Look now and then until `stop` is set; a copy that is under way then is given up."""

        async def give_up() -> None:
            await stop.wait()
            self._stopped.set()

        giving_up = asyncio.create_task(give_up(), name="end of a backup")
        try:
            await forever("backup", self.step, stop=stop, health=health, idle_seconds=LOOK_SECONDS)
        finally:
            giving_up.cancel()

    async def step(self) -> bool:
        """Make a copy if one is due; False. Raises DatabaseUnavailable where it cannot be made."""
        self._spare()
        with suppress(Stopped):
            await asyncio.to_thread(self._copy_if_due)
        return False

    def age_seconds(self) -> float:
        """Return the age of the newest copy; infinite where there is none."""
        newest = max(self._made(), default=None)
        return float("inf") if newest is None else max(0, self._clock() - newest[0]) / 1000

    def _copy_if_due(self) -> None:
        if not self._is_due():
            return
        with outages(self._folder):
            make_folder(self._folder)
            with _alone_in(self._folder) as alone:
                if alone and self._is_due():
                    self._copy()

    def _is_due(self) -> bool:
        now, newest = self._clock(), max(self._made(), default=None)
        # One from the future is of a clock that was wrong: it is no copy of now.
        return newest is None or not 0 <= now - newest[0] < self._period_ms

    def _copy(self) -> None:
        target = self._folder / name_of(self._clock())
        try:
            copied = copy(self._database, target, self._stopped.is_set)
        except Unusable as damage:
            raise DatabaseUnavailable(f"no backup: {damage}") from damage
        log.info("backup made", path=str(target), bytes=copied.size, schema=copied.revision)
        self._remove_old()

    def _remove_old(self) -> None:
        for _, path in sorted(self._made())[: -self._keep]:
            with suppress(OSError):
                path.unlink()

    def _made(self) -> list[tuple[int, Path]]:
        """Return each copy with when it was made, in unix milliseconds."""
        try:
            paths = [*self._folder.iterdir()]
        except OSError:
            return []
        return [(made, path) for path in paths if (made := made_at(path.name)) is not None]


@contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """Give whether no other process makes a copy: of several, one does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def name_of(now: int) -> str:
    """Return the name of a copy that is made now, in unix milliseconds."""
    return f"crypitor-{datetime.fromtimestamp(now // 1000, UTC):{_STAMP}}.db"


def made_at(name: str) -> int | None:
    """Return when a copy was made by its name, in unix milliseconds; None for other files."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    with suppress(ValueError):
        return round(datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC).timestamp()) * 1000
    return None
