"""What has no page, told to a browser as a page; programs get the API's problem documents."""

from aiohttp import web

from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.errors import Handler
from crypitor.dashboard.frame.visit import page
from crypitor.dashboard.page import rendered

API = "/v1/"


@web.middleware
async def as_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 404 and 405 as HTML where that is asked for, outside the API."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        wanted = "text/html" in request.headers.get("Accept", "")
        if not wanted or request.path.startswith(API):
            raise
        text = rendered(
            "frame/refusal.html",
            request.app[CONTEXT].front.base_path,
            status=error.status,
            title="There is no page here",
            detail=f"Nothing is at {request.path[:200]}. The address may be mistyped, or what was "
            "there is gone.",
        )
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return page(text, error.status, allowed)
