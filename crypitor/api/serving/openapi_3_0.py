"""The OpenAPI document in version 3.0, for generators that do not read 3.1 yet. Pure.

Source: https://spec.openapis.org/oas/v3.0.4 (Schema Object), and OpenAPI's guide "Migrating from
OpenAPI 3.0 to 3.1.0", backwards.
"""

from typing import Any

from crypitor.api.serving.shapes import NULL, Schema, walked

_UNKNOWN = frozenset({"if", "then", "else", "propertyNames", "$schema"})


def as_3_0(document: Schema) -> Schema:
    """Return the same document in 3.0. It has no `webhooks`; their bodies are among the schemas.

    What 3.0 cannot say of a value (conditions between members, patterns of names) is left out.
    """
    told: Schema = walked(document, _schema)
    told["openapi"] = "3.0.3"
    told.pop("webhooks", None)
    told["info"]["license"].pop("identifier", None)
    return told


def _schema(schema: Schema) -> Schema:
    told = {key: value for key, value in schema.items() if key not in _UNKNOWN}
    _examples(told)
    _limits(told)
    if isinstance(kinds := told.get("type"), list):
        told = _of_several(told, kinds)
    if "anyOf" in told:
        told["anyOf"] = [_without_inner_union(kind) for kind in told["anyOf"]]
    for union in ("anyOf", "oneOf"):
        if NULL in told.get(union, ()):
            told = _nullable(told, union)
    if "$ref" in told and len(told) > 1:
        # Beside a reference 3.0 reads nothing.
        return {**{k: v for k, v in told.items() if k != "$ref"}, "allOf": [{"$ref": told["$ref"]}]}
    return told


def _without_inner_union(schema: Schema) -> Schema:
    """Return a list of several kinds, which is itself one of several, as a list of anything.

    openapi-generator's Python client refuses to read what it would have to try twice.
    """
    items = schema.get("items", {})
    if schema.get("type") != "array" or not ("anyOf" in items or "oneOf" in items):
        return schema
    kinds = ", ".join(_name(kind) for kind in (items.get("anyOf") or items["oneOf"]))
    return {**schema, "items": {"description": f"One of: {kinds}."}}


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", schema.get("type"))).rpartition("/")[2]


def _nullable(schema: Schema, union: str) -> Schema:
    """Return a union with null as a schema that may be null."""
    kinds = [kind for kind in schema[union] if kind != NULL]
    outer = {key: value for key, value in schema.items() if key != union}
    if len(kinds) > 1:
        return {**outer, union: kinds, "nullable": True}
    if "$ref" in kinds[0]:
        return {**outer, "allOf": kinds, "nullable": True}
    told = {**kinds[0], **outer, "nullable": True}
    if "enum" in told:
        told["enum"] = [*told["enum"], None]
    return told


def _of_several(schema: Schema, kinds: list[str]) -> Schema:
    outer = {key: value for key, value in schema.items() if key != "type"}
    named = [kind for kind in kinds if kind != "null"]
    told = {"type": named[0]} if len(named) == 1 else {"anyOf": [{"type": kind} for kind in named]}
    return {**outer, **told, **({"nullable": True} if "null" in kinds else {})}


def _examples(schema: Schema) -> None:
    examples: Any = schema.get("examples")
    if isinstance(examples, list):
        del schema["examples"]
        schema["example"] = examples[0]


def _limits(schema: Schema) -> None:
    """Write a limit that is not reached itself as 3.0 has it."""
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        value = schema.get(exclusive)
        if isinstance(value, int | float) and not isinstance(value, bool):
            schema[limit], schema[exclusive] = value, True
