"""Whether the process lives, whether it can work, and its metrics; for machines without a key."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from crypitor.api.health.answer import Alive, ProcessAnswer, Ready
from crypitor.api.health.examples import EXAMPLES
from crypitor.api.health.query import ReadyQuery
from crypitor.api.health.readiness import DATABASE, Readiness, readiness_of
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call
from crypitor.api.serving.errors import problem
from crypitor.api.serving.routing import Routes
from crypitor.errors import NotFound, Unavailable

routes = Routes("Process", EXAMPLES)

METRICS = "text/plain; version=0.0.4; charset=utf-8"

DATABASE_SECONDS = 5.0
"""For its answer: who asks whether we are ready does not wait for long."""


@routes.add("GET", "/healthz", scope=None)
async def read_health(call: Call) -> Alive:  # noqa: ARG001 - nothing of it is needed
    """Tell whether the process lives."""
    return {"status": "ok"}


@routes.add("GET", "/readyz", scope=None, problems=(400, 401, 403, 404, 429, 503))
async def read_readiness(call: Call, query: ReadyQuery) -> Ready | web.Response:
    """Tell whether this process can do its work.

    Not if nothing can be matched or sent by it, or the database is away: then 503 with `troubles`,
    what is in trouble, and a sentence on which trouble. Where some networks or roles stand still
    and others go on, `degraded` names them, with 200. Asked about one network or role, wherever it
    runs, the answer is 503 if that one stands. `processes` has this process, and what others say of
    themselves. Strangers are told whether it is ready, and its roles: `[metrics]` in the
    configuration says who needs a key (of the operator's project) for the rest.
    """
    context, door = call.context, call.request.app[DOOR]
    shown = await door.shows(call.request)
    if query.network is not None and not shown:
        await door.show(call.request)
    if query.network is not None and query.network not in context.networks:
        raise NotFound(f"there is no network {query.network} in the configuration")
    alone = not context.processes()
    if alone and query.role is not None and query.role not in context.roles:
        raise NotFound(f"this process does not run the role {query.role}, and knows of no other")
    found = await _readiness(call)
    itself = {
        "id": context.process,
        "roles": list(context.roles),
        "troubles": context.health.troubles,
    }
    processes: list[ProcessAnswer] = [
        {"id": one["id"], "roles": one["roles"], "troubles": one["troubles"]}
        for one in context.processes() or [itself]
    ]
    troubles = dict(found.troubles)
    if not shown:
        return _for_strangers(call, ready=_detail(found, query) is None)
    if (detail := _detail(found, query)) is not None:
        return problem(503, "Not ready", detail, troubles=troubles, processes=processes)
    answer: Ready = {"status": "ready", "roles": list(context.roles), "processes": processes}
    if found.degraded:
        answer["degraded"], answer["troubles"] = list(found.degraded), troubles
    return answer


def _for_strangers(call: Call, *, ready: bool) -> Ready | web.Response:
    """Return what everybody may know: whether it can do its work, and which roles it runs."""
    roles = list(call.context.roles)
    if not ready:
        return problem(503, "Not ready", "it cannot do its work now", roles=roles)
    return {"status": "ready", "roles": roles, "processes": []}


async def _readiness(call: Call) -> Readiness:
    context, status = call.context, call.context.status()
    troubles = context.health.troubles
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await call.read(lambda tx: tx.value("select 1"))
    except Unavailable as error:
        troubles[DATABASE] = str(error)
    except TimeoutError:
        troubles[DATABASE] = f"the database has not answered for {DATABASE_SECONDS:g} s"
    elsewhere = (role for one in context.processes() for role in one["roles"])
    return readiness_of(
        troubles,
        {name: _trouble(status.get(name, {})) for name in context.networks},
        context.roles,
        {*elsewhere},
    )


def _trouble(status: Mapping[str, object]) -> str | None:
    trouble = status.get("trouble")
    return trouble if isinstance(trouble, str) else None


def _detail(found: Readiness, query: ReadyQuery) -> str | None:
    """Return why the answer is no, None where it is yes."""
    asked = [
        f"{name}: {trouble}"
        for name, trouble in (
            (query.network, found.standing.get(query.network or "")),
            (query.role, found.roles.get(query.role or "")),
        )
        if trouble is not None
    ]
    if asked:
        return "; ".join(asked)
    if DATABASE in found.troubles:
        return f"in trouble: {', '.join(sorted(found.troubles))}"
    if query.network is not None or query.role is not None or found.ready:
        return None
    return f"in trouble: {', '.join(sorted(found.troubles))}"


@routes.add("GET", "/metrics", scope=None, answers="text/plain", problems=(401, 403, 429, 503))
async def read_metrics(call: Call) -> web.Response:
    """Read the metrics in Prometheus' text format.

    With a key of the operator's project, or without one from where `[metrics]` in the configuration
    allows it: by default from the machine itself.
    """
    await call.request.app[DOOR].show(call.request)
    text = await call.context.render_metrics()
    return web.Response(body=text, headers={"Content-Type": METRICS})
