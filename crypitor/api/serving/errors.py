"""Every error as RFC 9457 `application/problem+json`, and the request's id on every answer."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import count

import msgspec
import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from crypitor.errors import (
    MOST_MISTAKES,
    CallerError,
    Mistake,
    TooMany,
    Unauthorized,
    Unavailable,
)
from crypitor.runtime.seldom import Seldom
from crypitor.runtime.thrown import let_go

log = structlog.get_logger(__name__)

_outages, _mistakes = Seldom(log.warning), Seldom(log.error)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = "X-Request-Id"
RETRY_SECONDS = 5
LONGEST_DETAIL = 2_000
LONGEST_POINTER = 500

EVERY_ANSWER: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "crypitor",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers that an answer has unless it says otherwise of itself; in place of what libraries say."""

REQUEST_IDS: web.AppKey[Iterator[str]] = web.AppKey("REQUEST_IDS")


def request_ids(random_bytes: Callable[[int], bytes]) -> Iterator[str]:
    """Yield ids that no other process gives: to ask for chance each time would cost more."""
    begin = random_bytes(8).hex()
    for number in count():
        yield f"{begin}{number:08x}"


_SANE_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}", re.ASCII)


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    mistakes: Sequence[Mistake] = (),
    count: int = 0,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> web.Response:
    """Return a problem document; `more` are its extension members.

    count: of all mistakes, where they are more than are listed. What is long is cut.
    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": _cut(detail, LONGEST_DETAIL),
        **more,
    }
    if mistakes:
        document["errors"] = [
            {
                "pointer": _cut(mistake.pointer, LONGEST_POINTER),
                "detail": _cut(mistake.detail, LONGEST_DETAIL),
            }
            for mistake in mistakes[:MOST_MISTAKES]
        ]
    if count > len(mistakes):
        document["error_count"] = count
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/problem+json",
        headers=headers,
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request an id, or keep the caller's: in the log and in the answer."""
    request_id = request.headers.get(REQUEST_ID)
    if request_id is None or not _SANE_ID.fullmatch(request_id):
        ids = request.app[REQUEST_IDS]
        request_id = next(ids)
    # Not by `bound_contextvars`, which makes a generator and looks through the whole context.
    before = structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        response = await handler(request)
    finally:
        structlog.contextvars.reset_contextvars(**before)
    response.headers[REQUEST_ID] = request_id
    return response


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into a problem document."""
    try:
        return await handler(request)
    except CallerError as error:
        return refused(error)
    except Unavailable as error:
        wait = math.ceil(error.retry_after or RETRY_SECONDS)
        _outages.told("answered 503", path=request.path, trouble=str(error))
        return problem(
            503,
            "Service unavailable",
            "something that this needs is down; the same request may succeed later",
            headers={"Retry-After": str(wait)},
        )
    except web.HTTPException as error:
        # The library's router keeps what it raises beside the request, which the trace leads to.
        let_go(error)
        return _from_aiohttp(request, error)
    except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError) as error:
        log.debug("request body could not be read", path=request.path, trouble=type(error).__name__)
        return problem(400, "Bad request", "the body could not be read to its end")
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - it is logged, though not a thousand times a minute
        _mistakes.told(
            "unexpected error",
            type(error).__name__,
            method=request.method,
            path=request.path,
            exc_info=error,
        )
        return problem(
            500,
            "Internal server error",
            f"this is our mistake; the log has more under this answer's {REQUEST_ID}",
        )


def refused(error: CallerError) -> web.Response:
    """Return the problem document of what a caller did wrong."""
    headers = None
    if isinstance(error, Unauthorized):
        headers = {"WWW-Authenticate": 'Bearer realm="crypitor"'}
    elif isinstance(error, TooMany):
        headers = {"Retry-After": str(error.retry_after_seconds), **error.headers}
    return problem(
        error.status,
        error.title,
        error.detail,
        mistakes=error.mistakes,
        count=error.count,
        headers=headers,
    )


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> web.Response:
    status = HTTPStatus(error.status)
    headers = {}
    detail = status.description or status.phrase
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        headers["Allow"] = allowed
        detail = f"{request.method} is not possible here; these are: {allowed}"
    elif isinstance(error, web.HTTPRequestEntityTooLarge):
        detail = "the body is longer than 1 MiB"
    elif isinstance(error, web.HTTPNotFound):
        detail = "there is nothing at this path; /docs has all that are"
    return problem(status, status.phrase.capitalize(), detail, headers=headers)
