"""The OpenAPI 3.1 document, made from the operations themselves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, TypeAdapter

import crypitor
from crypitor.api.serving.bodies import ADDRESS_PATTERN
from crypitor.api.serving.call import KEY_HEADER
from crypitor.api.serving.examples import BEACON
from crypitor.api.serving.problems import Problem
from crypitor.api.serving.routing import JSON, MERGE_PATCH, Operation

REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"
ADDRESS_LIST = "AddressList"

Mode: TypeAlias = Literal["validation", "serialization"]
Schema: TypeAlias = dict[str, Any]

DESCRIPTION = """Monitors watch networks for transfers, events, calls and deployments, and hand each
match, signed, to endpoints.

**Keys.** `Authorization: Bearer ke_…`. Scopes: `read`, `write` (includes read), `admin` (includes
both, and projects and keys). What belongs to another project answers 404, like what does not exist.

**Errors** are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents; a refused body
has `errors`, each with a JSON pointer and a sentence. Every answer has `X-Request-Id`, the
caller's if it sent one.

**Lists** take `limit` and `cursor` and answer `{"data": […], "next_cursor": …}`, newest first. A
cursor given out in a time that the database has lost, because an older copy was put back, is 410.

**Repeating writes.** With the same `Idempotency-Key` within 24 hours a write is done once and
answered the same each time (but `armed_from`, which is of now); the same key with another request
is 409. What was refused is not kept. A key that was answered in a lost time is 410.

**Text**: hashes and addresses lower-case 0x-hex, amounts decimal text in the smallest unit, times
RFC 3339 in UTC."""


def document(operations: Iterable[Operation], networks: Sequence[str]) -> Schema:
    """Return the OpenAPI document. networks: the names that this process knows."""
    chosen = [*operations]
    references, schemas = _schemas(chosen)
    paths: dict[str, Schema] = {}
    for operation in chosen:
        entry = paths.setdefault(operation.path, {})
        entry[operation.method.lower()] = _operation(operation, references)
    if networks:
        schemas["MonitorBody"]["properties"]["networks"]["items"]["enum"] = [*networks]
        for body in ("BackfillBody", "TrialBody"):
            schemas[body]["properties"]["network"]["enum"] = [*networks]
    schemas |= {
        f"{operation.body.__name__}Patch": _patch(schemas[operation.body.__name__])
        for operation in chosen
        if operation.patches and operation.body
    }
    schemas[ADDRESS_LIST] = _address_list()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Crypitor",
            "version": crypitor.__version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(o.tag for o in chosen)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(operations: Sequence[Operation]) -> tuple[Mapping[Any, Schema], dict[str, Schema]]:
    """Return a reference for each type that bodies and answers have, and what they refer to."""
    types: dict[str, tuple[str, Mode, TypeAdapter[Any]]] = {}

    def note(kind: Any, mode: Mode) -> None:
        types[_key(kind, mode)] = (_key(kind, mode), mode, TypeAdapter(kind))

    note(Problem, "serialization")
    for operation in operations:
        if operation.body is not None:
            note(operation.body, "validation")
        if operation.answers == JSON:
            note(_answer_type(operation), "serialization")
    references, definitions = TypeAdapter.json_schemas(types.values(), ref_template=REF)
    found: dict[str, Schema] = definitions["$defs"]
    return {key: schema for (key, _), schema in references.items()}, found


def _operation(operation: Operation, references: Mapping[Any, Schema]) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
    }
    if operation.description:
        described["description"] = operation.description
    if operation.scope is not None:
        described["security"] = [{"key": []}]
        described["x-scope"] = operation.scope.word
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if operation.writes:
        parameters.append(_IDEMPOTENCY)
    if parameters:
        described["parameters"] = parameters
    if operation.media:
        described["requestBody"] = {
            "required": not operation.optional,
            "content": _body(operation, references),
        }
    described["responses"] = _responses(operation, references)
    return described


def _path_parameters(operation: Operation) -> Iterable[Schema]:
    for name in re.findall(r"{(\w+)}", operation.path):
        schema: Schema = {"type": "string"}
        if name == "id":
            schema["pattern"] = f"^{operation.id_prefix}[0-9A-Za-z_-]{{22,64}}$"
        elif name == "address":
            schema["pattern"] = ADDRESS_PATTERN
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: Operation) -> Iterable[Schema]:
    if operation.query is None:
        return
    for name, schema in operation.query.model_json_schema()["properties"].items():
        parameter: Schema = {"name": name, "in": "query", "required": False}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        schema.pop("title", None)
        parameter["schema"] = _without_null(schema)
        yield parameter


def _without_null(schema: Schema) -> Schema:
    """Return the schema of a parameter: it is there or not, but never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    outer = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    inner = kinds[0] if len(kinds) == 1 else {}
    default = schema.get("default")
    return {**outer, **inner, **({} if default is None else {"default": default})}


def _body(operation: Operation, references: Mapping[Any, Schema]) -> Schema:
    if operation.body is None:
        return {
            JSON: {
                "schema": {"$ref": REF.format(model=ADDRESS_LIST)},
                "example": operation.examples.bodies[operation.name],
            },
            "text/csv": {
                "schema": {},
                "example": "address,label\n0x00000000219ab540356cbb839cbe05303d7705fa,deposit\n",
            },
            "application/x-ndjson": {
                "schema": {},
                "example": '"0x00000000219ab540356cbb839cbe05303d7705fa"\n',
            },
        }
    if operation.patches:
        schema: Schema = {"$ref": REF.format(model=f"{operation.body.__name__}Patch")}
    else:
        schema = references[_key(operation.body, "validation")]
    content = {"schema": schema, "example": operation.examples.bodies[operation.name]}
    return dict.fromkeys(operation.media, content)


def _responses(operation: Operation, references: Mapping[Any, Schema]) -> Schema:
    content: Schema = {"schema": {"type": "string"}}
    if operation.answers == JSON:
        schema = references[_key(_answer_type(operation), "serialization")]
        content = {"schema": schema, "example": operation.examples.answers[operation.name]}
    responses: Schema = {
        str(operation.status): {
            "description": HTTPStatus(operation.status).phrase,
            "headers": _ANSWER_HEADERS,
            "content": {operation.answers: content},
        }
    }
    problem = {"schema": references[_key(Problem, "serialization")]}
    for status in sorted(_problems(operation)):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": _ANSWER_HEADERS,
            "content": {PROBLEM: problem},
        }
    return responses


def _problems(operation: Operation) -> set[int]:
    statuses = {*operation.problems}
    if operation.scope is not None:
        statuses |= {400, 401, 403, 429, 503}
    if "{" in operation.path or operation.name in ("create_monitor", "add_key"):
        statuses.add(404)
    if operation.writes:
        statuses |= {409, 410, 413}
    if operation.query is not None:
        statuses.add(410)
    if operation.media:
        statuses.add(415)
    return statuses


def _patch(schema: Schema) -> Schema:
    """Return the schema of a merge patch: everything may be left out, or null for its default."""
    needed = schema.get("required", ())
    properties = {
        name: _merged(told) if name in needed else _or_null(_merged(told))
        for name, told in schema["properties"].items()
    }
    return {
        "type": "object",
        "title": schema["title"] + "Patch",
        "description": f"What changes ({MERGE_PATCH}).",
        "properties": properties,
        "additionalProperties": False,
        **{name: schema[name] for name in ("if", "then") if name in schema},
    }


def _merged(schema: Schema) -> Schema:
    """Return the schema of a member of a merge patch: in a free object, null removes a member."""
    if isinstance(schema.get("additionalProperties"), dict):
        return {**schema, "additionalProperties": _or_null(schema["additionalProperties"])}
    return schema


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _address_list() -> Schema:
    """Return the schema of a stream of addresses, in which nothing makes an entry fail the call."""
    return {
        "type": "object",
        "properties": {
            "addresses": {
                "type": "array",
                "items": {
                    "description": "An address, or an object with `address` and `label`; anything "
                    "else is passed over and listed in the answer.",
                    "examples": [BEACON, {"address": BEACON, "label": "deposits"}],
                },
            },
        },
        "required": ["addresses"],
        "additionalProperties": False,
    }


def _answer_type(operation: Operation) -> Any:
    """Return what is answered where all is well, which is the first of a union."""
    if isinstance(operation.answer, type) and issubclass(operation.answer, dict | BaseModel):
        return operation.answer
    return get_args(operation.answer)[0] if get_args(operation.answer) else operation.answer


def _key(kind: Any, mode: Mode) -> str:
    return f"{kind.__name__}-{mode}"


_IDEMPOTENCY: Schema = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "Makes repeating this request safe for 24 hours.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}

_ANSWER_HEADERS: Schema = {
    "X-Request-Id": {"required": True, "schema": {"type": "string"}},
}
