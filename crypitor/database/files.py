"""The files of a SQLite database: made for their owner alone, and watched for being taken away.

A file that is deleted, moved or replaced under a process is still there for it: SQLite goes on to
write into what no other process will ever open, and says so to nobody.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600

LOOK_SECONDS = 0.5
SETTLED_NS = 100_000_000


class Displaced(OSError):
    """What lies at the path is not what was opened; the path may be right again later."""


class Files:
    """The database's own file, its log and the log's index. path: of the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[tuple[str, tuple[int, int]], ...] = ()
        self._folder = str(path.parent)
        self._unchanged: tuple[int, int] | None = None
        self._next_look = 0.0

    def make(self) -> None:
        """Make the file, where there is none, and its folder. Raises OSError.

        SQLite gives its other files the same mode.
        """
        make_folder(self.path.parent)
        # One that exists is not touched: to close it would drop the locks of this process on it.
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))

    def opened(self) -> None:
        """Note what lies there, while a connection has all of it open. Raises OSError."""
        paths = [self.path, Path(f"{self.path}-wal"), Path(f"{self.path}-shm")]
        self._folder = str(self.path.resolve().parent)  # of a link, where it leads
        self._opened = tuple((str(path), _identity(str(path))) for path in paths if path.exists())

    def check_now_and_then(self) -> None:
        """Check as `check` does, unless that was done a moment ago and all was well."""
        now = time.monotonic()
        if now >= self._next_look:
            self.check()
            self._next_look = now + LOOK_SECONDS

    def check(self) -> None:
        """Raise Displaced unless what was opened still lies there. Takes a microsecond or two.

        Whatever is taken out of a folder, or put into it, changes the folder's time.
        """
        folder = None
        with suppress(OSError):
            found = os.stat(self._folder)  # noqa: PTH116 - twice for each unit; a Path is slower
            folder = found.st_ino, found.st_mtime_ns
        if folder is not None and folder == self._unchanged:
            return
        self._next_look = 0.0
        self._check_each()
        # Two changes within one tick of the system's clock give a folder the same time.
        settled = folder is not None and time.time_ns() - folder[1] > SETTLED_NS
        self._unchanged = folder if settled else None

    def _check_each(self) -> None:
        for path, identity in self._opened:
            try:
                found = _identity(path)
            except (FileNotFoundError, NotADirectoryError):
                raise Displaced(
                    f"{path} was deleted or moved away while it was open: stop, put it back"
                    " (or a copy, without the files -wal and -shm), and start again"
                ) from None
            if found != identity:
                raise Displaced(
                    f"{path} is not the file that was opened: start again to work with the one that"
                    " lies there now, or put the one before back"
                )


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, where there is none. Raises OSError."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def too_open(path: Path, others: Iterable[Path] = ()) -> Iterator[str]:
    """Yield a command for each file and folder that other users may read or change.

    path: of a SQLite database; what begins with its name lies beside it: its log, and copies.
    others: more files. What cannot be looked at is passed over.
    """
    beside: list[Path] = []
    with suppress(OSError):
        beside = sorted(one for one in path.parent.iterdir() if one.name.startswith(path.name))
    yield from modes_of([path.parent], FOLDER_MODE)
    yield from modes_of([*beside, *others])


def modes_of(paths: Iterable[Path], mode: int = FILE_MODE) -> Iterator[str]:
    """Yield the command that gives a path this mode, for each that is open to other users."""
    for path in paths:
        with suppress(OSError):
            if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                yield f"chmod {mode:o} {path}"


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - as above
    return found.st_dev, found.st_ino
