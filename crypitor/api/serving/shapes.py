"""Schemas as generators of clients can use them. Pure.

Pydantic writes what is true of a type; programs that make clients of it want more: a type of its
own for all that has parts, an enum where there are words, and nothing that makes a member of a
request look as if it had to be there.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

NULL: Schema = {"type": "null"}
_BY_NAME = ("properties", "$defs")


def walked(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """Return a schema in which each schema, the inner ones first, was changed."""
    if isinstance(schema, list):
        return [walked(each, change) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: {name: walked(each, change) for name, each in value.items()}
        if key in _BY_NAME
        else value
        if key in ("enum", "example", "examples", "default")
        else walked(value, change)
        for key, value in schema.items()
    }
    return change(inner)


def plain(schema: Schema) -> Schema:
    """Return a schema with words as an enum, and without the titles that only repeat a name."""
    told = {key: value for key, value in schema.items() if key not in ("title", "const")}
    if "const" in schema:
        told = {"type": _TYPES.get(type(schema["const"]), "string"), **told}
        told["enum"] = [schema["const"]]
    if "enum" in told and "type" not in told:
        told["type"] = _TYPES.get(type(told["enum"][0]), "string")
    return told


def without_defaults(schema: Schema) -> Schema:
    """Return a schema of a request that tells its default in words alone.

    Some generators make a member with a default one that has to be there, others send the default
    themselves, which in a merge patch would undo what was set before.
    """
    if "default" not in schema:
        return schema
    told = {key: value for key, value in schema.items() if key != "default"}
    default = schema["default"]
    if default is None or default in ("", [], {}):
        return told
    described = f"{told.get('description', '')} Default: {_word(default)}."
    return {**told, "description": described.lstrip()}


def merge_patch(schema: Schema, media: str) -> Schema:
    """Return the schema of a merge patch: everything may be left out, or null for its default."""
    needed = schema.get("required", ())
    properties = {
        name: _merged(told) if name in needed else or_null(_merged(told))
        for name, told in schema["properties"].items()
    }
    return {
        "type": "object",
        "description": f"What changes ({media}).",
        "properties": properties,
        "additionalProperties": False,
        **{name: schema[name] for name in ("if", "then") if name in schema},
    }


def or_null(schema: Schema) -> Schema:
    """Return a schema that takes null as well."""
    if NULL in schema.get("anyOf", ()):
        return schema
    outer = {key: value for key, value in schema.items() if key == "description"}
    inner = {key: value for key, value in schema.items() if key != "description"}
    return {**outer, "anyOf": [*(inner["anyOf"] if set(inner) == {"anyOf"} else [inner]), NULL]}


def without_null(schema: Mapping[str, Any]) -> Schema:
    """Return the schema of a parameter: it is there or not, but never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != NULL]
    outer = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    inner = kinds[0] if len(kinds) == 1 else {}
    default = schema.get("default")
    return {**outer, **inner, **({} if default is None else {"default": default})}


def _merged(schema: Schema) -> Schema:
    """Return the schema of a member of a merge patch: in a free object, null removes a member."""
    if isinstance(schema.get("additionalProperties"), dict):
        return {**schema, "additionalProperties": or_null(schema["additionalProperties"])}
    return schema


def _word(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return ", ".join(map(str, default)) if isinstance(default, list) else str(default)


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}
