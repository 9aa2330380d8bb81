"""Making and changing a monitor, with a form for each kind of rule."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crypitor.api.endpoints.routes import read_endpoints
from crypitor.api.monitors.routes import change_monitor, create_monitor, read_monitor
from crypitor.dashboard.frame.visit import Visit
from crypitor.dashboard.monitors.beginnings import BEGINNINGS, Beginning
from crypitor.dashboard.monitors.form import (
    add_rule,
    blank,
    body_of,
    drop_rule,
    fields_of,
    kinds,
    picks,
    places,
)
from crypitor.dashboard.monitors.routes import pages as pages  # noqa: PLC0414 - more of them
from crypitor.dashboard.monitors.where import checked
from crypitor.dashboard.words import called
from crypitor.database.keys import Scope
from crypitor.errors import CallerError, Conflict, Invalid, NotFound

MOST_ENDPOINTS_SHOWN = 100


@pages.get("/monitors/new", scope=Scope.WRITE)
async def show_new(visit: Visit) -> web.Response:
    """Answer the form of a new monitor; `like` names one to begin from."""
    fields = blank(list(visit.context.networks))
    like, begin = visit.asked("like"), BEGINNINGS.get(visit.asked("begin").get("begin", ""))
    if like:
        fields = fields_of(await visit.ask(read_monitor, id=like["like"]))
        fields["name"] = f"{fields['name']} (copy)"[:200]
    elif begin is not None:
        for place in places(fields):
            drop_rule(fields, place)
        fields |= begin.fields()
    return await _form(visit, fields, fresh=not like, begin=begin)


@pages.post("/monitors/new")
async def create(visit: Visit) -> web.Response:
    """Make a monitor, or draw the form again with a rule more or less."""
    fields = _fields(visit)
    if _redrawn(fields, visit.field("do")):
        return await _form(visit, fields)
    try:
        made = await visit.ask(create_monitor, body=_without_nothing(body_of(fields)))
    except (Invalid, NotFound) as error:
        return await _form(visit, fields, problem=error)
    armed = ", ".join(f"{name} {block:,}" for name, block in made["armed_from"].items() if block)
    said = f"The monitor is made and in force{' from block ' + armed if armed else ''}."
    if "webhook" in made:
        return visit.go(
            f"/endpoints/{made['webhook']['id']}?secret=shown", f"{said} This is its endpoint."
        )
    return visit.go(f"/monitors/{made['id']}", said)


@pages.get("/monitors/{id}/edit", scope=Scope.WRITE)
async def show_edit(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Answer the form with what is stored."""
    monitor = await visit.ask(read_monitor, id=id)
    return await _form(visit, fields_of(monitor), stored=monitor)


@pages.post("/monitors/{id}/edit")
async def change(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Change a monitor, unless somebody else did since the form was opened."""
    stored, fields = await visit.ask(read_monitor, id=id), _fields(visit)
    if _redrawn(fields, visit.field("do")):
        return await _form(visit, fields, stored=stored, seen=visit.field("updated_at"))
    try:
        visit.refuse_outdated(stored)
        await visit.ask(change_monitor, id=id, body=_patch(fields, stored))
    except (Invalid, NotFound, Conflict) as error:
        seen = visit.field("updated_at")
        return await _form(visit, fields, stored=stored, seen=seen, problem=error)
    return visit.go(f"/monitors/{id}", "Saved; it is in force from the next block on.")


@pages.post("/monitors/where/{place}")
async def check_where(visit: Visit, place: str) -> web.Response:
    """Answer, as a part of the form, what a condition that is being written comes to."""
    number = int(place) if place.isascii() and place.isdigit() else 0
    return visit.show("monitors/where.html", check=checked(_fields(visit), number), place=number)


def _fields(visit: Visit) -> dict[str, str]:
    assert visit.form is not None
    return {name: value.strip() for name, value in visit.form.items() if isinstance(value, str)}


def _redrawn(fields: dict[str, str], do: str) -> bool:
    """Do what a button within the form says; False for the one that saves."""
    name, _, rest = do.partition(":")
    place, _, nth = rest.partition(":")
    number = int(place) if place.isascii() and place.isdigit() else 0
    if name == "add":
        add_rule(fields)
    elif name == "drop":
        drop_rule(fields, number)
    elif name == "pick":
        found = picks(fields, number)
        if nth.isascii() and nth.isdigit() and int(nth) < len(found):
            fields[f"rule-{number}-signature"] = found[int(nth)][1]
            fields[f"rule-{number}-abi"] = ""
    elif name != "draw":
        return False
    return True


def _without_nothing(body: dict[str, Any]) -> dict[str, Any]:
    """Return a new monitor's body without the fields that are to have their defaults."""
    return {name: value for name, value in body.items() if value is not None}


def _patch(fields: Mapping[str, str], stored: Any) -> dict[str, Any]:
    """Return the change; addresses only where it goes from any to none, or back."""
    patch = body_of(fields)
    if stored["addresses"] == "any" and "addresses" not in patch:
        patch["addresses"] = []
    elif stored["addresses"] == "any":
        patch.pop("addresses")
    return patch


async def _form(
    visit: Visit,
    fields: dict[str, str],
    *,
    stored: Any = None,
    seen: str = "",
    fresh: bool = False,
    begin: Beginning | None = None,
    problem: CallerError | None = None,
) -> web.Response:
    """Answer the form. seen: when what it began from was changed last; empty for now.

    fresh: nobody has filled anything in; the only endpoint that there is is chosen. begin: what
    was chosen to begin with.
    """
    listed = await visit.ask(read_endpoints, query={"limit": MOST_ENDPOINTS_SHOWN})
    names = {one["id"]: called(one) for one in listed["data"]}
    if fresh and len(names) == 1:
        fields[f"endpoint-{next(iter(names))}"] = "on"
    named = {name.removeprefix("endpoint-") for name in fields if name.startswith("endpoint-")}
    return visit.show(
        "monitors/form.html",
        status=200 if problem is None else problem.status,
        fields=fields,
        stored=stored,
        seen=seen or (stored["updated_at"] if stored else ""),
        problem=problem,
        beginnings=BEGINNINGS if fresh else {},
        begin=begin,
        kinds=kinds(),
        rules=[(place, picks(fields, place), checked(fields, place)) for place in places(fields)],
        networks=visit.context.networks,
        endpoints={**{one: one for one in sorted(named - names.keys())}, **names},
    )
