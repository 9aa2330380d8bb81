"""The documentation as a site under /help: the files of `make docs`, nothing from elsewhere."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from aiohttp import web

from crypitor.errors import NotFound
from crypitor.runtime.shipped import shipped

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Icons of the theme are data: URLs of its style sheet; the search runs in a worker of the site."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=300",
}


async def show_start(_request: web.Request) -> web.Response:
    """Send a reader to the first page, from which the links of all pages count."""
    return web.Response(status=302, headers={"Location": "/help/"})


async def show_page(request: web.Request) -> web.FileResponse:
    """Answer a page, or a file that belongs to one. Raises NotFound."""
    wanted = request.match_info["path"]
    pages = pages_of(shipped("build/site"))
    if not pages:
        raise NotFound("the documentation was not built with this program: `make docs` builds it")
    page = pages.get(f"{wanted}index.html" if wanted in ("", "decisions/", "moving/") else wanted)
    if page is None:
        raise NotFound(f"the documentation has no page {wanted}; /help/ has the list")
    return web.FileResponse(page, headers=_HEADERS)


@cache
def pages_of(folder: Path) -> Mapping[str, Path]:
    """Return what is in the folder, by the path in an address: nothing else is ever read."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
