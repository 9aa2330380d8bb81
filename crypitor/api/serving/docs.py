"""The style sheets, scripts and pictures of the pages, from this process alone."""

from pathlib import Path

from aiohttp import web

from crypitor.dashboard.page import STATIC


async def static_file(request: web.Request) -> web.FileResponse:
    """Answer one of our own style sheets, scripts and pictures."""
    return _static(STATIC / request.match_info["file"])


def static_names() -> list[str]:
    """Return the names of our own static files."""
    return sorted(path.name for path in STATIC.iterdir() if path.is_file())


def _static(path: Path) -> web.FileResponse:
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})
