"""The OpenAPI document: valid, true to its own examples, and true to what the server does."""

import asyncio
import itertools
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from pydantic import ValidationError

from crypitor.api import SERVER_OPTIONS, build
from crypitor.api.build import described
from crypitor.api.serving.bodies import Body
from crypitor.api.serving.openapi_3_0 import as_3_0
from crypitor.config import load
from crypitor.process.reloading import Reloading
from tests.api.rows import insert_delivery, insert_match

HERE = Path(__file__).parent
DOCUMENT = described()
DOCUMENT_3_0 = as_3_0(DOCUMENT)
NAMED = {
    operation["operationId"]: operation
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
}


def check(example: object, schema: dict) -> None:
    """Hold an example against a schema that may refer to the document's components."""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(example)


def told(operation: dict) -> list[dict]:
    """Return what is told of the bodies of requests and of good answers."""
    answers = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
    bodies = [operation.get("requestBody", {}), *answers]
    return [content for body in bodies for content in body.get("content", {}).values()]


def test_document_is_openapi_3_1():
    """The document is valid by the specification's own schema."""
    errors = list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())

    assert errors == []


def test_document_is_openapi_3_0_too():
    """For generators that do not read 3.1."""
    errors = list(OpenAPIV30SpecValidator(DOCUMENT_3_0).iter_errors())

    assert errors == []


@pytest.mark.parametrize("name", NAMED)
def test_example_fits_the_3_0_document(name):
    """What is left out of 3.0 makes no schema refuse what 3.1 takes."""
    [operation] = [
        operation
        for path in DOCUMENT_3_0["paths"].values()
        for operation in path.values()
        if operation["operationId"] == name
    ]

    for content in told(operation):
        whole = {**content["schema"], "components": nullable(DOCUMENT_3_0["components"])}
        OAS30Validator(whole).validate(content.get("example", ""))


def nullable(schema):
    """Return schemas that take null where `nullable` stands beside a union or a reference.

    Generators read it so, but for the specification it only matters beside `type`.
    """
    if isinstance(schema, list):
        return [nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: nullable(value) for name, value in schema.items()}
    if inner.get("nullable") is True and "type" not in inner:
        return {"anyOf": [inner, {"enum": [None], "nullable": True}]}
    return inner


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi-3.0.json"])
async def test_both_are_served(api, path):
    """Without a key, as a generator asks for them."""
    answer, document = await api.call("GET", path)

    assert answer.status == 200
    assert document == (DOCUMENT if path == "/openapi.json" else DOCUMENT_3_0)


def schemas_in(schema):
    """Yield a schema and all within it."""
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key not in ("enum", "example", "examples", "mapping"):
                yield from schemas_in(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from schemas_in(each)


@pytest.mark.parametrize("document", [DOCUMENT, DOCUMENT_3_0], ids=["3.1", "3.0"])
def test_words_are_enums(document):
    """Of `const` several generators make any text, or nothing."""
    assert [schema for schema in schemas_in(document) if "const" in schema] == []


def test_a_request_has_no_defaults():
    """
    With them generators ask for what may be left out, or send what was not said, which in a merge
    patch undoes settings.
    """
    asked = [
        schema
        for operation in NAMED.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for schema in reached(content["schema"])
    ]

    assert len(asked) > 50
    assert [schema for schema in asked if "default" in schema] == []


def reached(schema, seen=()):
    """Yield a schema and all that it is made of, through its references."""
    for inner in schemas_in(schema):
        name = inner.get("$ref", "").rpartition("/")[2]
        if name and name not in seen:
            seen = (*seen, name)
            yield from reached(DOCUMENT["components"]["schemas"][name], seen)
        yield inner


FREE = {
    ("DecodedAnswer", "args"),  # as the user's signature says
    ("FindingAnswer", "args"),
    ("WherePart", "values"),
    ("AuditAnswer", "before"),  # what was, of whichever resource
    ("AuditAnswer", "after"),
    ("RuleAnswer", "signature"),  # an entry of a JSON ABI
    *((rule, "signature") for rule in ("EventRule", "CallRule", "ViewRule")),
    ("ViewRule", "args"),  # all of these as the user's signature says
    ("RuleAnswer", "args"),
    *(("ViewAnswer", each) for each in ("args", "result", "previous")),
    *((each, "result") for each in ("GaugeAnswer", "ReadingAnswer")),
}


def test_every_object_has_a_type():
    """An object without members is of no use to a client; the few there are belong to users."""
    free = {
        (name, member)
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member, inner in schema.get("properties", {}).items()
        for one in schemas_in(inner)
        if one.get("type") == "object"
        and "properties" not in one
        and one.get("additionalProperties") in (None, True)
    }

    assert free <= FREE


@pytest.mark.parametrize("document", [DOCUMENT, DOCUMENT_3_0], ids=["3.1", "3.0"])
def test_no_word_is_unknown(document):
    """A word that JSON Schema does not have limits nothing."""
    words = {
        word
        for schema in document["components"]["schemas"].values()
        for one in schemas_in({**schema, "properties": [*schema.get("properties", {}).values()]})
        for word in one
        if "type" in one or "anyOf" in one
    }

    assert words <= {
        "additionalProperties", "allOf", "anyOf", "description", "discriminator", "else", "enum",
        "example", "exclusiveMinimum", "format", "if", "items", "maxItems", "maxLength",
        "maxProperties", "maximum", "minItems", "minLength", "minimum", "nullable", "oneOf",
        "pattern", "properties", "propertyNames", "required", "then", "type",
    }  # fmt: skip


def test_every_operation_has_a_name_of_its_own():
    """Which is a word in all languages."""
    names = [operation["operationId"] for operation in NAMED.values()]
    hooks = [hook["post"]["operationId"] for hook in DOCUMENT["webhooks"].values()]
    count = sum(len(path) for path in DOCUMENT["paths"].values())

    assert len({*names, *hooks}) == count + len(hooks)
    assert all(name.isidentifier() and name == name.lower() for name in [*names, *hooks])


@pytest.mark.parametrize("name", NAMED)
def test_operation_is_explained(name):
    """Each operation has a summary, and an example of each JSON body and answer that fits."""
    operation = NAMED[name]

    assert operation["summary"]
    for content in told(operation):
        assert "example" in content or content["schema"] == {"type": "string"}
        check(content.get("example", ""), content["schema"])


def test_every_served_path_is_described_or_a_page(context):
    """No route below /v1 is missing from the document."""
    served = {
        (route.method, route.resource.canonical)
        for route in build(context).router.routes()
        if route.resource.canonical.startswith("/v1") and route.method != "HEAD"
    }

    described = {
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
        if path.startswith("/v1")
    }
    assert served == described


BY_OTHERS = {"stream_events", "test_monitor", "resume_network"}
"""An answer without an end, and what asks a node; test_events, test_trials and test_resume have these."""

REACHED = [
    f"{method.upper()} {path}"
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if operation["operationId"] not in BY_OTHERS
]


async def things_of(api) -> dict[str, str]:
    """Make one of each thing that paths name; return their ids by the words that the paths have."""
    monitor = await api.made("/v1/monitors", {"networks": ["ethereum"]})
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com"})
    project = await api.made("/v1/projects", {"name": "there"})
    at = f"/v1/endpoints/{endpoint['id']}"

    async def unit(tx):
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp)"
            " values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        match = await insert_match(tx, api.project, 1)
        return match, await insert_delivery(
            tx, api.project, 1, endpoint_id=endpoint["id"], status="failed"
        )

    match, delivery = await api.context.database.write(unit)
    job = await api.made(f"{at}/replay", {})
    return {
        "monitors": monitor["id"],
        "endpoints": endpoint["id"],
        "projects": project["id"],
        "matches": match,
        "deliveries": delivery,
        "jobs": job["id"],
    }


@pytest.mark.timeout(3600)  # half a minute where nothing else is at work
@pytest.mark.parametrize(
    "examples",
    [pytest.param(1, marks=pytest.mark.live), pytest.param(20, marks=pytest.mark.soak)],
)
async def test_server_does_what_the_document_says(api, tmp_path, examples):
    """Schemathesis finds no difference between the document and the server, in all its checks."""
    everywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    traced = {name: replace(facts, traces=True) for name, facts in api.context.networks.items()}
    # A clock that goes on by itself: whoever tries many keys within ten minutes has to wait.
    ticks = itertools.count(api.clock(), 500)
    config = load(HERE.parents[1] / "config.toml", {})
    reloading = Reloading(config, ("api",), lambda: config)
    context = replace(
        api.context, allow_private=everywhere, networks=traced, clock=lambda: next(ticks),
        reload=partial(reloading.reload, api.context.database),
    )  # fmt: skip
    answered: Counter[tuple[str, bool]] = Counter()

    @web.middleware
    async def count(request, handler):
        answer = await handler(request)
        resource = request.match_info.route.resource
        path = resource.canonical if resource else ""
        answered[f"{request.method} {path}", answer.status < 400] += 1
        return answer

    async with TestServer(build(replace(context, traced=(count,)))) as server:
        await server.start_server(**SERVER_OPTIONS)
        command = [
            *("-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", str(server.make_url("/openapi.json"))),
            *("--header", f"Authorization: Bearer {api.admin}"),
            *("--max-examples", str(examples), "--seed", "2", "--no-color"),
        ]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "ndjson", "PYTHONPATH": str(HERE)}
        environment["THINGS"] = json.dumps(await things_of(api))
        environment["OWN_KEY"] = await api.context.database.read(
            lambda tx: tx.value("select id from api_keys")
        )
        checking = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=tmp_path,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await checking.communicate()

    assert checking.returncode == 0, output.decode()
    # What is refused each time was not looked at.
    assert [place for place in REACHED if not answered[place, True]] == []


def bodies(kind=Body):
    """Yield every object that a body can have in it."""
    for one in kind.__subclasses__():
        yield one
        yield from bodies(one)


def refused(body, name, value):
    """Whether a member is refused for not being an integer."""
    try:
        body.model_validate({name: value})
    except ValidationError as wrong:
        ranges = ("greater", "less")
        errors = [one for one in wrong.errors() if one["loc"] == (name,)]
        return any(not one["type"].startswith(ranges) for one in errors)
    return False


def test_a_whole_number_is_an_integer_everywhere():
    """JSON Schema, section 4.2.3 of its core: 7.0 is one, however a language writes it."""
    members = [
        (body, name)
        for body in bodies()
        for name, schema in body.model_json_schema()["properties"].items()
        if "integer" in {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
    ]

    assert len(members) > 10
    assert [(body.__name__, name) for body, name in members if refused(body, name, 7.0)] == []
    assert [(body.__name__, name) for body, name in members if not refused(body, name, 7.5)] == []
