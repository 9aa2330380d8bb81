"""The client against the real API."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from crypitor.api.build import described
from crypitor.client import Client, Refused, Told, Unreachable
from crypitor.database.events import NewEvent, log_events
from deploy.client.generate import calls_text, types_text
from tests.api.rows import insert_match
from tests.patience import HANG_SECONDS

ROOT = Path(__file__).parents[2]


def test_the_client_is_made_of_the_document_as_it_is():
    """What is in the repository is what `make client` writes."""
    folder = ROOT / "crypitor" / "client"

    assert (folder / "types.py").read_text() == types_text(described())
    assert (folder / "calls.py").read_text() == calls_text(described())


def test_it_needs_nothing_of_the_service():
    """It imports none of what makes the service heavy."""
    program = "import sys, crypitor.client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {"web3", "pydantic", "sqlalchemy", "aiokafka", "msgspec", "cryptography", "databases"}
    assert "aiohttp" in loaded
    assert loaded & heavy == set()


async def test_a_monitor_lives(client):
    """Created, read, changed, listed and deleted."""
    made = await client.create_monitor({"networks": ["ethereum"], "name": "one"})
    changed = await client.change_monitor(made["id"], {"note": "two"})
    read = await client.read_monitor(made["id"])
    listed = [monitor["id"] async for monitor in client.all_monitors(enabled=True)]
    gone = await client.remove_monitor(made["id"])

    assert (changed["note"], read["name"], listed) == ("two", "one", [made["id"]])
    assert gone["deleted"]
    with pytest.raises(Refused) as refused:
        await client.read_monitor(made["id"])
    assert refused.value.status == 404
    assert refused.value.request_id


async def test_a_refusal_says_where(client):
    """Pointer and sentence of each wrong place."""
    with pytest.raises(Refused) as refused:
        await client.create_monitor({"networks": ["nowhere"]})

    assert refused.value.status == 400
    assert [pointer for pointer, _ in refused.value.wrong] == ["/networks/0"]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_end_in_either_order(api, client, order):
    """A feed never says that it ends; all that is there is walked once."""
    count = 1003  # more than a page

    async def unit(tx):
        for n in range(1, count + 1):
            await insert_match(tx, api.project, n)

    await api.context.database.write(unit)

    found = [match["id"] async for match in client.all_matches(order=order)]

    assert sorted(found) == [f"ma_{n:022}" for n in range(1, count + 1)]


async def test_many_addresses_go_as_a_stream(client):
    """From what makes them one by one; none of them is kept here."""
    monitor = await client.create_monitor({"networks": ["ethereum"]})
    count = 30_000

    async def addresses():
        for number in range(count):
            yield (
                {"address": f"0x{number:040x}", "label": None} if number % 2 else f"0x{number:040x}"
            )

    added = await client.add_addresses(monitor["id"], addresses())
    again = await client.add_addresses(monitor["id"], (f"0x{n:040x}" for n in range(10)))
    removed = await client.remove_addresses(monitor["id"], [f"0x{n:040x}" for n in range(5)])

    assert (added["added"], again["already_present"], removed["removed"]) == (count, 10, 5)


async def test_events_come_in_order_and_go_on(api, client):
    """
    What was told before, and what is told while it is followed; from the cursor of an event it
    goes on behind it.
    """
    begin = await client.end_of_events()
    stop = asyncio.Event()
    running = asyncio.create_task(api.context.events.run(stop, api.health))

    async def tell(number):
        match = await api.context.database.write(lambda tx: insert_match(tx, api.project, number))
        news = NewEvent(api.project, "match.detected", number, match_id=match, confirmations=1)
        await api.context.database.write(lambda tx: log_events(tx, [news]))
        api.context.events.wake()
        return match

    stored = [await tell(1), await tell(2)]
    first = await taken(client, begin, 2)
    stored.append(await tell(3))
    rest = await taken(client, first[0].cursor, 2)
    end = await client.end_of_events()

    assert [told.event["data"]["id"] for told in first + rest[1:]] == stored
    assert rest[-1].cursor == end
    stop.set()
    await running


async def taken(client: Client, after: str, count: int) -> list[Told]:
    """Return the first events behind a cursor."""
    found: list[Told] = []
    async with asyncio.timeout(HANG_SECONDS):
        async for told in client.follow_events(after):
            found.append(told)
            if len(found) == count:
                break
    return found


async def test_nobody_there_is_said():
    """After all attempts, with waits that grow."""
    waited: list[float] = []

    async def sleep(seconds):
        waited.append(seconds)

    async with Client("http://127.0.0.1:1", attempts=4, sleep=sleep, chance=lambda: 1.0) as client:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
            await client.read_networks()

    assert waited == [0.25, 0.5, 1.0]
