"""Where each network stands, its nodes, and its newest blocks."""

import re
from collections.abc import Sequence
from itertools import pairwise

from aiohttp import web

from crypitor.api.networks.routes import MOST_COUNTED, read_network, read_networks, resume_network
from crypitor.dashboard.frame.beats import SHOWN_BLOCKS, beat_of, charted, mean_seconds
from crypitor.dashboard.frame.charts import SPANS, charts_of
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope
from crypitor.database.recent import Mined, newest_blocks
from crypitor.errors import CallerError, Conflict, Invalid, Unavailable

pages = Pages(Place("/networks", "Networks", "n"))


@pages.get("/networks")
async def show_networks(visit: Visit) -> web.Response:
    """Answer all networks as cards."""
    networks = (await visit.ask(read_networks))["data"]
    beat = await beat_of(visit, networks)
    return visit.show(
        "networks/list.html",
        networks=networks,
        block_seconds=beat.block_seconds,
        sparks=beat.sparks,
    )


@pages.get("/networks/{name}")
async def show_network(visit: Visit, name: str) -> web.Response:
    """Answer one network with its nodes, its newest blocks, and what matched on it."""
    network = await visit.ask(read_network, name=name)
    found = await charted(visit, network=name)
    blocks = await visit.context.database.read(
        lambda tx: newest_blocks(tx, name, SHOWN_BLOCKS), at_once=True
    )
    return visit.show(
        "networks/one.html",
        network=network,
        blocks=blocks,
        intervals=_intervals(blocks),
        mean=mean_seconds(blocks),
        charts=charts_of(found.stats, found.span, matches=f"/matches?network={name}")[:1],
        span=found.name,
        spans=SPANS,
    )


@pages.get("/networks/{name}/resume", scope=Scope.ADMIN)
async def show_resume(visit: Visit, name: str) -> web.Response:
    """Answer what going on at a block would come to, for an operator to confirm."""
    return await _resume(visit, name, visit.asked("from_block").get("from_block", ""))


@pages.post("/networks/{name}/resume", scope=Scope.ADMIN)
async def go_on(visit: Visit, name: str) -> web.Response:
    """Let a network go on at the block that was confirmed."""
    block = visit.field("from_block")
    try:
        done = await visit.ask(resume_network, name=name, body={"from_block": _number(block)})
    except (Invalid, Conflict) as error:
        return await _resume(visit, name, block, problem=error)
    left = done["left_unmatched"]
    said = (
        f"It goes on at block {done['from_block']:,}; matches reverted: {done['reverted']:,}; "
        f"blocks left unmatched: {left['count'] if left else 0:,}."
    )
    return visit.go(f"/networks/{name}", said)


async def _resume(
    visit: Visit, name: str, block: str, problem: CallerError | None = None
) -> web.Response:
    network, found = await visit.ask(read_network, name=name), None
    if problem is None and (block or network["state"] == "stopped"):
        body = {"dry_run": True} | ({"from_block": _number(block)} if block else {})
        try:
            found = await visit.ask(resume_network, name=name, body=body)
        except (Invalid, Conflict) as error:
            problem = error
        except Unavailable:
            problem = Conflict("no node answers now, so nothing can be proposed; choose a block")
    return visit.show(
        "networks/resume.html",
        status=200 if problem is None else problem.status,
        network=network,
        block=block or (found["from_block"] if found else ""),
        found=found,
        most=MOST_COUNTED,
        problem=problem,
    )


def _number(text: str) -> int | str:
    """Return a block of a form as a number; what is none stays, and is refused as such."""
    digits = re.sub(r"[\s,_]", "", text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text


def _intervals(blocks: Sequence[Mined]) -> list[int]:
    """Return the seconds between blocks that follow each other."""
    return [max(after.at - before.at, 0) for before, after in pairwise(blocks)]
