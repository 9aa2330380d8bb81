"""A machine of 512 MB and one processor, as near as this one can be made to look like it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMORY_BYTES = 512 << 20
PERIOD_US = 100_000


class Small:
    """Where a process is put. how: for people, what limits it."""

    def __init__(self, how: str, folders: list[Path], peak: Path | None) -> None:
        self.how = how
        self._folders = folders
        self._peak = peak

    def take(self, pid: int) -> None:
        """Limit a process, with all that it starts."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(pid))
        if not self._folders:
            os.sched_setaffinity(pid, {min(os.sched_getaffinity(pid))})

    def peak_mb(self, pid: int) -> float:
        """Return the most memory that it had: with its share of files in memory, if in a group."""
        if self._peak is not None:
            with suppress(OSError):
                return int(self._peak.read_text()) / (1 << 20)
        status = Path(f"/proc/{pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


@contextmanager
def small_machine(name: str) -> Iterator[Small]:
    """Make a control group of version 2 or 1; where there is none, one processor and no more."""
    for version in (_version_2, _version_1):
        folders: list[Path] = []
        try:
            how, peak = version(name, folders)
        except OSError:
            _remove(folders)
            continue
        try:
            yield Small(how, folders, peak)
        finally:
            _remove(folders)
        return
    yield Small("one processor (affinity); memory is only measured", [], None)


def _version_2(name: str, folders: list[Path]) -> tuple[str, Path]:
    if not (ROOT / "cgroup.controllers").exists():
        raise FileNotFoundError(ROOT)
    folder = ROOT / name
    folder.mkdir()
    folders.append(folder)
    (folder / "memory.max").write_text(str(MEMORY_BYTES))
    (folder / "memory.swap.max").write_text("0")
    (folder / "cpu.max").write_text(f"{PERIOD_US} {PERIOD_US}")
    return "cgroup v2: memory.max 512 MB, no swap, cpu.max one processor", folder / "memory.peak"


def _version_1(name: str, folders: list[Path]) -> tuple[str, Path]:
    for controller in ("memory", "cpu"):
        folder = ROOT / controller / name
        folder.mkdir()
        folders.append(folder)
    memory, processor = folders
    (memory / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES))
    (processor / "cpu.cfs_period_us").write_text(str(PERIOD_US))
    (processor / "cpu.cfs_quota_us").write_text(str(PERIOD_US))
    return (
        "cgroup v1: memory.limit_in_bytes 512 MB, cpu.cfs_quota_us one processor",
        memory / "memory.max_usage_in_bytes",
    )


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
