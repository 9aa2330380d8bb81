"""Writes the types and the calls of `crypitor.client` from the API's own OpenAPI document.

    python deploy/client/generate.py        (make client)

What it writes is in the repository, and a test holds it against the document.
"""

import keyword
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crypitor.api.build import described

FOLDER = Path(__file__).resolve().parents[2] / "crypitor" / "client"
WIDTH = 92
WRITTEN_BY_HAND = {"add_monitor_addresses", "remove_monitor_addresses", "stream_events"}
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

Schema = dict[str, Any]


def types_text(document: Schema) -> str:
    """Return the module of types: one for each component of the document."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    parts = [
        '"""What the API takes and answers, as JSON has it. Made by `make client`."""\n',
        "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict\n",
    ]
    objects = [name for name in schemas if "properties" in schemas[name]]
    parts += [_object(name, schemas[name]) for name in objects]
    parts += [
        f"{name}: TypeAlias = {_type(schema, quoted=False)}\n{_docstring(schema, '')}"
        for name, schema in _in_order(schemas)
        if name not in objects
    ]
    return formatted("\n\n".join(parts))


def calls_text(document: Schema) -> str:
    """Return the module of calls: a method for each operation, and one for all pages of a list."""
    methods, used = [], set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["operationId"] in WRITTEN_BY_HAND or not path.startswith("/v1"):
                continue
            if "application/json" not in _answered(operation)["content"]:
                continue  # a file, which is no call of a typed client
            text, names = _method(path, method.upper(), operation)
            methods.append(text)
            used |= names
    head = (
        '"""The calls of the API. Made by `make client`."""\n\n'
        "from collections.abc import AsyncIterator\n"
        "from typing import Literal\n\n"
        "from crypitor.client.transport import Transport\n"
        f"from crypitor.client.types import ({', '.join(sorted(used))})\n\n\n"
        "class Calls(Transport):\n"
        '    """A method for each operation; lists also have one for all their pages."""\n\n'
    )
    return formatted(head + "\n".join(methods))


def formatted(text: str) -> str:
    """Return a module in the repository's style."""
    ruff = Path(sys.executable).with_name("ruff")
    words = [ruff, "format", "--stdin-filename", FOLDER / "made.py", "-"]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def _object(name: str, schema: Schema) -> str:
    needed = schema.get("required", ())
    lines = [f"class {name}(TypedDict):", _docstring(schema, "    ") or f'    """{name}."""\n']
    for member, inner in schema["properties"].items():
        kind = _type(inner, quoted=True)
        lines.append(f"    {member}: {kind if member in needed else f'NotRequired[{kind}]'}")
        if inner.get("description"):
            lines.append(_docstring(inner, "    ").rstrip("\n"))
    return "\n".join(lines) + "\n"


def _docstring(schema: Schema, indent: str) -> str:
    text = schema.get("description", "").replace("\\", "\\\\")
    if not text:
        return ""
    paragraphs = [textwrap.fill(part, WIDTH - len(indent)) for part in text.split("\n\n")]
    body = "\n\n".join(paragraphs)
    if "\n" in body:
        first, _, rest = body.partition("\n")
        body = f"{first}\n{rest}\n"
    return textwrap.indent(f'"""{body}"""', indent) + "\n"


def _type(schema: Schema, *, quoted: bool) -> str:  # noqa: PLR0911 - one for each kind of schema
    if "$ref" in schema:
        name: str = schema["$ref"].rpartition("/")[2]
        return f'"{name}"' if quoted else name
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        told = dict.fromkeys(_type(kind, quoted=False) for kind in kinds)
        union = " | ".join(told)
        return f'"{union}"' if quoted and any("$ref" in str(kind) for kind in kinds) else union
    if isinstance(schema.get("type"), list):
        return " | ".join(SCALARS[kind] for kind in schema["type"])
    if schema.get("type") == "array":
        return f"list[{_type(schema['items'], quoted=quoted)}]"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        inner = _type(values, quoted=quoted) if isinstance(values, dict) else "Any"
        return f"dict[str, {inner}]"
    return SCALARS.get(schema.get("type", ""), "Any")


def _in_order(schemas: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Yield the components, those first that others are made of."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[tuple[str, Schema]]:
        if name in done:
            return
        done.add(name)
        if "properties" not in schemas[name]:
            for other in schemas:
                if f"/{other}'" in str(schemas[name]):
                    yield from visit(other)
        yield name, schemas[name]

    for name in schemas:
        yield from visit(name)


def _answered(operation: Schema) -> Schema:
    """Return the answer where all is well."""
    [answered] = [told for status, told in operation["responses"].items() if status[0] == "2"]
    return answered


def _method(path: str, method: str, operation: Schema) -> tuple[str, set[str]]:
    """Return the text of a method, or of two, and the types that it names."""
    content = _answered(operation)["content"]
    answer = _type(content["application/json"]["schema"], quoted=False)
    queries = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    body = _body(operation)
    names = {answer, *([body] if body else [])}
    given = [f"{_argument(path, part)}: str" for part in _parts(path)]
    if body:
        optional = not operation["requestBody"]["required"]
        given.append(f"body: {body}{' | None = None' if optional else ''}")
    narrow = _narrow(queries)
    if method != "GET":
        narrow.append("idempotency_key: str | None = None")
    extra = ", query=query" if queries else ""
    extra += ", body=body" if body else ""
    extra += ", idempotency_key=idempotency_key" if method != "GET" else ""
    text = (
        f"    async def {operation['operationId']}({_signature(given, narrow)}) -> {answer}:\n"
        f"{_docstring({'description': _words(operation)}, '        ')}"
        f"{_query(queries)}"
        f"        answer: {answer} = await self.call({method!r}, {_place(path)}{extra})\n"
        "        return answer\n"
    )
    if any(one["name"] == "cursor" for one in queries) and operation["operationId"].endswith("s"):
        walked, item = _walk(path, operation, answer, given, queries)
        return text + "\n" + walked, {*names, item}
    return text, names


def _walk(
    path: str, operation: Schema, answer: str, given: list[str], queries: list[Schema]
) -> tuple[str, str]:
    pages = described()["components"]["schemas"][answer]
    item = _type(pages["properties"]["data"]["items"], quoted=False)
    kept = [one for one in queries if one["name"] not in ("cursor", "limit")]
    narrow = _narrow(kept)
    name = "all_" + operation["operationId"].removeprefix("read_")
    extra = ", query=query" if kept else ""
    return (
        f"    def {name}({_signature(given, narrow)}) -> AsyncIterator[{item}]:\n"
        f'        """Walk all pages of `{operation["operationId"]}`."""\n'
        f"{_query(kept)}"
        f"        items: AsyncIterator[{item}] = self.pages({_place(path)}{extra})\n"
        "        return items\n"
    ), item


def _words(operation: Schema) -> str:
    return f"{operation['summary']}.\n\n{operation.get('description', '')}".strip()


def _narrow(queries: list[Schema]) -> list[str]:
    return [f"{one['name']}: {_type(one['schema'], quoted=False)} | None = None" for one in queries]


def _signature(given: list[str], narrow: list[str]) -> str:
    return ", ".join(["self", *given, *(["*", *narrow, ""] if narrow else [])])


def _query(queries: list[Schema]) -> str:
    if not queries:
        return ""
    members = ", ".join(f"{one['name']!r}: {one['name']}" for one in queries)
    return f"        query = {{{members}}}\n"


def _body(operation: Schema) -> str | None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        return _type(content["schema"], quoted=False)
    return None


def _parts(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _argument(path: str, part: str) -> str:
    """Return `monitor_id` for /v1/monitors/{id}."""
    if part != "id":
        return part + "_" if keyword.iskeyword(part) else part
    plural = path.split("/")[2]
    return {"deliveries": "delivery", "matches": "match"}.get(plural, plural[:-1]) + "_id"


def _place(path: str) -> str:
    """Return the path as an argument; what stands in braces is put in, quoted."""
    parts = _parts(path)
    text = path
    for part in parts:
        text = text.replace(f"{{{part}}}", f"{{self.part({_argument(path, part)})}}")
    return f"f{text!r}" if parts else repr(text)


def main() -> None:
    """Write both modules."""
    document = described()
    (FOLDER / "types.py").write_text(types_text(document), encoding="utf-8")
    (FOLDER / "calls.py").write_text(calls_text(document), encoding="utf-8")


if __name__ == "__main__":
    main()
