"""Templates: a user's own body, or message, with fields in it and a few formatters. Pure.

    {"text": "{{data.monitor.name}}: {{data.amount}}", "block": {{data.block.number | json}}}

Nothing else is possible: no conditions, no loops, no arithmetic, no reach beyond the document. In a
body that is JSON each field is escaped for a place between quotes; `json` gives a whole value.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from crypitor.errors import Invalid, Mistake
from crypitor.runtime.remembered import remembered

LONGEST_TEMPLATE = 16_384
MOST_FIELDS = 100
LONGEST_VALUE = 4096
LONGEST_JSON = 16_384
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
CONTENT_TYPE = r"^[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(; *charset=[Uu][Tt][Ff]-8)?$"

_PARTS = {
    "block": ("number", "hash", "timestamp"),
    "monitor": ("id", "name", "tags", "severity"),
    "contract": ("address", "name", "symbol", "decimals"),
    "transaction": (
        "hash",
        "index",
        "from_address",
        "to_address",
        "value",
        "status",
        "type",
        "nonce",
        "selector",
        "gas_used",
        "gas_price",
        "fee",
    ),
    "event": ("name", "signature", "args"),
    "call": ("name", "signature", "args"),
    "withdrawal": ("index", "validator_index"),
    "delegation": ("delegate", "nonce", "chain_id"),
    "balance": ("value", "formatted", "previous", "previous_formatted", "change"),
    "view": ("name", "signature", "args", "result", "previous", "reverted"),
}
_SIMPLE = (
    "id", "network", "chain_id", "kind", "direction", "address", "label", "log_index", "item",
    "from_address", "to_address", "amount", "amount_formatted", "token_id", "confirmations",
    "confirmations_required", "looked_at", "ended",
)  # fmt: skip
FIELDS: tuple[str, ...] = (
    "type", "timestamp", "text",
    "links.transaction", "links.block", "links.address", "links.contract",
    *(f"data.{name}" for name in _SIMPLE),
    *(f"data.{name}.{part}" for name, parts in _PARTS.items() for part in parts),
    *(f"data.{name}" for name in _PARTS),
    "data",
)  # fmt: skip
"""What a template may name; below the arguments of events and calls, the results of views, and
`data.looked_at` and `data.ended`, any name or number."""

OURS = ("text", "links")
"""What no stranger wrote, or what is clean."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?|0x[0-9a-f]*")

# A number, text that needs escaping, and nothing.
_SAMPLES = ("1", 'a"\\\n', None)
_BELOW_ARGS = re.compile(
    r"data\.((event|call|view)\.args|view\.(result|previous)|looked_at|ended)(\.[A-Za-z0-9_$]+)+"
)
_FIELD = re.compile(r"\{\{\s*([A-Za-z0-9_$.]+)\s*((?:\|\s*[a-z]+\s*)*)\}\}")


def _short(text: str) -> str:
    return f"{text[:6]}…{text[-4:]}" if len(text) > 12 else text


FORMATTERS: Mapping[str, Callable[[str], str]] = {
    "short": _short,
    "upper": str.upper,
    "lower": str.lower,
    "url": lambda text: quote(text, safe=""),
    "html": html.escape,
}
JSON = "json"


@dataclass(frozen=True, slots=True)
class Template:
    """A body with fields in it, and the `Content-Type` that it is sent with."""

    body: str
    content_type: str = JSON_TYPE

    @property
    def is_json(self) -> bool:
        """Whether what comes of it has to be JSON."""
        kind = self.content_type.partition(";")[0].strip().lower()
        return kind == JSON_TYPE or kind.endswith("+json")


@dataclass(frozen=True, slots=True)
class _Field:
    """A place that is filled. formatters: in their order, without `json`."""

    path: tuple[str, ...]
    formatters: tuple[str, ...]
    as_json: bool


def check_template(template: Template) -> None:
    """Raise Invalid, with a pointer, for one that could not be filled.

    JSON has to be JSON whatever is filled in: numbers, text, or nothing where a match has no such
    field.
    """
    parts = _parts(template.body)
    for sample in _SAMPLES if template.is_json else ():
        text = "".join(
            part if isinstance(part, str) else _filled(part, sample, escape=True) for part in parts
        )
        try:
            msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise _invalid(
                "filled in, this is not JSON (put quotes around a field, or write"
                f" {{{{field | json}}}} without them): {error}"
            ) from error


def filled(
    template: Template, document: Mapping[str, Any], clean: Callable[[str], str] | None = None
) -> str:
    """Return the body of a template that was checked. document: what `FIELDS` are read from.

    clean: what is made of a text that strangers may have written, None for nothing.
    """
    return "".join(
        part
        if isinstance(part, str)
        else _filled(part, _cleaned(part, document, clean), escape=template.is_json)
        for part in _parts(template.body)
    )


def _cleaned(field: _Field, document: Mapping[str, Any], clean: Callable[[str], str] | None) -> Any:
    value = _value(document, field.path)
    if clean is None or value is None or field.path[0] in OURS:
        return value
    text = value if isinstance(value, str) else _json(value)
    return text if _NUMBER.fullmatch(text) else clean(text)


def template_text(template: Template | None) -> str | None:
    """Return a template as it is stored."""
    return None if template is None else msgspec.json.encode(template).decode()


@remembered()
def stored_template(text: str | None) -> Template | None:
    """Return the template that was stored as this text."""
    return None if text is None else msgspec.json.decode(text, type=Template)


@remembered()
def _parts(template: str) -> tuple[str | _Field, ...]:
    parts: list[str | _Field] = []
    end = 0
    while (begin := template.find("{{", end)) >= 0:
        found = _FIELD.match(template, begin)
        if not found:
            raise _invalid(
                f"at character {begin + 1}: write {{{{field}}}} or {{{{field | formatter}}}}"
            )
        parts += [template[end:begin], _field(found, begin)]
        end = found.end()
    if len(parts) > 2 * MOST_FIELDS:
        raise _invalid(f"there are at most {MOST_FIELDS} fields in a template")
    return (*parts, template[end:])


def _field(found: re.Match[str], begin: int) -> _Field:
    path, wanted = found[1], [name.strip() for name in found[2].split("|")[1:]]
    if path not in FIELDS and not _BELOW_ARGS.fullmatch(path):
        raise _invalid(
            f"at character {begin + 1}: there is no field {path}; there are {', '.join(FIELDS)},"
            " and names or numbers below data.event.args, data.call.args, data.view.args,"
            " data.view.result, data.view.previous, data.looked_at and data.ended"
        )
    as_json = wanted[-1:] == [JSON]
    formatters = wanted[:-1] if as_json else wanted
    for name in formatters:
        if name not in FORMATTERS:
            raise _invalid(
                f"at character {begin + 1}: there is no formatter {name} here; there are"
                f" {', '.join(FORMATTERS)}, and {JSON} as the last one"
            )
    return _Field(tuple(path.split(".")), tuple(formatters), as_json)


def _value(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    here: Any = document
    for part in path:
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and part.isascii() and part.isdigit() and len(part) < 6:
            here = here[int(part)] if int(part) < len(here) else None
        else:
            return None
    return here


def _filled(field: _Field, value: Any, *, escape: bool) -> str:
    if field.as_json and not field.formatters:
        text = _json(value)
        return text if len(text) <= LONGEST_JSON else "null"
    text = "" if value is None else value if isinstance(value, str) else _json(value)
    text = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
    for name in field.formatters:
        text = FORMATTERS[name](text)
    if field.as_json:
        return _json(text)
    return _json(text)[1:-1] if escape else text


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _invalid(sentence: str) -> Invalid:
    return Invalid(sentence, [Mistake("/template/body", sentence)])
