"""Matches, to be read: newest first, or as a feed that skips and repeats nothing."""

from collections.abc import Sequence
from typing import cast

from crypitor.api.matches.answer import MatchAnswer, MatchPage
from crypitor.api.matches.examples import EXAMPLES
from crypitor.api.matches.query import MatchQuery
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.context import Context
from crypitor.api.serving.fitting import fitting
from crypitor.api.serving.routing import Routes
from crypitor.database.acknowledgements import tell_acknowledged
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.database.matches import (
    MatchFilter,
    StoredMatch,
    acknowledge_match,
    get_match,
    has_matches_from,
    list_matches,
    newest_position,
)
from crypitor.database.removed import removed_position
from crypitor.errors import Gone, Invalid, Mistake
from crypitor.monitor.models import Phase
from crypitor.webhook.body import rfc3339

routes = Routes("Matches", EXAMPLES, "ma_")


@routes.add("GET", "/v1/matches", scope=Scope.READ, addresses=True, problems=(410,))
async def read_matches(call: Call, query: MatchQuery) -> MatchPage:
    """List matches, newest first; with `order=asc` a feed of all there are and will be.

    A feed that was left alone for longer than matches are kept is told so by 410, once matches
    beyond its cursor have been removed; without a cursor it begins with the oldest that is kept.
    A page has at most some 4 MiB, and then fewer matches than `limit`.
    """
    if query.order == "asc" and query.phase is not None:
        wrong = (
            "a feed has a match once, as it was found; for what becomes of it, later phases, "
            "follow /v1/events with type=match." + query.phase
        )
        raise Invalid(wrong, [Mistake("/phase", wrong)])
    chosen = MatchFilter(**query.model_dump(exclude={"limit", "cursor", "order", "checksum"}))

    async def unit(tx: Transaction) -> tuple[list[StoredMatch], bool, int, int | None]:
        cursor = None if query.cursor is None else int(query.cursor)
        if query.order == "asc" and cursor and cursor < await removed_position(tx, call.project):
            raise Gone(
                "matches beyond this cursor were removed after their time; read on without a cursor"
            )
        last = await newest_position(tx)
        if call.pages and cursor and cursor > last and not await has_matches_from(tx, cursor):
            call.pages.refuse_ahead()
        shown, more = await fitting(
            lambda rows, at: list_matches(tx, call.project, chosen, rows, at, order=query.order),
            query.limit,
            cursor,
            cursor_of=lambda match: match.position,
            size_of=lambda match: match.size,
        )
        return shown, more, last, cursor

    shown, more, last, cursor = await call.read(unit)
    next_cursor = str(shown[-1].position) if shown and more else None
    if query.order == "asc" and not more:
        # Whatever the filters are, later matches have a higher position than any committed one.
        next_cursor = str(max(last, cursor or 0, *(match.position for match in shown[-1:])))
    return {
        "data": match_answers(shown, call.context),
        "next_cursor": next_cursor,
    }


@routes.add("GET", "/v1/matches/{id}", scope=Scope.READ, addresses=True)
async def read_match(call: Call, id: str) -> MatchAnswer:  # noqa: A002 - as in the path
    """Read a match."""
    match = await call.read(lambda tx: get_match(tx, call.project, id), brief=True)
    [answer] = match_answers([found(match, "match")], call.context)
    return answer


@routes.add("POST", "/v1/matches/{id}/acknowledge", scope=Scope.WRITE, addresses=True)
async def acknowledge(call: Call, id: str) -> MatchAnswer:  # noqa: A002 - as in the path
    """Say that somebody takes care of a match.

    Who does so first stays, and the match says who and when, in all its phases. Alerts that it has
    open at PagerDuty and Opsgenie are acknowledged there. Webhooks are sent as before.
    """
    told: Sequence[str] = ()

    async def effect() -> None:
        call.context.wake(told)

    async def unit(tx: Transaction) -> Change[MatchAnswer]:
        nonlocal told
        before = found(await get_match(tx, call.project, id), "match")
        now = call.context.clock()
        if await acknowledge_match(tx, call.project, id, call.who.key_id, now):
            told = await tell_acknowledged(tx, call.project, id, now)
        after = found(await get_match(tx, call.project, id), "match")
        [was, answer] = match_answers([before, after], call.context)
        return Change(answer, effect, before={**was})

    return await call.change(unit)


def match_answers(matches: Sequence[StoredMatch], context: Context) -> list[MatchAnswer]:
    """Return matches as their webhooks tell them, with what is true now."""
    status = context.status()
    return [
        cast(
            "MatchAnswer",
            {
                **match.document,
                "phase": match.phase.value,
                "confirmations": _confirmations(match, status.get(match.network, {}).get("tip")),
                "confirmations_required": match.required,
                "created_at": rfc3339(match.created_at),
                **_acknowledged(match),
            },
        )
        for match in matches
    ]


def _acknowledged(match: StoredMatch) -> dict[str, object]:
    if match.acknowledged_at is None:
        return {}
    at = rfc3339(match.acknowledged_at)
    return {"acknowledged": {"at": at, "by": match.acknowledged_by}}


def _confirmations(match: StoredMatch, tip: object) -> int | None:
    if match.phase is Phase.REVERTED:
        return 0
    return max(tip - match.block_number + 1, 1) if isinstance(tip, int) else None
