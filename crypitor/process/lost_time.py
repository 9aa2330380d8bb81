"""Finds at a start that an older copy of the database was put back."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

import structlog

from crypitor.config import Config
from crypitor.database.engine import Database, driver_of
from crypitor.database.given import Given, begin_new_time_if_lost
from crypitor.database.sqlite import path_of
from crypitor.runtime.loop import clock

log = structlog.get_logger(__name__)


async def given_of(config: Config, roles: Sequence[str], database: Database) -> Given:
    """Return what was given out by this installation; begins a new time where that is lost.

    Without the role `api` nothing is. Raises DatabaseUnavailable.
    """
    if "api" not in roles:
        return Given()
    given = await asyncio.to_thread(Given, given_path(config))
    lost = await database.write(
        lambda tx: begin_new_time_if_lost(tx, given, clock(), secrets.token_bytes)
    )
    if lost:
        log.warning(
            "an older copy of the database was put back: cursors that were given out since it was"
            " made are refused, and so are Idempotency-Keys that were answered since"
        )
    return given


def given_path(config: Config) -> Path:
    """Return where it is remembered what was given out: beside the SQLite file, or in `data`."""
    url = config.database.url.get_secret_value()
    if url.startswith("sqlite"):
        path = path_of(url)
        return path.with_name(f"{path.name}-given")
    place = hashlib.sha256(driver_of(url, 1).name.encode()).hexdigest()[:12]
    return Path("data") / f"given-{place}"
