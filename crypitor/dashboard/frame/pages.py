"""Pages as declarations: what leads to a function that answers it, and what is checked before."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from aiohttp import web
from multidict import MultiDict

from crypitor.api.serving.authentication import DOOR, GIVEN
from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.errors import Handler
from crypitor.api.serving.routing import BODY_LIMIT
from crypitor.dashboard.frame.asking import ENTERED
from crypitor.dashboard.frame.forms import parts_of, read_form
from crypitor.dashboard.frame.sessions import Sessions
from crypitor.dashboard.frame.visit import TOAST, Place, Visit, page
from crypitor.dashboard.page import rendered
from crypitor.database.keys import Caller, Project, Scope
from crypitor.database.projects import get_project
from crypitor.errors import CallerError, Forbidden, Unauthorized, Unavailable

SESSIONS = web.AppKey("SESSIONS", Sessions)
PLACES = web.AppKey("PLACES", tuple[Place, ...])
COOKIE = "crypitor"
OWN_SITES = ("same-origin", "none")
PROJECT = "project"
"""The cookie of an operator who works in another project."""

TOKEN_FIELD = "token"  # noqa: S105 - the name of a field
LONGEST_FIELD = 4096
RETRY_SECONDS = 5

Show = Callable[..., Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. streams: whether the form's parts are read by what answers it."""

    method: str
    path: str
    show: Show
    scope: Scope
    streams: bool


@dataclass(slots=True)
class Pages:
    """The pages of one folder. place: in the navigation, None for none."""

    place: Place | None = None
    routes: list[Route] = field(default_factory=list)

    def get(self, path: str, scope: Scope = Scope.READ) -> Callable[[Show], Show]:
        """Answer a page with what is decorated: called with the Visit and the path's parts."""
        return self._add("GET", path, scope, streams=False)

    def post(
        self, path: str, scope: Scope = Scope.WRITE, *, streams: bool = False
    ) -> Callable[[Show], Show]:
        """Answer a change, once its token was found right."""
        return self._add("POST", path, scope, streams=streams)

    def _add(
        self, method: str, path: str, scope: Scope, *, streams: bool
    ) -> Callable[[Show], Show]:
        def register(show: Show) -> Show:
            self.routes.append(Route(method, path, show, scope, streams))
            return show

        return register


def served(route: Route) -> Handler:
    """Return what aiohttp runs for a route."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            visit = await _visit(request, route)
            answer = await route.show(visit, **request.match_info)
        except Unauthorized as error:
            return _to_the_door(request, error)
        except CallerError as error:
            return _refusal(request, error.status, error.title, error.detail)
        except Unavailable:
            detail = "Something that this needs is down; the same may succeed in a moment."
            return _refusal(request, 503, "Service unavailable", detail)
        if TOAST in request.cookies and answer.status == 200 and not answer.prepared:
            answer.del_cookie(TOAST)
        return answer

    return serve


async def secret_of_session(request: web.Request) -> str | None:
    """Return the API key of the session that a request belongs to, None without one."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None or request.headers.get("Sec-Fetch-Site", "none") not in OWN_SITES:
        return None
    session = await request.app[SESSIONS].open(cookie)
    return session.secret if session else None


def refuse_foreign(request: web.Request) -> None:
    """Raise Forbidden for a change that another site's page asks for."""
    where = request.headers.get("Sec-Fetch-Site")
    if where is not None and where not in OWN_SITES:
        raise Forbidden("this was asked for by a page of another site")
    origin = request.headers.get("Origin")
    if where is None and origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden("this was asked for by a page of another site, or of another name")


async def _visit(request: web.Request, route: Route) -> Visit:
    sessions, cookie = request.app[SESSIONS], request.cookies.get(COOKIE)
    if request.app[CONTEXT].auth:
        session = await sessions.open(cookie)
        if session is None:
            raise Unauthorized("log in with an API key" if cookie is None else _ENDED)
        request[GIVEN] = session.secret
    if route.method == "POST":
        refuse_foreign(request)
    who = await request.app[DOOR].admit(request, route.scope)
    elsewhere = await _elsewhere(request, who)
    if elsewhere is not None:
        request[ENTERED] = elsewhere.id
        who = replace(who, project_id=elsewhere.id)
    visit = Visit(
        request, request.app[CONTEXT], who, sessions.token(cookie), request.app[PLACES],
        elsewhere.name if elsewhere else None,
    )  # fmt: skip
    if route.method == "POST":
        await _read_form(visit, streams=route.streams)
    return visit


async def _elsewhere(request: web.Request, who: Caller) -> Project | None:
    """Return the project that an operator has chosen to work in; None for the key's own."""
    chosen = request.cookies.get(PROJECT, "")
    if not chosen or not who.operator or who.scope < Scope.ADMIN or chosen == who.project_id:
        return None
    return await request.app[CONTEXT].database.read(
        lambda tx: get_project(tx, chosen), at_once=True
    )


_ENDED = "your session has ended; log in again"


async def _read_form(visit: Visit, *, streams: bool) -> None:
    """Read the form and check its token; of one that streams, only its first field: the token."""
    given = ""
    if streams:
        parts = parts_of(visit.request)
        first = await anext(parts, None)
        if first is not None and first.name == TOKEN_FIELD:
            given = (await first.read_chunk(LONGEST_FIELD)).decode(errors="replace")
        visit.form, visit.files = MultiDict(), parts
    else:
        visit.form = await read_form(visit.request, BODY_LIMIT)
        given = visit.field(TOKEN_FIELD)
    if not hmac.compare_digest(given.encode(), visit.token.encode()):
        raise Forbidden("this form is of another session: go back, reload the page, and try again")


def _to_the_door(request: web.Request, error: Unauthorized) -> web.StreamResponse:
    """Lead to the log-in and from there back to what was asked for."""
    wanted = request.path_qs if request.method == "GET" else "/"
    foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if foreign and COOKIE not in request.cookies and "again" not in request.query:
        # A link from elsewhere comes without the cookie; what this page asks for has it.
        mark = "&" if request.query_string else "?"
        path = f"{wanted}{mark}again=1"
        return page(rendered("frame/again.html", request.app[CONTEXT].front.base_path, path=path))
    to = f"/login?to={quote(wanted, safe='')}"
    if error.detail == _ENDED or COOKIE in request.cookies:
        to += "&ended=1"
    if "HX-Request" in request.headers:
        return web.Response(headers={"HX-Redirect": to})
    return web.Response(status=303, headers={"Location": to})


def _refusal(request: web.Request, status: int, title: str, detail: str) -> web.Response:
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    base_path = request.app[CONTEXT].front.base_path
    content = {"status": status, "title": title, "detail": detail}
    return page(rendered("frame/refusal.html", base_path, **content), status, headers)
