"""What is sent again, one by one and by jobs, and pings."""

from dataclasses import replace

import pytest
from aiohttp import web

from crypitor.database.attempts import claim, load_endpoints, record
from crypitor.database.deliveries import queue_deliveries
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.keys import Scope
from crypitor.database.replays import step_replay
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Result, after
from crypitor.webhook.post import Poster
from crypitor.webhook.replayer import Replayer
from tests.webhook.queued import BROKEN, GONE, OK, delivery, endpoint
from tests.webhook.receivers import SECRET, Receiver

ALL_DATABASES = True
A = "0x" + "a" * 40


class Sent:
    """Deliveries of the API's project, as matcher and sender make them."""

    def __init__(self, api, monitor: str) -> None:
        self.api = api
        self.monitor = monitor
        self.database = api.context.database

    async def endpoint(self, name: str = "ep_" + "1" * 26, url: str = "http://127.0.0.1:9/") -> str:
        """Store an endpoint, wherever it leads."""
        made = replace(endpoint(name, url), project_id=self.api.project)
        await self.database.write(lambda tx: insert_endpoint(tx, made))
        return name

    async def queue(self, *names: str, **more) -> None:
        """Queue deliveries at the time of the API's clock."""
        options = {"project_id": self.api.project, "monitor_id": self.monitor, **more}
        options.setdefault("endpoint_id", "ep_" + "1" * 26)
        queued = [delivery(name, **options) for name in names]
        await self.database.write(lambda tx: queue_deliveries(tx, queued, self.api.clock()))

    async def attempt(self, outcome, endpoint_id: str = "ep_" + "1" * 26) -> list[str]:
        """Attempt what is due, for the last time; return what that was."""
        now = self.api.clock()

        async def unit(tx):
            [found] = (await load_endpoints(tx, [endpoint_id])).values()
            taken = await claim(tx, [(found, 1000)], now, 60_000)
            claimed = taken[found.id].deliveries
            results = [Result(one, outcome, after(one, outcome, now, ()), now) for one in claimed]
            await record(tx, results)
            return [one.id for one in claimed]

        return await self.database.write(unit)

    async def statuses(self) -> dict[str, str]:
        rows = await self.database.read(lambda tx: tx.all("select id, status from deliveries"))
        return {row["id"]: row["status"] for row in rows}

    async def replay(self, per_second: float = 1000) -> int:
        """Make all steps of all replays; return how many there were."""
        steps = 0
        while stepped := await self.database.write(
            lambda tx: step_replay(tx, per_second, self.api.clock())
        ):
            steps += 1
            self.api.clock.now = max(self.api.clock.now, stepped.next_at)
        return steps


@pytest.fixture
async def sent(api) -> Sent:
    """Return what makes deliveries of a monitor to an endpoint that is there."""
    made = await api.made("/v1/monitors", {"networks": ["ethereum"], "addresses": [A]})
    sent = Sent(api, made["id"])
    await sent.endpoint()
    return sent


async def retry(api, name, **options):
    return await api.call("POST", f"/v1/deliveries/{name}/retry", **options)


async def test_failed_delivery_is_due_at_once(api, sent, woken):
    """A retry is accepted, the delivery is pending, and the sender is told."""
    await sent.queue("de_1")
    await sent.attempt(BROKEN)
    api.clock.now += 5000
    answer, told = await retry(api, "de_1")
    taken = await sent.attempt(OK)
    _, read = await api.call("GET", "/v1/deliveries/de_1")

    assert answer.status == 202
    assert (told["status"], told["due_at"], told["attempt_count"]) == (
        "pending",
        "2026-09-21T14:13:25.000Z",
        1,
    )
    assert taken == ["de_1"]
    assert (read["status"], read["attempt_count"], len(read["attempts"])) == ("delivered", 2, 2)
    assert woken == [1]


async def test_what_was_taken_is_sent_again_when_asked_explicitly(api, sent):
    """Without `again` it is refused, in words that say what to do."""
    await sent.queue("de_1")
    await sent.attempt(OK)
    refused, problem = await retry(api, "de_1")
    accepted, told = await retry(api, "de_1", json={"again": True})

    assert (refused.status, accepted.status) == (409, 202)
    assert '{"again": true}' in problem["detail"]
    assert told["status"] == "pending"


async def test_what_was_counted_is_told_by_itself_when_asked(api, sent, woken):
    """Its list is narrowed to it, and it is due at once."""
    await sent.queue("de_1")
    counted = "update deliveries set status = 'counted', attempts = 1, finished_at = :now"
    await sent.database.write(lambda tx: tx.run(counted, now=api.clock()))
    _, listed = await api.call("GET", "/v1/deliveries?status=counted")
    answer, opened = await retry(api, "de_1")

    assert [one["id"] for one in listed["data"]] == ["de_1"]
    assert (answer.status, opened["status"]) == (202, "pending")
    assert woken == [1]


async def test_pending_delivery_is_tried_before_its_time(api, sent):
    """One that would wait for hours is due now."""
    await sent.queue("de_1")
    await sent.database.write(
        lambda tx: tx.run(
            "update deliveries set due_at = :at, attempts = 3", at=api.clock() + 7_200_000
        )
    )
    _, told = await retry(api, "de_1")

    assert told["due_at"] == "2026-09-21T14:13:20.000Z"


async def test_retry_of_what_cannot_be_sent_says_why(api, sent):
    """Waiting, cancelled, at a disabled endpoint, at none, without its body: 409 and a reason."""
    await sent.queue("de_1", match_id="ma_1")
    await sent.queue("de_2", match_id="ma_1", phase=Phase.CONFIRMED, follows="de_1")
    await sent.queue("de_3", "de_4")
    other = await sent.endpoint("ep_" + "2" * 26)
    await sent.queue("de_5", endpoint_id=other)
    await sent.attempt(GONE, other)
    await sent.queue("de_6", endpoint_id="ep_deleted")

    async def change(tx):
        await tx.run("update deliveries set status = 'cancelled' where id = 'de_3'")
        await tx.run("update deliveries set status = 'failed', body = '' where id = 'de_4'")

    await sent.database.write(change)
    problems = {}
    for number in range(2, 7):
        answer, problem = await retry(api, f"de_{number}")
        problems[number] = (answer.status, problem["detail"])

    assert {status for status, _ in problems.values()} == {409}
    words = {2: "de_1", 3: "cancelled", 4: "body", 5: "disabled (it answered 410", 6: "deleted"}
    assert {number: word in problems[number][1] for number, word in words.items()} == dict.fromkeys(
        words, True
    )


async def test_retry_of_another_projects_delivery(api, sent, stranger):
    """What belongs to another project is not there."""
    await sent.queue("de_1")
    answer, _ = await retry(api, "de_1", key=stranger)

    assert answer.status == 404


async def test_replay_of_a_monitor_sends_what_failed(api, sent):
    """Only failed ones, of this monitor, created in the time; then the job is done."""
    await sent.queue("de_early")
    await sent.queue("de_taken", endpoint_id=await sent.endpoint("ep_" + "2" * 26))
    await sent.attempt(BROKEN)
    await sent.attempt(OK, "ep_" + "2" * 26)
    api.clock.now += 60_000
    await sent.queue(*(f"de_{number:03}" for number in range(300)))
    await sent.queue("de_foreign", monitor_id="mo_other")
    await sent.attempt(BROKEN)
    api.clock.now += 60_000
    answer, job = await api.call(
        "POST", f"/v1/monitors/{sent.monitor}/replay", json={"since": "2026-09-21T14:14:00Z"}
    )
    steps = await sent.replay(per_second=1000)
    _, done = await api.call("GET", f"/v1/jobs/{job['id']}")
    pending = {name for name, status in (await sent.statuses()).items() if status == "pending"}

    assert answer.status == 202
    assert (job["kind"], job["status"], job["deliveries_total"]) == ("replay", "queued", 300)
    assert pending == {f"de_{number:03}" for number in range(300)}
    assert steps == 2
    assert (done["status"], done["deliveries_queued"], done["deliveries_left_out"]) == (
        "done",
        300,
        0,
    )


async def test_replay_of_an_endpoint_takes_all_its_monitors(api, sent):
    """And what was taken too, where that is asked for."""
    await sent.queue("de_1")
    await sent.queue("de_2", monitor_id="mo_other")
    await sent.attempt(OK)
    await sent.queue("de_3")
    await sent.attempt(BROKEN)
    api.clock.now += 1
    path = f"/v1/endpoints/{'ep_' + '1' * 26}/replay"
    await api.made(path, {"status": ["delivered"]})
    await sent.replay()

    assert await sent.statuses() == {"de_1": "pending", "de_2": "pending", "de_3": "failed"}


async def test_replay_keeps_its_pace(api, sent):
    """At five a second, a step opens one and the next is due 200 ms later, in any process."""
    await sent.queue("de_1", "de_2", "de_3")
    await sent.attempt(BROKEN)
    api.clock.now += 1
    await api.made(f"/v1/monitors/{sent.monitor}/replay", {})
    woken = []
    replayers = [
        Replayer(sent.database, wake=woken.append, clock=api.clock, per_second=5) for _ in range(2)
    ]
    opened = []
    for moment in range(0, 500, 50):
        for each in replayers:
            await each.step()
        opened.append((moment, list((await sent.statuses()).values()).count("pending")))
        api.clock.now += 50

    assert [count for _, count in opened] == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    assert set().union(*woken) == {"ep_" + "1" * 26}


async def test_phases_stay_in_order_over_many_steps(api, sent):
    """A later phase that is opened in a later step waits while the earlier one has not ended."""
    for name, phase, follows in (
        ("de_1", Phase.DETECTED, None),
        ("de_2", Phase.CONFIRMED, "de_1"),
        ("de_3", Phase.REVERTED, "de_2"),
    ):
        await sent.queue(name, match_id="ma_1", phase=phase, follows=follows)
        await sent.attempt(BROKEN)
        api.clock.now += 1
    await api.made(f"/v1/monitors/{sent.monitor}/replay", {})
    await sent.replay(per_second=1)
    order = []
    while attempted := await sent.attempt(OK):
        order += attempted

    assert order == ["de_1", "de_2", "de_3"]


async def test_cancelled_replay_opens_nothing_more(api, sent):
    """What it did stays; it can be cancelled again, and says how far it came."""
    await sent.queue("de_1", "de_2")
    await sent.attempt(BROKEN)
    api.clock.now += 1
    job = await api.made(f"/v1/monitors/{sent.monitor}/replay", {})
    await sent.database.write(lambda tx: step_replay(tx, 1, api.clock()))
    answer, cancelled = await api.call("DELETE", f"/v1/jobs/{job['id']}")
    api.clock.now += 10**6
    await sent.replay()
    _, again = await api.call("DELETE", f"/v1/jobs/{job['id']}")

    assert answer.status == 200
    assert (cancelled["status"], cancelled["deliveries_queued"]) == ("cancelled", 1)
    assert again == cancelled
    assert sorted((await sent.statuses()).values()) == ["failed", "pending"]


async def test_replay_leaves_out_what_cannot_be_sent(api, sent):
    """Deliveries to endpoints that are disabled or deleted stay failed, and are counted."""
    other = await sent.endpoint("ep_" + "2" * 26)
    await sent.queue("de_1", endpoint_id=other)
    await sent.attempt(GONE, other)
    await sent.queue("de_2", endpoint_id="ep_deleted")
    await sent.queue("de_3")
    await sent.database.write(lambda tx: tx.run("update deliveries set status = 'failed'"))
    api.clock.now += 1
    job = await api.made(f"/v1/monitors/{sent.monitor}/replay", {})
    await sent.replay()
    _, done = await api.call("GET", f"/v1/jobs/{job['id']}")

    assert (done["deliveries_total"], done["deliveries_queued"]) == (3, 1)
    assert done["deliveries_left_out"] == 2


async def test_replay_waits_for_an_endpoint_with_many_before_it(api, sent):
    """Live deliveries do not stand behind those of the past; the job says that it waits."""
    await sent.queue("de_past")
    await sent.attempt(BROKEN)
    await sent.queue(*(f"de_{number}" for number in range(500)))
    api.clock.now += 1
    job = await api.made(f"/v1/endpoints/{'ep_' + '1' * 26}/replay", {"until": None})
    await sent.database.write(lambda tx: step_replay(tx, 10, api.clock()))
    _, waiting = await api.call("GET", f"/v1/jobs/{job['id']}")
    while await sent.attempt(OK):
        pass
    api.clock.now += 1000
    await sent.replay()
    _, done = await api.call("GET", f"/v1/jobs/{job['id']}")

    assert "waiting" in waiting["trouble"]
    assert (waiting["status"], waiting["deliveries_queued"]) == ("running", 0)
    assert (done["status"], done["deliveries_queued"], done["trouble"]) == ("done", 1, None)


async def test_replay_that_cannot_be_is_refused(api, sent):
    """Of a disabled endpoint, of none, backwards in time, of another status."""
    name = "ep_" + "1" * 26
    await sent.database.write(lambda tx: tx.run("update endpoints set enabled = 0"))
    disabled, _ = await api.call("POST", f"/v1/endpoints/{name}/replay")
    unknown, _ = await api.call("POST", f"/v1/endpoints/{'ep_' + '9' * 26}/replay")
    path = f"/v1/monitors/{sent.monitor}/replay"
    turned = {"since": "2026-09-21T14:13:19Z", "until": "2026-09-21T14:13:18Z"}
    backwards, problem = await api.call("POST", path, json=turned)
    status, _ = await api.call("POST", path, json={"status": ["pending"]})

    assert (disabled.status, unknown.status) == (409, 404)
    assert (backwards.status, problem["errors"][0]["pointer"]) == (400, "/since")
    assert status.status == 400


async def test_ping_answers_what_came_of_it(api, sent):
    """Status, time and the answer's beginning; the body and the signature are as told."""
    async with Receiver([lambda _: web.Response(text="pong")]) as receiver:
        name = await sent.endpoint("ep_" + "3" * 26, receiver.url)
        answer, told = await api.call("POST", f"/v1/endpoints/{name}/ping")
    [got] = receiver.received

    assert answer.status == 200
    assert (told["succeeded"], told["status_code"], told["answer"]) == (True, 200, "pong")
    assert told["error"] is None
    assert got.body == b'{"type":"ping"}'
    assert got.headers["webhook-id"] == told["webhook_id"]
    assert told["request_headers"]["webhook-signature"] == "***"


async def test_ping_that_fails_says_why(api, sent):
    """An answer that is no 2xx, and none at all: the words that a delivery would have."""
    async with Receiver([500]) as receiver:
        name = await sent.endpoint("ep_" + "3" * 26, receiver.url)
        _, broken = await api.call("POST", f"/v1/endpoints/{name}/ping")
    _, nobody = await api.call("POST", f"/v1/endpoints/{name}/ping")

    assert (broken["succeeded"], broken["error"]) == (False, "answered 500 Internal Server Error")
    assert (nobody["status_code"], nobody["error"]) == (None, "connection refused")


async def test_ping_goes_nowhere_else_than_webhooks(api, sent):
    """An endpoint whose address is not allowed is not called."""
    async with Receiver() as receiver, Poster() as strict:
        object.__setattr__(api.context, "post", strict.post)
        name = await sent.endpoint("ep_" + "3" * 26, receiver.url)
        _, told = await api.call("POST", f"/v1/endpoints/{name}/ping")

    assert receiver.received == []
    assert told["error"].startswith("not called")


async def test_ping_with_an_idempotency_key_is_sent_once(api, sent):
    """The second answer is the first one's."""
    options = {"headers": {"Idempotency-Key": "one"}}
    async with Receiver() as receiver:
        name = await sent.endpoint("ep_" + "3" * 26, receiver.url)
        _, first = await api.call("POST", f"/v1/endpoints/{name}/ping", **options)
        answer, second = await api.call("POST", f"/v1/endpoints/{name}/ping", **options)

    assert len(receiver.received) == 1
    assert first == second
    assert answer.headers["Idempotency-Replayed"] == "true"


async def test_attempts_show_the_request_without_its_secrets(api, sent):
    """Each attempt has its own headers; values of the endpoint's own are hidden, its secret too."""
    await sent.database.write(
        lambda tx: tx.run("""update endpoints set headers = '{"Authorization": "Bearer 1"}'""")
    )
    await sent.queue("de_1")
    await sent.attempt(BROKEN)
    _, read = await api.call("GET", "/v1/deliveries/de_1")
    headers = {
        name.lower(): value for name, value in read["attempts"][0]["request_headers"].items()
    }

    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("de_1", "0")
    assert (headers["authorization"], headers["webhook-signature"]) == ("***", "***")
    assert SECRET not in str(read)


async def test_reader_may_not_send(api, sent):
    """Retry, replay and ping need write."""
    reader = await api.key(Scope.READ)
    await sent.queue("de_1")
    paths = (
        "deliveries/de_1/retry",
        f"monitors/{sent.monitor}/replay",
        f"endpoints/{'ep_' + '1' * 26}/replay",
        f"endpoints/{'ep_' + '1' * 26}/ping",
    )
    refused = [(await api.call("POST", f"/v1/{path}", key=reader))[0].status for path in paths]

    assert refused == [403] * 4
