"""Reads one network of a configuration that is not complete, for what finds out what it lacks."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crypitor.config.load import raw_tables
from crypitor.config.types import NetworkConfig
from crypitor.evm.networks import PRESETS
from crypitor.evm.profiles import Level

_ANY_CHAIN = 1


@dataclass(frozen=True, slots=True)
class PartOfNetwork:
    """What is right of a network's table.

    settings: its values; those that are wrong or missing have their defaults.
    chain_id: as written; None where it is missing or wrong.
    """

    settings: NetworkConfig
    chain_id: int | None

    @property
    def verify(self) -> Level:
        """The level that is asked for, or that follows from the chain."""
        told = "verify" in self.settings.model_fields_set
        return self.settings.verify if told else self.settings.profile.strongest


def part_of_network(
    path: Path | None, name: str, environ: Mapping[str, str] = os.environ
) -> PartOfNetwork | None:
    """Return what is right of the table of one network; None where there is no such table.

    Raises ConfigError for a file that cannot be read at all.
    """
    networks = raw_tables(path, environ).get("networks")
    table = networks.get(name) if isinstance(networks, dict) else None
    if not isinstance(table, dict):
        return None
    preset = PRESETS.get(name)
    right = dict(_right({**(preset.settings if preset else {}), **table}))
    chain_id = right.get("chain_id")
    settings = NetworkConfig.model_validate({"chain_id": _ANY_CHAIN, **right})
    return PartOfNetwork(settings, settings.chain_id if chain_id is not None else None)


def _right(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values that are right by themselves."""
    for key, value in table.items():
        try:
            NetworkConfig.model_validate({"chain_id": _ANY_CHAIN, key: value})
        except ValidationError:
            continue
        yield key, value
