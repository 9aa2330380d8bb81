"""Looking up tokens, at a simulated node and at nodes that misbehave."""

import pytest

from crypitor.database.tokens import find_tokens, wanted_tokens
from crypitor.errors import NodeUnavailable
from crypitor.evm.metadata import DECIMALS, NAME, NOTHING, Token
from crypitor.worker import Unobserved
from crypitor.worker.nodes import Nodes
from crypitor.worker.tokens import AT_ONCE, TokenReader
from tests.worker.faulty import altered


class Asking:
    """A reader on a database, and what it has found."""

    def __init__(self, database, *nodes):
        self.database = database
        self.reader = TokenReader(
            "dev", Nodes("dev", nodes, observer=Unobserved()), database, clock=lambda: 1
        )

    async def want(self, *contracts):
        await self.database.write(lambda tx: find_tokens(tx, "dev", contracts, 1))

    async def found(self, *contracts):
        kept = await self.database.write(lambda tx: find_tokens(tx, "dev", contracts, 1))
        return {contract: one.token for contract, one in kept.items() if one.good_until}

    async def wanted(self):
        return await self.database.read(lambda tx: wanted_tokens(tx, "dev", 100))


def failing(code, message):
    def change(request, answer):
        answer.pop("result", None)
        answer["error"] = {"code": code, "message": message}

    return altered("eth_call", change)


async def test_tokens_of_all_forms_are_found(chain, server, open_node, database):
    """
    String and bytes32, with and without decimals, and a contract that says nothing at all.
    """
    contracts = chain.contracts
    usds, eurs, sau, *_ = contracts.erc20
    asking = Asking(database, open_node(server.url))
    wanted = [usds.address, eurs.address, sau.address, contracts.erc721[0].address]
    await asking.want(*wanted, contracts.exchange.address)
    await asking.reader.step()

    assert await asking.found(*wanted, contracts.exchange.address) == {
        usds.address: Token("Sim Dollar", "USDS", 6),
        eurs.address: Token("Sim Euro ₮", "EUR₮", 2),
        sau.address: Token("Sim Gold", "SAU", 18),
        contracts.erc721[0].address: Token("Sim Punks", "SPUNK", None),
        contracts.exchange.address: NOTHING,
    }


async def test_a_step_asks_only_a_few(chain, server, open_node, database):
    """
    However many are wanted, the nodes are asked at a bounded rate.
    """
    asking = Asking(database, open_node(server.url))
    await asking.want(*(token.address for token in chain.contracts.tokens))
    busy = await asking.reader.step()

    assert len(await asking.wanted()) == len(chain.contracts.tokens) - AT_ONCE
    assert not busy


async def test_while_no_node_answers_it_stays_wanted(chain, faulty, open_node, database):
    """
    An outage is no answer of the contract; afterwards it is asked again.
    """
    asking = Asking(database, open_node(faulty.url))
    token = chain.contracts.erc20[0]
    await asking.want(token.address)
    faulty.alter = failing(-32005, "limit exceeded")
    await asking.reader.step()
    meanwhile = await asking.wanted()
    faulty.heal()
    await asking.reader.step()

    assert meanwhile == [token.address]
    assert await asking.found(token.address) == {token.address: Token("Sim Dollar", "USDS", 6)}


async def test_another_node_is_asked_where_one_fails(chain, server, faulty, open_node, database):
    """
    As with blocks.
    """
    faulty.alter = failing(-32601, "the method eth_call does not exist")
    asking = Asking(database, open_node(faulty.url), open_node(server.url))
    token = chain.contracts.erc20[0]
    await asking.want(token.address)
    await asking.reader.step()

    assert await asking.found(token.address) == {token.address: Token("Sim Dollar", "USDS", 6)}


@pytest.mark.parametrize(
    "code, message",
    [
        pytest.param(3, "execution reverted: no", id="geth, a revert"),
        pytest.param(-32000, "execution reverted", id="geth, older"),
        pytest.param(-32000, "invalid opcode: INVALID", id="geth, an assertion"),
        pytest.param(-32000, "out of gas", id="geth, endless"),
        pytest.param(-32015, "VM execution error.", id="nethermind and parity"),
        pytest.param(-32000, "execution aborted (timeout = 5s)", id="geth, too slow"),
    ],
)
async def test_a_call_that_reverts(faulty, open_node, code, message):
    """
    Each client says it in its own words; all mean that the contract has no answer.
    """
    faulty.alter = failing(code, message)

    assert await open_node(faulty.url).call("0x" + "1" * 40, NAME, "latest") is None


async def test_a_node_that_answers_no_text(faulty, open_node):
    """
    What is no JSON string is the node's fault, not the contract's.
    """
    faulty.alter = altered("eth_call", lambda _, answer: answer.update(result={"a": 1}, error=None))

    with pytest.raises(NodeUnavailable):
        await open_node(faulty.url).call("0x" + "1" * 40, DECIMALS, 7)
