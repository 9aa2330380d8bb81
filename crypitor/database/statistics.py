"""Counts by minute and hour: made of what is stored, a step at a time, beside everything else.

A step counts some events after a position and some attempts that were noted; it moves the position
on and takes the notes away in the same transaction. A process that dies has counted all of a step,
or nothing of it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from crypitor.database.engine import Row, Transaction
from crypitor.database.latencies import Latency, buckets_of, stored_buckets
from crypitor.database.sql import skip_locked

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
Span: TypeAlias = Literal["minute", "hour"]
SPANS: Mapping[Span, int] = {"minute": MINUTE_MS, "hour": HOUR_MS}
KEPT_MS: Mapping[Span, int] = {"minute": 25 * HOUR_MS, "hour": 91 * 24 * HOUR_MS}
"""Somewhat more than a day and 90 days, so that these are always whole."""

Kind: TypeAlias = Literal["project", "network", "monitor", "endpoint"]
KINDS: tuple[Kind, ...] = ("project", "network", "monitor", "endpoint")

# Whoever holds this row counts; the others have nothing to do.
LOCK = "select value from counters where name = 'statistics' {lock}"

# Who holds this counter commits before the next one gets a position: what is up to here is there.
NEWEST = "select value from counters where name = 'events'"

EVENTS = """select e.project_id, e.type, e.at / 60000 as minute, m.network, m.monitor_id,
        count(*) as times
    from projects p join events e on e.project_id = p.id
        left join matches m on m.id = e.match_id
    where e.position > :after and e.position <= :upto and e.match_id is not null
    group by e.project_id, e.type, e.at / 60000, m.network, m.monitor_id"""

ATTEMPTS = """select u.id, u.project_id, u.monitor_id, u.endpoint_id, m.network,
        u.at / 60000 as minute, u.outcome, u.ended, u.first_ms, u.success_ms
    from (select * from uncounted order by id limit :limit) u
        left join matches m on m.id = u.match_id"""

TAKE_AWAY = "delete from uncounted where id = :id"

MOVE_ON = "update counters set value = :upto where name = 'statistics'"

NUMBERS = (
    "detected", "confirmed", "ended", "reverted", "delivered", "failed", "cancelled",
    "taken", "refused", "unanswered",
)  # fmt: skip
PHASES = ("detected", "confirmed", "ended", "reverted")
"""What is told of a match and counted."""

COLUMNS = ", ".join(
    [
        *NUMBERS, "first_count", "first_ms", "first_buckets",
        "success_count", "success_ms", "success_buckets",
    ]
)  # fmt: skip

KNOWN_SQLITE = f"""select s.project_id, s.kind, s.subject, s.span, s.at, {COLUMNS}
    from json_each(:keys) k cross join statistics s
        on s.project_id = json_extract(k.value, '$[0]') and s.kind = json_extract(k.value, '$[1]')
            and s.subject = json_extract(k.value, '$[2]') and s.span = json_extract(k.value, '$[3]')
            and s.at = json_extract(k.value, '$[4]')"""  # noqa: S608 - our own column names

KNOWN_POSTGRESQL = f"""select s.project_id, s.kind, s.subject, s.span, s.at, {COLUMNS}
    from jsonb_array_elements(cast(:keys as jsonb)) k join statistics s
        on s.project_id = k.value ->> 0 and s.kind = k.value ->> 1 and s.subject = k.value ->> 2
            and s.span = k.value ->> 3 and s.at = cast(k.value ->> 4 as bigint)"""  # noqa: S608

_NAMES = COLUMNS.split(", ")
STORE = f"""insert into statistics (project_id, kind, subject, span, at, {COLUMNS})
    values (:project_id, :kind, :subject, :span, :at, {", ".join(f":{name}" for name in _NAMES)})
    on conflict (project_id, kind, subject, span, at)
    do update set {", ".join(f"{name} = excluded.{name}" for name in _NAMES)}"""  # noqa: S608


class Key(NamedTuple):
    """Of a row. at: unix milliseconds."""

    project_id: str
    kind: str
    subject: str
    span: str
    at: int


@dataclass(slots=True)
class Counts:
    """What happened in some time.

    Matches by what was told of them; deliveries by how they ended; attempts by their outcome:
    taken, refused by what was answered, or unanswered. first: from queueing to the first attempt;
    success: to the end of the attempt that was taken.
    """

    detected: int = 0
    confirmed: int = 0
    ended: int = 0
    reverted: int = 0
    delivered: int = 0
    failed: int = 0
    cancelled: int = 0
    taken: int = 0
    refused: int = 0
    unanswered: int = 0
    first: Latency = field(default_factory=Latency)
    success: Latency = field(default_factory=Latency)

    def merge(self, more: "Counts") -> None:
        """Count what somebody else has counted."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.first.merge(more.first)
        self.success.merge(more.success)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a step did. rows: that it looked at; more: there are others."""

    rows: int
    more: bool


NOTHING = Counted(0, more=False)


async def count_more(tx: Transaction, now: int, limit: int) -> Counted:
    """Count some of what is not counted yet. limit: events, and attempts. now: unix ms."""
    lock = skip_locked(tx.dialect)
    after: int | None = await tx.value(LOCK.format(lock=lock))
    if after is None:
        return NOTHING
    newest: int = await tx.value(NEWEST)
    upto = min(newest, after + limit)
    found: dict[Key, Counts] = {}
    if upto > after:
        for row in await tx.all(EVENTS, after=after, upto=upto):
            _add_event(found, row, now)
        await tx.run(MOVE_ON, upto=upto)
    attempts = await tx.all(ATTEMPTS, limit=limit)
    for group, times in Counter(map(_without_id, attempts)).items():
        _add_attempts(found, group, times, now)
    await _store(tx, found)
    await tx.many(TAKE_AWAY, [(row["id"],) for row in attempts])
    looked_at = max(0, upto - after) + len(attempts)
    return Counted(looked_at, more=newest > upto or len(attempts) == limit)


async def is_counted(tx: Transaction) -> bool:
    """Whether all that is stored is in the statistics."""
    return bool(
        await tx.value(
            """select (select value from counters where name = 'events')
                    <= (select value from counters where name = 'statistics')
                and not exists (select 1 from uncounted) as counted"""
        )
    )


class _Attempts(NamedTuple):
    """What is the same of some attempts."""

    project_id: str
    monitor_id: str
    endpoint_id: str
    network: str | None
    minute: int
    outcome: str
    ended: str
    first_ms: int | None
    success_ms: int | None


def _without_id(row: Row) -> _Attempts:
    return _Attempts(*(row[name] for name in _Attempts._fields))


def _add_event(found: dict[Key, Counts], row: Row, now: int) -> None:
    subjects = {"network": row["network"], "monitor": row["monitor_id"]}
    name = row["type"].removeprefix("match.")
    if name not in PHASES:
        return
    for key in _keys(row["project_id"], subjects, row["minute"], now):
        counts = found.setdefault(key, Counts())
        setattr(counts, name, getattr(counts, name) + row["times"])


def _add_attempts(found: dict[Key, Counts], group: _Attempts, times: int, now: int) -> None:
    subjects = {
        "network": group.network, "monitor": group.monitor_id, "endpoint": group.endpoint_id,
    }  # fmt: skip
    for key in _keys(group.project_id, subjects, group.minute, now):
        counts = found.setdefault(key, Counts())
        for name in (group.outcome, group.ended):
            if name:
                setattr(counts, name, getattr(counts, name) + times)
        if group.first_ms is not None:
            counts.first.add(group.first_ms, times)
        if group.success_ms is not None:
            counts.success.add(group.success_ms, times)


def _keys(
    project_id: str, subjects: Mapping[str, str | None], minute: int, now: int
) -> Iterator[Key]:
    """Yield the rows in which something is counted; none for what is kept no longer."""
    at = minute * MINUTE_MS
    for span, length_ms in SPANS.items():
        begin = at - at % length_ms
        if begin < now - KEPT_MS[span]:
            continue
        yield Key(project_id, "project", "", span, begin)
        for kind, subject in subjects.items():
            if subject:
                yield Key(project_id, kind, subject, span, begin)


async def _store(tx: Transaction, found: Mapping[Key, Counts]) -> None:
    if not found:
        return
    known = KNOWN_POSTGRESQL if tx.dialect == "postgresql" else KNOWN_SQLITE
    for row in await tx.all(known, keys=json.dumps(list(found))):
        found[Key(*(row[name] for name in Key._fields))].merge(counts_of(row))
    await tx.many(
        STORE, [(*key, *_values(counts)) for key, counts in sorted(found.items(), key=_key)]
    )


def _key(item: tuple[Key, Counts]) -> Key:
    return item[0]


def _values(counts: Counts) -> Iterable[object]:
    yield from (getattr(counts, name) for name in NUMBERS)
    for latency in (counts.first, counts.success):
        yield from (latency.count, latency.total_ms, stored_buckets(latency.buckets))


def counts_of(row: Row) -> Counts:
    """Return the counts of a row that has `COLUMNS`."""
    return Counts(
        **{name: row[name] for name in NUMBERS},
        first=Latency(row["first_count"], row["first_ms"], buckets_of(row["first_buckets"])),
        success=Latency(
            row["success_count"], row["success_ms"], buckets_of(row["success_buckets"])
        ),
    )
