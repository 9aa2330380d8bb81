"""The sender's half of the deliveries: what is due, claims, and what came of attempts.

A claim is a lease and a fencing token: `due_at` moves on by the lease, `token` grows. A sender that
dies loses its claim when the lease runs out; one that was only slow finds that the token has grown,
and what it wanted to record is dropped. Recording takes the token too, so that it counts once even
when it was committed and the answer to COMMIT was lost.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from crypitor.database.deliveries import COLUMNS, delivery_of, statuses
from crypitor.database.endpoints import COLUMNS as ENDPOINT_COLUMNS
from crypitor.database.endpoints import endpoint_of, move_endpoint
from crypitor.database.engine import Transaction
from crypitor.database.hushed import Claimed, Turn, give_back, hushed
from crypitor.database.notices import tell_endpoints
from crypitor.database.quiet import Room, leave, names_of, room_of
from crypitor.database.uncounted import note_attempts
from crypitor.webhook.circuit import Circuit
from crypitor.webhook.delivery import Delivery, Endpoint, Result, State, Status
from crypitor.webhook.health import endpoint_after

# One statement for many endpoints: each costs a trip to the database, or to its thread. The
# condition is repeated outside: between choosing and updating, another sender may have come.
CLAIM = """with chosen as materialized ({arms})
    update deliveries set due_at = :leased_until, wait_ms = :now - :leased_until, token = token + 1,
        claimed_by = {claimer}
    where id in (select id from chosen) and status = 'pending' and due_at <= :now
    returning {columns}"""

DUE_ARM = """select id from (
        select id from deliveries
        where endpoint_id = :endpoint_{place} and status = 'pending' and due_at <= :now
        order by due_at limit :limit_{place} {lock}) due_{place}"""

# First in, first out: the first one, or none while that one waits for its next attempt or another
# sender has it. Only that one is locked: the first that nobody holds would be another.
FIRST_ARM = """select id from (
        with first as materialized (
            select id from deliveries
            where endpoint_id = :endpoint_{place} and status = 'pending'
            order by position limit 1)
        select d.id from deliveries d
        where d.id in (select id from first) and d.status = 'pending' and d.due_at <= :now
        {lock}) first_{place}"""

# The sender that changes the row makes the attempt; the others find the circuit resting. Nobody
# waits for a row here: senders that hold rows of each other would wait for ever.
TRY = """update endpoints set circuit = 'half-open', circuit_until = :until, circuit_since = :since,
        circuit_wait_ms = :wait_ms
    where id in (select id from endpoints
        where id = :endpoint and circuit_until = :rested_until {lock})
    returning id"""

RECORD = """update deliveries set status = :status, attempts = :attempts, due_at = :due_at,
        error = :error, finished_at = :finished_at, wait_ms = :wait_ms, token = token + 1,
        claimed_by = null
    where id = :id"""

INSERT_ATTEMPT = """insert into attempts
    (delivery_id, number, started_at, duration_ms, status_code, error, answer, project_id)
    values (:delivery_id, :number, :started_at, :duration_ms, :status_code, :error, :answer,
        :project_id)"""

# On SQLite one statement for all rows of a turn: a statement for each row would cost one hand-over
# of the interpreter's lock between two threads each time.
RECORD_ROWS = """update deliveries set status = json_extract(done.value, '$[0]'),
        attempts = json_extract(done.value, '$[1]'), due_at = json_extract(done.value, '$[2]'),
        error = json_extract(done.value, '$[3]'), finished_at = json_extract(done.value, '$[4]'),
        wait_ms = json_extract(done.value, '$[5]'), token = token + 1, claimed_by = null
    from json_each(:rows) done where deliveries.id = json_extract(done.value, '$[6]')"""

INSERT_ATTEMPT_ROWS = """insert into attempts
    (delivery_id, number, started_at, duration_ms, status_code, error, answer, project_id)
    select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
        json_extract(value, '$[6]'), json_extract(value, '$[7]')
    from json_each(:rows)"""

RELEASE = """update deliveries set status = 'pending', due_at = :now, wait_ms = 0
    where status = 'waiting' and follows in {ended} returning endpoint_id"""

UPDATE_ENDPOINT = """update endpoints set failures_in_row = :failures, failing_since = :since,
        failed_at = :failed_at, state = :state, state_reason = :reason, enabled = :enabled,
        circuit = :circuit, circuit_since = :circuit_since, circuit_until = :circuit_until,
        circuit_openings = :openings, circuit_wait_ms = :wait_ms,
        quiet_until = :quiet_until, quiet_left = :quiet_left
    where id = :id"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What counted.

    results: those whose claim was still theirs. released: endpoints at which a later phase, or
    news of another endpoint, has become due. endpoints: as the results left them, by id.
    """

    results: tuple[Result, ...] = ()
    released: frozenset[str] = frozenset()
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)


@lru_cache(maxsize=1024)
def claim_sql(dialect: str, any_order: int, in_order: int, claimer: str = "null") -> str:
    """Return the statement that claims for so many endpoints, the ordered ones last.

    claimer: an expression.
    """
    due, first = (
        ("for update skip locked", "for update of d skip locked")
        if dialect == "postgresql"
        else ("", "")
    )
    arms = [DUE_ARM.format(place=place, lock=due) for place in range(any_order)]
    arms += [FIRST_ARM.format(place=any_order + place, lock=first) for place in range(in_order)]
    return CLAIM.format(arms=" union all ".join(arms), columns=COLUMNS, claimer=claimer)


async def load_endpoints(tx: Transaction, endpoint_ids: Collection[str]) -> dict[str, Endpoint]:
    """Return those of the endpoints that exist, by id."""
    if not endpoint_ids:
        return {}
    return {endpoint.id: endpoint for endpoint in await _endpoints(tx, endpoint_ids)}


async def claim(
    tx: Transaction,
    asked: Sequence[tuple[Endpoint, int]],
    now: int,
    lease_ms: int,
    claimer: str | None = None,
) -> dict[str, Claimed]:
    """Take due deliveries of endpoints, longest due first, for as long as the lease.

    asked: at most so many of each; of an ordered endpoint the first one or none; where the circuit
    is to be tried, one; where letters hold many, as many; where it is told only so much, as there
    is room for, or all that one message counts. A disabled endpoint keeps all. claimer:
    the life of the process that claims; None: nobody can tell its end. Returns what each got, by
    its id.
    """
    found = {endpoint.id: Claimed(endpoint) for endpoint, _ in asked}
    limits: dict[str, int] = {}
    rooms: dict[str, Room] = {}
    tried = []
    for endpoint, limit in asked:
        if not endpoint.enabled or endpoint.state is State.DISABLED or endpoint.circuit.rests(now):
            continue
        slots = 1 if endpoint.circuit.may_try(now) else limit
        room = await room_of(tx, endpoint, _at_once(endpoint, slots), now)
        if room is None:
            continue
        rooms[endpoint.id] = room
        if not endpoint.circuit.may_try(now):
            limits[endpoint.id] = room.deliveries
            continue
        trying = replace(endpoint, circuit=endpoint.circuit.trying(now, lease_ms))
        found[endpoint.id] = Claimed(trying)
        if await _try(tx, endpoint.circuit, trying):
            limits[endpoint.id] = room.deliveries
            tried.append(endpoint)
    for delivery in await _claim(tx, found, limits, now, lease_ms, claimer):
        found[delivery.endpoint_id].deliveries.append(delivery)
    spoken = {at: got for at, got in found.items() if at in rooms and not rooms[at].counts}
    found |= await hushed(tx, spoken, Turn(now, now + lease_ms, claimer))
    untouched = [endpoint for endpoint in tried if not found[endpoint.id].all]
    await tx.many(UPDATE_ENDPOINT, [_endpoint_row(endpoint) for endpoint in untouched])
    found |= {endpoint.id: Claimed(endpoint) for endpoint in untouched}
    for at, room in rooms.items():
        if found[at].endpoint.quiet is not None and found[at].deliveries:
            found[at] = await _left(tx, found[at], room)
    return found


async def record(tx: Transaction, results: Sequence[Result]) -> Recorded:
    """Store what came of attempts: in their deliveries, for those that follow, at the endpoints.

    A result whose claim has passed to somebody else is left out. One whose delivery was cancelled
    meanwhile is kept as an attempt and changes nothing else of it.
    """
    if not results:
        return Recorded()
    lock = "for no key update" if tx.dialect == "postgresql" else ""
    ids = [result.delivery.id for result in results]
    stored = {row["id"]: row for row in await statuses(tx, ids, lock)}
    held = [
        result
        for result in results
        if (row := stored.get(result.delivery.id)) and row["token"] == result.delivery.token
    ]
    recorded = [_recorded(one, stored[one.delivery.id]["status"]) for one in held]
    await _store(tx, held, recorded)
    await note_attempts(tx, held, [str(row[0]) for row in recorded])
    ended = [result for result in held if result.verdict.due_at is None]
    released = await _release(tx, ended)
    await give_back(tx, held)
    before, after = await _judge_endpoints(tx, held, lock)
    now = max(result.ended_at for result in results)
    told = await tell_endpoints(tx, [(before[at], after[at]) for at in after], now)
    return Recorded(tuple(held), released | told, after)


def _at_once(endpoint: Endpoint, slots: int) -> int:
    """Return how many deliveries so many attempts take: a letter may hold many."""
    return slots if endpoint.digest is None else endpoint.digest.count


async def _left(tx: Transaction, got: Claimed, room: Room) -> Claimed:
    """Return what a quiet endpoint got, with its window after it."""
    window = await leave(tx, got.endpoint, room, len(got.deliveries))
    names = await names_of(tx, got.deliveries) if room.counts else {}
    return replace(
        got, endpoint=replace(got.endpoint, window=window), counts=room.counts, names=names
    )


async def _claim(
    tx: Transaction,
    endpoints: Mapping[str, Claimed],
    limits: Mapping[str, int],
    now: int,
    lease_ms: int,
    claimer: str | None,
) -> list[Delivery]:
    if not limits:
        return []
    in_order = [at for at in limits if endpoints[at].endpoint.ordered]
    any_order = [at for at in limits if not endpoints[at].endpoint.ordered]
    values: dict[str, object] = {
        "now": now,
        "leased_until": now + lease_ms,
        "claimer": claimer,
    }
    for place, endpoint_id in enumerate(any_order + in_order):
        values[f"endpoint_{place}"] = endpoint_id
        values[f"limit_{place}"] = limits[endpoint_id]
    by = "null" if claimer is None else ":claimer"
    rows = await tx.all(claim_sql(tx.dialect, len(any_order), len(in_order), by), **values)
    return [delivery_of(row) for row in rows]


async def _store(
    tx: Transaction, held: Sequence[Result], recorded: Sequence[tuple[object, ...]]
) -> None:
    attempts = [_attempt_row(result) for result in held]
    if tx.dialect == "sqlite":
        await tx.run(RECORD_ROWS, rows=json.dumps(recorded))
        await tx.run(INSERT_ATTEMPT_ROWS, rows=json.dumps(attempts))
    else:
        await tx.many(RECORD, recorded)
        await tx.many(INSERT_ATTEMPT, attempts)


async def _try(tx: Transaction, before: Circuit, tried: Endpoint) -> bool:
    lock = "for no key update skip locked" if tx.dialect == "postgresql" else ""
    changed = await tx.value(
        TRY.format(lock=lock),
        endpoint=tried.id,
        rested_until=before.until,
        until=tried.circuit.until,
        since=tried.circuit.since,
        wait_ms=tried.circuit.wait_ms,
    )
    return changed is not None


async def _endpoints(tx: Transaction, ids: Iterable[str], lock: str = "") -> list[Endpoint]:
    rows = await tx.all(
        f"""select {ENDPOINT_COLUMNS} from endpoints where id in {tx.listed("ids")}
            order by id {lock}""",  # noqa: S608 - our own column names
        ids=json.dumps(sorted(ids)),
    )
    return [endpoint_of(tx, row) for row in rows]


async def _release(tx: Transaction, ended: Sequence[Result]) -> frozenset[str]:
    if not ended:
        return frozenset()
    rows = await tx.all(
        RELEASE.format(ended=tx.listed("ended")),
        ended=json.dumps([result.delivery.id for result in ended]),
        now=max(result.ended_at for result in ended),
    )
    return frozenset(row["endpoint_id"] for row in rows)


async def _judge_endpoints(
    tx: Transaction, results: Sequence[Result], lock: str
) -> tuple[dict[str, Endpoint], dict[str, Endpoint]]:
    """Return the endpoints of the results as they were and as they are stored now, by id."""
    ids = {result.delivery.endpoint_id for result in results}
    if not ids:
        return {}, {}
    before = {endpoint.id: endpoint for endpoint in await _endpoints(tx, ids, lock)}
    after = dict(before)
    for result in results:
        endpoint = after.get(result.delivery.endpoint_id)
        if endpoint is not None and result.leads:
            after[endpoint.id] = endpoint_after(endpoint, result)
    await tx.many(
        UPDATE_ENDPOINT,
        [_endpoint_row(after[at]) for at, endpoint in before.items() if after[at] != endpoint],
    )
    for at, endpoint in before.items():
        if after[at].url != endpoint.url:
            await move_endpoint(tx, after[at], max(result.ended_at for result in results))
    return before, after


def _endpoint_row(endpoint: Endpoint) -> tuple[object, ...]:
    circuit = endpoint.circuit
    return (
        endpoint.failures_in_row,
        endpoint.failing_since,
        endpoint.failed_at,
        endpoint.state.value,
        endpoint.state_reason,
        int(endpoint.enabled),
        circuit.state.value,
        circuit.since,
        circuit.until,
        circuit.openings,
        circuit.wait_ms,
        endpoint.window.until,
        endpoint.window.left,
        endpoint.id,
    )


def _recorded(result: Result, status: str) -> tuple[object, ...]:
    delivery, verdict = result.delivery, result.verdict
    # During the attempt it was cancelled, or an earlier phase was opened again, which goes first.
    if status == Status.CANCELLED or (status == Status.WAITING and verdict.due_at is not None):
        becomes, due_at = status, delivery.due_at
    else:
        becomes = verdict.status.value
        due_at = delivery.due_at if verdict.due_at is None else verdict.due_at
    return (
        becomes,
        delivery.attempts + 1,
        due_at,
        result.outcome.error,
        None if becomes in (Status.PENDING, Status.WAITING) else result.ended_at,
        max(0, due_at - result.ended_at),
        delivery.id,
    )


def _attempt_row(result: Result) -> tuple[object, ...]:
    outcome = result.outcome
    return (
        result.delivery.id,
        result.delivery.attempts + 1,
        outcome.started_at,
        outcome.duration_ms,
        outcome.status_code,
        outcome.error,
        outcome.answer,
        result.delivery.project_id,
    )
