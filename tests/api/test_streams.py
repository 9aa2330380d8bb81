"""Streams and large answers: so many of a project, so many in all, and nothing stays of them."""

import asyncio
import contextlib
import gc
import itertools
import weakref

import msgspec
import pytest

from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.entries import Intake
from crypitor.api.serving.streams import (
    LARGE_ANSWERS,
    READERS,
    SMALL_BYTES,
    UPLOADS,
    Streams,
    readers,
)
from crypitor.api.serving.written import LARGE_BYTES, Written, encoded
from crypitor.errors import TooMany

LONG = 30


def test_a_project_leaves_room_for_others():
    """And all of them for the rest of the process."""
    streams = Streams("uploads", most=3, most_of_a_project=2)
    with streams.one_more("pr_1"), streams.one_more("pr_1"):
        with pytest.raises(TooMany, match="2 uploads of this project"):
            streams.one_more("pr_1").__enter__()
        with streams.one_more("pr_2"), pytest.raises(TooMany, match="3 uploads are"):
            streams.one_more("pr_3").__enter__()
    with streams.one_more("pr_3"):
        pass


async def test_readers_of_the_log_leave_connections_to_others(api):
    """A project follows it so many times; the next one is told when to come again."""
    counted = api.app[READERS]
    with contextlib.ExitStack() as followed:
        for _ in range(250):  # a quarter of the connections that there may be
            followed.enter_context(counted.one_more(api.project))
        answer, problem = await api.call("GET", "/v1/stream")
        followed.close()
        begun, _ = await api.call("GET", "/v1/stream")

    assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
    assert problem["detail"] == "250 streams of events of this project are under way"
    assert begun.status == 200
    await until(lambda: counted._of.total() == 0)


def test_readers_are_as_many_as_there_are_connections_for():
    """Few where there are few: half of all, and of a project half of that."""
    few = readers(16)
    with contextlib.ExitStack() as followed:
        for project in ("pr_1", "pr_2"):
            for _ in range(4):
                followed.enter_context(few.one_more(project))
            with pytest.raises(TooMany):
                few.one_more(project).__enter__()
        with pytest.raises(TooMany, match="8 streams of events are under way"):
            few.one_more("pr_3").__enter__()


class Upload:
    """Addresses that begin to come, and then wait."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def body(self):
        yield "\n".join(f"0x{number:040x}" for number in range(100)).encode()
        self.begun.set()
        await self.go_on.wait()


async def until(true):
    async with asyncio.timeout(LONG):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_project_has_so_many_uploads_at_once(api):
    """The next one is told when to come again; when one has ended there is room."""
    made = await api.made("/v1/monitors", {"networks": ["ethereum"]})
    path = f"/v1/monitors/{made['id']}/addresses"
    headers = {"Content-Type": "text/csv"}
    uploads = [Upload() for _ in range(2)]
    under_way = [
        asyncio.create_task(api.call("POST", path, data=upload.body(), headers=headers))
        for upload in uploads
    ]
    await until(lambda: api.app[UPLOADS]._of.total() == 2)
    large = b"0x1\n" * SMALL_BYTES
    answer, problem = await api.call("POST", path, data=large, headers=headers)

    assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
    assert problem["detail"] == "2 uploads of this project are under way"
    for upload in uploads:
        upload.go_on.set()
    assert {answer.status for answer, _ in await asyncio.gather(*under_way)} == {200}
    answer, _ = await api.call("POST", path, data=large, headers=headers)
    assert answer.status != 429


async def test_small_lists_are_no_uploads(api):
    """Ten who add one address each at the same time are all taken."""
    monitor = await api.made("/v1/monitors", {"networks": ["ethereum"], "addresses": []})
    answers = await asyncio.gather(
        *(
            api.call(
                "POST", f"/v1/monitors/{monitor['id']}/addresses",
                json={"addresses": [f"0x{number:040x}"]},
            )
            for number in range(1, 11)
        )
    )  # fmt: skip

    assert [answer.status for answer, _ in answers] == [200] * 10
    assert sum(taken["added"] for _, taken in answers) == 10


async def test_an_upload_that_breaks_off_leaves_nothing(api):
    """Whoever still holds an error of it holds none of its addresses."""
    made = await api.made("/v1/monitors", {"networks": ["ethereum"]})
    path = f"/v1/monitors/{made['id']}/addresses"
    upload = Upload()
    task = asyncio.create_task(
        api.call("POST", path, data=upload.body(), headers={"Content-Type": "text/csv"})
    )
    await until(lambda: api.app[UPLOADS]._of.total() == 1)
    await until(lambda: any(intake.pairs for intake in intakes()))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: api.app[UPLOADS]._of.total() == 0)

    assert not any(intake.pairs or intake.invalid for intake in intakes())


def intakes():
    return [one for one in gc.get_objects() if isinstance(one, Intake)]


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"id": "ma_1", "note": '"data":[]'}, {"id": "ma_2"}], "next_cursor": "x"},
        {"data": [], "next_cursor": None},
        {"data": [{"n": number, "text": "x" * 1000} for number in range(3_000)]},
        {"id": "mo_1", "data": {"a": [1, 2]}},
        {"before": 1, "data": [1, 2, 3], "after": [{"data": []}]},
    ],
)
async def test_an_answer_in_slices_is_the_same(answer):
    """As one that is encoded at once; a long one lets others go on."""
    turns = []

    async def give_way():
        turns.append(1)

    body = await encoded(answer, give_way)

    assert msgspec.json.decode(body) == answer
    assert bool(turns) == (len(body) > 2**20)


class Writer:
    """Takes what is written, or breaks off."""

    def __init__(self, most=10**9):
        self.pieces = []
        self._most = most

    async def write(self, piece):
        if len(self.pieces) == self._most:
            raise ConnectionResetError
        self.pieces.append(bytes(piece))


async def test_a_large_answer_is_counted_until_it_is_written_or_given_up():
    """Also when it is never begun."""
    done = []
    body = bytes(range(256)) * (LARGE_BYTES // 128)
    writer = Writer()
    await Written(body, lambda: done.append("written")).write(writer)
    assert b"".join(writer.pieces) == body
    assert len(writer.pieces) > 1

    with pytest.raises(ConnectionResetError):
        await Written(body, lambda: done.append("broken off")).write(Writer(2))
    unwritten = Written(body, lambda: done.append("given up"))
    gone = weakref.ref(unwritten)
    del unwritten
    gc.collect()

    assert gone() is None
    assert done == ["written", "broken off", "given up"]


async def test_large_answers_are_whole_and_their_count_comes_back(api):
    """Asked for side by side and with HEAD."""
    note = "n" * 10_000
    for number in range(40):
        await api.made("/v1/monitors", {"networks": ["dev"], "name": str(number), "note": note})
    for answer, page in await asyncio.gather(
        *(api.call("GET", "/v1/monitors?limit=100") for _ in range(4))
    ):
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) > LARGE_BYTES
        assert answer.headers["X-Request-Id"]
        assert len(page["data"]) == 40
    answer, _ = await api.call("HEAD", "/v1/monitors?limit=100")
    assert int(answer.headers["Content-Length"]) > LARGE_BYTES
    await until(lambda: api.app[LARGE_ANSWERS]._of.total() == 0)


async def test_of_long_work_one_slice_has_a_turn(api):
    """However many are at it, so that the loop comes round after each slice."""
    context, slices, seen = api.app[CONTEXT], 0, []

    async def work():
        nonlocal slices
        for _ in range(5):
            await context.give_way()
            slices += 1

    async def watch():
        while slices < 40:
            seen.append(slices)
            await asyncio.sleep(0)

    async with asyncio.timeout(LONG):
        await asyncio.gather(*(work() for _ in range(8)), watch())

    assert max(after - before for before, after in itertools.pairwise([*seen, 40])) == 1
