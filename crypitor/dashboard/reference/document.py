"""The OpenAPI document as chapters to read. Pure."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from crypitor.dashboard.reference.shapes import (
    REF,
    Field,
    Schema,
    Shape,
    Word,
    field_of,
    shape_of,
    words_of,
)

METHODS = ("get", "post", "put", "patch", "delete")
TELLING = ("200", "201", "202", "204", "2XX")
"""Answers that are shown whole; the others are problem documents, and are named."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent or answered. example: as text. fields: of its schema, where that is named."""

    media: str
    words: Sequence[Word]
    fields: Sequence[Field]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, or one webhook. problems: statuses with their words. curl: a command."""

    id: str
    method: str
    path: str
    title: str
    text: str
    scope: str
    fields: Sequence[Field]
    bodies: Sequence[Content]
    status: str
    answers: Sequence[Content]
    problems: Sequence[str]
    curl: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """A resource. slug: of its address."""

    slug: str
    title: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole. text: the introduction. chapters: by slug."""

    version: str
    text: str
    chapters: Mapping[str, Chapter]
    shapes: Sequence[Shape]


def reference_of(document: Mapping[str, Any]) -> Reference:
    """Return the document to read; webhooks are its last chapter."""
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                one = methods[method]
                found[one["tags"][0]].append(_operation(schemas, method, path, one))
    told = [
        _operation(schemas, "post", name, methods["post"])
        for name, methods in document["webhooks"].items()
    ]
    chapters = [Chapter(slug_of(title), title, each) for title, each in found.items()]
    chapters.append(Chapter("webhooks", "Webhooks", told))
    return Reference(
        document["info"]["version"],
        document["info"]["description"],
        {chapter.slug: chapter for chapter in chapters},
        [shape_of(name, schemas[name]) for name in sorted(schemas)],
    )


def slug_of(title: str) -> str:
    """Return a chapter's title as a part of an address."""
    return title.lower().replace(" ", "-")


def search(reference: Reference, words: str) -> list[tuple[Chapter, Operation]]:
    """Return the operations in which every word stands, those with them in their title first."""
    wanted = words.lower().split()
    found = [
        (not all(word in _title(one) for word in wanted), place, chapter, one)
        for place, (chapter, one) in enumerate(_all(reference))
        if all(word in _said(one) for word in wanted)
    ]
    return [(chapter, one) for _, _, chapter, one in sorted(found, key=lambda each: each[:2])]


def _all(reference: Reference) -> Iterator[tuple[Chapter, Operation]]:
    for chapter in reference.chapters.values():
        for one in chapter.operations:
            yield chapter, one


def _title(one: Operation) -> str:
    return f"{one.method} {one.path} {one.title} {one.id}".lower()


def _said(one: Operation) -> str:
    fields = [*one.fields, *(each for body in one.bodies for each in body.fields)]
    names = " ".join(f"{each.name} {each.text}" for each in fields)
    return f"{_title(one)} {one.text} {names}".lower()


def _operation(
    schemas: Mapping[str, Schema], method: str, path: str, one: Mapping[str, Any]
) -> Operation:
    bodies = _contents(schemas, one.get("requestBody", {}))
    status = next((each for each in TELLING if each in one["responses"]), "")
    return Operation(
        one["operationId"],
        method.upper(),
        path,
        one["summary"],
        one.get("description", ""),
        one.get("x-scope", ""),
        [
            field_of(
                each["name"], each["schema"], required=each.get("required", False),
                text=each.get("description", ""), place=each["in"],
            )
            for each in one.get("parameters", ())
        ],
        bodies,
        status,
        _contents(schemas, one["responses"].get(status, {})),
        [_named(each) for each in one["responses"] if each not in TELLING],
        _curl(method.upper(), path, one.get("x-scope", ""), bodies) if path[0] == "/" else "",
    )  # fmt: skip


def _contents(schemas: Mapping[str, Schema], told: Mapping[str, Any]) -> list[Content]:
    found = []
    for media, content in told.get("content", {}).items():
        schema = content.get("schema", {})
        shape = shape_of("", schemas.get(schema.get("$ref", "").removeprefix(REF), schema))
        example = content.get("example", "")
        text = (
            example
            if isinstance(example, str)
            else json.dumps(example, indent=2, ensure_ascii=False)
        )
        found.append(Content(media, tuple(words_of(schema)), shape.fields, text))
    return found


def _named(status: str) -> str:
    known = status.isdigit() and int(status) in {each.value for each in HTTPStatus}
    return f"{status} {HTTPStatus(int(status)).phrase}" if known else status


def _curl(method: str, path: str, scope: str, bodies: Sequence[Content]) -> str:
    lines = [
        f'curl -X {method} "$CRYPITOR_URL{path}"'
        if method != "GET"
        else f'curl "$CRYPITOR_URL{path}"'
    ]
    if scope:
        lines.append('-H "Authorization: Bearer $CRYPITOR_KEY"')
    if bodies:
        lines.append(f"-H 'Content-Type: {bodies[0].media}'")
        packed = bodies[0].example
        if "json" in bodies[0].media and packed:
            packed = json.dumps(json.loads(packed), ensure_ascii=False)
        lines.append(f"-d {shlex.quote(packed or '{}')}")
    return " \\\n  ".join(lines)
