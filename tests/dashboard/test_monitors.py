"""The form of a monitor, and what can be done with one."""

import html
import io
import json

import aiohttp
import pytest
from aiohttp import FormData
from hypothesis import given
from hypothesis import strategies as st

from crypitor.api.monitors.asked import monitor_of
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.monitors.document import document
from crypitor.dashboard.monitors.beginnings import BEGINNINGS
from crypitor.dashboard.monitors.copies import toml_of
from crypitor.dashboard.monitors.form import body_of, fields_of, kinds
from crypitor.dashboard.monitors.where import checked
from crypitor.monitor.models import Kind
from crypitor.webhook.silence import DAYS

A, B = "0x" + "11" * 20, "0x" + "22" * 20
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
TRANSFER_ABI = {
    "type": "event", "name": "Transfer", "anonymous": False,
    "inputs": [
        {"name": "from", "type": "address", "indexed": True},
        {"name": "to", "type": "address", "indexed": True},
        {"name": "value", "type": "uint256", "indexed": False},
    ],
}  # fmt: skip


def test_the_form_has_every_kind_of_rule():
    """The kinds, and the fields of each, are those that the API takes."""
    assert set(kinds()) == {kind.value for kind in Kind}
    assert kinds()["native"].fields == ("direction", "include_failed", "where")
    assert "signature" in kinds()["event"].needed


_words = st.text(
    st.characters(blacklist_categories=("C", "Z"), blacklist_characters=',"\\'),
    min_size=1,
    max_size=20,
)
_rules = st.one_of(
    st.builds(lambda d, f: {"kind": "native", "direction": d, **({"include_failed": True} if f else {})}, st.sampled_from(["all", "in", "out"]), st.booleans()),
    st.builds(lambda k, c: {"kind": k, **({"contracts": c} if c else {})}, st.sampled_from(["erc20", "erc721", "erc1155"]), st.lists(st.sampled_from([A, B]), unique=True)),
    st.builds(lambda w: {"kind": "event", "signature": TRANSFER, **w}, st.sampled_from([{}, {"where": "args.value > 10**18"}])),
    st.just({"kind": "call", "signature": {"type": "function", "name": "f", "inputs": [{"name": "x", "type": "uint256"}]}}),
)  # fmt: skip
_clocks = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
_bodies = st.fixed_dictionaries(
    {
        "name": _words,
        "networks": st.sampled_from([["dev"], ["ethereum", "dev"]]),
        "rules": st.lists(_rules, min_size=1, max_size=6),
        "notify": st.sampled_from([[], ["detected"], ["detected", "confirmed", "reverted"]]),
        "confirmations": st.one_of(st.none(), st.sampled_from(["safe", "finalized"]), st.integers(1, 100_000)),
        "tags": st.lists(_words, unique=True, max_size=3),
        "note": _words,
        "enabled": st.booleans(),
        "endpoints": st.lists(st.sampled_from(["ep_1", "ep_2"]), unique=True),
        "quiet": st.none() | st.fixed_dictionaries({
            "most": st.integers(1, 1000), "window_seconds": st.integers(1, 86_400), "webhooks": st.booleans(),
        }),
        "silence": st.lists(st.fixed_dictionaries({
            "begins": _clocks, "ends": _clocks, "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
            "days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
        }), max_size=3),
    }
)  # fmt: skip


@given(_bodies)
def test_the_form_gives_back_what_it_was_given(body):
    """Whatever a monitor is, saving its form unchanged changes nothing."""
    whole = monitor_of(MonitorBody.model_validate(body), "mo_1", "pr_1", 0, 0, None)
    stored = document(whole)
    again = body_of(fields_of({**stored, "addresses": [], "updated_at": ""}))
    changed = monitor_of(MonitorBody.model_validate(again), "mo_1", "pr_1", 0, 0, None)

    assert document(changed) == {**stored, "networks": document(changed)["networks"]}
    assert set(changed.networks) == set(whole.networks)


@given(_bodies)
def test_a_monitor_copied_as_toml_is_the_same_monitor(body):
    """Whatever is in its names: the text is read back to the same values."""
    import tomllib

    kept = {name: value for name, value in body.items() if value is not None}
    [[name, table]] = tomllib.loads(toml_of(kept))["monitors"].items()

    assert name == kept.pop("name")
    assert table == kept


@pytest.mark.parametrize(
    "fields, mistake, position",
    [
        ({"kind": "erc20", "where": "amount >= 1 ether"}, "", None),
        ({"kind": "erc20", "where": "amount >= "}, "", 10),
        (
            {"kind": "native", "where": "contract == '0x'"},
            "a rule of kind native has no contract",
            0,
        ),
        ({"kind": "event", "signature": TRANSFER, "where": "args.value > 1"}, "", None),
        ({"kind": "event", "signature": TRANSFER, "where": "args.valu > 1"}, "unknown field", 0),
    ],
)
def test_a_condition_is_checked_while_it_is_written(fields, mistake, position):
    """Right or wrong, and where; the names that may be used are those of its rule."""
    check = checked({f"rule-3-{name}": text for name, text in fields.items()}, 3)

    assert mistake in check.mistake
    assert (check.position is None) == (position is None)
    assert ("args.value" in check.names) == (fields["kind"] == "event")
    assert ("amount" in check.names) == (fields["kind"] != "event")


def test_without_its_signature_nothing_is_said_of_a_condition():
    """What is wrong with the signature comes first."""
    check = checked(
        {"rule-0-kind": "event", "rule-0-signature": "E(uint256", "rule-0-where": "x"}, 0
    )

    assert check.signature
    assert not check.mistake


async def test_a_monitor_is_made_by_the_form(api, admin):
    """What was typed is what the API has, with its addresses, and the page of it is next."""
    await admin.get("/monitors/new")
    made = await admin.post(
        "/monitors/new",
        {
            "name": "Treasury", "network-dev": "on", "addresses": f"{A}, hot wallet\n{B}\n",
            "rule-0-kind": "native", "rule-0-direction": "in", "rule-0-where": "amount >= 1 ether",
            "rule-0-include_failed": "on", "rule-1-kind": "event", "rule-1-signature": TRANSFER,
            "rule-1-contracts": f"{A}\n{B}", "notify-detected": "on", "confirmations": "3",
            "tags": "ops, cold", "note": "ours", "enabled": "on",
        },
    )  # fmt: skip
    _, monitor = await api.call("GET", f"/v1{made.to}")

    assert made.status == 303
    assert monitor["addresses"] == [{"address": A, "label": "hot wallet"}, B]
    assert monitor["rules"] == [
        {"kind": "native", "direction": "in", "where": "amount >= 1 ether", "include_failed": True},
        {"kind": "event", "signature": TRANSFER, "contracts": [A, B]},
    ]
    assert (monitor["notify"], monitor["confirmations"], monitor["tags"]) == (
        ["detected"],
        3,
        ["ops", "cold"],
    )
    assert "Treasury" in (await admin.get(made.to)).html.words


@pytest.mark.parametrize("name", BEGINNINGS)
async def test_a_monitor_is_made_of_each_beginning(api, admin, name):
    """Its rules are in the form, and once the rest is said the API takes them."""
    page = (await admin.get(f"/monitors/new?begin={name}")).html
    begin = BEGINNINGS[name]
    contracts = {
        f"rule-{place}-contracts": A
        for place, rule in enumerate(begin.rules)
        if begin.anybody and rule["kind"] in ("erc20", "event", "call")
    }
    addresses = {} if begin.anybody else {"addresses": f"{A}, wallet"}
    fields = {"network-dev": "on", "notify-detected": "on", **begin.fields(), **contracts}
    made = await admin.post("/monitors/new", {**fields, **addresses})
    _, monitor = await api.call("GET", f"/v1{made.to}")

    assert begin.fills in html.unescape(page.words)
    assert made.status == 303
    assert [rule["kind"] for rule in monitor["rules"]] == [rule["kind"] for rule in begin.rules]


async def test_what_is_wrong_is_told_with_everything_kept(admin):
    """Each mistake with its place; nothing that was typed is lost."""
    await admin.get("/monitors/new")
    answer = await admin.post(
        "/monitors/new",
        {
            "name": "Treasury",
            "addresses": "0x12",
            "rule-0-kind": "native",
            "rule-0-where": "amont > 1",
        },
    )

    assert answer.status == 400
    assert "/rules/0/where" in answer.html.words or "/networks" in answer.html.words
    assert 'value="Treasury"' in answer.html.text
    assert "0x12" in answer.html.text
    assert "amont &gt; 1" in answer.html.text


async def test_rules_are_added_and_taken_away_without_a_script(admin):
    """By buttons of the form, which is drawn again and stores nothing."""
    await admin.get("/monitors/new")
    more = await admin.post("/monitors/new", {"rule-0-kind": "native", "do": "add"})
    less = await admin.post(
        "/monitors/new", {"rule-0-kind": "native", "rule-1-kind": "call", "do": "drop:0"}
    )

    assert 'name="rule-1-kind"' in more.html.text
    assert 'name="rule-0-kind"' not in less.html.text
    assert "<option selected>call</option>" in less.html.text
    assert "No monitor yet" in (await admin.get("/monitors")).html.words


async def test_a_signature_is_picked_from_a_pasted_abi(admin):
    """Events for a rule of events, with their arguments; what is chosen is in the form."""
    other = {"type": "function", "name": "transfer", "inputs": []}
    fields = {"rule-0-kind": "event", "rule-0-abi": json.dumps([other, TRANSFER_ABI])}
    await admin.get("/monitors/new")
    shown = await admin.post("/monitors/new", {**fields, "do": "draw"})
    picked = await admin.post("/monitors/new", {**fields, "do": "pick:0:0"})

    assert "Transfer(address indexed from, address indexed to, uint256 value)" in shown.html.text
    assert "<code>transfer()" not in shown.html.text
    assert "&#34;name&#34;:&#34;Transfer&#34;" in picked.html.text


async def test_the_second_of_two_editors_is_told(api, admin):
    """Who saves what was opened before another's change loses nothing and overwrites nothing."""
    made = await api.made("/v1/monitors", {"name": "first", "networks": ["dev"]})
    path = f"/monitors/{made['id']}/edit"
    opened = (await admin.get(path)).html.forms
    seen = next(form["fields"]["updated_at"] for form in opened if "updated_at" in form["fields"])
    api.clock.now += 5_000
    await api.call("PATCH", f"/v1/monitors/{made['id']}", json={"name": "theirs"})
    fields = {"name": "mine", "network-dev": "on", "rule-0-kind": "native", "enabled": "on"}
    refused = await admin.post(path, {**fields, "updated_at": seen})
    _, kept = await api.call("GET", f"/v1/monitors/{made['id']}")
    again = next(
        form["fields"]["updated_at"]
        for form in refused.html.forms
        if "updated_at" in form["fields"]
    )
    saved = await admin.post(path, {**fields, "updated_at": again})
    _, changed = await api.call("GET", f"/v1/monitors/{made['id']}")

    assert refused.status == 409
    assert "somebody changed this" in refused.html.words
    assert 'value="mine"' in refused.html.text
    assert "theirs" in refused.html.text
    assert (kept["name"], saved.status, changed["name"]) == ("theirs", 303, "mine")


async def test_a_form_says_how_much_a_monitor_tells_and_when(api, admin):
    """It is on the monitor's page; saved as shown it stays, and emptied fields take it away."""
    fields = {"network-dev": "on", "rule-0-kind": "erc721", "rule-0-contracts": A, "any": "on"}
    hush = {
        "quiet_most": "3",
        "quiet_window_seconds": "600",
        "silence": "22:00 07:00 Europe/Berlin mon",
    }
    await admin.get("/monitors/new")
    made = await admin.post("/monitors/new", {**fields, **hush, "quiet_webhooks": "on"})
    path, page = f"{made.to}/edit", (await admin.get(made.to)).html.words
    _, stored = await api.call("GET", f"/v1{made.to}")
    opened = (await admin.get(path)).html
    shown = next(form["fields"] for form in opened.forms if "updated_at" in form["fields"])
    sent = {**fields, "updated_at": shown["updated_at"]}
    wrong = await admin.post(path, {**sent, "quiet_most": "3", "silence": "22:00 25:00"})
    await admin.post(path, {**sent, **hush})
    _, changed = await api.call("GET", f"/v1{made.to}")
    await admin.post(path, {**sent, "updated_at": changed["updated_at"]})
    _, none = await api.call("GET", f"/v1{made.to}")
    plain = (await admin.get(made.to)).html.words

    assert stored["quiet"] == {"most": 3, "window_seconds": 600, "webhooks": True}
    night = {"begins": "22:00", "ends": "07:00", "timezone": "Europe/Berlin", "days": ["mon"]}
    assert stored["silence"] == changed["silence"] == [night]
    assert changed["quiet"] == {**stored["quiet"], "webhooks": False}
    assert "at most 3 messages in 600 seconds to each endpoint" in page
    assert "22:00 to 07:00 in Europe/Berlin on mon" in page
    for value in (
        'value="3"',
        'value="600"',
        'name="quiet_webhooks" checked',
        f">{hush['silence']}<",
    ):
        assert value in opened.text
    assert (wrong.status, ">22:00 25:00<" in wrong.html.text) == (400, True)
    assert "this has to be a whole number" in wrong.html.words
    assert {"quiet", "silence"}.isdisjoint(none)
    assert "Quiet" not in plain


async def test_a_pause_can_be_undone(api, admin):
    """The next page says what was done and has a button that takes it back."""
    made = await api.made("/v1/monitors", {"name": "m", "networks": ["dev"]})
    path = f"/monitors/{made['id']}"
    await admin.get(path)
    await admin.post(f"{path}/enabled", {"enabled": "false"})
    paused = await admin.get(path)
    _, off = await api.call("GET", f"/v1{path}")
    await admin.post(f"{path}/resumed")
    _, on = await api.call("GET", f"/v1{path}")

    assert "It is paused" in paused.html.words
    assert f"{path}/resumed" in {form["action"] for form in paused.html.forms}
    assert (off["enabled"], on["enabled"]) == (False, True)


async def test_addresses_come_by_paste_and_by_file_and_go(api, admin):
    """Each valid line is taken; the first that is not is told with its number."""
    made = await api.made("/v1/monitors", {"name": "m", "networks": ["dev"]})
    path = f"/monitors/{made['id']}"
    token = (await admin.get(path)).html.token
    lines = "".join(f"0x{number:040x},wallet {number}\n" for number in range(1, 30_001))
    for fields in (
        {"pasted": f"{A}, hot wallet\nnonsense\n", "do": "add", "file": ("", b"")},
        {"pasted": "", "do": "add", "file": ("many.csv", lines.encode())},
        {"pasted": A, "do": "remove", "file": ("", b"")},
    ):
        form = FormData(default_to_multipart=True)
        form.add_field("token", token)
        form.add_field("do", fields["do"])
        form.add_field("pasted", fields["pasted"])
        form.add_field("file", io.BytesIO(fields["file"][1]), filename=fields["file"][0] or "none")
        answer = await admin.post(f"{path}/addresses", data=form)
        assert (answer.status, answer.to) == (303, path)
        said = (await admin.get(path)).html.words
        assert {"add": "added", "remove": "removed"}[fields["do"]] in said
        if "nonsense" in fields["pasted"]:
            assert "1 not taken; line 2:" in said
    _, page = await api.call("GET", f"/v1{path}/addresses?search={A}")
    _, monitor = await api.call("GET", f"/v1{path}")

    assert page["data"] == []
    assert monitor["address_count"] == 30_000


async def test_a_monitor_is_copied_searched_and_deleted(api, admin):
    """A copy begins as the other; the search finds by name; deleting says what it takes along."""
    made = await api.made(
        "/v1/monitors", {"name": "Treasury", "networks": ["dev"], "addresses": [A]}
    )
    path = f"/monitors/{made['id']}"
    copied = await admin.get(f"/monitors/new?like={made['id']}")
    found, missed = (
        await admin.get("/monitors?search=treas"),
        await admin.get("/monitors?search=nobody"),
    )
    shown = await admin.get(path)
    gone = await admin.post(f"{path}/delete")

    assert 'value="Treasury (copy)"' in copied.html.text
    assert f'href="{path}"' in found.html.text
    assert f'href="{path}"' not in missed.html.text
    assert "It takes 1 address along" in shown.html.words
    assert (gone.to, (await api.call("GET", f"/v1{path}"))[0].status) == ("/monitors", 404)


async def test_a_list_without_one_address_is_refused_on_the_page(api, admin):
    """With what is wrong, beside the form that was sent; not on a page of its own."""
    made = await api.made("/v1/monitors", {"networks": ["dev"], "addresses": ["0x" + "11" * 20]})
    await admin.get(f"/monitors/{made['id']}")
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in (("token", admin.last.token), ("pasted", "0x12"), ("do", "add")):
        form.add_field(name, value)
    refused = await admin.post(f"/monitors/{made['id']}/addresses", data=form)

    assert refused.status == 422
    assert "an address is 0x and 40 hex digits" in refused.html.words
    assert "Match past blocks" in refused.html.words
