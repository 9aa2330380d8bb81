"""Asks the operations of the REST API from within: the same checks, limits and projects.

A page has no other way to what is stored than they give, but for a few figures of the overview.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import web
from multidict import MultiDict

from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call
from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.entries import ByteStream
from crypitor.api.serving.pages import Pages
from crypitor.api.serving.paging import Query
from crypitor.api.serving.reading import read_query, validated
from crypitor.api.serving.routing import Operation, Run

ASKED = web.AppKey("ASKED", Mapping[Run, Operation])
"""Each operation of the API by the function that runs it."""

ENTERED = web.RequestKey("ENTERED", str)
"""The project that an operator works in, where it is not the key's own."""


def by_run(operations: Sequence[Operation]) -> Mapping[Run, Operation]:
    """Return operations by what runs them."""
    return {operation.run: operation for operation in operations}


async def ask(
    request: web.Request,
    run: Callable[..., Any],
    *,
    query: Mapping[str, object] | None = None,
    body: Mapping[str, object] | None = None,
    stream: tuple[ByteStream, str] | None = None,
    **parts: str,
) -> Any:
    """Return what an operation of the API answers to this request's caller.

    run: as it is decorated in `routes.py`. query: None and empty text stand for what is left out.
    stream: what an operation reads that reads its body itself, and its content type.
    parts: of the path. Raises what the operation raises: CallerError, Unavailable.
    """
    context, operation = request.app[CONTEXT], request.app[ASKED][run]
    caller = None
    if operation.scope is not None:
        caller = await request.app[DOOR].admit(request, operation.scope)
        if ENTERED in request and caller.operator:
            caller = replace(caller, project_id=request[ENTERED])
    arguments: dict[str, Any] = dict(parts)
    if operation.query is not None and operation.asks:
        given = {k: str(v) for k, v in (query or {}).items() if v not in (None, "")}
        arguments["query"] = read_query(operation.query, MultiDict(given))
    if operation.body is not None:
        whole = dict(body or {})
        arguments["body"] = whole if operation.patches else validated(operation.body, whole)
    asked = cast("web.Request", _Asked(request, operation, parts, stream))
    call = Call(context, asked, caller, operation.status)
    if isinstance(arguments.get("query"), Query):
        guesses = caller is not None and caller.operator
        call.pages = Pages(arguments["query"], operation.path, guesses=guesses)
    answer = await operation.run(call, **arguments)
    if call.pages is not None and not isinstance(answer, web.StreamResponse):
        call.pages.give_out(answer, context)
    return answer


class _Asked:
    """A page's request as the operation sees one: with its method, its path and its body.

    What was done is kept for the audit under the operation's name, whichever page asked for it.
    """

    def __init__(
        self,
        request: web.Request,
        operation: Operation,
        parts: Mapping[str, str],
        stream: tuple[ByteStream, str] | None,
    ) -> None:
        self._request = request
        self.method = operation.method
        self.match_info = _Parts(parts, operation.path)
        self.content, self.content_type = stream or (request.content, request.content_type)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    def __getitem__(self, key: Any) -> Any:
        return self._request[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._request


class _Parts(dict[str, str]):
    """The parts of an operation's path, with the path itself where aiohttp has it."""

    def __init__(self, parts: Mapping[str, str], path: str) -> None:
        super().__init__(parts)
        self.route = SimpleNamespace(resource=SimpleNamespace(canonical=path))
