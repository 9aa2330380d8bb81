"""Refuses what may not ask, and gives every answer the headers that each has."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from crypitor.api.serving.authentication import RATE
from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.crowd import peer_of
from crypitor.api.serving.errors import EVERY_ANSWER, REQUEST_ID, Handler, refused
from crypitor.api.serving.front import Front, refuse_all_but_local
from crypitor.errors import CallerError, UnknownType

PREFLIGHT_SECONDS = 600

_OPTIONS: Final = "OPTIONS"
"""As text: a member of an enum takes ten times as long to compare, for each request."""
LONGEST_TYPE = 256

_ALLOWED: Final[Mapping[str, str]] = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, "
    + REQUEST_ID,
    "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
}
_EXPOSED: Final = (
    f"{REQUEST_ID}, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Location"
)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may ask, as the proxies before us have seen him."""
    context = request.app[CONTEXT]
    front = context.front
    asked, answer = request, _refusal(request, auth=context.auth)
    if answer is None:
        asked = seen_by_proxies(request, front)
        answer = _misdirected(asked, front) or _preflight(asked, front) or await handler(asked)
    if not answer.prepared:
        headers = answer.headers
        for name, value in headers_of(asked, front).items():
            headers.setdefault(name, value)
        if front.base_path:
            _put_behind(answer, front.base_path)
    return answer


def _refusal(request: web.Request, *, auth: bool) -> web.StreamResponse | None:
    try:
        if not auth:
            refuse_all_but_local(request.host, request.headers)
        # Whoever reads it takes a time that grows with the square of its length.
        if len(request.headers.get("Content-Type", "")) > LONGEST_TYPE:
            raise UnknownType(f"no Content-Type has more than {LONGEST_TYPE} characters here")
    except CallerError as error:
        return refused(error)
    return None


def _misdirected(request: web.Request, front: Front) -> web.StreamResponse | None:
    try:
        front.check_host(request.host)
    except CallerError as error:
        return refused(error)
    return None


def seen_by_proxies(request: web.Request, front: Front) -> web.Request:
    """Return a request as it came to the trusted proxy before us; itself where there is none."""
    if not front.proxies:
        return request
    peer, headers = peer_of(request.transport), request.headers
    if not front.is_proxy(peer):
        return request
    scheme = headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    host = headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
    return request.clone(
        remote=front.client_of(peer, headers),
        scheme=scheme if scheme in ("http", "https") else request.scheme,
        host=host or request.host,
    )


def headers_of(request: web.Request, front: Front) -> Mapping[str, str]:
    """Return the headers that an answer to this request has, whatever it is."""
    if not front.origins and RATE not in request:
        return EVERY_ANSWER
    found = dict(EVERY_ANSWER)
    if front.origins:
        found["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin in front.origins:
            found["Access-Control-Allow-Origin"] = origin
            found["Access-Control-Expose-Headers"] = _EXPOSED
    if RATE in request:
        found |= request[RATE].headers
    return found


def _preflight(request: web.Request, front: Front) -> web.Response | None:
    """Return the answer to a browser that asks whether a page may ask; None for all else."""
    if request.method != _OPTIONS:
        return None
    headers = request.headers
    if "Access-Control-Request-Method" not in headers or headers.get("Origin") not in front.origins:
        return None
    return web.Response(status=204, headers=_ALLOWED)


def _put_behind(answer: web.StreamResponse, base_path: str) -> None:
    """Let an answer lead to where the proxy has us, and its cookies stay there."""
    for name in ("Location", "HX-Redirect"):
        to = answer.headers.get(name, "")
        if to.startswith("/") and not to.startswith("//"):
            answer.headers[name] = base_path + to
    for cookie in answer.cookies.values():
        if cookie["path"] == "/":
            cookie["path"] = base_path
