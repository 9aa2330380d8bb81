"""Server-Sent Events, read line by line. Pure.

Source: WHATWG HTML, "Server-sent events", as far as the service writes them.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Reader:
    """Puts events together from lines."""

    _fields: dict[str, str] = field(default_factory=dict)

    def take(self, line: str) -> tuple[str, str] | None:
        """Return id and data of an event when this line ends one. line: with or without its end."""
        line = line.rstrip("\r\n")
        if not line:
            fields, self._fields = self._fields, {}
            return (fields["id"], fields["data"]) if {"id", "data"} <= fields.keys() else None
        name, _, value = line.partition(":")
        if name:
            self._fields[name] = value.removeprefix(" ")
        return None
