"""Monitors through the REST API, and the index that is kept in step with them."""

import asyncio

import pytest

from crypitor.database.leftovers import remove_leftovers
from crypitor.evm.abi.signature import unknown_type
from crypitor.monitor.models import Kind

ALL_DATABASES = True
BEACON = "0x00000000219ab540356cbb839cbe05303d7705fa"
BEACON_EIP55 = "0x00000000219ab540356cBB839Cbe05303d7705Fa"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
OTHER = "0x" + "ab" * 20
MONITORS = "/v1/monitors"
ANY = {
    "networks": ["ethereum"],
    "addresses": "any",
    "rules": [{"kind": "erc20", "contracts": [USDC]}],
}

EVENT = {
    "kind": "event",
    "signature": "event Transfer(address indexed from, address indexed to, uint256 value)",
}
FRAGMENT = {
    "type": "function",
    "name": "transfer",
    "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
    "outputs": [{"name": "", "type": "bool"}],
}
RULES = [
    {"kind": "native", "direction": "all", "where": "amount >= 10**18"},
    {"kind": "native", "direction": "out", "include_failed": True},
    {"kind": "erc20", "direction": "in", "contracts": [USDC], "where": "amount >= 1_000_000"},
    {"kind": "erc721", "direction": "all"},
    {"kind": "erc1155", "direction": "all"},
    {
        "kind": "event",
        "contracts": [USDC],
        "signature": "event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)",
        "where": "args.amount0In > 0",
    },
    {
        "kind": "call",
        "contracts": [USDC],
        "signature": "function transfer(address to, uint256 amount)",
        "where": "args.amount > 5 and status == 'success'",
    },
    {"kind": "call", "signature": FRAGMENT},
    {"kind": "event", "contracts": [USDC], "signature": "event X(uint256 indexed a) anonymous"},
    {"kind": "deployment", "direction": "out"},
    {
        "kind": "transaction",
        "direction": "out",
        "where": "transaction.fee > 1",
        "include_failed": False,
    },
    {"kind": "transaction", "direction": "all", "include_failed": True},
    {"kind": "withdrawal", "where": "amount > 32 ether"},
    {"kind": "delegation"},
    {"kind": "internal", "direction": "in", "where": "amount >= 1 ether"},
]


def monitor(**more) -> dict:
    """Return the least body, and more."""
    return {"networks": ["ethereum"], "addresses": [BEACON], **more}


def watched(api, address: str) -> list[str]:
    """Return the ids of the monitors that the index finds for an address."""
    return [watching.monitor.id for watching in api.index.watching(api.index.look_up(address))]


async def test_defaults_are_filled_in(api):
    """A monitor of networks and addresses alone watches all transfers and tells all phases."""
    made = await api.made(MONITORS, monitor())

    assert made["rules"] == [
        {"kind": kind, "direction": "all"} for kind in ("native", "erc20", "erc721", "erc1155")
    ]
    assert made["notify"] == ["detected", "confirmed", "reverted"]
    assert (made["confirmations"], made["tags"], made["note"], made["enabled"]) == (
        None,
        [],
        "",
        True,
    )


async def test_answer_says_from_which_block_on(api):
    """The answer names the first block for each network, null where the tip is not known."""
    made = await api.made(MONITORS, monitor(networks=["dev", "ethereum"]))

    assert made["armed_from"] == {"dev": None, "ethereum": 101}


def pointers(monitor):
    return [one["pointer"] for one in monitor["warnings"]]


async def test_what_does_nothing_is_warned_of(api):
    """A monitor without addresses or endpoints is saved, and each answer says what that means."""
    bare = await api.made(MONITORS, {"networks": ["dev"]})
    _, read = await api.call("GET", f"{MONITORS}/{bare['id']}")
    _, changed = await api.call("PATCH", f"{MONITORS}/{bare['id']}", json={"addresses": [BEACON]})

    assert pointers(bare) == pointers(read) == ["/addresses", "/endpoints"]
    assert "native" in bare["warnings"][0]["detail"]
    assert pointers(changed) == ["/endpoints"]


async def test_what_is_whole_has_no_warnings(api):
    """With an endpoint, and addresses or none that are needed."""
    hook = {"webhook": {"url": "https://example.com/"}}
    for body in ({"addresses": [BEACON]}, {"rules": [EVENT]}):
        made = await api.made(MONITORS, {"networks": ["dev"], **body, **hook})
        assert made["warnings"] == [], body


async def test_rules_are_answered_as_they_were_given(api):
    """Every kind of rule comes back as it was written, at once, when read, and after a patch."""
    made = await api.made(MONITORS, monitor(rules=RULES))
    path = f"{MONITORS}/{made['id']}"

    _, read = await api.call("GET", path)
    _, changed = await api.call("PATCH", path, json={"note": "n"})

    assert made["rules"] == RULES
    assert read["rules"] == RULES
    assert changed["rules"] == RULES


async def test_events_need_no_limit_with_any_address(api):
    """What has no parties is not limited by addresses: any of them adds nothing to it."""
    made = await api.made(MONITORS, monitor(addresses="any", rules=[EVENT]))

    assert made["addresses"] == "any"


async def test_monitor_is_read_as_it_was_made(api):
    """What GET answers is what POST answered, but for what only POST tells."""
    made = await api.made(MONITORS, monitor(name="Treasury", tags=["ops"], confirmations="safe"))
    del made["armed_from"]

    _, read = await api.call("GET", f"{MONITORS}/{made['id']}")

    assert read == made


async def test_addresses_come_back_as_they_were_written(api):
    """Plain ones as text, labelled ones as objects, all lower-case and each once."""
    written = [BEACON_EIP55, {"address": OTHER.upper().replace("0X", "0x"), "label": "hot"}, BEACON]

    made = await api.made(MONITORS, monitor(addresses=written))

    assert made["addresses"] == [BEACON, {"address": OTHER, "label": "hot"}]
    assert made["address_count"] == 2


async def test_many_addresses_are_counted_and_not_shown(api):
    """With more than a thousand, the answer has their number and null."""
    made = await api.made(MONITORS, monitor(addresses=[f"0x{n:040x}" for n in range(1001)]))

    assert (made["addresses"], made["address_count"]) == (None, 1001)


async def test_new_monitor_is_in_the_index_before_the_answer(api):
    """When POST has answered, the index finds the monitor by its address."""
    made = await api.made(MONITORS, monitor(addresses=[{"address": BEACON, "label": "hot"}]))

    [watching] = api.index.watching(api.index.look_up(BEACON))
    assert watching.monitor.id == made["id"]
    assert watching.labels.few == {BEACON: "hot"}


async def test_disabled_monitor_is_not_in_the_index(api):
    """A monitor that is made disabled is stored and watches nothing."""
    made = await api.made(MONITORS, monitor(enabled=False))

    assert made["id"] not in api.index


async def test_webhook_makes_an_endpoint(api):
    """The shorthand makes an endpoint, names it in the monitor, and tells its secret once."""
    made = await api.made(MONITORS, monitor(webhook={"url": "https://example.com/x"}))

    endpoint = made["webhook"]
    _, read = await api.call("GET", f"{MONITORS}/{made['id']}")
    _, secret = await api.call("GET", f"/v1/endpoints/{endpoint['id']}/secret")
    assert made["endpoints"] == [endpoint["id"]]
    assert secret["secret"] == endpoint["secret"]
    assert "webhook" not in read


async def test_refused_monitor_leaves_no_endpoint(api):
    """The shorthand's endpoint is made with the monitor or not at all."""
    body = monitor(webhook={"url": "https://example.com/x"}, endpoints=["ep_" + "0" * 26])

    answer, _ = await api.call("POST", MONITORS, json=body)

    _, endpoints = await api.call("GET", "/v1/endpoints")
    assert answer.status == 404
    assert endpoints["data"] == []


REFUSED = [
    ({"networks": ["etherum"]}, "/networks/0", "unknown network; these are known: ethereum, dev"),
    ({"networks": []}, "/networks", "this must not be empty"),
    ({"addresses": ["0x12"]}, "/addresses/0", "an address is 0x and 40 hex digits"),
    (
        {"addresses": [BEACON_EIP55.replace("cBB", "Cbb")]},
        "/addresses/0",
        f"the EIP-55 checksum is wrong; the right one is {BEACON_EIP55}",
    ),
    ({"addresses": [{"address": BEACON, "name": "x"}]}, "/addresses/0", "there is no such field: name"),
    ({"addresses": 5}, "/addresses", "this has to be a list"),
    ({"rules": []}, "/rules", "this must not be empty"),
    (
        {"rules": [{"kind": "erc20"}, {"kind": "erc20", "where": "amount > 5 and ammount < 6"}]},
        "/rules/1/where",
        "unknown field 'ammount'; did you mean amount? (at character 15)",
    ),
    (
        {"rules": [{"kind": "erc20", "where": "amount > 'five'"}]},
        "/rules/0/where",
        "an integer expected, text found (at character 9)",
    ),
    ({"rules": [{"kind": "erc20", "where": "x" * 2001}]}, "/rules/0/where", "2001 characters; the limit is 2000"),
    ({"rules": [{"kind": "erc20", "where": ""}]}, "/rules/0/where", "this must not be empty"),
    (
        {"rules": [{**EVENT, "where": "args.total > 5"}]},
        "/rules/0/where",
        "unknown field 'total'; known are from, to, value (at character 5)",
    ),
    ({"rules": [{"kind": "erc20", "include_failed": True}]}, "/rules/0/include_failed", "only rules of kind 'native' and 'transaction' can include failed transactions"),
    ({"rules": [{"kind": "event"}]}, "/rules/0/signature", "this field is required"),
    ({"rules": [{"kind": "event", "signature": 5}]}, "/rules/0/signature", "this has to be text, or an entry of a JSON ABI"),
    (
        {"rules": [{"kind": "native"}, {"kind": "event", "signature": "event X(uint7 a)"}]},
        "/rules/1/signature",
        f"{unknown_type('uint7')} (at character 8)",
    ),
    ({"rules": [{"kind": "call", "signature": {"type": "event", "name": "X"}}]}, "/rules/0/signature", "type: 'function' expected, 'event' found"),
    (
        {"rules": [{"kind": "event", "signature": "event X(uint256) anonymous"}]},
        "/rules/0/contracts",
        "an anonymous event is found by its contracts alone: name them",
    ),
    ({"rules": [{**EVENT, "direction": "in"}]}, "/rules/0/direction", "events and calls have no direction; leave 'direction' out"),
    ({"rules": [{"kind": "erc20", "signature": "X()"}]}, "/rules/0/signature", "only rules of kind 'event' and 'call' have a signature"),
    ({"rules": [{"kind": "internal"}], "networks": ["ethereum", "dev"]}, "/rules/0/kind", 'internal transfers are not looked for here: the operator has to set networks.dev.traces to "debug" or "trace" in the configuration'),
    ({"rules": [{"kind": "internal", "contracts": [USDC]}]}, "/rules/0/contracts", "transfers of the chain's own coin and deployments have no contract; leave 'contracts' out"),
    ({"addresses": "any", "rules": [{"kind": "internal"}]}, "/rules/0/where", "with addresses 'any' each rule has to have a condition ('where')"),
    ({"rules": [{"kind": "erc21"}]}, "/rules/0/kind", f"there is no kind 'erc21'; now: {', '.join(Kind)}"),
    ({"rules": [{"direction": "in"}]}, "/rules/0/kind", "this field is required"),
    ({"rules": [{"kind": "native", "contracts": [USDC]}]}, "/rules/0/contracts", "transfers of the chain's own coin and deployments have no contract; leave 'contracts' out"),
    ({"rules": [{"kind": "withdrawal", "direction": "in"}]}, "/rules/0/direction", "a rule of kind 'withdrawal' has no 'direction'; leave it out"),
    ({"rules": [{"kind": "withdrawal", "where": "transaction.value > 1"}]}, "/rules/0/where", "unknown field 'transaction.value'; known are direction, address, label, to_address, amount, item, withdrawal.index, withdrawal.validator_index, network, chain_id, block.number, block.hash, block.timestamp (at character 0)"),
    ({"rules": [{"kind": "delegation", "contracts": [USDC]}]}, "/rules/0/contracts", "a rule of kind 'delegation' has no 'contracts'; leave it out"),
    ({"rules": [{"kind": "erc20", "contracts": ["0x"]}]}, "/rules/0/contracts/0", "an address is 0x and 40 hex digits"),
    ({"rules": [{"kind": "erc20", "direction": "up"}]}, "/rules/0/direction", "this has to be 'all', 'in' or 'out'"),
    ({"rules": [{"kind": "native"}] * 65}, "/rules", "65 rules; the limit is 64"),
    ({"networks": ["dev"] * 65}, "/networks", "65 networks; the limit is 64"),
    ({"endpoints": ["x"] * 17}, "/endpoints", "17 endpoints; the limit is 16"),
    (
        {"addresses": [BEACON] * 10_001},
        "/addresses",
        "10001 addresses; the limit is 10000 here: add the others through POST /v1/monitors/{id}/addresses",
    ),
    ({"addresses": "any"}, "/rules", "with addresses 'any' each rule has to have contracts or a condition ('where')"),
    (
        {"addresses": "any", "rules": [{"kind": "native"}]},
        "/rules/0/where",
        "with addresses 'any' each rule has to have a condition ('where')",
    ),
    (
        {"addresses": "any", "rules": [{"kind": "native", "where": "amount > 5"}, {"kind": "erc20"}]},
        "/rules/1/contracts",
        "with addresses 'any' each rule has to have contracts or a condition ('where')",
    ),
    ({"confirmations": 0}, "/confirmations", "this has to be a number from 1 to 100000, 'safe', 'finalized' or null"),
    ({"notify": ["sent"]}, "/notify/0", "this has to be 'detected', 'confirmed', 'ended' or 'reverted'"),
    ({"enabled": "yes"}, "/enabled", "this has to be true or false"),
    ({"name": "a\nb"}, "/name", "this must not hold control characters"),
    ({"tags": ['a"b']}, "/tags/0", "this must not hold control characters, quotes or backslashes"),
    ({"colour": "red"}, "/colour", "there is no such field"),
    ({"nmae": "x"}, "/nmae", "there is no such field; did you mean 'name'?"),
    ({"rules": [{"kind": "erc20", "contract": [BEACON]}]}, "/rules/0/contract", "there is no such field; did you mean 'contracts'?"),
    ({"webhook": {"url": "https://example.com/", "rate": 1}}, "/webhook/rate", "there is no such field; did you mean 'rate_per_second'?"),
    ({"webhook": {"url": "http://10.0.0.1/"}}, "/webhook/url", "10.0.0.1 is not a public address (see webhook.allow_private)"),
    ({"webhook": {}}, "/webhook/url", "this field is required"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pointer", "detail"), REFUSED, ids=lambda value: str(value)[:40]
)
async def test_refusal_says_what_and_where(api, change, pointer, detail):
    """A body that cannot be accepted is 400 with a pointer to the place and a plain sentence."""
    answer, problem = await api.call("POST", MONITORS, json=monitor(**change))

    assert answer.status == 400
    assert problem["errors"] == [{"pointer": pointer, "detail": detail}]


@pytest.mark.parametrize(
    "change",
    [
        {"rules": [{"kind": "native"}] * 64},
        {"addresses": [f"0x{n:040x}" for n in range(10_000)]},
        {"rules": [{"kind": "erc20", "contracts": None}]},
        {"confirmations": 1.0},
        {"notify": []},
        {"addresses": []},
    ],
    ids=["64 rules", "10000 addresses", "any contract", "1.0 is an integer", "silent", "empty"],
)
async def test_limits_themselves_are_accepted(api, change):
    """What is just within the limits makes a monitor."""
    answer, _ = await api.call("POST", MONITORS, json=monitor(**change))

    assert answer.status == 201


async def test_all_mistakes_are_told_at_once(api):
    """A body with several wrong places gets a pointer to each."""
    body = monitor(networks=["x", "dev", "y"], addresses="any")

    _, problem = await api.call("POST", MONITORS, json=body)

    assert [wrong["pointer"] for wrong in problem["errors"]] == [
        "/networks/0",
        "/networks/2",
        "/rules",
    ]


async def test_unknown_endpoint_is_not_found(api):
    """An endpoint that does not exist is 404 with a pointer to it."""
    answer, problem = await api.call("POST", MONITORS, json=monitor(endpoints=["ep_" + "0" * 26]))

    assert answer.status == 404
    assert [wrong["pointer"] for wrong in problem["errors"]] == ["/endpoints/0"]


async def test_patch_changes_what_it_names(api):
    """A merge patch leaves everything else as it was, addresses too."""
    made = await api.made(MONITORS, monitor(name="old", tags=["a"]))
    api.clock.now += 1000

    _, changed = await api.call("PATCH", f"{MONITORS}/{made['id']}", json={"name": "new"})

    expected = {**made, "name": "new", "updated_at": changed["updated_at"]}
    assert changed == expected
    assert changed["updated_at"] > made["updated_at"]


async def test_null_in_a_patch_is_the_default(api):
    """A null takes a member away, so that its default holds again."""
    made = await api.made(MONITORS, monitor(tags=["a"], rules=[{"kind": "erc20"}]))

    _, changed = await api.call(
        "PATCH",
        f"{MONITORS}/{made['id']}",
        json={"tags": None, "rules": None},
        headers={"Content-Type": "application/merge-patch+json"},
    )

    assert changed["tags"] == []
    assert [rule["kind"] for rule in changed["rules"]] == ["native", "erc20", "erc721", "erc1155"]


async def test_patched_addresses_take_the_place_of_all(api):
    """The list of a patch replaces what was watched, in the index too."""
    made = await api.made(MONITORS, monitor())

    _, changed = await api.call("PATCH", f"{MONITORS}/{made['id']}", json={"addresses": [OTHER]})

    assert changed["addresses"] == [OTHER]
    assert (watched(api, BEACON), watched(api, OTHER)) == ([], [made["id"]])


async def test_patch_is_refused_as_a_whole_monitor(api):
    """The monitor that a patch would make is checked, with pointers, and stays as it was."""
    made = await api.made(MONITORS, monitor())

    answer, problem = await api.call("PATCH", f"{MONITORS}/{made['id']}", json={"addresses": "any"})

    _, read = await api.call("GET", f"{MONITORS}/{made['id']}")
    assert answer.status == 400
    assert problem["errors"][0]["pointer"] == "/rules/0/where"
    assert read["addresses"] == [BEACON]


async def test_required_field_cannot_be_patched_away(api):
    """A null for networks is refused: they have no default."""
    made = await api.made(MONITORS, monitor())

    answer, problem = await api.call("PATCH", f"{MONITORS}/{made['id']}", json={"networks": None})

    assert answer.status == 400
    assert problem["errors"] == [{"pointer": "/networks", "detail": "this field is required"}]


async def test_disabling_and_enabling_move_the_index(api):
    """A disabled monitor leaves the index, and comes back with all its addresses and labels."""
    body = monitor(addresses=[{"address": f"0x{n:040x}", "label": f"l{n}"} for n in range(3)])
    made = await api.made(MONITORS, body)
    path = f"{MONITORS}/{made['id']}"

    await api.call("PATCH", path, json={"enabled": False})
    gone = made["id"] in api.index
    await api.call("PATCH", path, json={"enabled": True})

    [watching] = api.index.watching(api.index.look_up(f"0x{2:040x}"))
    assert gone is False
    assert watching.labels.few == {f"0x{n:040x}": f"l{n}" for n in range(3)}


async def test_any_address_is_found_by_contract(api):
    """A monitor of any address is in the index under its contracts."""
    made = await api.made(MONITORS, ANY)

    asked = [
        watching.monitor.id
        for readers in api.index.asked.transfers.of(Kind.ERC20, USDC)
        for alike in readers.alike.values()
        for watching in api.index.watching(tuple(alike.monitors))
    ]
    assert made["addresses"] == "any"
    assert asked == [made["id"]]


async def test_concurrent_patches_lose_nothing(api):
    """Patches of different members at the same time are all in the monitor afterwards."""
    made = await api.made(MONITORS, monitor())
    path = f"{MONITORS}/{made['id']}"
    patches = [{"name": "n"}, {"note": "o"}, {"tags": ["t"]}, {"confirmations": 3}, {"notify": []}]

    await asyncio.gather(*(api.call("PATCH", path, json=patch) for patch in patches))

    _, read = await api.call("GET", path)
    merged = {name: value for patch in patches for name, value in patch.items()}
    assert {name: read[name] for name in merged} == merged


async def test_deleted_monitor_is_gone(api):
    """After DELETE it is not found and watches nothing; its addresses are removed in steps."""
    made = await api.made(MONITORS, monitor())

    answer, deleted = await api.call("DELETE", f"{MONITORS}/{made['id']}")

    again, _ = await api.call("GET", f"{MONITORS}/{made['id']}")
    await api.context.database.write(remove_leftovers)
    left = await api.context.database.read(lambda tx: tx.value("select count(*) from addresses"))
    assert (answer.status, again.status) == (200, 404)
    assert deleted == {"id": made["id"], "deleted": True, "armed_from": {"ethereum": 101}}
    assert (made["id"] in api.index, left) == (False, 0)


async def test_every_change_is_in_the_log_of_changes(api):
    """Creation, change of addresses, patch and deletion are each recorded for other processes."""
    made = await api.made(MONITORS, monitor())
    path = f"{MONITORS}/{made['id']}"
    await api.call("POST", f"{path}/addresses", json={"addresses": [OTHER]})
    await api.call("PATCH", path, json={"name": "n"})
    await api.call("DELETE", f"{path}/addresses", json={"addresses": [OTHER]})
    await api.call("DELETE", path)

    changes = await api.context.database.read(
        lambda tx: tx.all("select revision, monitor_id from changes order by revision")
    )
    expected = [(revision, made["id"]) for revision in range(1, 6)]
    assert [(change["revision"], change["monitor_id"]) for change in changes] == expected


async def test_pages_follow_each_other(api):
    """Following next_cursor gives every monitor once, newest first."""
    made = []
    for number in range(5):
        api.clock.now += 1
        made.append((await api.made(MONITORS, monitor(name=str(number))))["id"])

    pages, cursor = [], ""
    while cursor is not None:
        _, page = await api.call("GET", f"{MONITORS}?limit=2{cursor}")
        pages.append([one["id"] for one in page["data"]])
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    assert pages == [made[:2:-1], made[2:0:-1], made[:1]]


@pytest.mark.parametrize("asked", ["ärger", "ÄRGER", "Иван", "ИВАН", "ωMEGA", "%_", "ärger иван"])
async def test_search_takes_letters_of_all_scripts_in_any_case(api, asked):
    """And signs of SQL as they are."""
    made = await api.made("/v1/monitors", {"networks": ["dev"], "name": "Ärger Иван ΩMega 5%_"})
    await api.made("/v1/monitors", {"networks": ["dev"], "name": "other 5%"})

    _, page = await api.call("GET", "/v1/monitors", params={"search": asked})

    assert [one["id"] for one in page["data"]] == [made["id"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("network=dev", {"b"}),
        ("network=de", set()),
        ("tag=ops", {"a"}),
        ("tag=op", set()),
        ("enabled=false", {"b"}),
        ("enabled=true", {"a", "c_%"}),
        ("search=C_%25", {"c_%"}),
        ("search=_", {"c_%"}),
        ("search=Seen", {"a"}),
        ("tag=ops&network=dev", set()),
    ],
)
async def test_list_is_narrowed(api, query, names):
    """Filters narrow the list, exactly for network and tag, by part and any case for search."""
    await api.made(MONITORS, monitor(name="a", tags=["ops", "x"], note="seen it"))
    await api.made(MONITORS, monitor(name="b", networks=["dev"], enabled=False, tags=["OPS"]))
    await api.made(MONITORS, monitor(name="c_%", tags=[]))

    _, page = await api.call("GET", f"{MONITORS}?{query}")

    assert {one["name"] for one in page["data"]} == names


async def test_a_severity_is_one_of_four_words_or_nothing(api):
    """It is answered where it is set, and taken away by null."""
    body = {"networks": ["dev"], "addresses": ["0x" + "11" * 20]}
    _, plain = await api.call("POST", MONITORS, json=body)
    _, made = await api.call("POST", MONITORS, json={**body, "severity": "critical"})
    path = f"{MONITORS}/{made['id']}"
    _, renamed = await api.call("PATCH", path, json={"name": "Hot wallet"})
    _, none = await api.call("PATCH", path, json={"severity": None})
    answer, problem = await api.call("PATCH", path, json={"severity": "fatal"})

    assert made["severity"] == renamed["severity"] == "critical"
    assert "severity" not in plain.keys() | none.keys()
    assert (answer.status, problem["errors"][0]["pointer"]) == (400, "/severity")


NIGHT = {"begins": "22:00", "ends": "07:00", "timezone": "Europe/Berlin"}


async def test_how_much_a_monitor_tells_is_answered_as_it_is_kept(api):
    """A limit and hours of silence stay in other changes, and are taken away by themselves."""
    body = {"networks": ["dev"], "addresses": ["0x" + "11" * 20]}
    quiet = {"most": 3, "window_seconds": 600}
    _, plain = await api.call("POST", MONITORS, json=body)
    asked = {**body, "quiet": quiet, "silence": [NIGHT]}
    _, made = await api.call("POST", MONITORS, json=asked)
    path = f"{MONITORS}/{made['id']}"
    _, renamed = await api.call("PATCH", path, json={"name": "Hot wallet"})
    _, more = await api.call("PATCH", path, json={"quiet": {"webhooks": True}})
    _, none = await api.call("PATCH", path, json={"quiet": None, "silence": []})

    assert made["quiet"] == renamed["quiet"] == {**quiet, "webhooks": False}
    assert made["silence"] == [{**NIGHT, "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}]
    assert renamed["silence"] == made["silence"]
    assert more["quiet"] == {**quiet, "webhooks": True}
    assert {"quiet", "silence"}.isdisjoint(plain.keys() | none.keys())


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"quiet": {"most": 0, "window_seconds": 60}}, "/quiet/most"),
        ({"quiet": {"most": 1, "window_seconds": 86_401}}, "/quiet/window_seconds"),
        ({"quiet": {"most": 1}}, "/quiet/window_seconds"),
        ({"silence": [NIGHT, {**NIGHT, "timezone": "Mars/Olympus"}]}, "/silence/1/timezone"),
        ({"silence": [{**NIGHT, "begins": "24:00"}]}, "/silence/0/begins"),
    ],
)
async def test_what_cannot_be_told_so_is_refused(api, wrong, pointer):
    """With the field that is wrong."""
    body = {"networks": ["dev"], "addresses": ["0x" + "11" * 20]}
    answer, problem = await api.call("POST", MONITORS, json={**body, **wrong})

    assert (answer.status, problem["errors"][0]["pointer"]) == (400, pointer)
