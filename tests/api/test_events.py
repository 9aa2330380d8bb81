"""The log of what was told over HTTP: pages, and the stream."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from crypitor.api.events.following import FOLLOWING
from crypitor.api.serving.tail import Tail
from crypitor.database.events import NewEvent, log_events
from crypitor.database.keys import Scope, revoke_key
from tests.api.rows import insert_match

LIMIT_SECONDS = 30


async def log(api, *news):
    await api.context.database.write(lambda tx: log_events(tx, news))
    api.context.events.wake()


def notice(api, number, **changes):
    body = json.dumps({"type": "endpoint.failing", "timestamp": "t", "data": {"n": number}})
    return NewEvent(
        **{"project_id": api.project, "type": "endpoint.failing", "at": 1, "body": body, **changes}
    )


@pytest.fixture
async def running(api):
    """The end of the log is followed, as in a process."""
    stop = asyncio.Event()
    task = asyncio.create_task(api.context.events.run(stop, api.health))
    yield
    stop.set()
    await task


class Stream:
    """What a reader of the stream gets, event by event."""

    def __init__(self, answer):
        self.answer = answer

    async def event(self):
        """The next event as (id, type, data); comments are passed over."""
        fields = {}
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                line = (await self.answer.content.readline()).decode()
                if not line:
                    return None
                if line == "\n":
                    if fields:
                        return fields["id"], fields["event"], json.loads(fields["data"])
                elif not line.startswith(":"):
                    name, _, value = line.rstrip("\n").partition(": ")
                    fields[name] = value


@asynccontextmanager
async def stream(api, query="", **headers):
    headers = {"Authorization": f"Bearer {api.admin}", **headers}
    async with api.session.get(f"{api.url}/v1/stream{query}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        yield Stream(answer)


async def test_a_stream_begins_with_one_comment(api, running):
    """Then what comes, and nothing between."""
    async with stream(api) as follower, asyncio.timeout(LIMIT_SECONDS):
        await log(api, notice(api, 0))
        lines = [await follower.answer.content.readline() for _ in range(3)]

    assert lines[:2] == [b": nothing new\n", b"\n"]
    assert lines[2].startswith(b"id: ")


async def test_pages_go_on_as_events_come(api):
    """The cursor of a page is never null, and gives what has come since."""
    await log(api, *(notice(api, number) for number in range(3)))

    _, first = await api.call("GET", "/v1/events?limit=2")
    _, second = await api.call("GET", f"/v1/events?cursor={first['next_cursor']}")
    _, nothing = await api.call("GET", f"/v1/events?cursor={second['next_cursor']}")
    await log(api, notice(api, 3))
    _, third = await api.call("GET", f"/v1/events?cursor={nothing['next_cursor']}")

    numbers = [[event["data"]["n"] for event in page["data"]] for page in (first, second, third)]
    assert numbers == [[0, 1], [2], [3]]
    assert nothing == {"data": [], "next_cursor": second["next_cursor"]}


async def test_an_event_is_the_body_and_its_position(api):
    """A match's event has the fields of its webhook, and where it stands in the log."""

    async def unit(tx):
        match = await insert_match(tx, api.project, 1)
        await log_events(tx, [NewEvent(api.project, "match.detected", 1_790_000_000_000, match, 1)])

    await api.context.database.write(unit)

    _, page = await api.call("GET", "/v1/events")

    [event] = page["data"]
    assert list(event) == ["position", "type", "timestamp", "data"]
    assert event["timestamp"] == "2026-09-21T14:13:20.000Z"
    assert (event["data"]["confirmations"], event["data"]["confirmations_required"]) == (1, 12)


async def test_the_newest_come_first_if_asked(api):
    """With `order=desc` a page begins with the newest, and ends with a null cursor."""
    await log(api, *(notice(api, number) for number in range(3)))

    _, first = await api.call("GET", "/v1/events?order=desc&limit=2")
    _, second = await api.call("GET", f"/v1/events?order=desc&cursor={first['next_cursor']}")

    numbers = [event["data"]["n"] for event in first["data"] + second["data"]]
    assert (numbers, second["next_cursor"]) == ([2, 1, 0], None)


async def test_a_stream_begins_now(api, running):
    """Without a cursor a stream has what comes from then on."""
    await log(api, notice(api, 0))
    async with stream(api) as reader:
        await log(api, notice(api, 1))

        _, kind, body = await reader.event()

    assert (kind, body["data"]["n"]) == ("endpoint.failing", 1)


async def test_a_stream_has_checksums_for_those_who_ask(api, running):
    """Two readers of the same event, each as it asked."""
    plain = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"  # EIP-55, "Test Cases"
    body = json.dumps({"type": "endpoint.failing", "timestamp": "t", "data": {"at": plain}})
    async with stream(api) as reader, stream(api, "?checksum=true") as other:
        await log(api, notice(api, 1, body=body))

        told = [(await one.event())[2]["data"]["at"] for one in (reader, other)]

    assert told == [plain, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]


async def test_readers_share_what_is_written_to_them(api, running):
    """An event is encoded once for all, and one look a second at their key is for all."""
    following = api.app[FOLLOWING]
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(stream(api)) for _ in range(10)]
        await log(api, *(notice(api, number) for number in range(5)))
        told = [[(await one.event())[0] for _ in range(5)] for one in readers]
        kept, keys = len(following._texts), len(following._readers)
    async with asyncio.timeout(LIMIT_SECONDS):
        while following._readers:
            await asyncio.sleep(0.01)

    assert len({tuple(one) for one in told}) == 1
    assert (kept, keys) == (5, 1)
    assert following._looking is None


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_stream_resumes_after_an_event(api, running, by_header):
    """What came while nobody read comes first, then what comes: each event once."""
    await log(api, *(notice(api, number) for number in range(5)))
    _, page = await api.call("GET", "/v1/events?limit=2")
    last = str(page["next_cursor"])

    query, headers = ("", {"Last-Event-ID": last}) if by_header else (f"?cursor={last}", {})
    async with stream(api, query, **headers) as reader:
        before = [(await reader.event())[2]["data"]["n"] for _ in range(3)]
        await log(api, notice(api, 5), notice(api, 6))
        after = [(await reader.event())[2]["data"]["n"] for _ in range(2)]

    assert before + after == [2, 3, 4, 5, 6]


async def test_many_readers_hear_the_same(api, running):
    """Twenty readers, some from the beginning and some from now, miss and repeat nothing."""
    await log(api, notice(api, 0))
    heard = {}

    async def read(number):
        query = "?cursor=0" if number % 2 else ""
        async with stream(api, query) as reader:
            ready.release()
            events = []
            while not events or events[-1] != 200:
                events.append((await reader.event())[2]["data"]["n"])
            heard[number] = events

    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(read(number))
        for _ in range(20):
            await ready.acquire()
        for number in range(1, 201):
            await log(api, notice(api, number))

    assert [heard[number] == list(range(201)) for number in range(1, 20, 2)] == [True] * 10
    assert [heard[number] == list(range(1, 201)) for number in range(0, 20, 2)] == [True] * 10


async def test_a_stream_is_narrowed_to_its_project_and_filter(api, running, stranger):
    """Events of other projects and other types do not come."""
    async with stream(api, "?type=endpoint.disabled") as reader:
        await log(
            api,
            notice(api, 1, project_id="pr_other", type="endpoint.disabled"),
            notice(api, 2),
            notice(api, 3, type="endpoint.disabled"),
        )
        _, _, body = await reader.event()

    assert body["data"]["n"] == 3


@pytest.fixture
def context(context):
    """Readers are given little, and heartbeats come often."""
    tail = Tail(context.database, most_waiting=1_000, heartbeat_seconds=0.05)
    return replace(context, events=tail)


async def test_a_reader_that_does_not_keep_up_is_closed(api, running):
    """Who takes nothing while more than its share waits is let go, and resumes without a loss."""
    filling = "x" * 10_000
    many = [
        notice(api, number, body=json.dumps({"data": {"n": number}, "filling": filling}))
        for number in range(3_000)
    ]
    numbers, last = [], "0"
    async with stream(api) as reader:
        for start in range(0, len(many), 500):
            await log(api, *many[start : start + 500])
            async with asyncio.timeout(LIMIT_SECONDS):
                while not api.context.events.is_read:
                    await asyncio.sleep(0.01)
        while event := await reader.event():
            numbers.append(event[2]["data"]["n"])
            last = event[0]
    came = len(numbers)
    async with stream(api, **{"Last-Event-ID": last}) as reader:
        while len(numbers) < len(many):
            numbers.append((await reader.event())[2]["data"]["n"])

    assert came < len(many)
    assert numbers == list(range(len(many)))


async def test_streams_end_with_the_process(api):
    """When the process stops, readers are let go at once."""
    stop = asyncio.Event()
    task = asyncio.create_task(api.context.events.run(stop, api.health))
    async with stream(api) as reader:
        stop.set()
        await task

        assert await reader.event() is None


async def test_a_cursor_that_is_none_is_refused(api):
    """What is no cursor is 400, on both."""
    answers = [
        await api.call("GET", "/v1/events?cursor=x"),
        await api.call("GET", "/v1/stream?cursor=x"),
        await api.call("GET", "/v1/stream", headers={"Last-Event-ID": "x"}),
    ]

    assert [answer.status for answer, _ in answers] == [400] * 3
    assert all("next_cursor" in problem["errors"][0]["detail"] for _, problem in answers[:2])


async def test_removed_events_are_gone(api):
    """A cursor before what was removed is 410, on both, with a way on."""
    await log(api, notice(api, 1), notice(api, 2))
    await api.context.database.write(
        lambda tx: tx.run(
            "insert into removed_events (project_id, position) values (:project, 1)",
            project=api.project,
        )
    )

    answers = [
        await api.call("GET", "/v1/events?cursor=0"),
        await api.call("GET", "/v1/stream?cursor=0"),
    ]

    assert [answer.status for answer, _ in answers] == [410] * 2
    assert "without a cursor" in answers[0][1]["detail"]


async def test_a_revoked_key_reads_on_no_longer(api, running):
    """A stream looks at its key again with each heartbeat."""
    key = await api.key(Scope.READ)
    async with stream(api, Authorization=f"Bearer {key}") as reader:
        await api.context.database.write(
            lambda tx: revoke_key(tx, None, key.rpartition("_")[0], api.clock())
        )
        api.clock.now += 10_000

        assert await reader.event() is None
