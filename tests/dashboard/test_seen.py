"""What balances and views showed, as charts of the monitor's page."""

import json

from hypothesis import given
from hypothesis import strategies as st

from crypitor.dashboard.frame.charts import SPANS
from crypitor.dashboard.monitors.seen import Unit, number_of, said_of, seen_chart, title_of, unit_of
from crypitor.database.looks import Look, store_standings
from crypitor.database.monitors import get_monitor
from crypitor.evm.metadata import Token
from crypitor.evm.types import Header
from crypitor.monitor.gauges import Standing, gauges_of, look, state_rules
from crypitor.webhook.body import rfc3339
from crypitor.webhook.message import NetworkTitle
from tests.gauged import enrolled

WALLET, TOKEN = "0x" + "ab" * 20, "0x" + "cd" * 20
NOW = 1_796_040_000_000 + 123_456
SPAN = SPANS["1h"]


def gauge(*readings, **more):
    """A gauge as the API answers it. readings: (milliseconds ago, balance), newest first."""
    told = [
        {"block": {"timestamp": rfc3339(NOW - ago)}, "balance": str(value), "result": None}
        for ago, value in readings
    ]
    return {
        "kind": "balance", "network": "dev", "address": WALLET, "contract": None, "token_id": None,
        "signature": None, "looked_at": told[0]["block"] if told else None,
        "balance": told[0]["balance"] if told else None, "result": None, "readings": told, **more,
    }  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 2 * SPAN.lasts), st.integers(0, 10**20)), max_size=30))
def test_each_part_has_what_was_seen_last_before_its_end(seen):
    """And none before the oldest reading that is known."""
    readings = sorted(dict(seen).items())
    chart = seen_chart(gauge(*readings), Unit(18, "ETH"), SPAN, NOW)

    for at, value in zip(chart.at, chart.series[0].values, strict=True):
        before = [had for ago, had in readings if NOW - ago < (at + chart.each_seconds) * 1000]
        assert value == (before[0] / 10**18 if before else None)
    assert len(chart.at) == SPAN.lasts // SPAN.each
    assert all(0 <= share <= 100.001 for share in chart.shares())


def test_what_is_watched_is_told_in_the_words_of_people():
    """With the unit where it is known, and what a view is of."""
    view = gauge(kind="view", address=None, contract=TOKEN, signature="function paused() view returns (bool)", looked_at={}, result={"0": True})  # fmt: skip
    token = gauge((0, 1_500_000), contract=TOKEN)
    unit = unit_of(token, {("dev", TOKEN): Token("Dollar", "USD", 6)}, {"dev": "DEV"})

    assert said_of(token, unit) == "1.5 USD"
    assert said_of(gauge((0, 5 * 10**17)), unit_of(gauge(), {}, {"dev": "DEV"})) == "0.5 DEV"
    assert said_of(gauge((0, 10**18 + 1)), unit_of(gauge(), {}, {"dev": "DEV"})) == "1.000000… DEV"
    assert said_of(gauge(), Unit()) == "not looked at yet"
    assert said_of({**view, "result": None}, Unit()) == "no answer"
    assert title_of(token) == "0xababab…ababab on dev"
    assert title_of({**token, "label": "hot"}) == "hot on dev"
    assert (title_of(view), said_of(view, Unit())) == ("paused() of 0xcdcdcd…cdcdcd on dev", "True")


def test_the_first_number_of_a_result_is_drawn():
    """However long; text that is no number is not."""
    reading = {"balance": None, "result": {"name": "0xab", "answer": "-7", "other": "9"}}

    assert number_of(reading) == -7
    assert number_of({**reading, "result": {"0": True}}) == 1
    assert number_of({**reading, "result": {"0": "12 monkeys"}}) is None
    assert number_of({**reading, "result": None}) is None


async def test_the_page_of_a_monitor_draws_what_its_gauges_showed(admin, api):
    """Each with what it shows now; a monitor without such rules has no chart of them."""
    rule = {"kind": "balance", "where": "balance < 5 ether"}
    named = {"address": WALLET, "label": "payouts <eu>"}
    body = {"networks": ["ethereum"], "addresses": [named], "rules": [rule]}
    _, made = await api.call("POST", "/v1/monitors", json=body)
    _, other = await api.call("POST", "/v1/monitors", json={**body, "rules": [{"kind": "native"}]})
    now = api.context.clock() // 1000

    async def unit(tx):
        row = await tx.one("select project_id from monitors where id = :id", id=made["id"])
        monitor = await get_monitor(tx, row["project_id"], made["id"])
        [prepared] = state_rules(monitor)
        [one] = gauges_of(monitor, prepared, "ethereum", [(WALLET, None)])
        [one] = await enrolled(tx, [one])
        standing = Standing()
        for number, value in ((7, 9 * 10**18), (8, 25 * 10**17)):
            header = Header(number, f"0x{number:064x}", "0x", now - 600 * (9 - number))
            looked = look(one, standing, header, 1, f"0x{value:064x}")
            seen = {"header": header, "now": 0, "looked": [looked]}
            title = NetworkTitle("Ethereum")
            await store_standings(tx, Look(network="ethereum", chain_id=1, title=title, **seen))
            standing = looked.standing

    await api.context.database.write(unit)
    page = (await admin.get(f"/monitors/{made['id']}")).html

    assert "What it saw" in page.words
    assert "2.5 ETH" in page.words
    assert "payouts &lt;eu&gt; on ethereum" in page.text
    told = [json.loads(text) for text in page.charts if json.loads(text).get("exact")]
    values = [value for value in told[0]["series"][0]["values"] if value is not None]
    assert (values[0], values[-1], set(values)) == (9.0, 2.5, {9.0, 2.5})
    assert "What it saw" not in (await admin.get(f"/monitors/{other['id']}")).html.words
