"""The networks that are followed, and where each stands."""

from collections.abc import Mapping
from typing import cast

from crypitor.api.networks.answer import NetworkAnswer, NetworkPage
from crypitor.api.networks.examples import EXAMPLES
from crypitor.api.serving.call import Call, found
from crypitor.api.serving.context import Context, NetworkFacts
from crypitor.api.serving.routing import Routes
from crypitor.database.keys import Scope

routes = Routes("Networks", EXAMPLES)

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
