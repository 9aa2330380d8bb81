"""Monitors and endpoints as files, against the real API."""

import json
import tomllib
from pathlib import Path

import pytest

from crypitor.cli.declared.apply import apply_files, export_text
from crypitor.cli.declared.remote import Remote
from crypitor.errors import ConfigError, CrypitorError, Unavailable
from tests.webhook.certificates import Authority

A, B, C = ("0x" + digit * 40 for digit in "abc")
FILE = f"""
[endpoints.accounting]
url = "https://example.com/hook"
headers = {{Authorization = {{env = "TOKEN"}}}}
format = "crypitor"

[endpoints."https://example.org/plain"]
url = "https://example.org/plain"

[monitors.Treasury]
networks = ["ethereum", "dev"]
addresses = ["{A.upper().replace("X", "x")}", {{address = "{B}", label = "hot wallet"}}]
endpoints = ["accounting", "https://example.org/plain"]
confirmations = "finalized"
tags = ["ops"]

[[monitors.Treasury.rules]]
kind = "erc20"
contracts = ["{C}", "{A}"]

[monitors."Everybody's dollars"]
networks = ["dev"]
addresses = "any"
rules = [{{kind = "erc20", contracts = ["{C}"]}}]
"""  # fmt: skip
TOKEN = {"TOKEN": "Bearer sesame"}
CREATED = "4 to create, 0 to change, 0 to delete, 0 unchanged"
NOTHING = "0 to create, 0 to change, 0 to delete, 4 unchanged"


async def mistakes_of(declared, text, **options):
    """Return what is wrong with a file, and make sure that nothing of it was done."""
    with pytest.raises(ConfigError) as raised:
        await declared.apply(text, name="my.toml", **options)
    assert await declared.listed("endpoints") == await declared.listed("monitors") == []
    return [line.replace(str(declared.folder) + "/", "") for line in raised.value.mistakes]


async def test_what_a_file_declares_is_there(declared):
    """
    Endpoints, monitors, their names for each other, and headers from the environment.
    """
    told = await declared.apply(FILE, environ=TOKEN)

    accounting, plain = await declared.listed("endpoints")
    everybody, treasury = await declared.listed("monitors")
    assert told == CREATED
    assert (accounting["description"], plain["description"]) == ("accounting", "")
    assert accounting["headers"] == {"Authorization": "Bearer sesame"}
    assert treasury["endpoints"] == [accounting["id"], plain["id"]]
    assert treasury["addresses"] == [A, {"address": B, "label": "hot wallet"}]
    assert treasury["confirmations"] == "finalized"
    assert everybody["addresses"] == "any"


async def test_it_is_in_force(declared):
    """
    The index in memory has what the file says before the command ends.
    """
    await declared.apply(FILE, environ=TOKEN)

    assert (len(declared.api.index), declared.api.index.addresses) == (2, 2)


async def test_the_second_time_changes_nothing(declared):
    """
    Not even the time of the last change.
    """
    await declared.apply(FILE, environ=TOKEN)
    before = await declared.listed("endpoints"), await declared.listed("monitors")
    declared.api.clock.now += 1000
    told = await declared.apply(FILE, environ=TOKEN)

    assert told == NOTHING
    assert (await declared.listed("endpoints"), await declared.listed("monitors")) == before


@pytest.mark.parametrize("form", ["toml", "json"])
async def test_what_is_exported_can_be_applied(declared, form):
    """
    To the same service it changes nothing; to one that is empty it makes the same again.
    """
    await declared.apply(FILE, environ=TOKEN)
    text = await declared.export(form)
    told = await declared.apply(text, name=f"again.{form}", prune=True)
    for table in ("monitors", "endpoints"):
        for one in await declared.listed(table):
            await declared.api.call("DELETE", f"/v1/{table}/{one['id']}")
    await declared.apply(text.replace('"***"', '"new"'), name=f"elsewhere.{form}", prune=True)

    assert told == NOTHING
    assert (await declared.export(form)) == text


async def test_no_secret_is_exported(declared):
    """
    Neither what signs nor what the user's headers hold.
    """
    await declared.apply(FILE, environ=TOKEN)
    text = await declared.export()

    assert "whsec_" not in text
    assert "sesame" not in text
    assert tomllib.loads(text)["endpoints"]["accounting"]["headers"] == {"Authorization": "***"}


async def test_the_difference_is_readable_and_dry_run_makes_none(declared):
    """
    Field by field, before and after; no value of a header.
    """
    await declared.apply(FILE, environ=TOKEN)
    before = await declared.listed("monitors")
    changed = FILE.replace('["ops"]', '["ops", "eu"]').replace(f'"{B}"', f'"{C}"')
    await declared.apply(changed, environ={"TOKEN": "other"}, dry_run=True)

    assert declared.told == [
        "~ endpoint accounting",
        '    headers: {"Authorization": "***"} → {"Authorization": "***"}',
        "~ monitor Treasury",
        '    tags: ["ops"] → ["ops", "eu"]',
        f"    addresses: + {C} (hot wallet)",
        f"    addresses: - {B} (hot wallet)",
        "0 to create, 2 to change, 0 to delete, 2 unchanged",
    ]
    assert await declared.listed("monitors") == before


async def test_changes_are_made(declared):
    """
    What a file no longer says goes back to its default.
    """
    await declared.apply(FILE, environ=TOKEN)
    text = FILE.replace('headers = {Authorization = {env = "TOKEN"}}', "ordered = true")
    text = text.replace('confirmations = "finalized"', "").replace(', label = "hot wallet"', "")
    text = text.replace('["accounting", ', "[").replace('format = "crypitor"', "")
    told = await declared.apply(text)

    accounting, plain = await declared.listed("endpoints")
    _, treasury = await declared.listed("monitors")
    assert told == "0 to create, 2 to change, 0 to delete, 2 unchanged"
    assert (accounting["headers"], accounting["ordered"]) == ({}, True)
    assert accounting["format"] == "standard"
    assert (treasury["confirmations"], treasury["endpoints"]) == (None, [plain["id"]])
    assert treasury["addresses"] == [A, B]


async def test_only_prune_deletes(declared):
    """
    What no file declares stays, and is counted, unless it is asked for.
    """
    await declared.apply(FILE, environ=TOKEN)
    text = '[monitors.Treasury]\nnetworks = ["dev"]\nendpoints = ["accounting"]\n'
    kept = await declared.apply(text)
    still = len(await declared.listed("monitors"))
    pruned = await declared.apply(text, prune=True)

    assert kept.endswith("0 to delete, 0 unchanged; 2 that no file declares stay")
    assert still == 2
    assert pruned == "0 to create, 0 to change, 2 to delete, 1 unchanged"
    assert [one["description"] for one in await declared.listed("endpoints")] == ["accounting"]
    assert [one["name"] for one in await declared.listed("monitors")] == ["Treasury"]


async def test_files_add_up(declared):
    """
    A monitor names an endpoint of another file, TOML or JSON.
    """
    toml, document = declared.folder / "a.toml", declared.folder / "b.json"
    toml.write_text('[monitors.M]\nnetworks = ["dev"]\nendpoints = ["E"]\n')
    document.write_text(json.dumps({"endpoints": {"E": {"url": "https://example.com/"}}}))
    told = await declared.apply_all([str(toml), str(document)])

    assert told == "2 to create, 0 to change, 0 to delete, 0 unchanged"


async def test_more_addresses_than_fit_into_one_body(declared):
    """
    They go in a stream of their own, and only what differs goes.
    """
    many = [f"0x{number:040x}" for number in range(10_500)]
    first = json.dumps({"monitors": {"M": {"networks": ["dev"], "addresses": many}}})
    entries = [{"address": many[1], "label": "one"}, *many[2:], "0x" + "f" * 40]
    second = json.dumps({"monitors": {"M": {"networks": ["dev"], "addresses": entries}}})
    await declared.apply(first, name="m.json")
    await declared.apply(second, name="m.json")
    again = await declared.apply(second, name="m.json")
    exported = tomllib.loads(await declared.export())["monitors"]["M"]["addresses"]

    assert again == "0 to create, 0 to change, 0 to delete, 1 unchanged"
    assert declared.api.index.addresses == len(exported) == len(many)
    assert exported[0] == {"address": many[1], "label": "one"}
    assert exported[-1] == "0x" + "f" * 40


async def test_all_mistakes_are_named_with_file_line_and_key(declared):
    """
    At once, and before anything is done.
    """
    text = f"""[endpoints.accounting]
url = "ftp://example.com"
speed = 9
[endpoints.other]
url = "https://example.com"
[endpoints.other.headers]
X = {{env = "NOT_THERE"}}
Y = "***"
[monitors.Treasury]
networks = []
addresses = [
  "{A}",
  "0x12",
]
endpoints = ["accounting", "nobody"]
webhook = {{url = "https://example.com"}}
name = "Other"
[[monitors.Treasury.rules]]
kind = "native"
[[monitors.Treasury.rules]]
kind = "erc20"
contracts = [
  "0x34"]
[things]
"""
    file_alone = await mistakes_of(declared, text)
    text = text.replace('  "0x12",\n', "").replace("[things]", "")
    compared = await mistakes_of(declared, text)

    assert [line.rpartition(": ")[0] for line in file_alone] == [
        "my.toml:13: monitors.Treasury.addresses[1]",
        "my.toml:24: things",
    ]
    assert [line.split(": ")[:2] for line in compared] == [
        ["my.toml:3", "endpoints.accounting.speed"],
        ["my.toml:7", "endpoints.other.headers.X"],
        ["my.toml:8", "endpoints.other.headers.Y"],
        ["my.toml:15", "monitors.Treasury.webhook"],
        ["my.toml:10", "monitors.Treasury.networks"],
        ["my.toml:22", "monitors.Treasury.rules[1].contracts[0]"],
    ]


@pytest.mark.parametrize(
    "text, told",
    [
        ('{"monitors": \n ["}', "my.toml:2: is not JSON"),
        ("[monitors.a\n", "my.toml: is not TOML: "),
        ('monitors = "x"', "my.toml:1: monitors: this is a table"),
        ("\n[monitors]\nx = 1", "my.toml:3: monitors.x: this is a table"),
        ('[monitors." "]', 'my.toml:1: monitors." ": the key must not be empty'),
        ('[monitors.x]\naddresses = "all"', "my.toml:2: monitors.x.addresses: this has to be a list"),
        ('[endpoints.e]\nurl="gopher://x"', "my.toml:2: endpoints.e.url: the URL has to begin"),
        ('[endpoints.e]\nurl="https://x.y"\nheaders=3', "my.toml:3: endpoints.e.headers: this has"),
        (
            '[endpoints.e]\nurl="https://x.y"\ndescription="f"',
            "my.toml:3: endpoints.e.description: an endpoint is known by",
        ),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_read(declared, text, told):
    """
    One line that says where and what.
    """
    [mistake] = await mistakes_of(declared, text)

    assert mistake.startswith(told)


async def test_what_the_service_refuses_is_found_in_the_file(declared):
    """
    Its pointer becomes file, line and key; what was done before stays.
    """
    text = (
        '[endpoints.e]\nurl = "https://example.com/"\n'
        '[monitors.M]\nnetworks = [\n  "dev",\n  "mars",\n]\n'
    )
    with pytest.raises(
        CrypitorError, match=r"my\.toml:6: monitors\.M\.networks\[1\]: unknown network"
    ):
        await declared.apply(text, name="my.toml")

    assert len(await declared.listed("endpoints")) == 1


async def test_two_of_one_name(declared):
    """
    A name that two have says of neither which one is meant; a file has a name once.
    """
    text = '[monitors.M]\nnetworks = ["dev"]\n'
    for _ in range(2):
        await declared.api.made("/v1/monitors", {"name": "M", "networks": ["dev"]})
    with pytest.raises(ConfigError, match="the service has 2 of this name"):
        await declared.apply(text)
    (declared.folder / "b.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"b\.toml:1: monitors\.M: stands in .*crypitor\.toml:1"):
        await declared.apply_all([str(declared.folder / n) for n in ("crypitor.toml", "b.toml")])


async def test_those_of_one_name_are_known_by_their_ids(declared):
    """
    And those without a name: what is exported can be applied, and changes nothing.
    """
    for name in ("M", "M", "", "other"):
        await declared.api.made("/v1/monitors", {"name": name, "networks": ["dev"]})
    ends = [
        await declared.api.made("/v1/endpoints", {"url": url, "description": "same"})
        for url in ("https://example.com/1", "https://example.com/2")
    ]
    await declared.api.made(
        "/v1/monitors", {"name": "told", "networks": ["dev"], "endpoints": [ends[1]["id"]]}
    )
    text = await declared.export()
    file = tomllib.loads(text)

    by_id = {one["id"]: one for one in await declared.listed("monitors")}
    named = {by_id[key]["name"] for key in file["monitors"] if key in by_id}
    assert named == {"M", ""}
    assert {"other", "told"} < set(file["monitors"])
    assert set(file["endpoints"]) == {one["id"] for one in ends}
    assert file["monitors"]["told"]["endpoints"] == [ends[1]["id"]]
    told = await declared.apply(text, prune=True)
    assert told == "0 to create, 0 to change, 0 to delete, 7 unchanged"


async def test_an_id_as_key_renames(declared):
    """
    The monitor, with all that it had, gets another name; so does an endpoint.
    """
    made = await declared.api.made("/v1/monitors", {"name": "Old", "networks": ["dev"]})
    end = await declared.api.made(
        "/v1/endpoints", {"url": "https://example.com/", "description": "old"}
    )
    text = (
        f'[monitors.{made["id"]}]\nname = "New"\nnetworks = ["dev"]\n'
        f'[endpoints.{end["id"]}]\nurl = "https://example.com/"\ndescription = "new"\n'
    )
    told = await declared.apply(text, prune=True)

    assert told == "0 to create, 2 to change, 0 to delete, 0 unchanged"
    (monitor,), (endpoint,) = await declared.listed("monitors"), await declared.listed("endpoints")
    assert (monitor["id"], monitor["name"]) == (made["id"], "New")
    assert (endpoint["id"], endpoint["description"]) == (end["id"], "new")


async def test_an_id_that_is_not_there_is_no_name(declared):
    """
    A file of another service is not taken for something new.
    """
    key = "mo_" + "0" * 26
    found = await mistakes_of(declared, f'[monitors.{key}]\nnetworks = ["dev"]\n')

    told = "the service has none with this id; what is new has a name as its key"
    assert found == [f"my.toml:1: monitors.{key}: {told}"]


async def test_a_new_name_in_a_file_is_warned_of(declared):
    """
    It is a deletion and a creation: the line says how to keep what is there.
    """
    await declared.apply('[monitors.Old]\nnetworks = ["dev"]\n')
    (old,) = await declared.listed("monitors")
    renamed = '[monitors.New]\nnetworks = ["dev"]\n'
    different = '[monitors.New]\nnetworks = ["ethereum"]\n'

    def warned(lines):
        return [line for line in lines if line.startswith("! ")]

    (line,) = warned(await declared.lines(renamed, prune=True, dry_run=True))
    assert f'let its key be {old["id"]}, with name = "New"' in line
    assert warned(await declared.lines(renamed, dry_run=True)) == []
    assert warned(await declared.lines(different, prune=True, dry_run=True)) == []


async def test_secrets_are_shown_where_it_is_asked_for(declared):
    """
    Of the endpoints that are made, and in no other case.
    """
    text = '[endpoints.e]\nurl = "https://example.com/"\n'
    assert not any("whsec_" in line for line in await declared.lines(text, dry_run=True))
    (line,) = [line for line in await declared.lines(text, show_secrets=True) if "whsec_" in line]
    (made,) = await declared.listed("endpoints")
    _, secret = await declared.api.call("GET", f"/v1/endpoints/{made['id']}/secret")

    assert line == f"endpoint e: its secret is {secret['secret']}"
    again = await declared.lines(text.replace("com/", "com/b"), show_secrets=True)
    assert not any("whsec_" in line for line in again)


async def test_without_a_key_it_is_said_what_to_do(declared):
    """
    And with a wrong one.
    """
    for key, told in (("", "no key was given"), ("ke_wrong", "another key is needed")):
        with pytest.raises(CrypitorError, match=f"{told}: name one by --key or CRYPITOR_KEY"):
            await export_text(Remote(declared.api.url, key), "toml")


async def test_no_service_and_no_file(declared):
    """
    Both are told in one sentence.
    """
    (declared.folder / "empty.toml").write_text("")
    nobody = Remote("http://127.0.0.1:1", "key")

    with pytest.raises(
        Unavailable,
        match=r"http://127\.0\.0\.1:1 cannot be reached: connection refused; nothing listens there",
    ):
        await apply_files(
            [str(declared.folder / "empty.toml")], nobody, print, prune=False, dry_run=False
        )
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        await declared.apply_all([str(Path(declared.folder, "missing.toml"))])


async def test_rules_of_every_kind_come_back_as_they_are(declared):
    """
    Conditions, signatures in both forms and flags survive the way to the service and back.
    """
    abi = {
        "type": "function", "name": "transfer",
        "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
    }  # fmt: skip
    rules = [
        {"kind": "native", "include_failed": True, "where": "amount >= 1.5 ether"},
        {"kind": "event", "signature": "event Ping(address indexed who, uint256 n)",
         "contracts": [C], "where": "args.n > 0"},
        {"kind": "call", "signature": abi, "where": "status == 'success'"},
        {"kind": "deployment", "direction": "out"},
        {"kind": "transaction", "direction": "out", "where": "transaction.fee > 1", "include_failed": False},
        {"kind": "transaction", "direction": "all", "include_failed": True},
        {"kind": "withdrawal", "where": "amount > 32 ether"},
        {"kind": "delegation"},
        {"kind": "internal", "direction": "in", "where": "amount > 0"},
        {"kind": "transaction", "direction": "out", "include_failed": False},
        {"kind": "transaction"},
        {"kind": "withdrawal", "where": "amount >= 32 ether"},
        {"kind": "delegation"},
    ]  # fmt: skip
    monitor = {"networks": ["ethereum"], "addresses": [A], "rules": rules}
    text = json.dumps({"monitors": {"M": monitor}})
    unchanged = "0 to create, 0 to change, 0 to delete, 1 unchanged"
    await declared.apply(text, name="m.json")
    again = await declared.apply(text, name="m.json")
    exported = [await declared.export(form) for form in ("toml", "json")]
    back = [
        await declared.apply(exported[0], name="back.toml"),
        await declared.apply(exported[1], name="back.json"),
    ]

    [held] = await declared.listed("monitors")
    assert [again, *back] == [unchanged] * 3
    assert [rule["kind"] for rule in held["rules"]] == [rule["kind"] for rule in rules]
    assert held["rules"][0]["where"] == "amount >= 1.5 ether"


async def test_tls_of_an_endpoints_own_is_applied_and_exported(declared):
    """From the environment; again, and from an export, it changes nothing."""
    authority = Authority()
    client = authority.sign("crypitor")
    pems = {"CA": authority.pem, "CERTIFICATE": client.certificate, "KEY": client.key}
    parts = ", ".join(f'{name.lower()} = {{env = "{name}"}}' for name in pems)
    text = f"""[endpoints.inside]
url = "https://example.com/hook"
tls = {{{parts}}}
success = {{status = "200", body = {{pointer = "/ok", value = true}}}}
"""
    created = await declared.apply(text, environ=pems)
    again = await declared.apply(text, environ=pems)
    exported = await declared.export()
    from_export = await declared.apply(exported)
    other = {**pems, "CA": Authority("Another").pem}
    changed = await declared.apply(text, environ=other)

    assert created.startswith("1 to create")
    assert again == from_export == "0 to create, 0 to change, 0 to delete, 1 unchanged"
    assert changed.startswith("0 to create, 1 to change")
    assert "BEGIN" not in exported
    with pytest.raises(ConfigError, match="the service has another or none"):
        await declared.apply(exported)
