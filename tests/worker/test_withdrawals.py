"""Withdrawals and authorizations as they come from a node with a block."""

import msgspec
import pytest
import rlp

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.errors import Unproven
from crypitor.evm.delegations import delegations
from crypitor.queue.wire import decode, encode
from tests.development.simulator import reading
from tests.development.simulator.served import served
from tests.queue.messages import message
from tests.worker.conftest import CHAIN_ID


@pytest.fixture
def chain():
    """A chain of whose blocks most have withdrawals."""
    chain = SimulatedChain(6, chain_id=CHAIN_ID, transfers=(10, 20), withdrawals=(0, 20))
    chain.mine(10)
    return chain


def truth(chain, number, kind):
    return [one for one in chain.beside(chain.by_number(number).hash) if one.kind == kind]


async def test_every_block_comes_with_its_withdrawals(chain, server, open_node):
    """Exactly those that happened; the amounts are gwei."""
    node = open_node(server.url)
    count = 0
    for number in range(11):
        block = await node.block(number)
        found = [(one.address, int(one.amount, 16) * 10**9) for one in block.withdrawals]
        assert found == [(one.to_address, one.amount) for one in truth(chain, number, "withdrawal")]
        count += len(found)

    assert count > 20


async def test_every_delegation_that_took_effect_is_found(chain, server, open_node):
    """On a chain without reorgs no other is there, and all are recovered as they were signed."""
    node = open_node(server.url)
    count = 0
    for number in range(11):
        found = [
            (one.transaction_index, one.item, one.authority, one.delegate)
            for one in delegations(await node.block(number), CHAIN_ID)
        ]
        assert found == [
            (one.transaction_index, one.item, one.from_address, one.to_address)
            for one in truth(chain, number, "delegation")
        ]
        count += len(found)

    assert count > 0


def _number_with_withdrawals(chain):
    return max(range(11), key=lambda number: len(chain.by_number(number).withdrawals))


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda listed: listed[1:], id="one left out"),
        pytest.param(lambda listed: [{**listed[0], "amount": "0x1"}, *listed[1:]], id="amount"),
        pytest.param(
            lambda listed: [{**listed[0], "address": "0x" + "1" * 40}, *listed[1:]], id="address"
        ),
    ],
)
async def test_a_node_that_lies_about_them_is_found_out(chain, faulty, open_node, lie):
    """The header's withdrawalsRoot commits to them."""

    def alter(asked, answers):
        for answer in answers:
            if isinstance(answer.get("result"), dict) and answer["result"].get("withdrawals"):
                answer["result"]["withdrawals"] = lie(answer["result"]["withdrawals"])

    faulty.alter = alter

    with pytest.raises(Unproven) as caught:
        await open_node(faulty.url).block(_number_with_withdrawals(chain))

    assert caught.value.check == "withdrawals"


async def test_upper_case_is_read_as_lower(chain, faulty, open_node):
    """Some nodes send addresses with a checksum."""
    number = _number_with_withdrawals(chain)

    def alter(asked, answers):
        for answer in answers:
            if isinstance(answer.get("result"), dict):
                for one in answer["result"].get("withdrawals", []):
                    one["address"] = "0x" + one["address"][2:].upper()

    faulty.alter = alter
    block = await open_node(faulty.url).block(number)

    assert [one.address for one in block.withdrawals] == [
        one.address for one in chain.by_number(number).withdrawals
    ]


async def test_they_go_through_the_queue(chain, server, open_node):
    """What is read from it is what was put there."""
    block = await open_node(server.url).block(_number_with_withdrawals(chain))
    sent = msgspec.structs.replace(message(1), block=block)

    assert decode(encode(sent)) == sent


def test_the_simulated_root_is_that_of_the_list(chain):
    """By another implementation of tries."""
    for number in range(11):
        block = served(chain.by_number(number)).block
        leaves = [
            rlp.encode(
                [
                    reading.number(one["index"]),
                    reading.number(one["validatorIndex"]),
                    reading.raw(one["address"]),
                    reading.number(one["amount"]),
                ]
            )
            for one in block["withdrawals"]
        ]
        assert block["withdrawalsRoot"] == reading.root(leaves)
        assert block["hash"] == reading.header_hash(block)
