"""Lists can be read from either end."""

import pytest

from crypitor.api.build import OPERATIONS
from tests.api.rows import insert_delivery

ALL_DATABASES = True


@pytest.fixture
async def many(api):
    """Seven of each thing; some deliveries are of the same moment."""
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com/0"})
    for number in range(1, 7):
        api.clock.now += 1
        await api.made("/v1/endpoints", {"url": f"https://example.com/{number}"})
    for number in range(7):
        api.clock.now += 1
        body = {"networks": ["ethereum"], "addresses": ["0x" + "11" * 20], "name": str(number)}
        monitor = await api.made("/v1/monitors", body)

    async def unit(tx):
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        for number in range(7):
            await insert_delivery(
                tx, api.project, number + 1, endpoint_id=endpoint["id"], created_at=1_000 + number // 2
            )  # fmt: skip

    await api.context.database.write(unit)
    for number in range(7):
        api.clock.now += 1
        path = f"/v1/monitors/{monitor['id']}/backfill" if number % 2 else f"/v1/endpoints/{endpoint['id']}/replay"  # fmt: skip
        await api.made(path, {"network": "ethereum", "from_block": 1} if number % 2 else {})
    return api


async def listed(api, path: str, more: str = "") -> list[str]:
    """Return the ids of a list, read in pages of three."""
    ids, cursor = [], ""
    while cursor is not None:
        answer, page = await api.call("GET", f"{path}?limit=3{more}{cursor}")
        assert answer.status == 200, page
        ids += [one.get("id") or one["position"] for one in page["data"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    return ids


async def test_oldest_first_is_newest_first_from_the_other_end(many):
    """In pages, for every list that has the two orders."""
    for path in ("/v1/monitors", "/v1/endpoints", "/v1/deliveries", "/v1/jobs", "/v1/audit"):
        newest = await listed(many, path)
        oldest = await listed(many, path, "&order=asc")

        assert len(newest) >= 7, path
        assert oldest == newest[::-1], path
        assert newest == await listed(many, path, "&order=desc")


LISTS = [one.path for one in OPERATIONS if one.query and "cursor" in one.query.model_fields]


async def test_no_list_takes_a_cursor_of_another(many):
    """It would begin somewhere in it, and nobody would notice."""
    monitors, given = await listed(many, "/v1/monitors"), {}
    await many.made(f"/v1/monitors/{monitors[0]}/addresses", {"addresses": ["0x" + "22" * 20]})
    for made in ("/v1/projects", "/v1/keys"):
        await many.made(made, {"name": "another"})
    for path in LISTS:
        at = path.replace("{id}", monitors[0])
        more = "&order=asc" if path in ("/v1/matches", "/v1/events") else ""
        _, page = await many.call("GET", f"{at}?limit=1{more}")
        if page and page.get("next_cursor"):
            given[path] = page["next_cursor"]
    answers = {
        (path, other): (await many.call("GET", f"{path.replace('{id}', monitors[0])}?cursor={cursor}"))[0].status
        for path in LISTS
        for other, cursor in given.items()
        if {path, other} != {"/v1/events", "/v1/stream"}
    }  # fmt: skip

    assert len(given) == len(LISTS) - 2, (
        given
    )  # without the stream, and gauges, of which there are none
    assert {pair for pair, status in answers.items() if status != 400} == {(p, p) for p in given}


@pytest.mark.parametrize("order", ["up", "", "asc'"])
async def test_there_is_no_third_order(api, order):
    """What is none of the two is refused, with its name."""
    answer, refused = await api.call("GET", f"/v1/deliveries?order={order}")

    assert answer.status == 400
    assert refused["errors"][0]["pointer"] == "?order"
