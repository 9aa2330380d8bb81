"""What runs here, and what came from the queue that was no message."""

from aiohttp import web

from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.dead_letters import list_dead_letters
from crypitor.webhook.body import rfc3339

pages = Pages(Place("/about", "About", "a", apart=True))

MOST_LETTERS = 20


@pages.get("/about")
async def show_about(visit: Visit) -> web.Response:
    """Answer version, health and roles; to an operator what no project owns."""
    context, letters = visit.context, []
    if visit.governs and visit.who.operator:
        letters = [
            {"letter": letter, "at": rfc3339(letter.created_at)}
            for letter in await context.database.read(
                lambda tx: list_dead_letters(tx, MOST_LETTERS), at_once=True
            )
        ]
    return visit.show(
        "about/about.html",
        roles=context.roles,
        troubles=dict(context.health.troubles),
        processes=list(context.processes()),
        topics=list(context.kafka_topics),
        letters=letters,
        room=context.room() if visit.governs and visit.who.operator else None,
        kept={each.key: each.value for each in context.settings().get("retention", ())},
    )
