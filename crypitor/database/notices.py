"""News of endpoints in trouble: logged, and queued for other endpoints that asked for it."""

import json
from collections.abc import Sequence

from crypitor.database.deliveries import NewDelivery, queue_deliveries
from crypitor.database.engine import Transaction
from crypitor.database.events import NewEvent, log_events
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.formats import STANDARD, Form
from crypitor.webhook.health import move_of, notice_of
from crypitor.webhook.notice import notice_body, notice_id
from crypitor.webhook.template import stored_template

# Few endpoints ask, and states change rarely: no index beyond the project's.
SELECT_LISTENERS = """select id, project_id, events, format, template from endpoints
    where project_id in {projects} and events <> '[]' and enabled = 1 and state <> 'disabled'
    order by id"""


async def tell_endpoints(
    tx: Transaction, changes: Sequence[tuple[Endpoint, Endpoint]], now: int
) -> frozenset[str]:
    """Queue what endpoints asked to be told of changes; return those that have something new.

    changes: endpoints as they were and as they are now, in unix milliseconds. Of one endpoint the
    same news is queued once an hour at most, however often it comes and goes.
    """
    news = [
        (endpoint, notice)
        for before, endpoint in changes
        for notice in (notice_of(before, endpoint), move_of(before, endpoint))
        if notice is not None
    ]
    if not news:
        return frozenset()
    rows = await tx.all(
        SELECT_LISTENERS.format(projects=tx.listed("projects")),
        projects=json.dumps(sorted({endpoint.project_id for endpoint, _ in news})),
    )
    deliveries = [
        NewDelivery(
            id=notice_id(endpoint, notice, row["id"], now),
            project_id=endpoint.project_id,
            monitor_id=None,
            match_id=None,
            endpoint_id=row["id"],
            phase=notice,
            body=notice_body(
                endpoint, notice, Form(row["format"], stored_template(row["template"])), now
            ),
            follows=None,
        )
        for endpoint, notice in news
        for row in rows
        if row["project_id"] == endpoint.project_id
        and row["id"] != endpoint.id
        and notice in json.loads(row["events"])
    ]
    if deliveries:
        await queue_deliveries(tx, deliveries, now)
    await log_events(
        tx,
        [
            NewEvent(
                endpoint.project_id,
                notice.value,
                now,
                body=notice_body(endpoint, notice, Form(STANDARD), now),
            )
            for endpoint, notice in news
        ],
    )
    return frozenset(delivery.endpoint_id for delivery in deliveries)
