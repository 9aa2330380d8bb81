"""Backfills: asked for, watched, cancelled."""

import pytest

from crypitor.database.jobs import Advance, advance_job, get_job
from crypitor.database.keys import Scope
from crypitor.database.removed import note_removed

ALL_DATABASES = True
A = "0x" + "a" * 40
TIP = 100


@pytest.fixture
async def monitor(api) -> str:
    """Return the id of a monitor of two networks; of the first, 100 blocks are matched."""

    async def unit(tx):
        await tx.run(
            "insert into networks (name, chain_id, term, sequence, rewind) values ('ethereum', 1, 1, 0, 0)"
        )
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', :tip, '0xa', '0xb', 0)",
            tip=TIP,
        )

    await api.context.database.write(unit)
    return await another(api, networks=["ethereum", "dev"])


async def another(api, **changes) -> str:
    made = await api.made("/v1/monitors", {"networks": ["ethereum"], "addresses": [A], **changes})
    return made["id"]


async def start(api, monitor, **body):
    return await api.call(
        "POST",
        f"/v1/monitors/{monitor}/backfill",
        json={"network": "ethereum", "from_block": 1, **body},
    )


async def advance(api, job, position, **changes):
    """Do what a part of a backfill does to its job."""
    stored = await api.context.database.read(lambda tx: get_job(tx, api.project, job))
    values = {"found": 7, "rate": 2.0, "now": api.clock() + 1000, **changes}
    step = Advance(stored.position, position, "0xa", **values)
    return await api.context.database.write(lambda tx: advance_job(tx, stored, step))


async def test_backfill_is_accepted_as_a_job(api, monitor):
    """A backfill is answered 202 with a job that can be read."""
    answer, job = await start(api, monitor, to_block=40)
    _, read = await api.call("GET", f"/v1/jobs/{job['id']}")

    assert answer.status == 202
    assert read == job
    assert job["id"].startswith("jo_")
    told = {name: job[name] for name in ("monitor", "network", "status", "from_block", "to_block")}
    assert told == {
        "monitor": monitor,
        "network": "ethereum",
        "status": "queued",
        "from_block": 1,
        "to_block": 40,
    }
    assert (job["blocks_done"], job["blocks_total"], job["expected_at"]) == (0, 40, None)


async def test_without_an_end_it_is_the_tip(api, monitor):
    """`to_block` left out is the newest block that has been matched."""
    _, job = await start(api, monitor, from_block=TIP)

    assert (job["to_block"], job["blocks_total"]) == (TIP, 1)


@pytest.mark.parametrize(
    "body, status, pointer, word",
    [
        ({"to_block": TIP + 1}, 409, "/to_block", "100"),
        ({"from_block": TIP + 1}, 409, "/from_block", "100"),
        ({"from_block": 41, "to_block": 40}, 400, "/from_block", "40"),
        ({"network": "dev"}, 409, "/network", "matched"),
        ({"network": "unknown"}, 409, "/network", "ethereum, dev"),
        ({"from_block": -1}, 400, "/from_block", "0"),
        ({"from_block": "1"}, 400, "/from_block", "integer"),
        ({"until": 3}, 400, "/until", ""),
    ],
)
async def test_what_cannot_be_done_is_refused(api, monitor, body, status, pointer, word):
    """Each wrong place is named, with the bound, and no job is made."""
    answer, problem = await start(api, monitor, **body)
    jobs = await api.context.database.read(lambda tx: tx.all("select id from jobs"))

    assert answer.status == status
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert word in problem["errors"][0]["detail"]
    assert jobs == []


async def test_network_that_the_monitor_does_not_watch(api, monitor):
    """A backfill of a network that is configured but not the monitor's is refused."""
    other = await another(api, networks=["dev"])

    answer, problem = await start(api, other)

    assert answer.status == 409
    assert problem["errors"][0]["pointer"] == "/network"


async def test_same_idempotency_key_starts_one_job(api, monitor):
    """A repetition with the same Idempotency-Key is answered with the first one's job."""
    path, options = f"/v1/monitors/{monitor}/backfill", {"headers": {"Idempotency-Key": "one"}}
    body = {"network": "ethereum", "from_block": 1}

    _, first = await api.call("POST", path, json=body, **options)
    answer, second = await api.call("POST", path, json=body, **options)

    assert answer.status == 202
    assert first == second
    assert answer.headers["Idempotency-Replayed"] == "true"


async def test_progress_and_estimate(api, monitor):
    """A running job shows how far it is, how fast, and when it will be done."""
    _, job = await start(api, monitor, to_block=40)
    await advance(api, job["id"], 10)
    await advance(api, job["id"], 20)

    _, running = await api.call("GET", f"/v1/jobs/{job['id']}")

    assert (running["status"], running["blocks_done"], running["blocks_total"]) == (
        "running",
        20,
        40,
    )
    assert (running["matches_found"], running["blocks_per_second"]) == (14, 2.0)
    assert running["started_at"] is not None
    assert running["expected_at"] == "2026-09-21T14:13:30.000Z"


async def test_done(api, monitor):
    """The part with the last block ends the job."""
    _, job = await start(api, monitor, to_block=40)
    await advance(api, job["id"], 40)

    _, done = await api.call("GET", f"/v1/jobs/{job['id']}")

    assert (done["status"], done["blocks_done"], done["expected_at"]) == ("done", 40, None)
    assert done["finished_at"] is not None


async def test_cancelled_job_goes_no_further(api, monitor):
    """DELETE ends a job for good, and can be repeated."""
    _, job = await start(api, monitor, to_block=40)
    await advance(api, job["id"], 10)

    answer, cancelled = await api.call("DELETE", f"/v1/jobs/{job['id']}")
    moved = await advance(api, job["id"], 20)
    _, again = await api.call("DELETE", f"/v1/jobs/{job['id']}")

    assert answer.status == 200
    assert (cancelled["status"], cancelled["blocks_done"]) == ("cancelled", 10)
    assert not moved
    assert again == cancelled


async def test_a_part_takes_effect_once(api, monitor):
    """Of two that begin at the same position, the second changes nothing."""
    _, job = await start(api, monitor, to_block=40)
    stored = await api.context.database.read(lambda tx: get_job(tx, api.project, job["id"]))
    step = Advance(0, 10, "0xa", 7, 2.0, 0)

    first = await api.context.database.write(lambda tx: advance_job(tx, stored, step))
    second = await api.context.database.write(lambda tx: advance_job(tx, stored, step))

    assert (first, second) == (True, False)


async def test_project_has_a_limit_of_open_jobs(api, monitor):
    """The hundred-and-first open job is refused; one that ended makes room."""
    jobs = [(await start(api, monitor))[1]["id"] for _ in range(100)]
    refused, problem = await start(api, monitor)
    await api.call("DELETE", f"/v1/jobs/{jobs[0]}")
    accepted, _ = await start(api, monitor)

    assert refused.status == 409
    assert "100" in problem["detail"]
    assert accepted.status == 202


async def test_reader_may_look_but_not_start_or_cancel(api, monitor):
    """Scope read reads jobs; starting and cancelling need write."""
    reader = await api.key(Scope.READ)
    _, job = await start(api, monitor)

    seen, _ = await api.call("GET", f"/v1/jobs/{job['id']}", key=reader)
    kept, _ = await api.call("DELETE", f"/v1/jobs/{job['id']}", key=reader)
    path, body = f"/v1/monitors/{monitor}/backfill", {"network": "ethereum", "from_block": 1}
    refused, _ = await api.call("POST", path, json=body, key=reader)

    assert (seen.status, kept.status, refused.status) == (200, 403, 403)


@pytest.mark.parametrize("body, status", [({"to_block": 9}, 202), ({"to_block": 10}, 409)])
async def test_removed_matches_do_not_come_back(api, monitor, body, status):
    """A backfill of blocks of which matches were removed after their time is refused."""
    await api.context.database.write(
        lambda tx: note_removed(tx, api.project, 1, [(monitor, "ethereum", 10, 20)])
    )
    answer, told = await start(api, monitor, **body)
    above, _ = await start(api, monitor, from_block=21)

    assert (answer.status, above.status) == (status, 202)
    assert status == 202 or "10 to 20" in told["detail"]


async def test_list_of_jobs(api, monitor):
    """Backfills and replays stand in one list, newest first, narrowed and in pages."""
    endpoint = (await api.made("/v1/endpoints", {"url": "https://example.com"}))["id"]
    other = await another(api)
    jobs = []
    for at in (monitor, other):
        jobs.append((await start(api, at))[1])
        jobs.append(await api.made(f"/v1/monitors/{at}/replay", {}))
    jobs.append(await api.made(f"/v1/endpoints/{endpoint}/replay", {}))
    await api.call("DELETE", f"/v1/jobs/{jobs[0]['id']}")

    async def listed(query: str = "") -> list[int]:
        _, page = await api.call("GET", f"/v1/jobs?{query}")
        ids = [job["id"] for job in jobs]
        return [ids.index(one["id"]) for one in page["data"]]

    assert await listed() == [4, 3, 2, 1, 0]
    assert await listed(f"monitor={monitor}") == [1, 0]
    assert await listed(f"endpoint={endpoint}") == [4]
    assert await listed("kind=backfill") == [2, 0]
    assert await listed("kind=replay&status=queued") == [4, 3, 1]
    assert await listed("status=cancelled") == [0]
    _, first = await api.call("GET", "/v1/jobs?limit=2")
    assert await listed(f"limit=2&cursor={first['next_cursor']}") == [2, 1]


async def test_jobs_of_others_are_not_listed(api, monitor, stranger):
    """Another project's list has none of them."""
    await start(api, monitor)

    _, page = await api.call("GET", "/v1/jobs", key=stranger)
    assert page["data"] == []
