"""Whether the process lives, whether it can work, and its metrics; for machines without a key."""

from aiohttp import web

from crypitor.api.health.answer import Alive, ProcessAnswer, Ready
from crypitor.api.health.examples import EXAMPLES
from crypitor.api.serving.call import Call
from crypitor.api.serving.errors import problem
from crypitor.api.serving.routing import Routes
from crypitor.errors import Unavailable

routes = Routes("Process", EXAMPLES)

METRICS = "text/plain; version=0.0.4; charset=utf-8"


@routes.add("GET", "/healthz", scope=None)
async def read_health(call: Call) -> Alive:  # noqa: ARG001 - nothing of it is needed
    """Tell whether the process lives."""
    return {"status": "ok"}


@routes.add("GET", "/readyz", scope=None, problems=(503,))
async def read_readiness(call: Call) -> Ready | web.Response:
    """Tell whether every role of this process can do its work.

    If not, 503 with `troubles`: what is in trouble, and a sentence on which trouble. What other
    processes say of themselves is in `processes`, and does not make this one less ready.
    """
    context = call.context
    troubles = context.health.troubles
    try:
        await call.read(lambda tx: tx.value("select 1"))
    except Unavailable as error:
        troubles["database"] = str(error)
    processes: list[ProcessAnswer] = [
        {"id": one["id"], "roles": one["roles"], "troubles": one["troubles"]}
        for one in context.processes()
    ]
    if troubles:
        detail = f"in trouble: {', '.join(sorted(troubles))}"
        return problem(503, "Not ready", detail, troubles=troubles, processes=processes)
    return {"status": "ready", "roles": list(context.roles), "processes": processes}


@routes.add("GET", "/metrics", scope=None, answers="text/plain")
async def read_metrics(call: Call) -> web.Response:
    """Read the metrics in Prometheus' text format.

    Without a key, as Prometheus expects it: keep this path inside your network.
    """
    text = await call.context.render_metrics()
    return web.Response(body=text, headers={"Content-Type": METRICS})
