"""Rules about balances and views through the REST API, and where their gauges stand."""

import pytest

from crypitor.database.looks import Look, store_standings
from crypitor.database.monitors import get_monitor
from crypitor.evm.types import Header
from crypitor.monitor.gauges import Standing, gauges_of, look, state_rules
from crypitor.webhook.message import NetworkTitle
from tests.gauged import enrolled

ALL_DATABASES = True
WALLET, TOKEN = "0x" + "ab" * 20, "0x" + "cd" * 20
MONITORS = "/v1/monitors"
BALANCE = {"kind": "balance", "where": "balance < 5 ether"}
VIEW = {
    "kind": "view",
    "contracts": [TOKEN],
    "signature": "function allowance(address owner, address spender) view returns (uint256)",
    "args": {"owner": WALLET, "spender": TOKEN},
    "where": "result > previous",
    "every_blocks": 10,
}


async def posted(api, path, document, status=201):
    answer, found = await api.call("POST", path, json=document)
    assert answer.status == status, found
    return found


async def got(api, path):
    answer, found = await api.call("GET", path)
    assert answer.status == 200, found
    return found


def body(*rules, **more):
    return {"networks": ["ethereum"], "addresses": [WALLET], "rules": list(rules), **more}


async def test_rules_are_answered_as_they_were_given(api):
    """Where neither time nor blocks are given, it is looked at each hour; `ended` is on demand."""
    rules = [
        BALANCE,
        {**BALANCE, "contracts": [TOKEN], "token_id": "7", "rearm": "balance > 9", "every_seconds": 60},
        VIEW,
    ]  # fmt: skip
    made = await posted(api, MONITORS, body(*rules, notify=["detected", "ended"]))
    assert made["rules"] == [{**BALANCE, "every_seconds": 3600}, *rules[1:]]
    assert made["notify"] == ["detected", "ended"]
    assert (await got(api, f"{MONITORS}/{made['id']}"))["rules"] == made["rules"]


@pytest.mark.parametrize(
    ("rule", "place", "sentence"),
    [
        ({**BALANCE, "where": "amount < 5"}, "/rules/0/where", "has no amount"),
        ({**BALANCE, "rearm": "balance >"}, "/rules/0/rearm", "expected"),
        ({**BALANCE, "where": "watched(address)"}, "/rules/0/where", "watched"),
        ({**BALANCE, "token_id": "1"}, "/rules/0/contracts", "name it"),
        ({**VIEW, "args": [WALLET]}, "/rules/0/args", "2 arguments expected"),
        ({**VIEW, "args": [WALLET, 5]}, "/rules/0/args/1", "40 hex digits"),
        ({**VIEW, "signature": "function f()"}, "/rules/0/signature", "what the function returns"),
    ],
)
async def test_what_cannot_be_asked_is_refused_at_its_place(api, rule, place, sentence):
    """The pointer leads to the field, and the sentence says what is wrong."""
    problem = await posted(api, MONITORS, body(rule), status=400)
    [error] = problem["errors"]
    assert error["pointer"] == place
    assert sentence in error["detail"]


async def test_a_balance_is_of_addresses_that_are_named(api):
    """Everybody's balance cannot be watched."""
    problem = await posted(api, MONITORS, {**body(BALANCE), "addresses": "any"}, status=400)
    assert problem["errors"][0]["pointer"] == "/rules/0/kind"


async def test_gauges_are_told_with_what_they_showed(api, context):
    """Where each stands, and its readings, newest first; pages go by their ids."""
    made = await posted(api, MONITORS, body(BALANCE, VIEW))
    path = f"{MONITORS}/{made['id']}/gauges"
    assert (await got(api, path)) == {"data": [], "next_cursor": None}

    async def unit(tx):
        row = await tx.one("select project_id from monitors")
        monitor = await get_monitor(tx, row["project_id"], made["id"])
        found = [
            gauge
            for rule in state_rules(monitor)
            for gauge in gauges_of(monitor, rule, "ethereum", [(WALLET, None)])
        ]
        found = await enrolled(tx, found)
        [balance] = [gauge for gauge in found if gauge.contract is None]
        standing = Standing()
        for number, value in ((7, 9 * 10**18), (8, 10**18)):
            header = Header(number, f"0x{number:064x}", "0x", 1_700_000_000 + number)
            looked = look(balance, standing, header, 1, f"0x{value:064x}")
            seen = {"header": header, "now": 0, "looked": [looked]}
            title = NetworkTitle("Ethereum")
            await store_standings(tx, Look(network="ethereum", chain_id=1, title=title, **seen))
            standing = looked.standing

    await context.database.write(unit)
    first = await got(api, f"{path}?limit=1&readings=5")
    second = await got(api, f"{path}?limit=1&readings=5&cursor={first['next_cursor']}")
    told = {each["kind"]: each for page in (first, second) for each in page["data"]}
    assert second["next_cursor"] is None
    assert told["view"]["looked_at"] is None
    balance = told["balance"]
    assert (balance["state"], balance["balance"]) == ("raised", str(10**18))
    assert [each["block"]["number"] for each in balance["readings"]] == [8, 7]
    assert balance["match"] == balance["readings"][0]["match"] is not None
    narrowed = await got(api, f"{path}?address={TOKEN}")
    assert [each["kind"] for each in narrowed["data"]] == ["view"]
