"""Routes as declarations: from one both the route and its documentation are made."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, get_type_hints

from aiohttp import HttpVersion11, web
from aiohttp.payload import Payload
from pydantic import BaseModel, create_model

from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call
from crypitor.api.serving.checksums import Shown, answer_with_checksums
from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.errors import (
    EVERY_ANSWER,
    REQUEST_ID,
    REQUEST_IDS,
    Handler,
    problem,
)
from crypitor.api.serving.examples import Examples
from crypitor.api.serving.making import MAKING, SMALL_PAGE
from crypitor.api.serving.pages import Pages
from crypitor.api.serving.paging import Query
from crypitor.api.serving.reading import parse_json, read_query, validated
from crypitor.api.serving.streams import LARGE_ANSWERS
from crypitor.api.serving.written import LARGE_BYTES, Written, encoded
from crypitor.database.keys import Caller, Scope
from crypitor.errors import Invalid, NotFound

Run = Callable[..., Awaitable[Any]]
AnyRun = TypeVar("AnyRun", bound=Run)

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
BODY_LIMIT = 1024 * 1024
SMALL_BODY_BYTES = 16 * 1024
"""Are read at once: in less than half a millisecond."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    run: called with the Call, the parts of the path by name, and `query` and `body` if it has them.
    scope: None lets everybody in, without a key.
    query, answer: types, None for none. asks: whether `run` is called with the query, which may
    say no more than how the answer is written.
    body: what a JSON body has to be; for a merge patch what the whole has to be after it.
    media: content types of the body; `run` reads those that are no JSON itself.
    optional: whether the body may be left out, which is the same as an empty object.
    answers: content type of the answer.
    """

    method: str
    path: str
    run: Run
    tag: str
    scope: Scope | None
    summary: str
    description: str
    id_prefix: str
    examples: Examples
    query: type[BaseModel] | None
    asks: bool
    body: type[BaseModel] | None
    media: Sequence[str]
    patches: bool
    optional: bool
    answer: Any
    answers: str
    status: int
    problems: Sequence[int]

    @property
    def name(self) -> str:
        """Its operationId."""
        return self.run.__name__

    @property
    def writes(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return self.method in ("POST", "PATCH", "DELETE")


class Routes:
    """The operations of one resource, collected by decorating what runs them."""

    def __init__(self, tag: str, examples: Examples, id_prefix: str = "") -> None:
        self.tag = tag
        self._examples = examples
        self.operations: list[Operation] = []
        self._id_prefix = id_prefix

    def add(
        self,
        method: str,
        path: str,
        *,
        scope: Scope | None,
        status: int = 200,
        patches: type[BaseModel] | None = None,
        optional: bool = False,
        media: Sequence[str] = (),
        answers: str = JSON,
        problems: Sequence[int] = (),
        addresses: bool = False,
    ) -> Callable[[AnyRun], AnyRun]:
        """Register what is decorated; its docstring is summary and description.

        addresses: whether its answer shows some, which may be asked for with their checksums.
        """

        def register(run: AnyRun) -> AnyRun:
            hints = get_type_hints(run)
            summary, _, description = (inspect.getdoc(run) or "").partition("\n\n")
            body = patches or hints.get("body")
            query = hints.get("query")
            if addresses:
                query = create_model(query.__name__, __base__=(query, Shown)) if query else Shown
            types = media or ((MERGE_PATCH, JSON) if patches else (JSON,) if body else ())
            self.operations.append(
                Operation(
                    method,
                    path,
                    run,
                    self.tag,
                    scope,
                    summary.replace("\n", " ").rstrip("."),
                    description,
                    self._id_prefix,
                    self._examples,
                    query,
                    "query" in hints,
                    body,
                    types,
                    patches is not None,
                    optional,
                    hints.get("return"),
                    answers,
                    status,
                    problems,
                )
            )
            return run

        return register


def served(operation: Operation) -> Handler:
    """Return what aiohttp runs for an operation."""
    json_only = operation.body is not None

    async def serve(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        caller = None
        if operation.scope is not None:
            caller = await request.app[DOOR].admit(request, operation.scope)
        arguments: dict[str, object] = {**_parts_of_path(request)}
        query = None
        if operation.query is not None and (operation.asks or request.query_string):
            query = read_query(operation.query, request.query)
            if operation.asks:
                arguments["query"] = query
        elif request.query and operation.answers == JSON:
            read_query(_NoQuery, request.query)
        refused = _unread(request, operation)
        if refused is not None:
            return refused
        if json_only:
            arguments["body"] = await _read_body(request, operation)
        call = Call(context, request, caller, operation.status)
        checksum = isinstance(query, Shown) and query.checksum
        if not isinstance(query, Query):
            return await _run(operation, call, arguments, checksum=checksum)
        call.pages = Pages(query, operation.path, guesses=call.who.operator)
        async with request.app[MAKING].turn_of(call.project, partial(_has_gone, request)):
            if query.limit > SMALL_PAGE:
                request.app[LARGE_ANSWERS].check(call.project)
            return await _run(operation, call, arguments, checksum=checksum)

    return serve


async def _run(
    operation: Operation, call: Call, arguments: Mapping[str, Any], *, checksum: bool
) -> web.StreamResponse:
    answer = await operation.run(call, **arguments)
    if isinstance(answer, web.StreamResponse):
        return answer
    return await _answered(call, answer, checksum=checksum)


def _has_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _answered(call: Call, answer: object, *, checksum: bool) -> web.Response:
    """Return an answer as JSON, with its place in time where it is a page."""
    if call.pages is not None:
        call.pages.give_out(answer, call.context)
    if checksum:
        answer = await answer_with_checksums(answer, call.context.give_way)
    body: bytes | Payload = await encoded(answer, call.context.give_way)
    if isinstance(body, bytes) and len(body) >= LARGE_BYTES and call.caller is not None:
        body = _held(call.request, call.caller, body)
    return web.Response(status=call.status, body=body, content_type=JSON, headers=call.headers)


def _held(request: web.Request, caller: Caller, body: bytes) -> Payload:
    """Return what writes a large answer, and counts it until it is written."""
    if request.method == "HEAD":
        return Written(body, lambda: None)
    counted = ExitStack()
    counted.enter_context(request.app[LARGE_ANSWERS].one_more(caller.project_id))
    return Written(body, counted.close)


def _unread(request: web.Request, operation: Operation) -> web.Response | None:
    """Return the refusal of a body that is of no use unread."""
    if not operation.media or (operation.optional and not request.body_exists):
        return None
    if "Content-Encoding" in request.headers:
        detail, wanted = "send the body without Content-Encoding", {"Accept-Encoding": "identity"}
    elif request.content_type not in operation.media:
        detail = f"the body has to be {' or '.join(operation.media)}"
        wanted = {"Accept": ", ".join(operation.media)}
    else:
        return None
    return problem(415, "Unsupported media type", detail, headers=wanted)


class _NoQuery(BaseModel, extra="forbid"):
    pass


def _parts_of_path(request: web.Request) -> dict[str, str]:
    parts = dict(request.match_info)
    for value in parts.values():
        if not (value.isascii() and value.isprintable()):
            raise NotFound("there is no such thing")
    return parts


async def expected(request: web.Request) -> web.StreamResponse | None:
    """Ask for the body of a request that waits for leave to send it (RFC 9110, section 10.1.1).

    The library does so before all that explains errors, and repeats what it does not know as text.
    """
    if request.headers.get("Expect", "").lower() != "100-continue":
        ids = request.app[REQUEST_IDS]
        given = {**EVERY_ANSWER, REQUEST_ID: next(ids)}
        detail = "of Expect nothing but 100-continue is known here"
        return problem(417, "Expectation failed", detail, headers=given)
    if request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
    return None


async def _read_body(request: web.Request, operation: Operation) -> object:
    length = request.content_length or 0
    if length > BODY_LIMIT:  # said at once, not after so much of it was read
        raise web.HTTPRequestEntityTooLarge(max_size=BODY_LIMIT, actual_size=length)
    text = await request.read()
    large = len(text) > SMALL_BODY_BYTES
    give_way = request.app[CONTEXT].give_way
    if large:  # those that come together are read one after another
        await give_way()
    document = parse_json(text) if text or not operation.optional else {}
    if not isinstance(document, dict):
        raise Invalid("the body has to be a JSON object")
    if operation.patches:
        return document
    assert operation.body is not None
    if large:
        await give_way()
    return validated(operation.body, document)
