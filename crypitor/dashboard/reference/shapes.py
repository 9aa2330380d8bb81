"""Schemas of the OpenAPI document as people read them: fields with types in words. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

REF = "#/components/schemas/"
LONGEST_PATTERN = 80
_LIMITS = (
    ("minimum", "at least {}"), ("exclusiveMinimum", "above {}"), ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"), ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"), ("minItems", "at least {} of them"),
    ("maxItems", "at most {} of them"), ("maxProperties", "at most {} of them"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a type's words. name: of the schema that it leads to. code: a literal value."""

    text: str
    name: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one member of an object. place: query, path or header."""

    name: str
    words: Sequence[Word]
    required: bool
    text: str
    limits: Sequence[str]
    pattern: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A named schema. words: what it is, where it is no object with members."""

    name: str
    text: str
    fields: Sequence[Field]
    words: Sequence[Word]


def shape_of(name: str, schema: Schema) -> Shape:
    """Return a schema by its name."""
    required = schema.get("required", ())
    fields = [
        field_of(member, one, required=member in required)
        for member, one in schema.get("properties", {}).items()
    ]
    words = () if fields else tuple(words_of(schema))
    return Shape(name, schema.get("description", ""), fields, words)


def field_of(
    name: str, schema: Schema, *, required: bool, text: str = "", place: str = ""
) -> Field:
    """Return a member of an object or a parameter. text: what is said beside the schema."""
    plain = _without_null(schema)
    pattern = str(plain.get("pattern", ""))
    return Field(
        name,
        tuple(words_of(schema)),
        required,
        text or schema.get("description", ""),
        tuple(_limits(schema, plain)),
        pattern if len(pattern) <= LONGEST_PATTERN else "",
        place,
    )


def words_of(schema: Schema | bool) -> Iterator[Word]:
    """Yield the words of a type. schema: also the `true` that allows everything."""
    if isinstance(schema, bool):
        schema = {}
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        yield Word(name, name)
    elif "const" in schema:
        yield Word(json.dumps(schema["const"]), code=True)
    elif "enum" in schema:
        yield from _joined([[Word(json.dumps(value), code=True)] for value in schema["enum"]])
    elif choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        yield from _joined([list(words_of(one)) for one in choices])
    elif isinstance(schema.get("type"), list):
        yield Word(" or ".join(schema["type"]))
    elif schema.get("type") == "array":
        yield Word("array of ")
        yield from words_of(schema.get("items", {}))
    elif schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        yield Word("object of ")
        yield from words_of(schema["additionalProperties"])
    else:
        kind = schema.get("type", "any")
        yield Word(f"{kind} ({schema['format']})" if "format" in schema else kind)


def _joined(choices: Sequence[Sequence[Word]]) -> Iterator[Word]:
    for place, words in enumerate(choices):
        if place:
            yield Word(" or ")
        yield from words


def _without_null(schema: Schema) -> Schema:
    """Return the schema that limits are read from: of a choice with null, the other one."""
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return choices[0] if len(choices) == 1 else schema


def _limits(schema: Schema, plain: Schema) -> Iterator[str]:
    if "default" in schema:
        yield f"default {json.dumps(schema['default'])}"
    for name, text in _LIMITS:
        if name in plain:
            at_all = name in ("minLength", "minItems") and plain[name] == 1
            yield "not empty" if at_all else text.format(f"{plain[name]:,}")
