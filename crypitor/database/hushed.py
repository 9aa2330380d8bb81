"""Monitors that tell only so much, or not at some hours, as the sender claims what is theirs."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter

from crypitor.database.deliveries import COLUMNS, delivery_of
from crypitor.database.engine import Row, Transaction
from crypitor.database.sql import skip_locked
from crypitor.webhook.delivery import Delivery, Endpoint, Result
from crypitor.webhook.hush import Hush, split
from crypitor.webhook.quiet import FIRST, MOST_COUNTED, Quiet, Window
from crypitor.webhook.silence import stored_silence

LOCKED_MS = 250
"""Until what another sender stands at is looked at again."""

SELECT_HUSHES = """select m.id, m.name, m.quiet_most, m.quiet_ms, m.quiet_webhooks, m.silence,
        w.quiet_until, w.quiet_left
    from monitors m left join quiet_windows w on w.monitor_id = m.id and w.endpoint_id = :endpoint
    where m.id in {monitors}"""

BEGIN = """insert into quiet_windows (monitor_id, endpoint_id, quiet_until, quiet_left)
    values (:monitor, :endpoint, 0, 1) on conflict (monitor_id, endpoint_id) do nothing"""

HOLD = """select monitor_id from quiet_windows
    where monitor_id in {monitors} and endpoint_id = :endpoint
    order by monitor_id for no key update skip locked"""

KEEP = """insert into quiet_windows (monitor_id, endpoint_id, quiet_until, quiet_left)
    values (:monitor, :endpoint, :until, :left)
    on conflict (monitor_id, endpoint_id) do update
        set quiet_until = excluded.quiet_until, quiet_left = excluded.quiet_left"""

OF_MONITOR = """select id from deliveries
    where endpoint_id = :endpoint and status = 'pending' and due_at <= :now
        and monitor_id = :monitor and quiet = 1
    order by due_at limit :limit {lock}"""

CLAIM_REST = f"""update deliveries set due_at = :leased_until, wait_ms = :wait_ms,
        token = token + 1, claimed_by = {{claimer}}
    where id in ({OF_MONITOR}) and status = 'pending' and due_at <= :now
    returning {COLUMNS}"""  # noqa: S608 - SQL from above

PUT_OFF = """update deliveries set due_at = :until, wait_ms = :wait_ms, claimed_by = null
    where id in {ids} and status = 'pending'"""

PUT_OFF_REST = f"""update deliveries set due_at = :until, wait_ms = :wait_ms
    where id in ({OF_MONITOR}) and status = 'pending' and due_at <= :now"""  # noqa: S608

GATHER_AGAIN = """update quiet_windows set quiet_until = :now, quiet_left = 0
    where monitor_id = :monitor and endpoint_id = :endpoint"""

GIVE_BACK = """update quiet_windows set quiet_left = quiet_left + 1
    where monitor_id = :monitor and endpoint_id = :endpoint and quiet_until > :now"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A claim. leased_until, now: unix milliseconds.  claimer: see `attempts.claim`."""

    now: int
    leased_until: int
    claimer: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an endpoint got. endpoint: with its circuit and its window as they are then.

    counts: one message is to count it all. groups: besides, what goes as one message that counts
    it. names: of the monitors that are counted, by id. more: whether others may be due behind those
    that were put off.
    """

    endpoint: Endpoint
    deliveries: list[Delivery] = field(default_factory=list)
    counts: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    groups: list[list[Delivery]] = field(default_factory=list)
    more: bool = False

    @property
    def all(self) -> list[Delivery]:
        """Return everything that was claimed, however it goes."""
        return [*self.deliveries, *(one for group in self.groups for one in group)]

    def without(self, cancelled: Collection[str]) -> None:
        """Leave out what is not sent after all. cancelled: ids."""
        for some in (self.deliveries, *self.groups):
            some[:] = [one for one in some if one.id not in cancelled]


@dataclass(slots=True)
class _Told:
    """What is sent, as it is found out; see `Claimed`."""

    deliveries: list[Delivery]
    groups: list[list[Delivery]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """Of a monitor, at one endpoint."""

    name: str
    hush: Hush
    window: Window


async def hushed(tx: Transaction, claimed: Mapping[str, Claimed], turn: Turn) -> dict[str, Claimed]:
    """Return what endpoints are sent of what was claimed, where monitors asked how much.

    The others are due later. Where the rest is counted, what is due besides of the same monitor is
    claimed with it.
    """
    return {
        at: await _told_of(tx, got, turn)
        for at, got in claimed.items()
        if any(one.quiet for one in got.deliveries)
    }


async def _told_of(tx: Transaction, got: Claimed, turn: Turn) -> Claimed:
    endpoint = got.endpoint
    told = _Told([one for one in got.deliveries if not one.quiet])
    asked = sorted((one for one in got.deliveries if one.quiet), key=_MONITOR)
    monitors = sorted({one.monitor_id or "" for one in asked})
    held = await _held(tx, endpoint, monitors)
    known = await _known(tx, endpoint, monitors)
    for monitor, some in groupby(asked, key=_MONITOR):
        theirs = sorted(some, key=attrgetter("position"))
        if monitor not in known:  # it was deleted: what it told is being cancelled
            told.deliveries += theirs
        elif monitor not in held:
            told.more = True
            await _put_off(tx, theirs, turn.now + LOCKED_MS, turn.now)
        else:
            await _tell(tx, endpoint, known[monitor], theirs, turn, told)
    return replace(
        got, deliveries=told.deliveries, groups=told.groups, names=told.names, more=told.more
    )


_MONITOR = attrgetter("monitor_id")


async def _tell(
    tx: Transaction,
    endpoint: Endpoint,
    known: _Known,
    theirs: Sequence[Delivery],
    turn: Turn,
    told: _Told,
) -> None:
    found = split(known.hush, endpoint, known.window, theirs, turn.now)
    monitor = theirs[0].monitor_id or ""
    of = {"monitor": monitor, "endpoint": endpoint.id}
    if found.counts:
        rest = await _claim_rest(tx, of, turn, MOST_COUNTED - len(theirs))
        told.groups.append([*theirs, *rest])
        told.names[monitor] = known.name
    else:
        told.deliveries += found.sent
    if found.until is not None:
        told.more = True
        await _put_off(tx, theirs[len(found.sent) :], found.until, turn.now)
        lock = skip_locked(tx.dialect)
        wait_ms = found.until - turn.now
        at = {"until": found.until, "now": turn.now, "wait_ms": wait_ms, "limit": MOST_COUNTED}
        await tx.run(PUT_OFF_REST.format(lock=lock), **of, **at)
    if (window := found.window) is not None:
        await tx.run(KEEP, until=window.until, left=window.left, **of)


async def give_back(tx: Transaction, results: Iterable[Result]) -> None:
    """Give room back for messages of quiet monitors that were not taken."""
    for result in results:
        delivery = result.delivery
        if not (delivery.quiet and result.leads) or result.outcome.succeeded:
            continue
        of = {"monitor": delivery.monitor_id or "", "endpoint": delivery.endpoint_id}
        sql = GATHER_AGAIN if result.counted else GIVE_BACK
        await tx.run(sql, now=result.ended_at, **of)


async def _held(tx: Transaction, endpoint: Endpoint, monitors: Sequence[str]) -> set[str]:
    """Return the monitors whose windows no other sender changes until the end of the unit."""
    if tx.dialect != "postgresql":
        return {*monitors}
    await tx.many(BEGIN, [(monitor, endpoint.id) for monitor in monitors])
    query = HOLD.format(monitors=tx.listed("monitors"))
    rows = await tx.all(query, monitors=json.dumps(monitors), endpoint=endpoint.id)
    return {row["monitor_id"] for row in rows}


async def _known(
    tx: Transaction, endpoint: Endpoint, monitors: Sequence[str]
) -> Mapping[str, _Known]:
    query = SELECT_HUSHES.format(monitors=tx.listed("monitors"))
    rows = await tx.all(query, monitors=json.dumps(monitors), endpoint=endpoint.id)
    return {row["id"]: _Known(row["name"], _hush(row), _window(row)) for row in rows}


def _hush(row: Row) -> Hush:
    most, length_ms = row["quiet_most"], row["quiet_ms"]
    quiet = None if most is None else Quiet(most, length_ms // 1000)
    return Hush(quiet, bool(row["quiet_webhooks"]), stored_silence(row["silence"]))


def _window(row: Row) -> Window:
    until = row["quiet_until"]
    return FIRST if until is None else Window(until, row["quiet_left"])


async def _claim_rest(
    tx: Transaction, of: Mapping[str, str], turn: Turn, limit: int
) -> list[Delivery]:
    claimer = "null" if turn.claimer is None else ":claimer"
    lock = skip_locked(tx.dialect)
    rows = await tx.all(
        CLAIM_REST.format(claimer=claimer, lock=lock),
        **of,
        now=turn.now,
        leased_until=turn.leased_until,
        wait_ms=turn.now - turn.leased_until,
        claimer=turn.claimer,
        limit=limit,
    )
    return sorted(map(delivery_of, rows), key=attrgetter("position"))


async def _put_off(tx: Transaction, some: Sequence[Delivery], until: int, now: int) -> None:
    if some:
        ids = json.dumps([one.id for one in some])
        query = PUT_OFF.format(ids=tx.listed("ids"))
        await tx.run(query, ids=ids, until=until, wait_ms=until - now)
