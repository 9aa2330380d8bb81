"""Attempts as they are read: those of a project by time, newest first."""

from dataclasses import dataclass

from crypitor.database.engine import Row, Transaction
from crypitor.errors import Invalid

MOST_SEEN = 5_000
"""Attempts that are looked at for one page: a page of what is rare may have few, or none."""

# What stands in the index is counted off before anything else is looked at.
SEEN = """select started_at, delivery_id, number from attempts
    where project_id = :project_id {within}
    order by started_at desc, delivery_id desc, number desc limit :most"""

LIST = """with seen as materialized ({seen})
    select a.delivery_id, a.number, a.started_at, a.duration_ms, a.status_code, a.error, a.answer,
        d.monitor_id, d.match_id, d.endpoint_id, d.phase
    from seen join attempts a on a.delivery_id = seen.delivery_id and a.number = seen.number
        join deliveries d on d.id = a.delivery_id
    where {wanted}
    order by a.started_at desc, a.delivery_id desc, a.number desc limit :limit"""

COUNT_SEEN = "select count(*) from ({seen}) found"

LAST_SEEN = "with seen as materialized ({seen}) select * from seen order by 1, 2, 3 limit 1"

OUTCOMES = {
    "taken": "a.error is null and a.status_code is not null",
    "refused": "a.error is not null and a.status_code is not null",
    "unanswered": "a.status_code is null",
}


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """What a list is narrowed to; None for everything.

    type_: what its delivery tells, as `match.detected`. outcome: see OUTCOMES. since, until: unix
    milliseconds of its beginning, the second excluded.
    """

    monitor: str | None = None
    endpoint: str | None = None
    type_: str | None = None
    outcome: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptPage:
    """rows: with the columns of LIST. last: where the next page begins, None after the last one."""

    rows: list[Row]
    last: str | None


async def list_attempts(
    tx: Transaction,
    project_id: str,
    chosen: AttemptFilter,
    limit: int,
    cursor: str | None = None,
    *,
    most: int = MOST_SEEN,
) -> AttemptPage:
    """Return attempts of a project, newest first, beyond a cursor of the page before.

    most: to be looked at: a page may have fewer than `limit` although others follow.
    Raises Invalid for a cursor that is none.
    """
    within, values = _within(chosen, cursor)
    wanted = _wanted(chosen)
    seen = SEEN.format(within=within)
    # Without a filter there is no more to look at than to return.
    most = most if wanted else limit + 1
    values |= {"project_id": project_id, "most": most, "limit": limit + 1}
    values |= {
        "monitor": chosen.monitor,
        "endpoint": chosen.endpoint,
        "phase": chosen.type_.removeprefix("match.") if chosen.type_ else None,
    }
    rows = await tx.all(LIST.format(seen=seen, wanted=" and ".join(["1 = 1", *wanted])), **values)
    shown = rows[:limit]
    if len(rows) > limit:
        return AttemptPage(shown, _cursor_of(shown[-1]))
    if not wanted:
        return AttemptPage(shown, None)
    if await tx.value(COUNT_SEEN.format(seen=seen), **values) < most:
        return AttemptPage(shown, None)
    last = await tx.one(LAST_SEEN.format(seen=seen), **values)
    return AttemptPage(shown, None if last is None else _cursor_of(last))


def _within(chosen: AttemptFilter, cursor: str | None) -> tuple[str, dict[str, object]]:
    """Return the conditions that the index alone can hold, and their values."""
    values: dict[str, object] = {"since": chosen.since, "until": chosen.until}
    conditions = ["started_at >= :since"] if chosen.since is not None else []
    conditions += ["started_at < :until"] if chosen.until is not None else []
    if cursor is not None:
        values["at"], values["number"], values["delivery"] = _place_of(cursor)
        conditions.append("(started_at, delivery_id, number) < (:at, :delivery, :number)")
    return "".join(f" and {condition}" for condition in conditions), values


def _wanted(chosen: AttemptFilter) -> list[str]:
    conditions = {
        "d.monitor_id = :monitor": chosen.monitor,
        "d.endpoint_id = :endpoint": chosen.endpoint,
        "d.phase = :phase": chosen.type_,
    }
    outcome = [OUTCOMES[chosen.outcome]] if chosen.outcome else []
    return [text for text, value in conditions.items() if value is not None] + outcome


def _cursor_of(row: Row) -> str:
    return f"{row['started_at']}.{row['number']}.{row['delivery_id']}"


def _place_of(cursor: str) -> tuple[int, int, str]:
    at, _, rest = cursor.partition(".")
    number, _, delivery_id = rest.partition(".")
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in (at, number)):
        raise Invalid("this is not a cursor of this list")
    return int(at), int(number), delivery_id
