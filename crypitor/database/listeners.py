"""Who hears of a match, and who has heard of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crypitor.database.engine import Row, Transaction
from crypitor.monitor.models import Phase, delivery_id
from crypitor.webhook.formats import Form
from crypitor.webhook.template import stored_template

# Whoever deletes a monitor waits until the block is stored, and then cancels what it has queued.
SELECT_LISTENERS = """select m.id, m.project_id, m.notify, e.id as endpoint_id, e.format,
        e.template, e.checksum, m.quiet_most is not null or m.silence is not null as quiet
    from monitors m left join monitor_endpoints p on p.monitor_id = m.id
        left join endpoints e on e.id = p.endpoint_id
    where m.id in {monitors}
    order by m.id, p.place {lock}"""

# An endpoint that was deleted hears nothing more; a delivery that was cancelled before its first
# attempt was not heard.

SELECT_HEARD = """select d.id, d.match_id, d.endpoint_id, e.format, e.template, e.checksum
    from deliveries d join endpoints e on e.id = d.endpoint_id
    where d.match_id in {matches} and not (d.status = 'cancelled' and d.attempts = 0)"""


class Recipient(NamedTuple):
    """An endpoint, as far as the body depends on it."""

    id: str
    form: Form


@dataclass(frozen=True, slots=True)
class Listener:
    """A monitor as it is stored now: which phases it tells, and whom, in its own order.

    quiet: whether it asks how much is told, or when.
    """

    project_id: str
    notify: frozenset[Phase]
    endpoints: tuple[Recipient, ...]
    quiet: bool = False


async def listeners_of(tx: Transaction, monitor_ids: set[str]) -> dict[str, Listener]:
    """Return those of the monitors that exist, by id; they stay until the transaction ends."""
    rows = await tx.all(
        SELECT_LISTENERS.format(
            monitors=tx.listed("monitors"),
            lock="for key share of m" if tx.dialect == "postgresql" else "",
        ),
        monitors=json.dumps(sorted(monitor_ids)),
    )
    endpoints: dict[str, list[Recipient]] = {}
    for row in rows:
        endpoints.setdefault(row["id"], [])
        if row["endpoint_id"] is not None:
            endpoints[row["id"]].append(_recipient(row))
    return {
        row["id"]: Listener(
            row["project_id"],
            frozenset(map(Phase, json.loads(row["notify"]))),
            tuple(endpoints[row["id"]]),
            bool(row["quiet"]),
        )
        for row in rows
    }


Heard = dict[str, dict[Recipient, set[str]]]
"""Match id → endpoint → ids of the deliveries that told this endpoint of this match."""


async def heard_of(tx: Transaction, match_ids: Sequence[str]) -> Heard:
    """Return who was told of these matches, and is there to be told more."""
    heard: Heard = {}
    if match_ids:
        query = SELECT_HEARD.format(matches=tx.listed("matches"))
        for row in await tx.all(query, matches=json.dumps(match_ids)):
            endpoint = _recipient(row)
            heard.setdefault(row["match_id"], {}).setdefault(endpoint, set()).add(row["id"])
    return heard


def last_heard(heard: Heard, match: str, endpoint: Recipient, returns: int) -> str | None:
    """Return the latest earlier delivery of a match at an endpoint, by what its ids can be."""
    told = heard[match].get(endpoint) if match in heard else None
    if not told:
        return None
    if len(told) == 1:  # as nearly always: its id need not be computed
        return next(iter(told))
    for turn in range(returns, -1, -1):
        for phase in (Phase.REVERTED, Phase.ENDED, Phase.CONFIRMED, Phase.DETECTED):
            delivery = delivery_id(match, phase, endpoint.id, turn)
            if delivery in told:
                return delivery
    return None


def _recipient(row: Row) -> Recipient:
    form = Form(row["format"], stored_template(row["template"]), bool(row["checksum"]))
    return Recipient(row["endpoint_id"], form)
