"""What a changed configuration changes in a process, and what only a start takes. Pure."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from crypitor.config.types import Config, contradictions
from crypitor.errors import ConfigError

AT_START = (
    "server.host", "server.port", "server.health_port", "metrics.host", "metrics.port", "database",
    "queue", "api.admin_key", "webhook.secrets_key", "log.format",
)  # fmt: skip
"""Keys, and whole tables, of what was opened, made or sealed at the start."""


def changed_keys(old: Config, new: Config) -> list[str]:
    """Return the keys whose values differ, in the file's order; a network's as NAME.KEY."""
    return [*_differing("", old, new)]


def wants_restart(key: str) -> bool:
    """Tell whether a key takes effect at a start alone."""
    return any(key == known or key.startswith(f"{known}.") for known in AT_START)


def applied(old: Config, new: Config) -> Config:
    """Return what is in force from now on: the new, but for what only a start takes.

    Raises ConfigError where the two do not fit together.
    """
    changes: dict[str, Any] = {}
    for key in AT_START:
        table, _, name = key.partition(".")
        if not name:
            changes[table] = getattr(old, table)
            continue
        kept = {name: getattr(getattr(old, table), name)}
        changes[table] = changes.get(table, getattr(new, table)).model_copy(update=kept)
    config = new.model_copy(update=changes)
    if mistakes := [f"{key}: {problem}" for key, problem in contradictions(config)]:
        raise ConfigError("does not fit what only a restart changes", mistakes)
    return config


def _differing(place: str, old: object, new: object) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, BaseModel) and isinstance(new, BaseModel):
        for name in type(old).model_fields:
            yield from _differing(_within(place, name), getattr(old, name), getattr(new, name))
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from _differing(_within(place, name), old.get(name), new.get(name))
    else:
        yield place


def _within(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
