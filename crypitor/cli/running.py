"""The service itself: run, demo, check, migrate."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from crypitor.cli.opened import (
    ConfigPath,
    is_first_start,
    load,
    read,
    refuse_a_lost_database,
    uncollected,
    warn_of_a_new_database,
)
from crypitor.cli.saying import say


class RoleName(StrEnum):
    """What `run --role` takes; `crypitor.config.Role`, without importing it."""

    API = "api"
    WORKER = "worker"
    MONITOR = "monitor"
    WEBHOOK = "webhook"


class QueueKind(StrEnum):
    """What `demo --queue` takes."""

    MEMORY = "memory"
    KAFKA = "kafka"


def run(
    role: Annotated[
        list[RoleName] | None, typer.Option(help="Run only this; may be repeated.")
    ] = None,
    new: Annotated[
        bool,
        typer.Option(
            "--new", help="The database is a new one, although there is an admin.key of another."
        ),
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Run the service, or some of its roles."""
    with uncollected():
        loaded = load(config)
        from crypitor.config import ROLES, check_roles

        roles = [name for name in ROLES if not role or name.value in role]
        check_roles(loaded, roles)
        if not new:
            refuse_a_lost_database(loaded)
        warn_of_a_new_database(loaded)
        if is_first_start(loaded):  # later on, who owns the database is told before
            from crypitor.process.doors import refuse_a_taken_port

            refuse_a_taken_port(loaded, roles)
        from crypitor.database.holds import early_hold_of

        hold = early_hold_of(loaded, roles)
        from crypitor.process.app import run as run_service

    raise typer.Exit(run_service(loaded, roles, hold, lambda: read(config), new=new))


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after so long.", show_default="at Ctrl-C")
    ] = None,
    queue: Annotated[
        QueueKind, typer.Option(help="What carries the blocks; kafka: of the configuration.")
    ] = QueueKind.MEMORY,
    seed: Annotated[
        str | None,
        typer.Option(help="The same seed gives the same traffic.", show_default="by chance"),
    ] = None,
    opens: Annotated[
        bool, typer.Option("--open", help="Show the dashboard in your browser.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Show the whole service at work on a simulated chain; nothing else is needed."""
    loaded = load(config)
    from crypitor.development.demo import run as run_demo

    raise typer.Exit(run_demo(loaded, seconds, queue.value, seed, opens=opens))


def check(config: ConfigPath = None) -> None:
    """Tell what works and what does not: configuration, database, queue, nodes. Changes nothing."""
    loaded = load(config)
    from crypitor.process.check.findings import findings

    healthy = True

    async def tell() -> None:
        nonlocal healthy
        async for finding in findings(loaded):
            say(str(finding))
            healthy &= finding.works

    asyncio.run(tell())
    raise typer.Exit(0 if healthy else 1)


def migrate(config: ConfigPath = None) -> None:
    """Bring the database to the newest schema."""
    loaded = load(config)
    from crypitor.database.migrate import migrate as apply

    warn_of_a_new_database(loaded)
    url, copies = loaded.database.url.get_secret_value(), loaded.database.copy_before_migrating
    applied = asyncio.run(apply(url, copies=copies))
    say(f"applied: {', '.join(applied)}" if applied else "nothing to do")
