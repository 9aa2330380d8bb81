"""That somebody takes care of a match, told to services that keep an alert open for it."""

import json
from collections.abc import Sequence

from crypitor.database.deliveries import NewDelivery, queue_deliveries
from crypitor.database.engine import Transaction
from crypitor.monitor.models import computed_id
from crypitor.webhook.delivery import Care
from crypitor.webhook.destinations import ALERTS, acknowledgement_body

# The first that such an endpoint was told of the match is what opened the alert.
SELECT_OPENED = """select d.id, d.endpoint_id, d.monitor_id, e.format
    from deliveries d join endpoints e on e.id = d.endpoint_id
    where d.match_id = :match_id and d.project_id = :project_id and e.format in {formats}
        and e.enabled = 1 and e.state <> 'disabled' and d.status <> 'cancelled'
        and not exists (select 1 from deliveries o where o.match_id = d.match_id
            and o.endpoint_id = d.endpoint_id and o.position < d.position)
    order by d.position"""

SELECT_OPEN = """select id from matches
    where id = :id and project_id = :project_id and phase in ('detected', 'confirmed')"""


async def tell_acknowledged(
    tx: Transaction, project_id: str, match_id: str, now: int
) -> Sequence[str]:
    """Queue an acknowledgement for each alert that is open; return the endpoints that get one.

    Each once, and after what opened it. Nothing for a match that has ended or was reverted: its
    alerts are closed. now: unix milliseconds.
    """
    if await tx.value(SELECT_OPEN, id=match_id, project_id=project_id) is None:
        return []
    rows = await tx.all(
        SELECT_OPENED.format(formats=tx.listed("formats")),
        match_id=match_id,
        project_id=project_id,
        formats=json.dumps(ALERTS),
    )
    deliveries = [
        NewDelivery(
            id=computed_id("de_", match_id, row["endpoint_id"], Care.ACKNOWLEDGED),
            project_id=project_id,
            monitor_id=row["monitor_id"] or None,
            match_id=None,
            endpoint_id=row["endpoint_id"],
            phase=Care.ACKNOWLEDGED,
            body=acknowledgement_body(row["format"], match_id),
            follows=row["id"],
        )
        for row in rows
    ]
    if deliveries:
        await queue_deliveries(tx, deliveries, now)
    return [delivery.endpoint_id for delivery in deliveries]
