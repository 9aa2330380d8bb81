"""What answers while the process waits for its database."""

from aiohttp import web

from crypitor.api.serving.errors import problem
from crypitor.runtime.loop import Health

RETRY_AFTER_SECONDS = 2


def starting(health: Health) -> web.Application:
    """Return an application that lives, is not ready, and says why."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def not_ready(_request: web.Request) -> web.Response:
        troubles = health.troubles
        detail = "; ".join(troubles.values()) or "the service is starting"
        answer = problem(503, "Not ready", detail, troubles=troubles)
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer

    app = web.Application()
    app.router.add_get("/healthz", alive)
    app.router.add_route("*", "/{path:.*}", not_ready)
    return app
