"""Writes what a service has as a file that `apply` reads. Pure.

What is at its default is left out; secrets are not there at all. Sorted by name, so that two
exports differ where the service does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crypitor.cli.declared.files import Addresses
from crypitor.cli.declared.forms import HIDDEN, Held, endpoint_form, monitor_form
from crypitor.runtime.terminal import json_escaped, toml_escaped

_WIDTH = 88


def json_text(
    held: Sequence[Held], keys: Mapping[str, str], addresses: Mapping[str, Addresses]
) -> str:
    """Return JSON. keys: id → key of each endpoint. addresses: of each monitor, by its id."""
    text = json.dumps(_tables(held, keys, addresses), indent=2, ensure_ascii=False)
    return json_escaped(text) + "\n"


def toml_text(
    held: Sequence[Held], keys: Mapping[str, str], addresses: Mapping[str, Addresses]
) -> str:
    """Return TOML; for the arguments see `json_text`."""
    return tables_text(_tables(held, keys, addresses))


def tables_text(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return tables of tables as TOML: `[monitors.Treasury]` and what stands in it."""
    parts = [
        "\n".join(
            [f"[{table}.{_key(key)}]", *(f"{_key(k)} = {_value(v)}" for k, v in fields.items()), ""]
        )
        for table, entries in tables.items()
        for key, fields in entries.items()
    ]
    return "\n".join(parts)


def _tables(
    held: Sequence[Held], keys: Mapping[str, str], addresses: Mapping[str, Addresses]
) -> dict[str, dict[str, dict[str, Any]]]:
    tables: dict[str, dict[str, dict[str, Any]]] = {"endpoints": {}, "monitors": {}}
    for one in sorted(held, key=lambda one: one.key):
        if one.table == "endpoints":
            tables["endpoints"][one.key] = _endpoint(one)
        else:
            tables["monitors"][one.key] = _monitor(one, keys, addresses[one.id])
    return {table: entries for table, entries in tables.items() if entries}


def _endpoint(one: Held) -> dict[str, Any]:
    url = one.form["url"]
    default = endpoint_form({"url": url, "description": one.form["description"]})
    named = {"description": one.form["description"]} if one.key == one.id else {}
    told = {"url": url, **named, **_told(one.form, default)}
    if "headers" in told:
        told["headers"] = dict.fromkeys(told["headers"], HIDDEN)
    return told


def _monitor(one: Held, keys: Mapping[str, str], addresses: Addresses) -> dict[str, Any]:
    networks = one.form["networks"]
    told = {"networks": networks}
    if addresses == "any":
        told["addresses"] = "any"
    elif addresses:
        told["addresses"] = [
            {"address": address, "label": label} if label else address
            for address, label in addresses.items()
        ]
    told |= _told(one.form, monitor_form({"networks": networks, "name": one.key}))
    if one.endpoints:
        told["endpoints"] = [keys[endpoint] for endpoint in one.endpoints]
    return told


def _told(form: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in form.items() if value != default[name]}


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum() and key.isascii()
    return key if plain else _string(key)


def _string(text: str) -> str:
    """Return a TOML basic string: JSON's, in which TOML also wants DEL escaped."""
    return toml_escaped(json.dumps(text, ensure_ascii=False))


def _value(value: Any) -> str:
    """Return a value; a list that gets long has a line for each element."""
    if isinstance(value, list):
        elements = [_inline(element) for element in value]
        if sum(map(len, elements)) > _WIDTH or any(isinstance(one, dict) for one in value):
            return "[\n" + "".join(f"  {element},\n" for element in elements) + "]"
    return _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(_pairs(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the pairs of an inline table; TOML has no null, and what is left out is the default."""
    for key, value in table.items():
        if value is not None:
            yield f"{_key(key)} = {_inline(value)}"
