"""Pages of the reference: the beginning with a search, a page a resource, the types."""

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.context import CONTEXT
from crypitor.dashboard.frame.pages import COOKIE
from crypitor.dashboard.frame.visit import THEME, THEMES, page
from crypitor.dashboard.page import rendered
from crypitor.dashboard.reference.document import Reference, reference_of, search
from crypitor.dashboard.reference.prose import inline, prose
from crypitor.errors import Unauthorized

LONGEST_SEARCH = 100


def add_reference(app: web.Application, described: Callable[[], Mapping[str, Any]]) -> None:
    """Add `/docs`, for who may see the document.

    described: makes the OpenAPI document, which takes a tenth of a second.
    """

    @cache
    def made() -> Reference:
        return reference_of(described())

    async def show(request: web.Request) -> web.Response:
        try:
            await request.app[DOOR].show(request, of_all=False)
        except Unauthorized:
            return web.Response(status=303, headers={"Location": "/login?to=/docs"})
        reference = await asyncio.to_thread(made)
        return _answer(request, reference, request.match_info.get("chapter", ""))

    app.router.add_get("/docs", show)
    app.router.add_get("/docs/{chapter}", show)


def _answer(request: web.Request, reference: Reference, slug: str) -> web.Response:
    if slug == "types":
        return _show(request, reference, "reference/types.html", slug)
    if slug:
        chapter = reference.chapters.get(slug)
        if chapter is None:
            raise web.HTTPNotFound
        return _show(request, reference, "reference/chapter.html", slug, chapter=chapter)
    words = request.query.get("search", "").strip()[:LONGEST_SEARCH]
    found = search(reference, words) if words else []
    return _show(request, reference, "reference/start.html", "", words=words, found=found)


def _show(
    request: web.Request, reference: Reference, template: str, slug: str, **content: Any
) -> web.Response:
    theme = request.cookies.get(THEME, "")
    inside = COOKIE in request.cookies or not request.app[CONTEXT].auth
    return page(
        rendered(
            template,
            request.app[CONTEXT].front.base_path,
            reference=reference,
            slug=slug,
            theme=theme if theme in THEMES else "",
            inside=inside,
            prose=prose,
            inline=inline,
            **{"words": "", **content},
        )
    )
