"""A page of the log of what was told."""

from typing import cast

import msgspec

from crypitor.api.events.answer import EventAnswer, EventPage
from crypitor.api.events.examples import EXAMPLES
from crypitor.api.events.following import LOG
from crypitor.api.events.query import EventQuery
from crypitor.api.serving.call import Call
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.events import Event, newest_event, read_events
from crypitor.database.events import EventPage as Page
from crypitor.database.keys import Scope

routes = Routes("Events", EXAMPLES)


@routes.add("GET", LOG, scope=Scope.READ, addresses=True, problems=(410,))
async def read_event_log(call: Call, query: EventQuery) -> EventPage:
    """List what was told: each phase of each match, and news of endpoints.

    In the order of commits, whether or not it has an endpoint, with the very bodies that webhooks
    in the standard format have. With the cursor of the page before nothing is skipped or repeated,
    also over a restart. 410: events beyond the cursor were removed after their time, or the cursor
    is of a time that a restored copy of the database does not have. A page has at most some 4 MiB,
    and then fewer events than `limit`.
    """

    async def unit(tx: Transaction) -> tuple[Page, int]:
        cursor = None if query.cursor is None else int(query.cursor)
        # Whatever the filters are, events that are committed later have a higher position than
        # this.
        newest = await newest_event(tx)
        if call.pages and cursor is not None and cursor > newest:
            call.pages.refuse_ahead()
        page = await read_events(
            tx, call.project, query.chosen, query.limit, cursor=cursor, order=query.order
        )
        return page, max(newest, cursor or 0, page.last or 0)

    page, newest = await call.read(unit)
    if query.order == "desc":
        next_cursor = str(page.last) if page.more and page.last is not None else None
    elif page.more and page.last is not None:
        next_cursor = str(page.last)
    else:
        next_cursor = str(newest)
    return {"data": [event_answer(event) for event in page.events], "next_cursor": next_cursor}


def event_answer(event: Event) -> EventAnswer:
    """Return an event as JSON has it."""
    return cast("EventAnswer", {"position": event.position, **msgspec.json.decode(event.body)})
