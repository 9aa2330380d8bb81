"""What balances and views of a monitor showed, as charts. Pure, but for asking."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crypitor.api.gauges.query import MOST_READINGS
from crypitor.api.gauges.routes import read_monitor_gauges
from crypitor.dashboard.frame.charts import Chart, Series, Span
from crypitor.dashboard.frame.visit import Visit
from crypitor.dashboard.words import NOTHING, short
from crypitor.database.addresses import labels_of
from crypitor.database.engine import Transaction
from crypitor.database.tokens import known_tokens
from crypitor.evm.metadata import NOTHING as NO_TOKEN
from crypitor.evm.metadata import Token
from crypitor.webhook.body import NATIVE_DECIMALS, formatted

SHOWN_GAUGES = 12
STATE_KINDS = ("balance", "view")

_WHOLE = re.compile(r"-?[0-9]{1,300}")


@dataclass(frozen=True, slots=True)
class Unit:
    """In what a gauge is told. decimals: of one whole. symbol: empty where there is none."""

    decimals: int = 0
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class SeenCharts:
    """The charts of a monitor's first gauges. more: whether it has others."""

    charts: Sequence[Chart] = ()
    more: bool = False


async def seen_of(visit: Visit, monitor: Mapping[str, Any], span: Span) -> SeenCharts:
    """Return what the gauges of a monitor showed in a time that ends now."""
    if not any(rule["kind"] in STATE_KINDS for rule in monitor["rules"]):
        return SeenCharts()
    query = {"limit": SHOWN_GAUGES, "readings": MOST_READINGS}
    page = await visit.ask(read_monitor_gauges, id=monitor["id"], query=query)
    named = {(each["network"], each["contract"]) for each in page["data"] if each["contract"]}
    accounts = {each["address"] for each in page["data"] if each["address"]}

    async def unit(tx: Transaction) -> tuple[dict[tuple[str, str], Token], dict[str, str | None]]:
        found: dict[tuple[str, str], Token] = {}
        for network in {network for network, _ in named}:
            contracts = [contract for of, contract in named if of == network]
            known = await known_tokens(tx, network, contracts)
            found |= {(network, contract): token for contract, token in known.items()}
        return found, await labels_of(tx, monitor["id"], accounts)

    tokens, labels = await visit.context.database.read(unit)
    symbols = {name: network.symbol for name, network in visit.context.networks.items()}
    now = visit.context.clock()
    charts = [
        seen_chart(
            {**each, "label": labels.get(each["address"])},
            unit_of(each, tokens, symbols),
            span,
            now,
        )
        for each in page["data"]
    ]
    return SeenCharts(charts, page["next_cursor"] is not None)


def unit_of(
    gauge: Mapping[str, Any],
    tokens: Mapping[tuple[str, str], Token],
    symbols: Mapping[str, str],
) -> Unit:
    """Return in what a gauge is told. symbols: of the networks' coins."""
    if gauge["kind"] == "view":
        return Unit()
    if gauge["contract"] is None:
        return Unit(NATIVE_DECIMALS, symbols.get(gauge["network"], ""))
    token = tokens.get((gauge["network"], gauge["contract"]), NO_TOKEN)
    return Unit((token.decimals or 0) if gauge["token_id"] is None else 0, token.symbol or "")


def seen_chart(gauge: Mapping[str, Any], unit: Unit, span: Span, now: int) -> Chart:
    """Return what a gauge showed at the end of each part of a time. now: unix milliseconds.

    gauge: as the API answers it, and the `label` of its address where it has one.
    It is drawn as whole coins where the decimals are known. What showed before the oldest reading
    is not known, nor what a view showed that returned no number.
    """
    end = now - now % span.each + span.each
    begins = range(end - span.lasts, end, span.each)
    seen = [(_ms(one["block"]["timestamp"]), number_of(one)) for one in gauge["readings"]]
    values: list[float | None] = []
    for at in begins:
        value = next((value for when, value in seen if when < at + span.each), None)
        values.append(None if value is None else value / 10**unit.decimals)
    return Chart(
        title_of(gauge),
        "/matches",
        said_of(gauge, unit),
        [at // 1000 for at in begins],
        span.each / 1000,
        [Series(unit.symbol or gauge["kind"], "accent", values, line=True)],
        exact=True,
    )


MOST_DECIMALS = 6
"""Beside a chart; the API has all of them."""


def title_of(gauge: Mapping[str, Any]) -> str:
    """Return what is watched, in few words."""
    what = gauge.get("label") or short(gauge["address"] or gauge["contract"])
    where = f"{what} on {gauge['network']}"
    if gauge["kind"] == "balance":
        return where
    name = str(gauge["signature"]).removeprefix("function ").partition("(")[0]
    return f"{name}() of {where}"


def said_of(gauge: Mapping[str, Any], unit: Unit) -> str:
    """Return what a gauge shows now, in words."""
    if gauge["looked_at"] is None:
        return "not looked at yet"
    if gauge["balance"] is not None:
        whole, point, rest = formatted(int(gauge["balance"]), unit.decimals).partition(".")
        rest = rest if len(rest) <= MOST_DECIMALS else f"{rest[:MOST_DECIMALS]}…"
        return f"{whole}{point}{rest} {unit.symbol}".strip()
    if gauge["result"] is None:
        return "no answer"
    return ", ".join(str(value)[:40] for value in gauge["result"].values()) or NOTHING


def number_of(reading: Mapping[str, Any]) -> int | None:
    """Return the first number or truth that a reading has; None where it has none."""
    if reading["balance"] is not None:
        return int(reading["balance"])
    for value in (reading["result"] or {}).values():
        if isinstance(value, bool | int):
            return int(value)
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
    return None


def _ms(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
