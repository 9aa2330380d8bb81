"""The OpenAPI document: valid, true to its own examples, and true to what the server does."""

import asyncio
import os
import sys
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import jsonschema
import pytest
from aiohttp.test_utils import TestServer
from openapi_spec_validator import OpenAPIV31SpecValidator

from crypitor.api import SERVER_OPTIONS, build
from crypitor.api.build import OPERATIONS
from crypitor.api.serving.openapi import document

HERE = Path(__file__).parent
DOCUMENT = document(OPERATIONS, ["ethereum", "dev"])
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [1, pytest.param(20, marks=pytest.mark.soak)])
async def test_server_does_what_the_document_says(api, tmp_path, examples):
    """Schemathesis finds no difference between the document and the server, in all its checks."""
    everywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    traced = {name: replace(facts, traces=True) for name, facts in api.context.networks.items()}
    context = replace(api.context, allow_private=everywhere, networks=traced)
    async with TestServer(build(context)) as server:
        await server.start_server(**SERVER_OPTIONS)
        command = [
            *("-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", str(server.make_url("/openapi.json"))),
            *("--header", f"Authorization: Bearer {api.admin}"),
            *("--max-examples", str(examples), "--seed", "2", "--no-color"),
        ]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "ndjson", "PYTHONPATH": str(HERE)}
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
