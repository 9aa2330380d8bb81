"""A real node's traces, in both formats, against what its contracts were written to do."""

from contextlib import AsyncExitStack

import pytest

from crypitor.worker.node import Node
from tests.live.test_anvil import anvil

pytestmark = pytest.mark.live

ALICE, BOB = "aa" * 20, "bb" * 20
GAS = hex(8 * 10**6)


def calling(opcode, to, value=None):
    """Code that calls `to` and ignores what becomes of it; with a value where the opcode has one."""
    paid = "" if value is None else f"60{value:02x}"
    return f"6000600060006000{paid}73{to.removeprefix('0x')}5a{opcode}50"


def paying(to, value):
    return calling("f1", to, value)


def creating(opcode, value):
    """Code that creates an empty contract."""
    salt = "6007" if opcode == "f5" else ""
    return f"{salt}6000600060{value:02x}{opcode}50"


async def deploy(node, runtime):
    """Mine a contract with this code of up to 64 KiB and return its address."""
    size = f"{len(runtime) // 2:04x}"
    made = await node.send(data=f"0x61{size}600e60003961{size}6000f3{runtime}")
    await node.mine()
    receipt = await node.call("eth_getTransactionReceipt", made)
    assert receipt["status"] == "0x1", receipt
    return receipt["contractAddress"]


async def traced(node, number):
    """The internal transfers of a block out of both formats."""
    async with AsyncExitStack() as stack:
        found = []
        for traces in ("debug", "trace"):
            each = await stack.enter_async_context(
                Node(
                    node.url, traces, chain_id=31337, timeout_seconds=10, verify="receipts",
                    traces=traces,
                )
            )  # fmt: skip
            found.append((await each.block(number)).traces)
    assert found[0] == found[1]
    return [
        (one.transaction_index, one.item, one.sender, one.receiver, int(one.value, 16))
        for one in found[0]
    ]


def created_by(frames):
    return [frame["to"] for frame in frames["calls"] if frame["type"].startswith("CREATE")]


async def test_both_formats_of_a_real_node_tell_what_was_done():
    """Every way to call, undone parts, failed transactions, a creation, a precompiled contract."""
    async with anvil() as node:
        leaf = await deploy(node, paying(BOB, 1) + "00")
        reverting = await deploy(node, paying(BOB, 2) + "60006000fd")
        ending = await deploy(node, f"73{ALICE}ff")
        ending_for_itself = await deploy(node, "30ff")
        identity = "00" * 19 + "04"
        main = await deploy(
            node,
            calling("f1", identity, 0)
            + calling("f1", identity, 3)
            + paying(leaf, 16)
            + paying(reverting, 17)
            + creating("f0", 5)
            + creating("f5", 6)
            + calling("fa", BOB)
            + calling("f4", leaf)
            + calling("f2", leaf, 9)
            + paying(ending, 18)
            + paying(ending_for_itself, 19)
            + "00",
        )
        whole = await node.send(to=main, value=hex(1000), gas=GAS)
        await node.send(to=reverting, value=hex(50))
        await node.send(to=f"0x{ALICE}", value=hex(4))
        made = await node.send(value=hex(9), data=f"0x{paying(BOB, 1)}00")
        number = await node.mine()
        found = await traced(node, number)
        frame = await node.call("debug_traceTransaction", whole, {"tracer": "callTracer"})
        creation = await node.call("eth_getTransactionReceipt", made)

    first, second = created_by(frame)
    moved = [
        (main, f"0x{identity}", 3),
        (main, leaf, 16),
        (leaf, f"0x{BOB}", 1),
        (main, first, 5),
        (main, second, 6),
        (main, f"0x{BOB}", 1),
        (main, f"0x{BOB}", 1),
        (main, ending, 18),
        (ending, f"0x{ALICE}", 18),
        (main, ending_for_itself, 19),
    ]
    expected = [(0, item, *one) for item, one in enumerate(moved)]
    assert [*expected, (3, 0, creation["contractAddress"], f"0x{BOB}", 1)] == found


async def test_the_balances_agree_with_the_transfers():
    """What the node's own ledger says before and after, for everybody but the payer of the fee."""
    async with anvil() as node:
        leaf = await deploy(node, paying(BOB, 1) + "00")
        reverting = await deploy(node, paying(BOB, 2) + "60006000fd")
        main = await deploy(
            node, paying(leaf, 16) + paying(reverting, 17) + paying(ALICE, 7) + "00"
        )
        people = [leaf, reverting, main, f"0x{ALICE}", f"0x{BOB}"]
        await node.send(to=main, value=hex(100), gas=GAS)
        number = await node.mine()
        changes = {
            one: int(await node.call("eth_getBalance", one, hex(number)), 16)
            - int(await node.call("eth_getBalance", one, hex(number - 1)), 16)
            for one in people
        }
        found = await traced(node, number)

    told = dict.fromkeys(people, 0) | {main: 100}
    for _, _, sender, receiver, value in found:
        told[sender] -= value
        told[receiver] += value
    assert changes == told
    assert len(found) == 3


async def test_a_real_trace_of_hundreds_of_nested_calls_is_read():
    """A contract that calls itself as deep as the gas of a transaction goes stops no chain."""
    async with anvil() as node:
        itself = await deploy(node, "60006000600060006000305af15000")
        main = await deploy(node, calling("f1", itself, 0) + paying(BOB, 1) + "00")
        await node.send(to=main, value="0x1", gas=hex(29 * 10**6))
        number = await node.mine()
        flat = await node.call("trace_block", hex(number))
        found = await traced(node, number)

    assert max(len(one["traceAddress"]) for one in flat) > 500
    assert found == [(0, 0, main, f"0x{BOB}", 1)]
