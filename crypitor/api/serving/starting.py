"""What answers while the process waits for its database."""

from aiohttp import web

from crypitor.api.serving.crowd import peer_of
from crypitor.api.serving.errors import problem
from crypitor.api.serving.front import Front
from crypitor.runtime.loop import Health

RETRY_AFTER_SECONDS = 2


def starting(health: Health, front: Front) -> web.Application:
    """Return an application that lives, is not ready, and says why to who may see it."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def not_ready(request: web.Request) -> web.Response:
        shown = front.opens_to(peer_of(request.transport), request.host, request.headers)
        troubles = health.troubles if shown else {}
        detail = "; ".join(troubles.values()) or "the service is starting"
        answer = problem(503, "Not ready", detail, troubles=troubles)
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer

    app = web.Application()
    app.router.add_get("/healthz", alive)
    app.router.add_route("*", "/{path:.*}", not_ready)
    return app
