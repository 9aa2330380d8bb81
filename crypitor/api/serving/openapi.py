"""The OpenAPI 3.1 document, made from the operations themselves."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, TypeAdapter

import crypitor
from crypitor.api.serving.bodies import ADDRESS_PATTERN, AddressEntry
from crypitor.api.serving.call import KEY_HEADER
from crypitor.api.serving.paging import Placed
from crypitor.api.serving.problems import Problem
from crypitor.api.serving.routing import JSON, MERGE_PATCH, Operation
from crypitor.api.serving.shapes import (
    Schema,
    merge_patch,
    plain,
    walked,
    without_defaults,
    without_null,
)
from crypitor.api.serving.webhooks import Webhook

REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"
ADDRESS_LIST = "AddressList"
LABELLED_ENTRY = "LabelledEntry"

_REFERENCE = re.compile('"#/components/schemas/([^"]+)"')

Mode: TypeAlias = Literal["validation", "serialization"]

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

**Text**: hashes and addresses lower-case 0x-hex (with `checksum=true`, where it is taken, addresses
as EIP-55 writes them), amounts decimal text in the smallest unit, times RFC 3339 in UTC."""


def document(operations: Iterable[Operation], webhooks: Sequence[Webhook], told: Any) -> Schema:
    """Return the OpenAPI document, the same for every installation.

    told: the type of all bodies of webhooks.
    """
    chosen = [*operations]
    references, schemas = _schemas(chosen, webhooks, told)
    paths: dict[str, Schema] = {}
    for operation in chosen:
        entry = paths.setdefault(operation.path, {})
        entry[operation.method.lower()] = _operation(operation, references)
    schemas |= {
        f"{operation.body.__name__}Patch": merge_patch(
            schemas[operation.body.__name__], MERGE_PATCH
        )
        for operation in chosen
        if operation.patches and operation.body
    }
    schemas[ADDRESS_LIST] = _address_list(references)
    schemas |= _address_entry(schemas["AddressEntry"])
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
        "webhooks": {webhook.type: _webhook(webhook, references) for webhook in webhooks},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(
    operations: Sequence[Operation], webhooks: Sequence[Webhook], told: Any
) -> tuple[Mapping[Any, Schema], dict[str, Schema]]:
    """Return a reference for each type that bodies and answers have, and what they refer to."""
    types: dict[str, tuple[str, Mode, TypeAdapter[Any]]] = {}

    def note(kind: Any, mode: Mode) -> None:
        types[_key(kind, mode)] = (_key(kind, mode), mode, TypeAdapter(kind))

    note(Problem, "serialization")
    note(told, "serialization")
    note(AddressEntry, "validation")
    for webhook in webhooks:
        note(webhook.body, "serialization")
    for operation in operations:
        if operation.body is not None:
            note(operation.body, "validation")
        if operation.answers == JSON:
            note(_answer_type(operation), "serialization")
    references, definitions = TypeAdapter.json_schemas(types.values(), ref_template=REF)
    found = {name: walked(schema, plain) for name, schema in definitions["$defs"].items()}
    asked = [schema for (_, mode), schema in references.items() if mode == "validation"]
    for name in _named(asked, found):
        found[name] = walked(found[name], without_defaults)
    return {key: schema for (key, _), schema in references.items()}, found


def _named(schemas: Iterable[Schema], found: Mapping[str, Schema]) -> set[str]:
    """Return the names of all that these schemas are made of."""
    names: set[str] = set()
    waiting = [*schemas]
    while waiting:
        new = set(_REFERENCE.findall(json.dumps(waiting.pop()))) - names
        names |= new
        waiting += [found[name] for name in new]
    return names


def _webhook(webhook: Webhook, references: Mapping[Any, Schema]) -> Schema:
    content = {
        "schema": references[_key(webhook.body, "serialization")],
        "example": webhook.example,
    }
    return {
        "post": {
            "operationId": "on_" + webhook.type.replace(".", "_"),
            "summary": (webhook.body.__doc__ or "").partition("\n")[0].rstrip("."),
            "tags": ["Webhooks"],
            "parameters": _WEBHOOK_HEADERS,
            "requestBody": {"required": True, "content": {JSON: content}},
            "responses": {"2XX": {"description": "It was taken."}},
        }
    }


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
        parameter["schema"] = walked(without_null(schema), plain)
        yield parameter


def _body(operation: Operation, references: Mapping[Any, Schema]) -> Schema:
    if operation.body is None:
        return {
            JSON: {
                "schema": {"$ref": REF.format(model=ADDRESS_LIST)},
                "example": operation.examples.bodies[operation.name],
            },
            "text/csv": {
                "schema": {"type": "string"},
                "example": "address,label\n0x00000000219ab540356cbb839cbe05303d7705fa,deposit\n",
            },
            "application/x-ndjson": {
                "schema": {"type": "string"},
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
    if operation.query is not None and issubclass(operation.query, Placed):
        statuses.add(410)
    if operation.media:
        statuses.add(415)
    return statuses


def _address_entry(schema: Schema) -> dict[str, Schema]:
    """Return the two forms of an entry, the one that is an object with a name of its own."""
    address, labelled = schema["oneOf"]
    named = {"$ref": REF.format(model=LABELLED_ENTRY)}
    return {"AddressEntry": {**schema, "oneOf": [address, named]}, LABELLED_ENTRY: labelled}


def _address_list(references: Mapping[Any, Schema]) -> Schema:
    """Return the schema of a list of addresses."""
    return {
        "type": "object",
        "properties": {
            "addresses": {
                "type": "array",
                "items": references[_key(AddressEntry, "validation")],
                "description": "What is no address is passed over and listed in the answer.",
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

_WEBHOOK_HEADERS: list[Schema] = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "description": sentence,
        "schema": {"type": "string"},
    }
    for name, sentence in (
        ("webhook-id", "The same in every attempt: what was taken under it need not be again."),
        ("webhook-timestamp", "Of the attempt, unix seconds."),
        ("webhook-signature", "Standard Webhooks: `v1,` or `v1a,` and base64, space separated."),
    )
]
