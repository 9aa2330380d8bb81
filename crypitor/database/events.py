"""The log of what was told: each phase of each match, and news of endpoints, in commit order.

An event of a match is a few numbers: its body is made again of the match's document, which stays
the same in all phases. Whether anybody listens does not matter here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from crypitor.database.engine import Row, Transaction
from crypitor.errors import Gone
from crypitor.monitor.models import Confirmations, Phase
from crypitor.webhook.body import body

# A counter, as for matches: who holds it commits before the next one gets a position, so that
# positions become visible in their order.
NEXT_POSITIONS = """update counters set value = value + :count where name = 'events'
    returning value"""

INSERT = """insert into events (project_id, position, type, at, match_id, confirmations, body)
    values (:project_id, :position, :type, :at, :match_id, :confirmations, :body)"""

SELECT = """select e.position, e.type, e.at, e.match_id, e.confirmations, e.body,
        m.id as found, m.monitor_id, m.network, m.kind, m.address, m.block_number,
        m.confirm_block, m.confirm_tag, m.document
    from (select * from events
            where project_id = :project_id {beyond} order by position {order} limit :looked_at) e
        left join matches m on m.id = e.match_id
    order by e.position {order}"""

LOOKED_AT = 2_000
"""Events that one page looks through, however few of them pass its filters."""

MOST_PAGE_BYTES = 4 * 1024 * 1024
"""Of their documents, with which a page ends; also what is read at once, where they are alike."""

FIRST_ROWS = 100
"""Which are read at first: what is new is less most of the time."""

Order: TypeAlias = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What was told. at: unix milliseconds.

    Of a match: its id, and its confirmations at that time; of its end, what showed it, as the body.
    Of anything else: the body.
    """

    project_id: str
    type: str
    at: int
    match_id: str | None = None
    confirmations: int | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is read. body: as a webhook in the standard format has it, JSON of one line.

    monitor, network, kind, address: of its match; None of other news.
    """

    position: int
    type: str
    body: str
    monitor: str | None
    network: str | None
    kind: str | None
    address: str | None

    def passes(self, chosen: "EventFilter") -> bool:
        """Whether this event is asked for."""
        return (
            chosen.monitor in (None, self.monitor)
            and chosen.network in (None, self.network)
            and chosen.kind in (None, self.kind)
            and chosen.type in (None, self.type)
            and chosen.address in (None, self.address)
        )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What events are narrowed to; None for everything. News of endpoints passes by type alone."""

    monitor: str | None = None
    network: str | None = None
    kind: str | None = None
    type: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events. last: the position up to which all were looked at. more: there are others."""

    events: Sequence[Event]
    last: int | None
    more: bool


def event_of(
    project_id: str,
    match_id: str,
    phase: Phase,
    confirmations: int,
    at: int,
    end: str | None = None,
) -> NewEvent:
    """Return the event of a match's phase. end: of `ended`, what `body.end_of` made."""
    return NewEvent(project_id, f"match.{phase.value}", at, match_id, confirmations, end)


async def log_events(tx: Transaction, events: Sequence[NewEvent]) -> None:
    """Store events behind all that were stored before.

    Call it as the last of a unit: others wait for the counter until the unit ends.
    """
    if not events:
        return
    last: int = await tx.value(NEXT_POSITIONS, count=len(events))
    await tx.many(
        INSERT,
        [
            (
                event.project_id,
                position,
                event.type,
                event.at,
                event.match_id,
                event.confirmations,
                event.body,
            )
            for position, event in enumerate(events, last - len(events) + 1)
        ],
    )


async def newest_event(tx: Transaction) -> int:
    """Return the position of the last event, of all projects; 0 before the first."""
    position: int = await tx.value("select value from counters where name = 'events'")
    return position


async def read_events(
    tx: Transaction,
    project_id: str,
    chosen: EventFilter,
    limit: int,
    *,
    cursor: int | None = None,
    order: Order = "asc",
) -> EventPage:
    """Return events of a project beyond a position.

    A page looks through 2,000 events at most, and ends with 4 MiB of them: it may be short, or
    empty, while there are more. Raises Gone where events beyond the cursor were removed after their
    time.
    """
    if order == "asc" and cursor is not None and cursor < await removed_event(tx, project_id):
        raise _gone()
    left, wanted, size = max(LOOKED_AT, limit), FIRST_ROWS, 0
    events: list[Event] = []
    last: int | None = None
    while True:
        wanted = min(wanted, left)
        beyond = "" if cursor is None else f"and position {'>' if order == 'asc' else '<'} :cursor"
        rows = await tx.all(
            SELECT.format(beyond=beyond, order=order),
            project_id=project_id,
            cursor=cursor,
            looked_at=wanted,
        )
        read = 0
        for row in rows:
            if row["match_id"] is not None and row["found"] is None:
                if order == "asc":
                    raise _gone()
                continue  # removed with its match a moment ago
            event = _event(row)
            read += len(event.body)
            if event.passes(chosen):
                size += len(event.body)
                if events and size > MOST_PAGE_BYTES:
                    return EventPage(events, last, more=True)
                events.append(event)
                if len(events) == limit:
                    more = row is not rows[-1] or len(rows) == wanted
                    return EventPage(events, row["position"], more)
            last = row["position"]
        left -= len(rows)
        if len(rows) < wanted or not left:
            return EventPage(events, rows[-1]["position"] if rows else last, len(rows) == wanted)
        cursor = rows[-1]["position"]
        wanted = max(1, min(2 * wanted, MOST_PAGE_BYTES * len(rows) // max(1, read)))


async def removed_event(tx: Transaction, project_id: str) -> int:
    """Return the position up to which events of a project may be missing, 0 for none."""
    position: int | None = await tx.value(
        "select position from removed_events where project_id = :project_id",
        project_id=project_id,
    )
    return position or 0


def _event(row: Row) -> Event:
    return Event(
        row["position"],
        row["type"],
        _body(row),
        row["monitor_id"],
        row["network"],
        row["kind"],
        row["address"],
    )


def _body(row: Row) -> str:
    if row["match_id"] is None:
        text: str = row["body"]
        return text
    required: Confirmations = row["confirm_tag"] or row["confirm_block"] - row["block_number"] + 1
    return body(
        Phase(row["type"].removeprefix("match.")),
        row["document"],
        confirmations=row["confirmations"],
        confirmations_required=required,
        now=row["at"],
        end=row["body"],
    )


def _gone() -> Gone:
    return Gone("events beyond this cursor were removed after their time; read on without a cursor")
