"""Nodes that write numbers, addresses and times in ways of their own show the same block."""

import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Receipt, number_of
from crypitor.worker import rpc
from crypitor.worker.block import header_from, quantity
from crypitor.worker.tidy import seconds, tidied
from tests.worker.faulty import altered

QUANTITIES = (
    "number", "timestamp", "transactionIndex", "value", "cumulativeGasUsed", "status", "type",
    "logIndex", "blockNumber", "gasUsed", "nonce",
)  # fmt: skip


def everywhere(change):
    """An `alter` that changes each object of each answer in place."""

    def walk(value):
        if isinstance(value, dict):
            change(value)
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    return lambda _, answers: [walk(answer.get("result")) for answer in answers] and None


def rewritten(change):
    """A change of every quantity of an object."""

    def of(found):
        for name in QUANTITIES:
            if isinstance(found.get(name), str) and found[name].startswith("0x"):
                found[name] = change(int(found[name], 16))

    return of


def set_where(names, old, new):
    def of(found):
        for name in names:
            if name in found and found[name] in old:
                found[name] = new

    return of


def dropped(*names):
    def of(found):
        for name in names:
            found.pop(name, None)

    return of


def in_finer_time(parts):
    def of(found):
        if isinstance(found.get("timestamp"), str):
            found["timestamp"] = hex(int(found["timestamp"], 16) * parts + 7)

    return of


FORMS = {
    "padded by one": rewritten(lambda number: f"0x0{number:x}"),
    "padded to 32 bytes": rewritten(lambda number: f"0x{number:064x}"),
    "even digits": rewritten(lambda number: "0x" + number.to_bytes(max(1, -(-number.bit_length() // 8)), "big").hex()),
    "JSON numbers": rewritten(lambda number: number if number < 2**53 else hex(number)),
    "upper case": rewritten(lambda number: f"0X{number:X}"),
    "milliseconds": in_finer_time(10**3),
    "microseconds": in_finer_time(10**6),
    "nanoseconds": in_finer_time(10**9),
    "empty addresses": set_where(("to", "contractAddress"), (None,), ""),
    "0x addresses": set_where(("to", "contractAddress"), (None,), "0x"),
    "0x0 addresses": set_where(("to", "contractAddress"), (None,), "0x0"),
    "no null": lambda found: [found.pop(name) for name in [*found] if found[name] is None],
    "empty input": set_where(("input", "data"), ("0x",), ""),
    "null input": set_where(("input",), ("0x",), None),
    "no input": lambda found: found.pop("input", None) if found.get("input") == "0x" else None,
    "null type of old ones": set_where(("type",), ("0x0",), None),
    "no transactionsRoot": dropped("transactionsRoot"),
    "null transactionsRoot": lambda found: found.update(transactionsRoot=None),
    "no bloom of receipts": lambda found: found.pop("logsBloom") if "logs" in found else None,
    "null bloom of receipts": lambda found: found.update(logsBloom=None) if "logs" in found else None,
}  # fmt: skip


@pytest.fixture
def chain(mined):
    """A chain with contract creations and failures, among other things, in its blocks."""
    chain = pickle.loads(mined)
    chain.mine(10)
    return chain


@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS)
async def test_every_form_is_the_same_block(faulty, server, open_node, chain, change):
    """Each block, of each form, comes out as that of a node which writes as the specification does."""
    faulty.alter = everywhere(change)
    plain, other = open_node(server.url), open_node(faulty.url)
    creations = 0
    for number in range(1, 21):
        expected = (await plain.next(number)).block
        creations += sum(one.to is None for one in expected.transactions)
        found = (await other.next(number)).block
        assert same(found, expected)
        assert numbers(found) == numbers(expected)

    assert creations


LOOSE = {
    "transactions": ("nonce",),
    "receipts": ("gas_used", "effective_gas_price", "l1_fee", "blob_gas_used", "blob_gas_price"),
}
"""Fields of which nothing depends but what users ask: they are read as numbers then."""


def numbers(block):
    """Return the numbers of loose fields, however they are written."""
    return [
        [number_of(getattr(one, name)) for one in getattr(block, part) for name in names]
        for part, names in LOOSE.items()
    ]


def same(found, expected):
    """Whether two blocks differ in nothing but what only a proof uses, or users ask as a number."""

    def bare(block):
        loose = {part: dict.fromkeys(names) for part, names in LOOSE.items()}
        return msgspec.structs.replace(
            block,
            transactions=tuple(
                msgspec.structs.replace(one, authorization_list=None, **loose["transactions"])
                for one in block.transactions
            ),
            receipts=tuple(
                msgspec.structs.replace(
                    one, logs_bloom="", type="", cumulative_gas_used="", **loose["receipts"]
                )
                for one in block.receipts
            ),
        )

    return bare(found) == bare(expected)


async def test_a_padded_status_is_what_it_says(faulty, server, open_node, chain):
    """A deployment whose receipt says "0x01" succeeded."""
    faulty.alter = altered(
        "eth_getBlockReceipts",
        lambda _, answer: [
            one.update(status="0x0" + one["status"][2:]) for one in answer["result"]
        ],
    )
    plain, padded = open_node(server.url), open_node(faulty.url)
    told = set()
    for number in range(1, 21):
        expected = (await plain.next(number)).block.receipts
        found = (await padded.next(number)).block.receipts
        assert [one.succeeded for one in found] == [one.succeeded for one in expected]
        told |= {one.succeeded for one in found}

    assert told == {True, False}


@pytest.mark.parametrize("left_out", [None, "missing"])
@pytest.mark.parametrize("of", ["0x0", "0x1"])
async def test_a_status_that_is_left_out_is_no_success(
    faulty, server, open_node, chain, left_out, of
):
    """Of a failure the root shows it; a success without its status proves nothing."""

    def leave_out(_, answer):
        for receipt in (
            answer["result"] if isinstance(answer["result"], list) else [answer["result"]]
        ):
            if receipt["status"] == of:
                receipt.pop("status")
                if left_out is None:
                    receipt["status"] = None

    def alter(asked, answers):
        altered("eth_getBlockReceipts", leave_out)(asked, answers)
        altered("eth_getTransactionReceipt", leave_out)(asked, answers)

    faulty.alter = alter
    plain, silent = open_node(server.url), open_node(faulty.url)
    failed = 0
    for number in range(1, 21):
        expected = (await plain.next(number)).block
        statuses = [one.status for one in expected.receipts]
        failed += statuses.count("0x0")
        if of == "0x1" and "0x1" in statuses:
            with pytest.raises(NodeUnavailable):
                await silent.next(number)
        else:
            assert [one.status for one in (await silent.next(number)).block.receipts] == statuses

    assert failed


UNUSED = {
    "no roots": dropped("receiptsRoot", "transactionsRoot", "stateRoot"),
    "null roots": lambda found: found.update(receiptsRoot=None, transactionsRoot=None),
    "empty roots": lambda found: found.update(receiptsRoot="0x", transactionsRoot=""),
    "no blooms": dropped("logsBloom"),
    "null blooms": lambda found: found.update(logsBloom=None),
    "no gas": dropped("gasUsed", "cumulativeGasUsed", "gas", "gasPrice"),
    "null gas": lambda found: found.update(cumulativeGasUsed=None, gasUsed=None),
    "gas that is none": lambda found: found.update(cumulativeGasUsed="", gasUsed="x"),
}


@pytest.mark.parametrize("change", UNUSED.values(), ids=UNUSED)
async def test_what_no_level_uses_is_not_wanted(faulty, server, open_node, change):
    """With verify = "off" a block needs no root, no bloom and no gas."""
    faulty.alter = everywhere(change)
    expected = (await open_node(server.url).next(7)).block

    found = (await open_node(faulty.url, verify="off").next(7)).block

    assert same(found, expected)


@pytest.mark.parametrize("level, name", [("receipts", "receiptsRoot"), ("logs", "logsBloom")])
@pytest.mark.parametrize("value", [None, "", "0x", "0x00", "no hex"])
async def test_what_a_level_uses_it_wants(faulty, open_node, level, name, value):
    """A header without what the level proves by proves nothing."""
    faulty.alter = altered(
        "eth_getBlockByNumber", lambda _, answer: answer["result"].update({name: value})
    )

    with pytest.raises(NodeUnavailable):
        await open_node(faulty.url, verify=level).next(7)


@pytest.mark.parametrize("parts", [1, 10**3, 10**6, 10**9])
def test_headers_are_told_in_seconds(parts):
    """Headers that come alone are read by the same rule as those of blocks."""
    served = {
        "number": "0x07", "hash": "0x" + "ab" * 32, "parentHash": "0x" + "cd" * 32,
        "timestamp": hex(1_796_000_000 * parts),
    }  # fmt: skip

    header = rpc.header_of(msgspec.Raw(json.dumps(served).encode()))

    assert (header.number, header.timestamp) == (7, 1_796_000_000)


@given(st.integers(0, 253_402_300_799))
def test_seconds_stay_seconds(timestamp):
    """Every second until the year 9999 is one."""
    assert seconds(timestamp) == timestamp


@given(st.integers(1_000_000_000, 9_999_999_999), st.sampled_from([10**3, 10**6, 10**9]), st.data())
def test_finer_times_are_told_by_their_size(second, parts, data):
    """From 2001 to 2286, a time in any of the finer units is within its second."""
    assert seconds(second * parts + data.draw(st.integers(0, parts - 1))) == second


@given(st.integers(0, 2**256 - 1), st.integers(0, 40), st.booleans())
def test_quantities_are_numbers(number, zeros, upper):
    """However many zeros stand before it, a quantity is its number, in its shortest form."""
    text = f"0x{'0' * zeros}{number:x}"
    text = text.upper() if upper else text
    receipt = {"transactionHash": "", "transactionIndex": text, "blockHash": "", "logs": [],
               "type": text, "status": text, "cumulativeGasUsed": text}  # fmt: skip

    found = tidied(receipt, Receipt)

    assert quantity(text) == number
    assert {found.transaction_index, found.type, found.status, found.cumulative_gas_used} == {
        hex(number)
    }


@pytest.mark.parametrize(
    "wrong", ["", "0x", "5", "0xg", "-0x1", "0x 1", "0x" + "f" * 65, -1, 2**256]
)
def test_what_is_no_quantity_is_refused(wrong):
    """Nothing is guessed: what is no number is a failure of the node."""
    with pytest.raises(NodeUnavailable):
        quantity(wrong)


def test_a_header_of_json_numbers():
    """A header may have numbers in place of quantities."""
    served = {"number": 7, "hash": "0x" + "ab" * 32, "parentHash": "0x" + "cd" * 32, "timestamp": 9}

    header = rpc.header_of(msgspec.Raw(json.dumps(served).encode()))

    assert header == header_from(rpc.read(rpc._headers, json.dumps(served).encode(), "a header"))
    assert (header.number, header.timestamp) == (7, 9)
