"""Addresses of a monitor: three forms, streamed, each valid one taken once."""

import asyncio
import gc
import io
import json
import time

import pytest

from crypitor.evm.address import checksummed

ALL_DATABASES = True
A, B, C = (f"0x{digit * 40}" for digit in "abc")
MOST_HELD = 0.1
"""Of the work, at a stretch."""


@pytest.fixture
async def path(api) -> str:
    """Return the addresses of a new monitor that has none."""
    made = await api.made("/v1/monitors", {"networks": ["ethereum"]})
    return f"/v1/monitors/{made['id']}/addresses"


def sent(media: str, text: str | bytes) -> dict:
    """Return what sends a body of a type."""
    raw = text.encode() if isinstance(text, str) else text
    return {"data": io.BytesIO(raw), "headers": {"Content-Type": media}}


BODIES = {
    "json": sent("application/json", json.dumps({"addresses": [A, {"address": B, "label": "hot, 1"}]})),
    "csv": sent("text/csv", f'{A}\n{B},"hot, 1"\n'),
    "csv with header": sent("text/csv; charset=utf-8", f'\ufeffAddress,Label\r\n{A},\r\n\r\n {B} , "hot, 1"\r\n'.replace(' , "', ',"')),
    "ndjson": sent("application/x-ndjson", f'"{A}"\n{{"address":"{B}","label":"hot, 1"}}'),
}  # fmt: skip


@pytest.mark.parametrize("form", BODIES)
async def test_each_form_is_taken(api, path, form):
    """JSON, CSV and NDJSON of the same entries do the same."""
    options = {**BODIES[form], "data": io.BytesIO(BODIES[form]["data"].getvalue())}

    answer, added = await api.call("POST", path, **options)

    _, listed = await api.call("GET", path)
    assert answer.status == 200
    assert added == {
        "added": 2,
        "already_present": 0,
        "invalid": [],
        "invalid_count": 0,
        "armed_from": {"ethereum": 101},
    }
    assert listed["data"] == [{"address": A, "label": None}, {"address": B, "label": "hot, 1"}]


async def test_addresses_are_in_the_index_before_the_answer(api, path):
    """When POST has answered the index finds each address, and after DELETE none."""
    await api.call("POST", path, json={"addresses": [A, B]})
    there = [api.index.look_up(address) is not None for address in (A, B)]

    await api.call("DELETE", path, json={"addresses": [A]})

    assert there == [True, True]
    assert [api.index.look_up(address) is not None for address in (A, B)] == [False, True]


async def test_none_is_counted_twice(api, path):
    """An address that comes again, in the call or in a later one, is already present."""
    _, first = await api.call("POST", path, json={"addresses": [A, A.upper().replace("X", "x"), B]})
    _, second = await api.call("POST", path, json={"addresses": [B, C]})

    assert (first["added"], first["already_present"]) == (2, 1)
    assert (second["added"], second["already_present"]) == (1, 1)


async def test_label_of_a_present_address_is_replaced(api, path):
    """A new label takes the place of the old one; none leaves it."""
    await api.call(
        "POST",
        path,
        json={"addresses": [{"address": A, "label": "old"}, {"address": B, "label": "kept"}]},
    )
    await api.call("POST", path, json={"addresses": [{"address": A, "label": "new"}, B]})

    _, listed = await api.call("GET", path)
    [watching] = api.index.watching(api.index.look_up(A))
    assert [one["label"] for one in listed["data"]] == ["new", "kept"]
    assert watching.labels.few == {A: "new", B: "kept"}


INVALID = [
    ("text/csv", f"{A}\nnonsense\n{A},a,b\n{B}\n\n0x12,x", [
        (2, "nonsense", "an address is 0x and 40 hex digits"),
        (3, f"{A},a,b", "more than two columns; quote a label that holds a comma"),
        (6, "0x12,x", "an address is 0x and 40 hex digits"),
    ]),
    ("text/csv", f'{A},"open\n{B}', [(1, f'{A},"open', "the quotes are wrong: unexpected end of data")]),
    ("text/csv", A.encode() + b",\xff\n" + B.encode(), [(1, f"{A},\ufffd", "this is not UTF-8")]),
    ("application/x-ndjson", f'"{A}"\n{{"address"\n{{"label":"x"}}\n{{"address":"{B}","label":5}}', [
        (2, '{"address"', "this line is not JSON"),
        (3, '{"label":"x"}', 'this has to be an address, or {"address": …, "label": …}'),
        (4, f'{{"address":"{B}","label":5}}', "a label is text without control characters"),
    ]),
    ("application/json", json.dumps({"addresses": [A, 5, None, "0x1", {"address": B, "label": "l" * 101}]}), [
        (2, "5", 'this has to be an address, or {"address": …, "label": …}'),
        (3, "null", 'this has to be an address, or {"address": …, "label": …}'),
        (4, "0x1", "an address is 0x and 40 hex digits"),
        (5, json.dumps({"address": B, "label": "l" * 101})[:100], "the label has 101 characters; the limit is 100"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("media", "text", "invalid"), INVALID)
async def test_invalid_entries_are_listed(api, path, media, text, invalid):
    """What is not valid is told with its line, its text and the reason; the rest is taken."""
    _, added = await api.call("POST", path, **sent(media, text))

    assert [(one["line"], one["value"], one["reason"]) for one in added["invalid"]] == invalid
    assert added["invalid_count"] == len(invalid)
    assert added["added"] >= 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("media", "text", "place"),
    [
        ("text/csv", "name;owner\nx;y\n", "/1"),
        ("text/csv", f"label,address\nx,0x12\n,{A[:-1]}\n", "/2"),
        ("application/x-ndjson", '{"adress": "0x1"}\n7\n', "/1"),
        ("application/json", '{"addresses": ["0x1", 7]}', "/1"),
    ],
)
async def test_a_file_of_which_nothing_is_taken_is_refused(api, path, method, media, text, place):
    """422, with each line and what is wrong with it: most often it is not the file that was meant."""
    answer, told = await api.call(method, path, **sent(media, text))

    assert answer.status == 422
    assert (len(told["errors"]), told["errors"][0]["pointer"]) == (2, place)
    assert "none of the 2 entries is an address" in told["detail"]


async def test_an_empty_list_of_a_program_is_no_mistake(api, path):
    """There was nothing to take."""
    for media, text in (("application/json", '{"addresses": []}'), ("application/x-ndjson", "")):
        answer, told = await api.call("POST", path, **sent(media, text))
        assert (answer.status, told["added"]) == (200, 0)


@pytest.mark.parametrize("text", ["", "\n\n", "address\n", "label;address\r\n"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_file_without_an_address_is_not_taken_for_a_success(api, path, method, text):
    """Most often its export failed."""
    answer, told = await api.call(method, path, **sent("text/csv", text))

    assert (answer.status, "no address in it" in told["detail"]) == (422, True)


async def test_list_of_invalid_entries_ends_at_a_thousand(api, path):
    """Of many invalid entries the first thousand are listed and all are counted."""
    _, added = await api.call("POST", path, **sent("text/csv", "x\n" * 1500 + A))

    assert (len(added["invalid"]), added["invalid_count"], added["added"]) == (1000, 1500, 1)


BROKEN = [
    f'{{"addresses": ["{A}"',
    f'{{"addresses": ["{A}",]}}',
    f'{{"addresses": ["{A}" "{B}"]}}',
    f'{{"addresses": ["{A}"]}} x',
    f'{{"addresses": ["{A}"], "x": 1}}',
    f'{{"addresses": ["{A}", oops]}}',
]


@pytest.mark.parametrize("text", BROKEN)
async def test_broken_json_is_refused_after_what_was_taken(api, path, text):
    """JSON that breaks in the middle is 400, which says how many entries before it were taken."""
    answer, problem = await api.call("POST", path, **sent("application/json", text))

    assert answer.status == 400
    assert problem["detail"].startswith(("this is not JSON", "entry 2 is not JSON"))
    assert problem["detail"].endswith("(before that, 1 were taken)")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"others": []}', "null", "\ufeff{}", '{"addresses": {}}']
)
async def test_other_json_is_refused(api, path, text):
    """JSON that is no object with one list of addresses is 400."""
    answer, _ = await api.call("POST", path, **sent("application/json", text))

    assert answer.status == 400


@pytest.mark.parametrize("media", ["application/json", "text/csv", "application/x-ndjson"])
async def test_stream_is_cut_anywhere(api, path, media):
    """However the network cuts a body into pieces, the same entries are read."""
    addresses = [f"0x{n:040x}" for n in range(300)]
    text = {
        "application/json": json.dumps({"addresses": addresses}, indent=1),
        "text/csv": "\n".join(addresses),
        "application/x-ndjson": "\n".join(map(json.dumps, addresses)),
    }[media].encode()

    async def pieces():
        for start in range(0, len(text), 7):
            yield text[start : start + 7]

    _, added = await api.call("POST", path, data=pieces(), headers={"Content-Type": media})

    assert (added["added"], added["invalid_count"]) == (300, 0)


async def test_long_list_is_taken_in_chunks_without_holding_the_loop(api, path):
    """60,000 mixed-case addresses are all taken, and the event loop answers others meanwhile."""
    addresses = [checksummed(f"0x{n * 7919:040x}") for n in range(60_000)]
    text = "\n".join(addresses)
    turns, stop = [], asyncio.Event()

    async def watch_the_loop() -> None:
        while not stop.is_set():
            before = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - before)

    gc.disable()  # a search through what all other tests have left is no work of this one's
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch_the_loop())
            _, added = await api.call("POST", path, **sent("text/csv", text))
            stop.set()
    finally:
        gc.enable()

    assert (added["added"], api.index.addresses) == (60_000, 60_000)
    assert max(turns) < MOST_HELD * sum(turns)


async def test_addresses_of_a_disabled_monitor_wait(api, path):
    """Addresses of a disabled monitor are stored, and watched once it is enabled."""
    monitor = path.removesuffix("/addresses")
    await api.call("PATCH", monitor, json={"enabled": False})
    await api.call("POST", path, json={"addresses": [A]})
    before = api.index.look_up(A)

    await api.call("PATCH", monitor, json={"enabled": True})

    assert before is None
    assert api.index.look_up(A) is not None


async def test_monitor_of_any_address_takes_none(api):
    """Adding to a monitor that watches everybody is a conflict."""
    body = {
        "networks": ["ethereum"],
        "addresses": "any",
        "rules": [{"kind": "erc20", "contracts": [A]}],
    }
    made = await api.made("/v1/monitors", body)

    answer, _ = await api.call(
        "POST", f"/v1/monitors/{made['id']}/addresses", json={"addresses": [A]}
    )

    assert answer.status == 409


async def test_removal_counts_what_was_there(api, path):
    """DELETE takes the same bodies and says how many were watched."""
    await api.call("POST", path, json={"addresses": [A, B]})

    _, removed = await api.call("DELETE", path, **sent("text/csv", f"{A},label\n{C}\n{A}\nx"))

    assert (removed["removed"], removed["not_present"], removed["invalid_count"]) == (1, 2, 1)


async def test_one_address_is_read(api, path):
    """A watched address is found in any case; others are not found, and wrong ones refused."""
    await api.call("POST", path, json={"addresses": [{"address": A, "label": "hot"}]})

    _, found = await api.call("GET", f"{path}/{checksummed(A)}")
    absent, _ = await api.call("GET", f"{path}/{B}")
    wrong, problem = await api.call(
        "GET", f"{path}/{checksummed(A).swapcase().replace('0X', '0x')}"
    )

    assert found == {"address": A, "label": "hot"}
    assert (absent.status, wrong.status) == (404, 400)
    assert "checksum" in problem["detail"]


async def test_list_by_prefix_and_pages(api, path):
    """`search` is how addresses begin, and pages follow each other in their order."""
    addresses = [f"0x{n:02x}{'0' * 38}" for n in range(20)]
    await api.call("POST", path, json={"addresses": addresses})

    _, first = await api.call("GET", f"{path}?search=0X0&limit=10")
    _, second = await api.call("GET", f"{path}?search=0x0&limit=10&cursor={first['next_cursor']}")
    _, exact = await api.call("GET", f"{path}?search={addresses[3]}")

    assert [one["address"] for one in first["data"] + second["data"]] == addresses[:16]
    assert second["next_cursor"] is None
    assert [one["address"] for one in exact["data"]] == [addresses[3]]


async def test_more_than_a_million_is_too_large(api, path, context):
    """The entry after the millionth ends the call with 413; what came before is taken."""
    pieces = 1_001

    async def same_thousand():
        for _ in range(pieces):
            yield f"{A}\n".encode() * 1000

    answer, problem = await api.call(
        "POST", path, data=same_thousand(), headers={"Content-Type": "text/csv"}
    )

    assert answer.status == 413
    assert (
        problem["detail"]
        == "more than 1000000 addresses in one call (before that, 1000000 were taken)"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"label,address\nhot,{A}\n{{}},{B}\n".replace("{}", ""),
        f"address;label\n{A};hot\n{B}\n",
        f"{A};hot\n{B};\n",
        f"address\tlabel\n{A}\thot\n{B}\t\n",
        f"{A}\thot\n{B}\n",
        f'id;"Label";Chain;Address\r\n1;"hot";eth;{A}\r\n2;;eth;{B}\r\n',
        f"name,address\nx,{A}\ny,{B}\n",
    ],
)
async def test_columns_of_csv_stand_where_its_header_says(api, text):
    """In any order, among others, set apart by a comma, a semicolon or a tab."""
    made = await api.made("/v1/monitors", {"networks": ["dev"]})
    path = f"/v1/monitors/{made['id']}/addresses"
    _, added = await api.call("POST", path, **sent("text/csv", text))

    _, page = await api.call("GET", path)
    labels = {one["address"]: one["label"] for one in page["data"]}
    assert (added["added"], added["invalid"]) == (2, [])
    assert labels == {A: None if text.startswith("name") else "hot", B: None}


async def test_line_without_the_column_of_the_address_is_told(api):
    """A line that is too short is listed with what is missing."""
    made = await api.made("/v1/monitors", {"networks": ["dev"]})
    text = f"label,address\nhot\nx,{A}\n"
    _, added = await api.call(
        "POST", f"/v1/monitors/{made['id']}/addresses", **sent("text/csv", text)
    )

    assert (added["added"], added["invalid"][0]["line"]) == (1, 2)
    assert "column 2" in added["invalid"][0]["reason"]
