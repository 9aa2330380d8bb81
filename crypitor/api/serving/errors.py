"""Every error as RFC 9457 `application/problem+json`, and the request's id on every answer."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from crypitor.api.serving.context import CONTEXT
from crypitor.errors import CallerError, Mistake, TooMany, Unauthorized, Unavailable

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = "X-Request-Id"
RETRY_SECONDS = 5

_SANE_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}", re.ASCII)


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    mistakes: Sequence[Mistake] = (),
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> web.Response:
    """Return a problem document; `more` are its extension members."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        **more,
    }
    if mistakes:
        document["errors"] = [
            {"pointer": mistake.pointer, "detail": mistake.detail} for mistake in mistakes
        ]
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/problem+json",
        headers=headers,
    )


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request an id, or keep the caller's: in the log and in the answer."""
    given = request.headers.get(REQUEST_ID, "")
    request_id = given if _SANE_ID.fullmatch(given) else request.app[CONTEXT].random_bytes(12).hex()
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        response = await handler(request)
    response.headers[REQUEST_ID] = request_id
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into a problem document."""
    try:
        return await handler(request)
    except CallerError as error:
        return _refused(error)
    except Unavailable as error:
        wait = math.ceil(error.retry_after or RETRY_SECONDS)
        log.warning("answered 503", path=request.path, trouble=str(error))
        return problem(
            503,
            "Service unavailable",
            "something that this needs is down; the same request may succeed later",
            headers={"Retry-After": str(wait)},
        )
    except web.HTTPException as error:
        return _from_aiohttp(request, error)
    except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError) as error:
        log.info("request body could not be read", path=request.path, trouble=str(error))
        return problem(400, "Bad request", "the body could not be read to its end")
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        log.exception("unexpected error", method=request.method, path=request.path)
        return problem(
            500,
            "Internal server error",
            f"this is our mistake; the log has more under this answer's {REQUEST_ID}",
        )


def _refused(error: CallerError) -> web.Response:
    headers = None
    if isinstance(error, Unauthorized):
        headers = {"WWW-Authenticate": 'Bearer realm="crypitor"'}
    elif isinstance(error, TooMany):
        headers = {"Retry-After": str(error.retry_after_seconds)}
    return problem(
        error.status, error.title, error.detail, mistakes=error.mistakes, headers=headers
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
        detail = "the body is longer than 4 MiB"
    elif isinstance(error, web.HTTPNotFound):
        detail = "there is nothing at this path; /docs has all that are"
    return problem(status, status.phrase.capitalize(), detail, headers=headers)
