"""Monitors, without their addresses, and the log of their changes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from msgspec.json import decode

from crypitor.database.engine import Row, Transaction
from crypitor.database.leftovers import leave_addresses
from crypitor.database.sql import Order, beyond
from crypitor.evm.types import Address
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import (
    STATE_KINDS,
    Confirmations,
    Direction,
    Kind,
    Monitor,
    Phase,
    Rule,
)

SHORT = 500
"""Characters of rules that are kept as they were read."""

COLUMNS = """id, project_id, name, networks, rules, any_address, notify, confirmations, tags, note,
    enabled, created_at, updated_at, severity, quiet_most, quiet_ms, quiet_webhooks, silence"""

INSERT = f"""insert into monitors ({COLUMNS}, list_id, gauges, rules_cost)
    values (:id, :project_id, :name, :networks, :rules, :any_address, :notify, :confirmations,
        :tags, :note, :enabled, :created_at, :updated_at, :severity, :quiet_most, :quiet_ms,
        :quiet_webhooks, :silence, :id, :gauges, :rules_cost)"""  # noqa: S608 - columns from above

UPDATE = """update monitors set name = :name, networks = :networks, rules = :rules,
        any_address = :any_address, notify = :notify, confirmations = :confirmations, tags = :tags,
        note = :note, enabled = :enabled, updated_at = :updated_at, gauges = :gauges,
        rules_cost = :rules_cost, severity = :severity, quiet_most = :quiet_most,
        quiet_ms = :quiet_ms, quiet_webhooks = :quiet_webhooks, silence = :silence
    where id = :id and project_id = :project_id"""

ICU = "und-x-icu"
"""A collation of PostgreSQL's that knows all letters."""

# Of another limit another window begins: before the update, by what is stored yet.
BEGIN_WINDOWS = """delete from quiet_windows where monitor_id = :id
    and exists (select 1 from monitors m where m.id = :id
        and (coalesce(m.quiet_most, 0) <> coalesce(cast(:quiet_most as integer), 0)
            or coalesce(m.quiet_ms, 0) <> coalesce(cast(:quiet_ms as bigint), 0)))"""

# Text that holds a word is longer than itself without that word: exact and alike on both databases,
# where `like` would fold case on one of them.
LIST = f"""select {COLUMNS} from monitors
    where project_id = :project_id
        and (:network = '' or replace(networks, :network, '') <> networks)
        and (:tag = '' or replace(tags, :tag, '') <> tags)
        and (:enabled = -1 or enabled = :enabled)
        and (:search = '' or id = :id
            or lower(name{{collated}}) like :search escape '!' or name like :exact escape '!'
            or lower(note{{collated}}) like :search escape '!' or note like :exact escape '!')
        and (:cursor = '' or id {{beyond}} :cursor)
    order by id {{order}} limit :limit"""  # noqa: S608 - columns from above

SELECT_ENDPOINTS = """select monitor_id, endpoint_id from monitor_endpoints
    where monitor_id in {monitors} order by monitor_id, place"""

SELECT_ENDPOINTS_OF_ONE = """select endpoint_id from monitor_endpoints
    where monitor_id = :monitor order by place"""

NEXT_REVISION = """update counters set value = value + :count where name = 'changes'
    returning value"""


@dataclass(frozen=True, slots=True)
class MonitorFilter:
    """What a list is narrowed to; None for everything. search: part of name or note, or an id."""

    network: str | None = None
    tag: str | None = None
    enabled: bool | None = None
    search: str | None = None


async def insert_monitor(tx: Transaction, monitor: Monitor, *, rules_cost: int = 1) -> None:
    """Store a new monitor; its endpoints have to exist. rules_cost: in points, see its limit."""
    await tx.run(INSERT, **_values(monitor), rules_cost=rules_cost)
    await _link_endpoints(tx, monitor)


async def rules_cost_of(tx: Transaction, monitor_id: str) -> int:
    """Return what the rules of a monitor cost, in points."""
    cost: int = await tx.value("select rules_cost from monitors where id = :id", id=monitor_id)
    return cost


async def update_monitor(tx: Transaction, monitor: Monitor, *, rules_cost: int = 1) -> None:
    """Store what a monitor has become; its endpoints have to exist. rules_cost: in points."""
    values = _values(monitor)
    await tx.run(BEGIN_WINDOWS, **values)
    await tx.run(UPDATE, **values, rules_cost=rules_cost)
    await tx.run("delete from monitor_endpoints where monitor_id = :id", id=monitor.id)
    await _link_endpoints(tx, monitor)


async def lock_monitor(
    tx: Transaction, project_id: str, monitor_id: str, now: int
) -> Monitor | None:
    """Return a monitor that is going to change, so that nobody else changes it meanwhile."""
    rows = await tx.all(
        f"""update monitors set updated_at = :now where id = :id and project_id = :project_id
            returning {COLUMNS}""",  # noqa: S608 - columns from above
        id=monitor_id,
        project_id=project_id,
        now=now,
    )
    return (await _monitors(tx, rows))[0] if rows else None


async def delete_monitor(tx: Transaction, project_id: str, monitor_id: str) -> Monitor | None:
    """Forget a monitor; return what it was. Its matches stay, its addresses are removed later."""
    monitor = await get_monitor(tx, project_id, monitor_id)
    if monitor is not None:
        await leave_addresses(tx, monitor_id)
        await tx.run("delete from quiet_windows where monitor_id = :id", id=monitor_id)
        await tx.run("delete from monitors where id = :id", id=monitor_id)
    return monitor


async def get_monitor(tx: Transaction, project_id: str, monitor_id: str) -> Monitor | None:
    """Return a monitor of a project."""
    rows = await tx.all(
        f"select {COLUMNS} from monitors where id = :id and project_id = :project_id",  # noqa: S608
        id=monitor_id,
        project_id=project_id,
    )
    return (await _monitors(tx, rows))[0] if rows else None


async def _collated(tx: Transaction, search: str) -> str:
    """Return what lets `lower` know all letters: on PostgreSQL it is for the locale to say.

    Of servers without ICU it is left as it is there.
    """
    if tx.dialect == "sqlite" or search.isascii():
        return ""
    known = await tx.value(
        "select collname from pg_collation where collname = :name limit 1", name=ICU
    )
    return f' collate "{ICU}"' if known else ""


async def list_monitors(
    tx: Transaction,
    project_id: str,
    chosen: MonitorFilter,
    limit: int,
    cursor: str | None = None,
    order: Order = "desc",
) -> list[Monitor]:
    """Return monitors of a project, newest first unless told otherwise, those beyond `cursor`."""
    search = chosen.search or ""
    rows = await tx.all(
        LIST.format(beyond=beyond(order), order=order, collated=await _collated(tx, search)),
        project_id=project_id,
        network=json.dumps(chosen.network) if chosen.network else "",
        tag=json.dumps(chosen.tag) if chosen.tag else "",
        enabled=-1 if chosen.enabled is None else int(chosen.enabled),
        search=_like(search.lower()),
        exact=_like(search),
        id=search,
        cursor=cursor or "",
        limit=limit,
    )
    return await _monitors(tx, rows)


async def load_monitors(tx: Transaction, after: str, limit: int) -> list[Monitor]:
    """Return enabled monitors of all projects by their ids, those after one; '' is before all."""
    rows = await tx.all(
        f"""select {COLUMNS} from monitors where enabled = 1 and id > :after
            order by id limit :limit""",  # noqa: S608
        after=after,
        limit=limit,
    )
    return await _monitors(tx, rows)


async def load_gauged_monitors(tx: Transaction) -> list[Monitor]:
    """Return the enabled monitors of all projects that have rules about state."""
    rows = await tx.all(
        f"select {COLUMNS} from monitors where gauges = 1 and enabled = 1 order by id"  # noqa: S608
    )
    return await _monitors(tx, rows)


async def load_some_monitors(tx: Transaction, monitor_ids: Iterable[str]) -> list[Monitor]:
    """Return those of these monitors that exist, of all projects, disabled ones too."""
    rows = await tx.all(
        f"select {COLUMNS} from monitors where id in {tx.listed('ids')}",  # noqa: S608
        ids=json.dumps(list(monitor_ids)),
    )
    return await _monitors(tx, rows)


async def monitors_of_endpoint(tx: Transaction, endpoint_id: str) -> list[str]:
    """Return the ids of the monitors that deliver to an endpoint."""
    rows = await tx.all(
        "select monitor_id from monitor_endpoints where endpoint_id = :id", id=endpoint_id
    )
    return [row["monitor_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change did to the addresses of a monitor. added: new ones, and other labels."""

    added: Sequence[Labelled] = ()
    removed: Sequence[Address] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One change of a monitor. is_edit: whether addresses were all that was edited."""

    revision: int
    monitor_id: str
    is_edit: bool


async def record_changes(
    tx: Transaction, monitor_ids: Sequence[str], edit: Edit | None = None
) -> None:
    """Note that these monitors or their addresses changed, for indexes in other processes.

    edit: what was done to each, where nothing else was.
    Call it last: the revision follows the order of commits, so it is held until the commit.
    """
    if monitor_ids:
        last = await tx.value(NEXT_REVISION, count=len(monitor_ids))
        first = last - len(monitor_ids) + 1
        await tx.many(
            """insert into changes (revision, monitor_id, edit)
                values (:revision, :monitor_id, :edit)""",
            [
                (revision, monitor_id, None if edit is None else json.dumps(asdict(edit)))
                for revision, monitor_id in enumerate(monitor_ids, first)
            ],
        )


async def newest_revision(tx: Transaction) -> int:
    """Return the revision of the last change, 0 before the first."""
    revision: int = await tx.value("select value from counters where name = 'changes'")
    return revision


async def hold_revision(tx: Transaction) -> int:
    """Return the revision of the last change; no other one is committed before this unit is.

    Call it last: whoever records changes has locked monitors before.
    """
    lock = "for share" if tx.dialect == "postgresql" else ""
    revision: int = await tx.value(f"select value from counters where name = 'changes' {lock}")  # noqa: S608
    return revision


async def changes_after(tx: Transaction, revision: int, limit: int) -> list[Recorded]:
    """Return the changes after a revision, oldest first.

    Where revisions are left out, later changes of the same monitors have replaced them.
    """
    rows = await tx.all(
        """select revision, monitor_id, edit is not null as is_edit from changes
            where revision > :revision
            order by revision limit :limit""",
        revision=revision,
        limit=limit,
    )
    return [Recorded(row["revision"], row["monitor_id"], bool(row["is_edit"])) for row in rows]


async def edit_of(tx: Transaction, revision: int) -> Edit | None:
    """Return the edit of a change; None when a later change of the monitor has replaced it."""
    text = await tx.value("select edit from changes where revision = :revision", revision=revision)
    if text is None:
        return None
    edit = json.loads(text)
    return Edit([(address, label) for address, label in edit["added"]], edit["removed"])


async def _link_endpoints(tx: Transaction, monitor: Monitor) -> None:
    await tx.many(
        """insert into monitor_endpoints (monitor_id, endpoint_id, place)
            values (:monitor_id, :endpoint_id, :place)""",
        [(monitor.id, endpoint, place) for place, endpoint in enumerate(monitor.endpoints)],
    )


async def _monitors(tx: Transaction, rows: Sequence[Row]) -> list[Monitor]:
    endpoints: dict[str, list[str]] = {row["id"]: [] for row in rows}
    if len(rows) == 1:  # as who reads one has it: a list costs twice as much to look up
        for link in await tx.rows(SELECT_ENDPOINTS_OF_ONE, monitor=rows[0]["id"]):
            endpoints[rows[0]["id"]].append(link[0])
    elif rows:
        query = SELECT_ENDPOINTS.format(monitors=tx.listed("monitors"))
        for link in await tx.all(query, monitors=json.dumps(list(endpoints))):
            endpoints[link["monitor_id"]].append(link["endpoint_id"])
    return [_monitor(row, endpoints[row["id"]]) for row in rows]


def _monitor(row: Row, endpoints: Sequence[str]) -> Monitor:
    confirmations: Confirmations | None = decode(row["confirmations"])
    return Monitor(
        id=row["id"],
        project_id=row["project_id"],
        name=row["name"],
        networks=tuple(decode(row["networks"])),
        rules=_few_rules(row["rules"]) if len(row["rules"]) < SHORT else _rules(row["rules"]),
        any_address=bool(row["any_address"]),
        endpoints=tuple(endpoints),
        notify=frozenset(map(Phase, decode(row["notify"]))),
        confirmations=confirmations,
        tags=tuple(decode(row["tags"])),
        note=row["note"],
        enabled=bool(row["enabled"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        severity=row["severity"],
        quiet_most=row["quiet_most"],
        quiet_seconds=None if row["quiet_ms"] is None else row["quiet_ms"] // 1000,
        quiet_webhooks=bool(row["quiet_webhooks"]),
        silence=row["silence"],
    )


def _rules(text: str) -> tuple[Rule, ...]:
    """Return rules as they are stored, whose signatures were right then and are not read here."""
    return tuple(_rule(**rule) for rule in json.loads(text))


_few_rules = lru_cache(maxsize=1024)(_rules)
"""Most monitors ask what many others ask."""


def _rule(
    kind: str, direction: str = "all", contracts: Sequence[Address] | None = None, **rest: Any
) -> Rule:
    limited = None if contracts is None else frozenset(contracts)
    return Rule(Kind(kind), Direction(direction), limited, **rest)


def _stored(rule: Rule) -> dict[str, object]:
    """Return what differs from the defaults of `Rule`, and the direction."""
    contracts = None if rule.contracts is None else sorted(rule.contracts)
    names = ("where", "signature", "args", "token_id", "rearm", "every_seconds", "every_blocks")
    more = {"contracts": contracts, **{name: getattr(rule, name) for name in names}}
    return {
        "kind": rule.kind,
        "direction": rule.direction,
        **{name: value for name, value in more.items() if value is not None},
        **({"include_failed": True} if rule.include_failed else {}),
    }


def _values(monitor: Monitor) -> dict[str, object]:
    return {
        "id": monitor.id,
        "project_id": monitor.project_id,
        "name": monitor.name,
        "networks": json.dumps(monitor.networks),
        "rules": json.dumps(list(map(_stored, monitor.rules))),
        "any_address": int(monitor.any_address),
        "notify": json.dumps([phase for phase in Phase if phase in monitor.notify]),
        "confirmations": json.dumps(monitor.confirmations),
        "tags": json.dumps(monitor.tags),
        "note": monitor.note,
        "enabled": int(monitor.enabled),
        "gauges": int(any(rule.kind in STATE_KINDS for rule in monitor.rules)),
        "created_at": monitor.created_at,
        "updated_at": monitor.updated_at,
        "severity": monitor.severity,
        "quiet_most": monitor.quiet_most,
        "quiet_ms": None if monitor.quiet_seconds is None else 1000 * monitor.quiet_seconds,
        "quiet_webhooks": int(monitor.quiet_webhooks),
        "silence": monitor.silence,
    }


def _like(part: str) -> str:
    """Return the pattern of texts that hold this part; '' stays ''."""
    if not part:
        return ""
    for special in "!%_":
        part = part.replace(special, "!" + special)
    return f"%{part}%"
