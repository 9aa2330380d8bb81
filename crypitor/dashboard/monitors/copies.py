"""A monitor as text to be copied: as the API takes it, as a file of `apply`, as a command. Pure."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

FIELDS = (
    "name", "networks", "addresses", "rules", "endpoints", "notify", "confirmations", "tags",
    "note", "severity", "quiet", "silence", "enabled",
)  # fmt: skip


def copies_of(
    monitor: Mapping[str, Any], endpoints: Sequence[Mapping[str, Any]], url: str
) -> dict[str, str]:
    """Return texts by their names.

    endpoints: of the monitor, which files of `apply` call by their description, or else their URL.
    url: of this service, as the browser reaches it.
    """
    body = {
        name: monitor[name]
        for name in FIELDS
        if monitor.get(name) is not None and monitor[name] not in ("", [])
    }
    command = (
        f"curl {shlex.quote(url + '/v1/monitors')} \\\n"
        '  -H "Authorization: Bearer $CRYPITOR_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    )
    return {
        "JSON": json.dumps(body, indent=2, ensure_ascii=False),
        "TOML": toml_of(
            body | {"endpoints": [one["description"] or one["url"] for one in endpoints]}
        ),
        "curl": command,
    }


def toml_of(body: Mapping[str, Any]) -> str:
    """Return a monitor as one table of a file that `crypitor apply` reads."""
    key = json.dumps(str(body.get("name") or "monitor"), ensure_ascii=False)
    left = ((name, value) for name, value in body.items() if name != "name")
    return "\n".join(
        [f"[monitors.{_escaped(key)}]", *(f"{name} = {_value(value)}" for name, value in left)]
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_escaped(json.dumps(k))} = {_value(v)}" for k, v in value.items())
        return f"{{ {inner} }}"
    if (isinstance(value, list) and len(value) > 1) or (isinstance(value, list) and _deep(value)):
        return "[\n" + "".join(f"  {_value(each)},\n" for each in value) + "]"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _escaped(json.dumps(value, ensure_ascii=False))


def _deep(value: list[Any]) -> bool:
    return any(isinstance(each, Mapping) for each in value)


def _escaped(text: str) -> str:
    """Return a JSON string as a TOML one, which may not hold DEL as it is."""
    return text.replace("\x7f", "\\u007f")
