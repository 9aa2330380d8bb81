"""The configuration as it may be shown: every key with what is in force, no secret. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from crypitor.config.types import Config
from crypitor.runtime.redaction import redacted, shown

URLS = ("url", "proxy")
"""Secrets that are URLs: where they lead may be seen."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key. value: as text, None where nothing is set. usual: it is the default."""

    key: str
    value: str | None
    usual: bool


def settings_of(config: Config) -> dict[str, list[Setting]]:
    """Return the settings of each table of the file, by its name (`networks.ethereum`)."""
    tables: dict[str, list[Setting]] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if name == "networks":
            for network, one in value.items():
                tables[f"networks.{network}"] = _table(one)
        elif isinstance(value, BaseModel):
            tables[name] = _table(value)
    return tables


def _table(section: BaseModel) -> list[Setting]:
    found = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        usual = not field.is_required() and value == field.get_default(call_default_factory=True)
        found.append(Setting(name, _text(name, value), usual))
    return found


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, SecretStr):
        return _secret(name, value.get_secret_value())
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return shown(value) if "://" in value else redacted(value)
    parts = list(_parts(name, value))
    return (", ".join(parts) or None) if isinstance(value, Collection) else str(value)


def _secret(name: str, secret: str) -> str | None:
    if name in URLS and secret:
        return secret if secret.startswith("sqlite:") else shown(secret)
    return "set, not shown" if secret else None


def _parts(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"{key} = {_text(name, each)}" for key, each in value.items())
    elif isinstance(value, Collection):
        yield from (_text(name, each) or "" for each in value)
