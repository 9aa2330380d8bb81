"""The networks that are followed, and where each stands."""

from collections.abc import Mapping, Sequence
from typing import cast

from crypitor.api.networks.answer import (
    HeightsAnswer,
    NetworkAnswer,
    NetworkPage,
    ResumeAnswer,
)
from crypitor.api.networks.body import ResumeBody
from crypitor.api.networks.examples import EXAMPLES
from crypitor.api.networks.proposal import proposal_of
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.context import Context, NetworkFacts, Passed
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.database.networks import count_above, position_of, resume
from crypitor.errors import Conflict, Forbidden, NotFound
from crypitor.evm.types import Header
from crypitor.webhook.message import NetworkTitle

routes = Routes("Networks", EXAMPLES)

MOST_COUNTED = 10_000

UNKNOWN: Mapping[str, object] = {
    "state": None,
    "trouble": None,
    "head": None,
    "tip": None,
    "lag_blocks": None,
    "lag_seconds": None,
    "confirmed": None,
    "finalized": None,
    "blocks_per_second": None,
    "seconds_to_head": None,
    "requests_per_block": None,
    "last_reorg": None,
    "reorgs": (),
    "nodes": (),
}


@routes.add("GET", "/v1/networks", scope=Scope.READ)
async def read_networks(call: Call) -> NetworkPage:
    """List the networks of the configuration with head, tip and lag."""
    return {"data": network_answers(call.context), "next_cursor": None}


@routes.add("GET", "/v1/networks/{name}", scope=Scope.READ)
async def read_network(call: Call, name: str) -> NetworkAnswer:
    """Read one network with the state of each of its nodes."""
    facts = found(call.context.networks.get(name), "network")
    return _answer(facts, call.context.status().get(name, {}))


@routes.add("POST", "/v1/networks/{name}/resume", scope=Scope.ADMIN)
async def resume_network(call: Call, name: str, body: ResumeBody) -> ResumeAnswer:
    """Let a network go on at a block, where it stopped or anywhere else. Only for operators.

    Matches from this block on are reverted, which their endpoints are told, and what the nodes have
    there now is matched. Below it nothing is needed. It does what `crypitor network resume` does. A
    dry run that names no block proposes one: the first that differs from what was matched.
    """
    if not call.who.operator:
        raise Forbidden("only an admin key of the operator's project can let networks go on")
    facts, look = call.context.networks.get(name), call.context.footings.get(name)
    if facts is None or look is None:
        raise NotFound("there is no such network, or none of its nodes is configured here")
    first, why = body.from_block, None
    if first is None:
        first, why = await proposal_of(call, name)
    place = await call.read(lambda tx: position_of(tx, name, 1))
    footing = await look(first, next(iter(place.headers), None))
    before, passed = footing.before, footing.passed

    async def unit(tx: Transaction) -> Change[ResumeAnswer]:
        if body.dry_run:
            reverted = await count_above(tx, name, first - 1, MOST_COUNTED)
        else:
            reverted = await _resumed(tx, call.context, facts, first, before)
        answer: ResumeAnswer = {
            "network": name,
            "from_block": first,
            "dry_run": body.dry_run,
            "stands_on": before[-1].number if before else None,
            "reverted": reverted,
            "left_unmatched": _heights(passed),
        }
        if why is not None:
            answer["reason"] = why
        return Change(answer, subject=name)

    if body.dry_run:
        return (await call.read(unit)).answer
    return await call.change(unit)


async def _resumed(
    tx: Transaction,
    context: Context,
    facts: NetworkFacts,
    first: int,
    before: Sequence[Header],
) -> int:
    """Go on; return how many matches that reverts."""
    title = NetworkTitle(facts.display_name, facts.symbol, facts.explorer or "")
    reverted = await resume(
        tx, facts.name, before=before, now=context.clock(), title=title, first=first
    )
    if reverted is None:
        raise Conflict(f"nothing has been matched of {facts.name} yet")
    return reverted


def _heights(passed: Passed | None) -> HeightsAnswer | None:
    if passed is None or not passed.blocks:
        return None
    return {
        "from_block": passed.first,
        "to_block": passed.last,
        "count": passed.blocks,
        "is_most": passed.is_most,
    }


def network_answers(context: Context) -> list[NetworkAnswer]:
    """Return all networks as JSON has them."""
    status = context.status()
    return [_answer(facts, status.get(name, {})) for name, facts in context.networks.items()]


def _answer(facts: NetworkFacts, status: Mapping[str, object]) -> NetworkAnswer:
    return cast(
        "NetworkAnswer",
        {
            "name": facts.name,
            "chain_id": facts.chain_id,
            "display_name": facts.display_name,
            "symbol": facts.symbol,
            "explorer": facts.explorer,
            "confirmations": facts.confirmations,
            **{name: status.get(name, unknown) for name, unknown in UNKNOWN.items()},
        },
    )
