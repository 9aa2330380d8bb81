"""Reads the configuration: the file, over it the environment, and all mistakes at once."""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from crypitor.config.doors import ApiConfig, MetricsConfig, ServerConfig
from crypitor.config.paths import counted_from
from crypitor.config.section import Section
from crypitor.config.telemetry import TelemetryConfig
from crypitor.config.types import (
    PREFIX,
    BackfillConfig,
    BackupConfig,
    Config,
    DatabaseConfig,
    LimitsConfig,
    LogConfig,
    NetworkConfig,
    QueueConfig,
    RetentionConfig,
    WebhookConfig,
    contradictions,
)
from crypitor.errors import ConfigError
from crypitor.evm.networks import PRESETS, free_traces
from crypitor.evm.profiles import DEVELOPMENT_CHAINS

SECTIONS: dict[str, type[Section]] = {
    "server": ServerConfig,
    "api": ApiConfig,
    "metrics": MetricsConfig,
    "database": DatabaseConfig,
    "queue": QueueConfig,
    "backfill": BackfillConfig,
    "webhook": WebhookConfig,
    "retention": RetentionConfig,
    "limits": LimitsConfig,
    "backup": BackupConfig,
    "telemetry": TelemetryConfig,
    "log": LogConfig,
}
_NETWORKS = "networks"
_TWICE = re.compile(r"Cannot declare \((.+)\) twice(.*)")
_WRITTEN = {
    "tuple_type": 'write a list: ["…", "…"]',
    "string_type": 'write text in quotes: "…"',
    "dict_type": "write a table",
}
"""Of what pydantic names by Python's words, how it is written in TOML."""

_S = TypeVar("_S", bound=Section)


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read a file, or only the environment; raises ConfigError with all mistakes at once."""
    source = str(path) if path else "environment"
    mistakes: list[str] = []
    raw = _file(path)
    origins = _override(raw, environ, mistakes)
    reader = _Reader(origins, mistakes)
    found = reader.config(raw)
    if mistakes:
        raise ConfigError(source, mistakes)
    return counted_from(found, path.parent) if path else found


def raw_tables(path: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the tables of a file, under the environment's values, whatever is wrong in them.

    Raises ConfigError for a file that cannot be read.
    """
    raw = _file(path)
    _override(raw, environ, [])
    return raw


def _file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except IsADirectoryError as wrong:
        raise ConfigError(str(path), ["is a folder: name a file in it"]) from wrong
    except OSError as wrong:
        raise ConfigError(str(path), [f"cannot be read: {wrong.strerror}"]) from wrong
    except UnicodeDecodeError as wrong:
        mistake = "is no text in UTF-8: name a TOML file, or `crypitor init` makes one"
        raise ConfigError(str(path), [mistake]) from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(str(path), [f"is not TOML: {_told(str(wrong))}"]) from wrong


def _told(wrong: str) -> str:
    """Return what the TOML reader says; of a table that stands there twice, what to do."""
    twice = _TWICE.match(wrong)
    if twice is None:
        return wrong
    table = ".".join(re.findall(r"'([^']*)'", twice[1]))
    return f"[{table}] is there already{twice[2]}: put its keys into the first one"


def _override(
    raw: dict[str, Any], environ: Mapping[str, str], mistakes: list[str]
) -> dict[str, str]:
    """Put the environment's values into `raw`; return key → variable."""
    origins = {}
    for variable in sorted(name for name in environ if name.upper().startswith(PREFIX)):
        keys = variable[len(PREFIX) :].lower().split("__")
        if not all(keys):
            mistakes.append(f"{variable}: write {PREFIX}SECTION__KEY")
            continue
        table = raw
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                mistakes.append(f"{variable}: {key} is not a table")
                break
            table = inner
        else:
            table[keys[-1]] = _value(environ[variable])
            origins[".".join(keys)] = variable
    return origins


def _value(text: str) -> Any:
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


class _Reader:
    """Turns tables into sections and collects what is wrong with them."""

    def __init__(self, origins: Mapping[str, str], mistakes: list[str]) -> None:
        self._origins = origins
        self._mistakes = mistakes

    def config(self, raw: Mapping[str, Any]) -> Config:
        """Return the configuration; worth nothing when there are mistakes."""
        known = [*SECTIONS, _NETWORKS]
        for key in raw:
            if key not in known:
                self._tell(key, _unknown(key, known))
        sections: dict[str, Any] = {
            name: self._section(kind, name, raw.get(name, {})) or kind()
            for name, kind in SECTIONS.items()
        }
        config = Config(**sections, networks=self._networks(raw.get(_NETWORKS, {})))
        for key, problem in contradictions(config):
            self._tell(key, problem)
        return config

    def _networks(self, raw: object) -> dict[str, NetworkConfig]:
        if not isinstance(raw, dict):
            self._tell(_NETWORKS, "this is a table of networks: [networks.ethereum]")
            return {}
        networks = {
            name: network for name, table in raw.items() if (network := self._network(name, table))
        }
        seen: dict[int, str] = {}
        for name, network in networks.items():
            first = seen.setdefault(network.chain_id, name)
            if first != name:
                self._tell(f"{_NETWORKS}.{name}.chain_id", f"{first} has the same")
        return networks

    def _network(self, name: str, table: object) -> NetworkConfig | None:
        key = f"{_NETWORKS}.{name}"
        if not name.replace("-", "").replace("_", "").isalnum() or name != name.lower():
            self._tell(key, "a name is of lower-case letters, digits, - and _")
        if not isinstance(table, dict):
            self._tell(key, f"this is a table: [{key}]")
            return None
        preset = PRESETS.get(name)
        if preset is None:
            return _completed(self._section(NetworkConfig, key, {"title": name, **table}))
        if table.get("reset") == "follow":
            self._tell(
                f"{key}.reset", f'the chain of {name} is never begun anew; only "stop" is right'
            )
        network = _completed(self._section(NetworkConfig, key, {**preset.settings, **table}))
        if network and network.chain_id != preset.chain_id:
            self._tell(
                f"{key}.chain_id", f"{name} is {preset.chain_id}; name other chains otherwise"
            )
        return network

    def _section(self, kind: type[_S], name: str, table: object) -> _S | None:
        if not isinstance(table, dict):
            self._tell(name, f"this is a table: [{name}]")
            return None
        try:
            return kind.model_validate(table)
        except ValidationError as wrong:
            for error in wrong.errors(include_url=False, include_input=False):
                self._tell(_key(name, error["loc"]), _problem(error, kind))
            return None

    def _tell(self, key: str, problem: str) -> None:
        variable = self._origins.get(key.partition("[")[0])
        self._mistakes.append(f"{key}: {problem}" + (f" (set by {variable})" if variable else ""))


def _completed(network: NetworkConfig | None) -> NetworkConfig | None:
    """Return a network with what follows from its chain, where the file says nothing of it.

    That is its strongest proof, inner transfers where they cost nothing, and what to do when it
    begins anew.
    """
    if network is None:
        return None
    profile = network.profile
    defaults: dict[str, object] = {
        "verify": profile.strongest,
        "traces": free_traces(profile),
        "reset": "follow" if network.chain_id in DEVELOPMENT_CHAINS else "stop",
    }
    told = network.model_fields_set
    return network.model_copy(update={k: v for k, v in defaults.items() if k not in told})


def _key(section: str, place: tuple[int | str, ...]) -> str:
    return section + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def _problem(error: ErrorDetails, kind: type[Section]) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), list(kind.model_fields))
    if error["type"] == "missing":
        asks = kind is NetworkConfig and error["loc"] == ("chain_id",)
        return "is missing" + "; `crypitor network probe NAME` asks the node for it" * asks
    if (written := _WRITTEN.get(error["type"])) is not None:
        return written
    text = error["msg"].removeprefix("Value error, ")
    return text[0].lower() + text[1:]


def _unknown(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return "unknown key" + (f"; did you mean {close[0]}?" if close else "")
