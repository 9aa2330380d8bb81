"""Letting a network go on, through the REST API and on its page."""

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.database.keys import Scope
from crypitor.errors import Conflict
from crypitor.evm.types import Header
from crypitor.worker.passed import Passed
from crypitor.worker.resuming import Footing
from tests.api.rows import insert_match

PATH = "/v1/networks/ethereum/resume"
BELOW = tuple(Header(number, f"0x{number:064x}", f"0x{number - 1:064x}", number) for number in range(93, 96))  # fmt: skip


async def look(first: int, tip: Header | None) -> Footing:
    """The nodes have blocks up to 150."""
    if first > 151:
        raise Conflict(f"no node has block {first - 1}: their head is 150")
    before = tuple(header for header in BELOW if header.number < first)
    low = tip.number + 1
    return Footing(before, Passed(low, first - 1, first - low) if low < first else None)


@pytest.fixture
async def stopped(api):
    """The application on a network that was matched up to block 100, with two matches near it."""

    async def unit(tx):
        await tx.run(
            "insert into networks (name, chain_id, term, sequence, rewind) values ('ethereum', 1, 1, 9, 0)"
        )
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        for position, number in ((1, 95), (2, 98)):
            match = await insert_match(tx, api.project, position)
            await tx.run("update matches set block_number = :n where id = :id", n=number, id=match)

    await api.context.database.write(unit)
    async with TestServer(build(replace(api.context, footings={"ethereum": look}))) as server:
        await server.start_server(**SERVER_OPTIONS)
        api.url = str(server.make_url("")).rstrip("/")
        yield api


async def headers(api) -> list[int]:
    """Return which headers are stored."""

    async def unit(tx):
        return [row["number"] for row in await tx.all("select number from headers order by number")]

    return await api.context.database.read(unit)


async def phases(api) -> list[str]:
    """Return the phases of the matches, oldest first."""

    async def unit(tx):
        return [row["phase"] for row in await tx.all("select phase from matches order by position")]

    return await api.context.database.read(unit)


async def test_a_dry_run_says_what_it_would_come_to(stopped):
    """And changes nothing."""
    before = await phases(stopped)
    told = await stopped.made(PATH, {"from_block": 96, "dry_run": True})

    assert told == {
        "network": "ethereum",
        "from_block": 96,
        "dry_run": True,
        "stands_on": 95,
        "reverted": 1,
        "left_unmatched": None,
    }
    assert (await headers(stopped), await phases(stopped)) == ([100], before)


async def test_a_network_goes_on_at_the_block_that_was_chosen(stopped):
    """What was matched above it is reverted, what it stands on is kept, and the audit has it."""
    told = await stopped.made(PATH, {"from_block": 96})
    _, audit = await stopped.call("GET", "/v1/audit?action=network.resume")

    assert (told["reverted"], told["stands_on"], told["dry_run"]) == (1, 95, False)
    assert await headers(stopped) == [93, 94, 95]
    assert (await phases(stopped))[1] == "reverted"
    assert (await phases(stopped))[0] != "reverted"
    assert [one["subject"] for one in audit["data"]] == ["ethereum"]


async def test_blocks_that_are_passed_over_are_counted(stopped):
    """Above what was matched."""
    told = await stopped.made(PATH, {"from_block": 111, "dry_run": True})

    assert told["left_unmatched"] == {
        "from_block": 101,
        "to_block": 110,
        "count": 10,
        "is_most": False,
    }
    assert told["reverted"] == 0


@pytest.mark.parametrize(
    "path, body, status",
    [
        (PATH, {"from_block": 200}, 409),
        (PATH, {"from_block": -1}, 400),
        (PATH, {"from_block": "96"}, 400),
        (PATH, {}, 400),
        ("/v1/networks/dev/resume", {"from_block": 96}, 404),
        ("/v1/networks/nothing/resume", {"from_block": 96}, 404),
    ],
)
async def test_what_cannot_be_is_refused(stopped, path, body, status):
    """With a sentence, and nothing is changed."""
    answer, refused = await stopped.call("POST", path, json=body)

    assert answer.status == status, refused
    assert await headers(stopped) == [100]


async def test_only_operators_may(stopped):
    """Networks are everybody's: neither a key that writes nor an admin of another project."""
    project = await stopped.made("/v1/projects", {"name": "other"})
    for key in (await stopped.key(Scope.WRITE), await stopped.key(Scope.ADMIN, project["id"])):
        answer, _ = await stopped.call("POST", PATH, json={"from_block": 96}, key=key)
        assert answer.status == 403

    assert await headers(stopped) == [100]
