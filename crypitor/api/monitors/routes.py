"""Monitors: create, read, list, change, delete."""

from dataclasses import replace
from functools import partial
from typing import Any

from crypitor.api.endpoints.routes import endpoint_answer, endpoint_of
from crypitor.api.monitors.answer import DeletedMonitor, MonitorAnswer, MonitorPage
from crypitor.api.monitors.asked import check_monitor, monitor_of, pairs_of
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.monitors.document import MOST_SHOWN, document, monitor_answer, size_of
from crypitor.api.monitors.examples import EXAMPLES
from crypitor.api.monitors.query import MonitorQuery
from crypitor.api.monitors.warnings import warnings_of
from crypitor.api.monitors.watching import forget, put, watch
from crypitor.api.serving.call import Call, Change, Effect, found
from crypitor.api.serving.fitting import fitting
from crypitor.api.serving.reading import patched, summary
from crypitor.api.serving.routing import Routes
from crypitor.database.addresses import (
    count_addresses,
    insert_addresses,
    list_addresses,
    replace_addresses,
)
from crypitor.database.cancellations import cancel_for_monitor
from crypitor.database.endpoints import insert_endpoint, known_endpoints
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.database.monitors import (
    MonitorFilter,
    delete_monitor,
    get_monitor,
    insert_monitor,
    list_monitors,
    lock_monitor,
    rules_cost_of,
    update_monitor,
)
from crypitor.errors import Mistake, NotFound
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import Monitor

routes = Routes("Monitors", EXAMPLES, "mo_")


@routes.add("POST", "/v1/monitors", scope=Scope.WRITE, status=201, addresses=True)
async def create_monitor(call: Call, body: MonitorBody) -> MonitorAnswer:
    """Create a monitor.

    It is in force from the blocks in `armed_from` on. With `webhook` an endpoint is made with it;
    the answer carries that endpoint's secret, this once. `warnings` say what of it does nothing.
    """
    now = call.context.clock()
    monitor_id = call.new_id("mo_")
    cost = await check_monitor(body, call.context.networks, call.context.give_way)
    endpoint = endpoint_of(call, body.webhook, "/webhook") if body.webhook else None
    pairs = pairs_of(body)
    monitor = monitor_of(body, monitor_id, call.project, now, now, endpoint)

    async def unit(tx: Transaction) -> Change[MonitorAnswer]:
        await _check_endpoints(tx, call, body)
        if endpoint:
            await insert_endpoint(tx, endpoint)
        await insert_monitor(tx, monitor, rules_cost=cost)
        await insert_addresses(tx, monitor.id, pairs)
        answer = monitor_answer(monitor, len(pairs), sorted(pairs))
        if endpoint:
            answer["webhook"] = endpoint_answer(endpoint, call.who, secret=True)
        grows = ("monitors", "rules_cost", "addresses", *(("endpoints",) if endpoint else ()))
        return Change(answer, watch(call, monitor, pairs), grows=grows)

    return _armed(call, await call.change_monitors(monitor_id, unit))


@routes.add("GET", "/v1/monitors", scope=Scope.READ, addresses=True)
async def read_monitors(call: Call, query: MonitorQuery) -> MonitorPage:
    """List monitors, newest first or oldest first.

    A page has at most some 4 MiB, and then fewer monitors than `limit`; `next_cursor` leads on.
    """
    chosen = MonitorFilter(query.network, query.tag, query.enabled, query.search)

    async def unit(tx: Transaction) -> tuple[list[Monitor], bool, dict[str, int]]:
        shown, more = await fitting(
            lambda rows, cursor: list_monitors(tx, call.project, chosen, rows, cursor, query.order),
            query.limit,
            query.cursor,
            cursor_of=lambda monitor: monitor.id,
            size_of=size_of,
        )
        return shown, more, await call.context.counts.of(tx, [monitor.id for monitor in shown])

    shown, more, counts = await call.read(unit)
    return {
        "data": [monitor_answer(monitor, counts[monitor.id], None) for monitor in shown],
        "next_cursor": shown[-1].id if more else None,
    }


@routes.add("GET", "/v1/monitors/{id}", scope=Scope.READ, addresses=True)
async def read_monitor(call: Call, id: str) -> MonitorAnswer:  # noqa: A002 - as in the path
    """Read a monitor."""

    async def unit(tx: Transaction, counted: int | None = None) -> MonitorAnswer:
        monitor = found(await get_monitor(tx, call.project, id), "monitor")
        return await _whole_answer(tx, monitor, counted)

    async def counting(tx: Transaction) -> MonitorAnswer:
        return await unit(tx, (await call.context.counts.of(tx, [id]))[id])

    answer = await call.read(unit, brief=True)
    if answer["address_count"] > MOST_SHOWN:  # to count them may take long
        answer = await call.read(counting)
    answer["warnings"] = warnings_of(answer)
    return answer


@routes.add("PATCH", "/v1/monitors/{id}", scope=Scope.WRITE, patches=MonitorBody, addresses=True)
async def change_monitor(call: Call, id: str, body: dict[str, Any]) -> MonitorAnswer:  # noqa: A002
    """Change a monitor by a JSON merge patch (RFC 7396).

    What is left out stays, null goes back to the default, lists are replaced as a whole:
    `addresses` takes the place of all that are watched, however they were added.
    """

    async def read(tx: Transaction) -> Monitor:
        return found(await get_monitor(tx, call.project, id), "monitor")

    async def check(before: Monitor) -> tuple[MonitorBody, int]:
        whole = patched(MonitorBody, document(before), body)
        return whole, await check_monitor(whole, call.context.networks, call.context.give_way)

    async def lock(tx: Transaction) -> Monitor:
        return found(await lock_monitor(tx, call.project, id, call.context.clock()), "monitor")

    async def unit(
        tx: Transaction, before: Monitor, checked: tuple[MonitorBody, int]
    ) -> Change[MonitorAnswer]:
        (whole, cost), now = checked, call.context.clock()
        await _check_endpoints(tx, call, whole)
        endpoint = endpoint_of(call, whole.webhook, "/webhook") if whole.webhook else None
        if endpoint:
            await insert_endpoint(tx, endpoint)
        after = monitor_of(whole, id, call.project, before.created_at, now, endpoint)
        grown = cost > await rules_cost_of(tx, id)
        told = {**await _whole_answer(tx, before, counted)}
        await update_monitor(tx, after, rules_cost=cost)
        pairs = pairs_of(whole) if "addresses" in body else None
        effect = await _change_addresses(tx, call, before, after, pairs)
        answer = await _whole_answer(tx, after, counted if pairs is None else len(pairs))
        if endpoint:
            answer["webhook"] = endpoint_answer(endpoint, call.who, secret=True)
        more = {"rules_cost": grown, "addresses": pairs, "endpoints": endpoint}
        grows = [name for name, added in more.items() if added]
        return Change(answer, effect, before=told, grows=grows)

    # To count a million takes longer than anybody should wait for a change.
    counted = await call.read(lambda tx: _counted(tx, id))
    changed = await call.change_as_read(
        read, check, lock, unit, partial(call.change_monitors, id), same=_asked
    )
    return _armed(call, changed)


def _asked(monitor: Monitor) -> Monitor:
    return replace(monitor, updated_at=0)


@routes.add("DELETE", "/v1/monitors/{id}", scope=Scope.WRITE)
async def remove_monitor(call: Call, id: str) -> DeletedMonitor:  # noqa: A002 - as in the path
    """Delete a monitor and its addresses.

    Its deliveries that are under way are cancelled; its matches and deliveries can still be read.
    """

    async def unit(tx: Transaction) -> Change[tuple[str, ...]]:
        there = found(await get_monitor(tx, call.project, id), "monitor")
        before = {**await _whole_answer(tx, there, counted)}
        monitor = found(await delete_monitor(tx, call.project, id), "monitor")
        await cancel_for_monitor(tx, id, call.context.clock())
        return Change(monitor.networks, forget(call, id), before=before)

    counted = await call.read(lambda tx: _counted(tx, id))
    networks = await call.change_monitors(id, unit)
    return {"id": id, "deleted": True, "armed_from": call.armed_from(networks)}


async def _counted(tx: Transaction, monitor_id: str) -> int:
    return (await count_addresses(tx, [monitor_id]))[monitor_id]


async def _whole_answer(tx: Transaction, monitor: Monitor, counted: int | None) -> MonitorAnswer:
    """Return a monitor as it is.

    counted: its addresses, which are counted now if they are few. None: of many their count is more
    than are shown.
    """
    shown = await list_addresses(tx, monitor.id, MOST_SHOWN + 1)
    if len(shown) <= MOST_SHOWN:
        return monitor_answer(monitor, len(shown), shown)
    return monitor_answer(monitor, max(counted or 0, len(shown)), None)


async def _check_endpoints(tx: Transaction, call: Call, body: MonitorBody) -> None:
    known = await known_endpoints(tx, call.project, body.endpoints) if body.endpoints else set()
    mistakes = [
        Mistake(f"/endpoints/{place}", "there is no such endpoint")
        for place, endpoint in enumerate(body.endpoints)
        if endpoint not in known
    ]
    if mistakes:
        raise NotFound(summary(mistakes), mistakes)


async def _change_addresses(
    tx: Transaction, call: Call, before: Monitor, after: Monitor, pairs: list[Labelled] | None
) -> Effect:
    """Store the addresses that take the place of all, if any do; return what the index needs."""
    if pairs is not None:
        await replace_addresses(tx, after.id, call.new_id("li_"), pairs)
    if not after.enabled:
        return forget(call, after.id)
    if pairs is not None:
        return watch(call, after, pairs)
    return put(call, after) if before.enabled else watch(call, after, None)


def _armed(call: Call, answer: MonitorAnswer) -> MonitorAnswer:
    answer["armed_from"] = call.armed_from(answer["networks"])
    answer["warnings"] = warnings_of(answer)
    return answer
