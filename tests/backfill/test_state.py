"""Balances of past blocks: what became true, block by block, as a plain reading of the chain has it."""

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.development.simulator.state import FIRST_COINS, State
from crypitor.gauges.past import PastGauges
from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind, Monitor, rule_of
from crypitor.monitor.touched import touched
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.patience import HANG_SECONDS

FIRST, LAST = 3, 40


def nodes_of(server, chain):
    node = Node(
        server.url, "node", chain_id=chain.chain_id, timeout_seconds=HANG_SECONDS, verify="off"
    )
    return Nodes("dev", [node], observer=Unobserved())


async def told(nodes, chain, monitor, account, heights, breaks=()):
    """Heights at which a balance became what is told; at `breaks` a new process goes on."""
    index = Index()
    index.put(monitor)
    index.add_addresses(monitor.id, [(account, "hot")])
    past, found, ended = PastGauges(nodes, monitor, "dev", chain.chain_id), [], []
    for number in heights:
        if number in breaks:
            past = PastGauges(nodes, monitor, "dev", chain.chain_id)
        block = await nodes.block(number)
        changed = [(one, "hot") for one in touched(block, index, "dev")]
        found += [(number, match.id) for match in await past.matches(block, changed)]
        ended += [(number, one.match) for one in past.take_ended()]
    return found, ended


async def test_past_balances_are_told_as_the_chain_has_them():
    """Once each time it becomes true; a process that begins in between tells the same."""
    chain = SimulatedChain(5, transfers=(0, 4), actors=5, coin_logs=True)
    chain.mine(LAST)
    state = State(chain.by_hash)
    account, poor = next(
        (actor.address, poor)
        for actor in chain.actors
        if sum(map(bool, poor := [
            state.balance(chain.by_number(at), actor.address) < FIRST_COINS
            for at in range(LAST + 1)
        ])) in range(5, LAST - 5)
    )  # fmt: skip
    rule = rule_of(Kind.BALANCE, where=f"balance < {FIRST_COINS}")
    monitor = Monitor("mo_1", "pr_1", "Past", ("dev",), (rule,), False, (), frozenset(), None, (),
                      "", True, 0, 0)  # fmt: skip
    wanted = [at for at in range(FIRST, LAST + 1) if poor[at] and not poor[at - 1]]

    async with SimulatorServer(chain) as server, nodes_of(server, chain) as nodes:
        heights = range(FIRST, LAST + 1)
        found, ended = await told(nodes, chain, monitor, account, heights)
        breaks = range(0, LAST, 3)
        again, _ = await told(nodes, chain, monitor, account, heights, breaks=breaks)

    assert [number for number, _ in found] == wanted
    assert wanted
    assert found == again
    ids = dict(found)
    ends = {at: next((end for end in range(at, LAST + 1) if not poor[end]), None) for at in ids}
    assert ended == [(end, ids[at]) for at, end in ends.items() if end is not None]
    assert ended
