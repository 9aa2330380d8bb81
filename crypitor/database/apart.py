"""Migrates in a process of its own: what only that needs, 17 MB, would stay in memory for ever."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import MutableMapping
from threading import Thread
from typing import Any

import structlog

from crypitor.database.migrate import migrate, pending

log = structlog.get_logger(__name__)


async def migrate_apart(url: str, *, copies: bool = True) -> list[str]:
    """Do what `migrate` does, and raise what it raises, with no more memory taken afterwards.

    What fails in the other process is tried again in this one, which can tell what it was. A
    program in one piece, which starts no module of its own, migrates in this one.
    """
    if not await pending(url):
        return []
    if "alembic" in sys.modules or getattr(sys, "frozen", False):
        return await migrate(url, copies=copies)
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor.database.apart",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which lets the other one finish
    )  # fmt: skip
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        # No argument: those can be seen by all. The pipe stays open for as long as this one lives.
        other.stdin.write(json.dumps([url, copies]).encode() + b"\n")
        told = await other.stdout.read()
    finally:
        if other.returncode is None:
            other.stdin.close()
    if await other.wait():
        return await migrate(url, copies=copies)
    applied: list[str]
    applied, said = json.loads(told)
    for entry in said:
        log.info(entry.pop("event"), **entry)
    return applied


def main() -> None:
    """Migrate what standard input names; print what was applied, and what is to be logged of it."""
    url, copies = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    said: list[MutableMapping[str, Any]] = []

    def keep(_logger: object, _name: str, entry: MutableMapping[str, Any]) -> Any:
        said.append(entry)
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    applied = asyncio.run(migrate(url, copies=copies))
    os.write(1, json.dumps([applied, said]).encode())
    os._exit(0)  # the thread still waits within standard input, which the usual way out closes


def _end_with_parent() -> None:
    """End at once when the other end of standard input does: the schema changes as a whole."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
