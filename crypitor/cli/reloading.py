"""`crypitor reload` and `crypitor log-level`: changes of a running service without a restart."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from crypitor.cli.monitors import ServiceKey, ServiceUrl, remote_of
from crypitor.cli.opened import ConfigPath, load
from crypitor.cli.saying import say


class LevelName(StrEnum):
    """What `log-level` takes."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def reload(url: ServiceUrl = None, key: ServiceKey = None, config: ConfigPath = None) -> None:
    """Let the running service read its configuration again; needs an admin key."""
    remote = remote_of(load(config), url, key)

    async def ask() -> tuple[list[str], list[str]]:
        async with remote as service:
            return await service.reload()

    changed, restart = asyncio.run(ask())
    say(f"changed: {', '.join(changed) or 'nothing'}")
    if restart:
        say(f"these take effect at the next start: {', '.join(restart)}")


def log_level(
    level: Annotated[LevelName, typer.Argument(help="From which on it is heard.")],
    module: Annotated[
        str | None,
        typer.Option(help="Only this, as in worker.follower.", show_default="the whole service"),
    ] = None,
    url: ServiceUrl = None,
    key: ServiceKey = None,
    config: ConfigPath = None,
) -> None:
    """Change what the running service logs, until its next start or reload; needs an admin key."""
    remote = remote_of(load(config), url, key)

    async def ask() -> None:
        async with remote as service:
            await service.set_log_level(level.value, module)

    asyncio.run(ask())
    say(f"{module or 'all'}: {level.value}")
