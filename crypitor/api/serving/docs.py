"""The OpenAPI document and Swagger UI, from this process alone."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from aiohttp import web

from crypitor.api.serving.context import CONTEXT
from crypitor.dashboard.page import STATIC, docs_page

SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")

# Swagger UI draws its icons from data: URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


async def show_docs(request: web.Request) -> web.Response:
    """Answer the page that shows the OpenAPI document."""
    return web.Response(
        text=docs_page(request.app[CONTEXT].front.base_path),
        content_type="text/html",
        headers={"Content-Security-Policy": POLICY},
    )


async def swagger_file(request: web.Request) -> web.FileResponse:
    """Answer one of the two files of the installed package that the page needs."""
    return _static(_swagger_folder() / request.match_info["file"])


async def static_file(request: web.Request) -> web.FileResponse:
    """Answer one of our own style sheets, scripts and pictures."""
    return _static(STATIC / request.match_info["file"])


def static_names() -> list[str]:
    """Return the names of our own static files."""
    return sorted(path.name for path in STATIC.iterdir() if path.is_file())


def _static(path: Path) -> web.FileResponse:
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})


@cache
def _swagger_folder() -> Path:
    package = find_spec("swagger_ui")  # found without importing it, which takes a tenth of a second
    assert package is not None
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0], "static")
