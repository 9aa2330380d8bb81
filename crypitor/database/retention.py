"""Which walk of the retention has its next step when; any process may make it.

A step is one transaction: it takes the walk that is due, whose row's lock keeps others out, removes
something, and moves the place on.
"""

from dataclasses import dataclass

from crypitor.database.engine import Row, Transaction
from crypitor.database.pruning import (
    START,
    Done,
    Place,
    Prune,
    Slice,
    prune_attempts,
    prune_audit,
    prune_bodies,
    prune_changes,
    prune_deliveries,
    prune_events,
    prune_jobs,
    prune_keys,
    prune_matches,
    prune_readings,
    prune_statistics,
    prune_tokens,
)
from crypitor.database.sql import skip_locked
from crypitor.database.statistics import KEPT_MS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEYS_MS = DAY_MS
TOKENS_MS = 90 * DAY_MS

AGAIN_MS = 600_000
"""How long a walk that came to its end rests."""

AGAIN_FULL_MS = 10_000
"""The same where the database has a largest size."""

RESTART_MS = DAY_MS
"""How often a walk looks again at what it could not remove before."""

OF_PROJECT: dict[str, Prune] = {
    "attempts": prune_attempts,
    "bodies": prune_bodies,
    "deliveries": prune_deliveries,
    "events": prune_events,
    "matches": prune_matches,
    "minutes": prune_statistics("minute"),
    "hours": prune_statistics("hour"),
}
OF_ALL: dict[str, Prune] = {
    "changes": prune_changes,
    "tokens": prune_tokens,
    "keys": prune_keys,
    "jobs": prune_jobs,
    "audit": prune_audit,
    "readings": prune_readings,
}
# What is older than a removed delivery goes with it: these need no second look.
RESTARTED = (OF_PROJECT.keys() | OF_ALL.keys()) - {
    "attempts", "bodies", "events", "minutes", "hours",
}  # fmt: skip
SHRINK = ("deliveries", "matches", "events")
"""What goes before its time where there is too much: each after those that belong to it."""

SETTLES_MS = 1_800_000
"""Within this time what was told of is confirmed, and sent, as a rule; then it may go."""

PLAN = """insert into retention (task, project_id, place_at, place_id, restarted_at, due_at)
    select cast(:task as text), id, -1, '', cast(:now as bigint), 0
    from projects where true on conflict do nothing"""

PLAN_ALL = """insert into retention (task, project_id, place_at, place_id, restarted_at, due_at)
    values (:task, '', -1, '', :now, 0) on conflict do nothing"""

NEXT = """select task, project_id, place_at, place_id, restarted_at from retention
    where due_at <= :now or due_at > :too_far
    order by due_at, task, project_id limit 1 {lock}"""

KNOWN = """select (select value from counters where name = 'time that has passed') as noted,
    (select max(timestamp) from headers) as block"""

NOTED = "select value from counters where name = 'time that has passed'"

NOTE = """insert into counters (name, value) values ('time that has passed', :known)
    on conflict (name) do update set value = excluded.value"""

WALKS = """select task, place_at, place_id, restarted_at from retention
    where project_id = :project_id and task in ('deliveries', 'matches', 'events')"""

# All that belongs to the oldest events: of what is told with them, all is made then or later.
OLDEST = """select at from events where project_id = :project_id
    order by position limit 1 offset :limit"""

ADVANCE = """update retention set place_at = :place_at, place_id = :place_id,
        restarted_at = :restarted_at, due_at = :due_at
    where task = :task and project_id = :project_id"""

USED = """select (select page_count from pragma_page_count())
        - (select freelist_count from pragma_freelist_count()) as pages,
    (select page_size from pragma_page_size()) as page_size"""


@dataclass(frozen=True, slots=True)
class Kept:
    """For how long things are kept, in milliseconds; None for ever.

    most_bytes: of a SQLite file's pages in use, above which the oldest deliveries and matches go
    before their time; None for no limit.
    """

    attempts: int | None = None
    bodies: int | None = None
    deliveries: int | None = None
    matches: int | None = None
    audit: int | None = None
    most_bytes: int | None = None

    def of(self, task: str) -> int | None:
        """Return for how long a task keeps things."""
        own = {
            "attempts": self.attempts,
            "bodies": self.bodies,
            "deliveries": self.deliveries,
            "events": self.matches,
            "matches": self.matches,
            "readings": self.matches,
            "jobs": self.deliveries,
            "audit": self.audit,
            "changes": 0,
            "tokens": TOKENS_MS,
            "keys": KEYS_MS,
            "minutes": KEPT_MS["minute"],
            "hours": KEPT_MS["hour"],
        }
        return own[task]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a step did. removed: rows."""

    task: str
    removed: int


async def plan(tx: Transaction, now: int) -> None:
    """Make the walks that are missing, those of new projects among them."""
    for task in OF_ALL:
        await tx.run(PLAN_ALL, task=task, now=now)
    for task in OF_PROJECT:
        await tx.run(PLAN, task=task, now=now)


async def known_time(tx: Transaction, now: int) -> int:
    """Return the latest instant of which it is known that it has passed; never after `now`.

    It was noted before, or a block is of that second. now: unix milliseconds by a clock that may
    have been set forward; believed where nothing else is known.
    """
    row = await tx.one(KNOWN)
    assert row is not None
    noted = now if row["noted"] is None else row["noted"]
    return min(now, max(noted, (row["block"] or 0) * 1000))


async def noted_time(tx: Transaction, now: int) -> int:
    """Return the latest instant that was noted to have passed; `now` where none was."""
    noted: int | None = await tx.value(NOTED)
    return now if noted is None else min(now, noted)


async def note_time(tx: Transaction, known: int) -> None:
    """Note that an instant has passed."""
    await tx.run(NOTE, known=known)


async def prune(
    tx: Transaction, kept: Kept, now: int, limit: int, known: int | None = None
) -> Pruned | None:
    """Make the next step, None when none is due.

    limit: rows that it looks at. known: see known_time; what is kept for a time is kept until that
    time is known to have passed. Where it is not given, the clock is believed.
    """
    known = now if known is None else min(now, known)
    lock = skip_locked(tx.dialect)
    row = await tx.one(NEXT.format(lock=lock), now=now, too_far=now + AGAIN_MS)
    if row is None:
        return None
    task, project_id = row["task"], row["project_id"]
    if task in SHRINK and await _is_too_large(tx, kept.most_bytes):
        return Pruned(task, await _shrink(tx, project_id, now, limit))
    keep = kept.of(task)
    place = Place(row["place_at"], row["place_id"])
    if keep is None:
        done = Done(place, 0, ended=True)
    else:
        run = {**OF_PROJECT, **OF_ALL}[task]
        done = await run(tx, Slice(project_id, place, (known if keep else now) - keep, limit))
    rest = AGAIN_MS if kept.most_bytes is None else AGAIN_FULL_MS
    await _advance(tx, project_id, row, done, now, now + (rest if done.ended else 0))
    return Pruned(task, done.removed)


async def _shrink(tx: Transaction, project_id: str, now: int, limit: int) -> int:
    """Remove the oldest of a project, whatever it is, and return how many rows.

    Deliveries, matches and events of the same time go together: else those of which there are few
    would be gone long before the others.
    """
    walks = {row["task"]: row for row in await tx.all(WALKS, project_id=project_id)}
    oldest = await tx.value(OLDEST, project_id=project_id, limit=limit)
    until = now if oldest is None else oldest + 1
    dones: dict[str, Done] = {}
    for task in SHRINK:
        place = Place(walks[task]["place_at"], walks[task]["place_id"])
        dones[task] = await OF_PROJECT[task](
            tx, Slice(project_id, place, now, limit, until, now - SETTLES_MS)
        )
        if not dones[task].ended:
            break
    removed = sum(done.removed for done in dones.values())
    due_at = (
        now if removed or not all(done.ended for done in dones.values()) else now + AGAIN_FULL_MS
    )
    for task, done in dones.items():
        await _advance(tx, project_id, walks[task], done, now, due_at)
    return removed


async def _advance(
    tx: Transaction, project_id: str, row: Row, done: Done, now: int, due_at: int
) -> None:
    """Note where a walk goes on, and when; once a day from the beginning."""
    place, restarted_at = done.place, row["restarted_at"]
    if done.ended and row["task"] in RESTARTED and abs(now - restarted_at) >= RESTART_MS:
        place, restarted_at = START, now
    await tx.run(
        ADVANCE,
        task=row["task"],
        project_id=project_id,
        place_at=place.at,
        place_id=place.id,
        restarted_at=restarted_at,
        due_at=due_at,
    )


async def _is_too_large(tx: Transaction, most_bytes: int | None) -> bool:
    if most_bytes is None or tx.dialect != "sqlite":
        return False
    row = await tx.one(USED)
    assert row is not None
    return bool(row["pages"] * row["page_size"] > most_bytes)
