"""The way in and out."""

from aiohttp import web

from crypitor.api.serving.authentication import DOOR, GIVEN
from crypitor.api.serving.context import CONTEXT
from crypitor.dashboard.frame.forms import read_form
from crypitor.dashboard.frame.pages import COOKIE, PROJECT, SESSIONS, Pages, refuse_foreign
from crypitor.dashboard.frame.sessions import SESSION_SECONDS
from crypitor.dashboard.frame.visit import THEME, THEMES, Visit, is_secure, page
from crypitor.dashboard.page import rendered
from crypitor.database.keys import Scope
from crypitor.errors import CallerError

pages = Pages()

THEME_SECONDS = 400 * 86_400
LONGEST_FORM = 16 * 1024
"""Of strangers: a key, and where to go then."""


async def show_door(request: web.Request) -> web.Response:
    """Answer the page that asks for a key; where none is needed, lead inside."""
    if not request.app[CONTEXT].auth:
        return _inside(request.query.get("to", "/"))
    return _door(request, "Your session has ended." if "ended" in request.query else "")


async def enter(request: web.Request) -> web.Response:
    """Begin a session for a key that opens something."""
    to = "/"
    try:
        form = await read_form(request, LONGEST_FORM)
        key, to = form.get("key", "").strip(), form.get("to", "/")
        request[GIVEN] = key
        refuse_foreign(request)
        who = await request.app[DOOR].admit(request, Scope.READ)
    except CallerError as error:
        return _door(request, error.detail[:1].upper() + error.detail[1:] + ".", error.status, to)
    response = _inside(to)
    if who.key_id:
        response.set_cookie(
            COOKIE, request.app[SESSIONS].begin(who.key_id, key), max_age=SESSION_SECONDS,
            httponly=True, samesite="Strict", secure=is_secure(request),
        )  # fmt: skip
    return response


@pages.post("/logout", scope=Scope.READ)
async def leave(visit: Visit) -> web.Response:
    """End the session in this browser."""
    visit.request.app[SESSIONS].end(visit.request.cookies.get(COOKIE))
    response = web.Response(status=303, headers={"Location": "/login"})
    response.del_cookie(COOKIE)
    response.del_cookie(PROJECT)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@pages.post("/theme", scope=Scope.READ)
async def choose_theme(visit: Visit) -> web.Response:
    """Keep what colours were chosen, in this browser."""
    response, theme = _inside(visit.field("to")), visit.field("theme")
    if theme in THEMES:
        response.set_cookie(
            THEME, theme, max_age=THEME_SECONDS, httponly=True, samesite="Strict",
            secure=is_secure(visit.request),
        )  # fmt: skip
    else:
        response.del_cookie(THEME)
    return response


def _inside(to: str) -> web.Response:
    """Lead to a path of ours; to the overview for what leads elsewhere."""
    own = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return web.Response(status=303, headers={"Location": to if own else "/"})


def _door(
    request: web.Request, said: str, status: int = 200, to: str | None = None
) -> web.Response:
    wanted = request.query.get("to", "/") if to is None else to
    theme = request.cookies.get(THEME, "")
    shown = theme if theme in THEMES else ""
    base_path = request.app[CONTEXT].front.base_path
    return page(rendered("door/door.html", base_path, said=said, to=wanted, theme=shown), status)
