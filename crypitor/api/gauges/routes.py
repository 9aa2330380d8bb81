"""Where the balances and views of a monitor stand."""

from collections.abc import Mapping, Sequence
from typing import cast

from crypitor.api.gauges.answer import GaugeAnswer, GaugePage, ReadingAnswer, SeenAt
from crypitor.api.gauges.examples import EXAMPLES
from crypitor.api.gauges.query import GaugeQuery
from crypitor.api.serving.call import Call, found
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.gauges import Shown, list_gauges
from crypitor.database.keys import Scope
from crypitor.database.monitors import get_monitor
from crypitor.database.readings import newest_readings
from crypitor.evm.abi import Function
from crypitor.monitor.gauges import Standing, rule_key, state_rules
from crypitor.monitor.models import Kind, Monitor, Reading, Rule
from crypitor.webhook.body import returned, rfc3339

routes = Routes("Monitors", EXAMPLES, "mo_")


@routes.add("GET", "/v1/monitors/{id}/gauges", scope=Scope.READ, addresses=True)
async def read_monitor_gauges(call: Call, id: str, query: GaugeQuery) -> GaugePage:  # noqa: A002 - as in the path
    """List where balances and views stand.

    One for each account or contract of each rule of kind `balance` or `view`, with what it showed
    last. A gauge is there soon after its monitor is made, and is looked at in the block that comes
    next. Readings are kept as long as matches are.
    """

    async def unit(tx: Transaction) -> tuple[Monitor, list[Shown], dict[str, list[Standing]]]:
        monitor = found(await get_monitor(tx, call.project, id), "monitor")
        rows = await list_gauges(
            tx, id, query.limit + 1, query.cursor, query.network, query.address
        )
        wanted = [row.gauge.id for row in rows[: query.limit]]
        return monitor, rows, await newest_readings(tx, wanted, query.readings)

    monitor, rows, readings = await call.read(unit)
    rules = {rule_key(each.rule): each.rule for each in state_rules(monitor)}
    shown = rows[: query.limit]
    return {
        "data": [
            _gauge(row, rules[row.gauge.rule], readings) for row in shown if row.gauge.rule in rules
        ],
        "next_cursor": shown[-1].gauge.id if len(rows) > query.limit else None,
    }


def _gauge(shown: Shown, rule: Rule, readings: Mapping[str, Sequence[Standing]]) -> GaugeAnswer:
    gauge, reading = shown.gauge, shown.gauge.standing.reading
    balance, result = _value(rule, gauge.standing)
    return {
        "id": gauge.id,
        "network": shown.network,
        "kind": rule.kind.value,  # type: ignore[typeddict-item]  # of those two
        "address": gauge.subject if rule.kind is Kind.BALANCE else None,
        "contract": gauge.contract,
        "token_id": None if rule.token_id is None else str(rule.token_id),
        "signature": None if rule.abi is None else rule.abi.signature,
        "where": rule.where,
        "state": gauge.standing.state.value,
        "match": gauge.standing.match,
        "looked_at": None if reading is None else _seen(reading),
        "balance": balance,
        "result": result,
        "readings": [_reading(rule, each) for each in readings.get(gauge.id, ())],
    }


def _reading(rule: Rule, standing: Standing) -> ReadingAnswer:
    balance, result = _value(rule, standing)
    assert standing.reading is not None
    return {
        "block": _seen(standing.reading),
        "balance": balance,
        "result": result,
        "state": standing.state.value,
        "match": standing.match,
    }


def _value(rule: Rule, standing: Standing) -> tuple[str | None, dict[str, object] | None]:
    """Return a balance, or what a view returned."""
    reading = standing.reading
    if reading is None:
        return None, None
    if isinstance(rule.abi, Function):
        return None, returned(rule.abi, reading.value)
    return reading.value, None


def _seen(reading: Reading) -> SeenAt:
    at = rfc3339(reading.timestamp * 1000)
    return cast("SeenAt", {"number": reading.number, "hash": reading.hash, "timestamp": at})
