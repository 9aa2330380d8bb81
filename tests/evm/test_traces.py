"""Internal transfers out of both formats of traces."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as some

from crypitor.errors import Unproven
from crypitor.evm.traces import internal_transfers, read_traces
from crypitor.evm.types import Block, Header, InternalTransfer, Receipt, Transaction

BLOCK = f"0x{'b1' * 32}"
SENDER, CONTRACT, INNER, ALICE, BOB = (f"0x{digit * 40}" for digit in "12345")


def transaction_hash(index):
    return f"0x{index + 10:064x}"


def block(*statuses):
    """A block with a transaction for each status."""
    return Block(
        Header(7, BLOCK, f"0x{'b0' * 32}", 1),
        tuple(
            Transaction(transaction_hash(index), hex(index), BLOCK, SENDER, "0x9", CONTRACT)
            for index in range(len(statuses))
        ),
        tuple(
            Receipt(transaction_hash(index), hex(index), BLOCK, (), status=status)
            for index, status in enumerate(statuses)
        ),
    )


def call(way, sender, to, value, *calls, error=None):
    """A frame of callTracer."""
    frame = {"type": way, "from": sender, "to": to, "gas": "0x1", "gasUsed": "0x1", "input": "0x"}
    if value is not None:
        frame["value"] = hex(value)
    if error:
        frame["error"] = error
    if calls:
        frame["calls"] = list(calls)
    return frame


def top(*calls, error=None):
    return call("CALL", SENDER, CONTRACT, 9, *calls, error=error)


def debug(*frames):
    """An answer of debug_traceBlockByHash."""
    return [{"txHash": transaction_hash(i), "result": frame} for i, frame in enumerate(frames)]


def flat(*frames):
    """The answer of trace_block that says the same."""
    found = []

    def add(frame, index, address):
        action = {"from": frame["from"], "value": frame.get("value", "0x0")}
        kind, result = "call", {"gasUsed": "0x0", "output": "0x"}
        if frame["type"] == "SELFDESTRUCT":
            kind, result = "suicide", None
            action = {
                "address": frame["from"],
                "refundAddress": frame["to"],
                "balance": frame["value"],
            }
        elif frame["type"].startswith("CREATE"):
            kind, result = "create", {"address": frame["to"], "code": "0x"}
        else:
            action |= {"callType": frame["type"].lower(), "to": frame["to"]}
        entry = {
            "type": kind, "action": action, "result": result, "traceAddress": address,
            "subtraces": len(frame.get("calls", [])), "blockHash": BLOCK, "blockNumber": 7,
            "transactionHash": transaction_hash(index), "transactionPosition": index,
        }  # fmt: skip
        if "error" in frame:
            entry |= {"error": "Reverted", "result": None}
        found.append(entry)
        for place, inner in enumerate(frame.get("calls", [])):
            add(inner, index, [*address, place])

    for index, frame in enumerate(frames):
        add(frame, index, [])
    return found


FORMATS = pytest.mark.parametrize(
    ("written", "told"), [("debug", debug), ("trace", flat)], ids=["debug", "trace"]
)


def read(of, written, answer):
    return read_traces(of, json.dumps(answer).encode(), written)


def moved(index, item, sender, receiver, value):
    return InternalTransfer(index, item, sender, receiver, hex(value))


# What is a transfer, and what is not


@FORMATS
@pytest.mark.parametrize("way", ["CALL", "CREATE", "CREATE2", "SELFDESTRUCT"])
def test_what_carries_value_is_a_transfer(written, told, way):
    """Contract: value-carrying calls."""
    answer = told(top(call(way, CONTRACT, ALICE, 5)))

    assert read(block("0x1"), written, answer) == (moved(0, 0, CONTRACT, ALICE, 5),)


@FORMATS
@pytest.mark.parametrize(
    "inner",
    [
        call("CALL", CONTRACT, ALICE, 0),
        call("CREATE", CONTRACT, ALICE, 0),
        call("SELFDESTRUCT", CONTRACT, ALICE, 0),
        call("SELFDESTRUCT", CONTRACT, CONTRACT, 5),
        call("SELFDESTRUCT", SENDER, CONTRACT, 5),
        call("DELEGATECALL", CONTRACT, ALICE, 5),
        call("CALLCODE", CONTRACT, ALICE, 5),
        call("STATICCALL", CONTRACT, ALICE, None),
        call("CALL", CONTRACT, ALICE, 5, error="execution reverted"),
        call("CREATE", CONTRACT, ALICE, 5, error="out of gas"),
    ],
    ids=lambda frame: " ".join(map(str, frame.values())),
)
def test_what_moves_nothing_is_none(written, told, inner):
    """Nothing, one's own coin under other code, one's own coin to oneself, and what failed."""
    assert read(block("0x1"), written, told(top(inner))) == ()


@FORMATS
def test_the_top_level_call_is_none(written, told):
    """It is the native transfer."""
    assert read(block("0x1"), written, told(top())) == ()


@FORMATS
def test_all_below_a_failed_call_is_left_out(written, told):
    """Calls that succeeded within one that failed are undone with it; its neighbours are not."""
    deep = call("CALL", INNER, ALICE, 3, call("CALL", ALICE, BOB, 2))
    answer = told(
        top(
            call("CALL", CONTRACT, BOB, 1),
            call("CALL", CONTRACT, INNER, 4, deep, call("CALL", INNER, BOB, 1), error="reverted"),
            call("CALL", CONTRACT, BOB, 6),
        )
    )

    assert read(block("0x1"), written, answer) == (
        moved(0, 0, CONTRACT, BOB, 1),
        moved(0, 1, CONTRACT, BOB, 6),
    )


@FORMATS
def test_below_other_code_the_transfers_count(written, told):
    """What a DELEGATECALL does is done in the name of the caller."""
    answer = told(top(call("DELEGATECALL", CONTRACT, INNER, 9, call("CALL", CONTRACT, ALICE, 9))))

    assert read(block("0x1"), written, answer) == (moved(0, 0, CONTRACT, ALICE, 9),)


@FORMATS
@pytest.mark.parametrize("way", ["DELEGATECALL", "CALLCODE"])
def test_code_that_ends_its_caller_moves_what_the_caller_had(written, told, way):
    """It runs in the name of the caller, so it is the caller's end."""
    answer = told(top(call(way, CONTRACT, INNER, 0, call("SELFDESTRUCT", CONTRACT, ALICE, 5))))

    assert read(block("0x1"), written, answer) == (moved(0, 0, CONTRACT, ALICE, 5),)


@FORMATS
def test_a_creation_that_ends_at_once_moves_on_what_it_was_given(written, told):
    """As contracts do that are made for one payment."""
    ends = call("SELFDESTRUCT", INNER, ALICE, 5)

    assert read(block("0x1"), written, told(top(call("CREATE2", CONTRACT, INNER, 5, ends)))) == (
        moved(0, 0, CONTRACT, INNER, 5),
        moved(0, 1, INNER, ALICE, 5),
    )


@FORMATS
def test_items_count_the_transfers_of_a_transaction_in_the_order_of_the_calls(written, told):
    """A call comes before those that it makes; other calls are not counted."""
    first = top(
        call("STATICCALL", CONTRACT, INNER, None),
        call("CALL", CONTRACT, INNER, 1, call("CALL", INNER, ALICE, 2)),
        call("CALL", CONTRACT, INNER, 0, call("SELFDESTRUCT", INNER, BOB, 3)),
        call("CREATE2", CONTRACT, BOB, 4),
    )
    answer = told(first, top(call("CALL", CONTRACT, ALICE, 2**255)))

    found = read(block("0x1", "0x1"), written, answer)

    assert found == (
        moved(0, 0, CONTRACT, INNER, 1),
        moved(0, 1, INNER, ALICE, 2),
        moved(0, 2, INNER, BOB, 3),
        moved(0, 3, CONTRACT, BOB, 4),
        moved(1, 0, CONTRACT, ALICE, 2**255),
    )


@FORMATS
def test_a_failed_transaction_has_none(written, told):
    """Its receipt says so; what its trace says does not matter."""
    frame = top(call("CALL", CONTRACT, ALICE, 5))
    failed = top(call("CALL", CONTRACT, ALICE, 5), error="execution reverted")

    found = read(block("0x0", "0x0", "0x1"), written, told(failed, frame, frame))

    assert found == (moved(2, 0, CONTRACT, ALICE, 5),)


@FORMATS
def test_before_byzantium_the_trace_tells_the_failure(written, told):
    """Receipts of that time have no status."""
    inner = call("CALL", CONTRACT, ALICE, 5)

    found = read(block(None, None), written, told(top(inner, error="out of gas"), top(inner)))

    assert found == (moved(1, 0, CONTRACT, ALICE, 5),)


def test_calls_to_precompiled_contracts_change_no_item():
    """Frames show them, trace_block does not: the ids of matches must not differ by that."""
    before, after = call("CALL", CONTRACT, ALICE, 1), call("CALL", CONTRACT, BOB, 2)
    precompiled = call("CALL", CONTRACT, f"0x{'0' * 39}4", 0)

    found = read(block("0x1"), "debug", debug(top(before, precompiled, after)))

    assert found == read(block("0x1"), "trace", flat(top(before, after)))
    assert [one.item for one in found] == [0, 1]


def test_nodes_write_as_they_like():
    """Capitals, checksums, leading zeros, no hash of the transaction, entries in any order."""
    frame = top(
        call("Call", f"0x{'aB' * 20}", ALICE.upper(), 5),
        call("CALL", CONTRACT, f"0x{'Cd' * 20}", 6),
    )
    frame["calls"][0]["value"] = "0x0005"
    nameless = debug(frame)
    del nameless[0]["txHash"]
    shuffled = list(
        reversed(flat(top(call("CALL", CONTRACT, ALICE, 5), call("CALL", CONTRACT, BOB, 6))))
    )

    assert read(block("0x1"), "debug", nameless) == (
        moved(0, 0, "0x" + "ab" * 20, ALICE, 5),
        moved(0, 1, CONTRACT, "0x" + "cd" * 20, 6),
    )
    assert read(block("0x1"), "trace", shuffled) == (
        moved(0, 0, CONTRACT, ALICE, 5),
        moved(0, 1, CONTRACT, BOB, 6),
    )


def test_rewards_are_no_transfers():
    """trace_block tells rewards of the block among the calls."""
    reward = {
        "type": "reward", "action": {"author": ALICE, "value": "0x5", "rewardType": "block"},
        "blockHash": BLOCK, "blockNumber": 7, "result": None, "subtraces": 0, "traceAddress": [],
        "transactionHash": None, "transactionPosition": None,
    }  # fmt: skip

    assert read(block("0x1"), "trace", [*flat(top()), reward]) == ()


@pytest.mark.parametrize("written", ["debug", "trace"])
def test_an_empty_block_has_none(written):
    """It needs no answer to say so."""
    assert read(block(), written, []) == ()


@FORMATS
@pytest.mark.parametrize("depth", [1023, 1024])
def test_calls_as_deep_as_they_may_be_are_read(written, told, depth):
    """Yellow paper: 1024; else anybody could make a block that can never be read."""
    start = f'{{"type":"CALL","from":"{CONTRACT}","to":"{CONTRACT}","value":"0x1","calls":['
    nested = (
        f'[{{"txHash":"{transaction_hash(0)}","result":{start * (depth + 1)}{"]}" * (depth + 1)}}}]'
    )
    if written == "trace":
        entries = flat(top())
        entries += [
            {**flat(top(call("CALL", CONTRACT, CONTRACT, 1)))[1], "traceAddress": [0] * place}
            for place in range(1, depth + 1)
        ]
        nested = json.dumps(entries)

    found = read_traces(block("0x1"), nested.encode(), written)

    assert [one.item for one in found] == list(range(depth))


def test_yields_each_with_the_index_of_its_transaction():
    """What a matcher goes through."""
    found = (moved(1, 0, CONTRACT, ALICE, 5), moved(1, 1, CONTRACT, BOB, 5))
    of = block("0x1", "0x1")

    assert list(internal_transfers(of)) == []
    assert list(internal_transfers(Block(of.header, of.transactions, of.receipts, found))) == [
        (1, found[0]),
        (1, found[1]),
    ]


# Both formats against each other


amounts = some.sampled_from([0, 1, 2**64, 2**256 - 1])
ways = some.sampled_from(
    ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2", "SELFDESTRUCT"]
)
calling = ways.filter(lambda way: way != "SELFDESTRUCT")
"""A contract that ends itself calls nobody any more."""
people = some.sampled_from([CONTRACT, INNER, ALICE, BOB])
errors = some.sampled_from([None, None, None, "execution reverted"])
leaves = some.builds(call, ways, people, people, amounts, error=errors)
trees = some.recursive(
    leaves,
    lambda below: some.lists(below, max_size=4).flatmap(
        lambda calls: some.builds(
            lambda way, a, b, value, error: call(way, a, b, value, *calls, error=error),
            calling, people, people, amounts, errors,
        )
    ),
    max_leaves=20,
)  # fmt: skip


def plainly(frame):
    """What a plain recursive reading finds below a frame."""
    for one in frame.get("calls", []):
        if "error" in one:
            continue
        runs_as = frame["from" if frame["type"] in ("DELEGATECALL", "CALLCODE") else "to"]
        moves = one["type"] in ("CALL", "CREATE", "CREATE2") or (
            one["type"] == "SELFDESTRUCT" and one["from"] == runs_as != one["to"]
        )
        if moves and int(one["value"], 16):
            yield one["from"], one["to"], int(one["value"], 16)
        yield from plainly(one)


@given(some.lists(some.lists(trees, max_size=3), max_size=3))
def test_both_formats_tell_what_a_plain_reading_finds(transactions):
    """Whatever was called in whatever order, ids and all."""
    frames = [top(*calls) for calls in transactions]
    of = block(*["0x1"] * len(frames))
    expected = tuple(
        moved(index, item, *parts)
        for index, frame in enumerate(frames)
        for item, parts in enumerate(plainly(frame))
    )

    assert read(of, "debug", debug(*frames)) == expected
    assert read(of, "trace", flat(*frames)) == expected


# What is damaged


def damaged(written, told, damage):
    answer = told(
        top(call("CALL", CONTRACT, INNER, 5, call("CREATE", INNER, ALICE, 1))),
        top(call("SELFDESTRUCT", CONTRACT, ALICE, 5)),
    )
    damage(answer)
    with pytest.raises(Unproven) as raised:
        read(block("0x1", "0x1"), written, answer)
    return raised.value


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda a: a.pop(), id="a transaction is missing"),
        pytest.param(lambda a: a.append(a[0]), id="one too many"),
        pytest.param(lambda a: a.reverse(), id="in another order"),
        pytest.param(lambda a: a[1].update(txHash=transaction_hash(5)), id="of another"),
        pytest.param(
            lambda a: (a[1].pop("txHash"), a[1]["result"].update({"from": BOB})),
            id="of another sender",
        ),
        pytest.param(lambda a: a[1].update(error="timeout", result=None), id="the node gave up"),
        pytest.param(lambda a: a[1].pop("result"), id="nothing"),
        pytest.param(lambda a: a[1]["result"].update(error="reverted"), id="failed after all"),
        pytest.param(lambda a: a[0]["result"]["calls"][0].pop("to"), id="no receiver"),
        pytest.param(lambda a: a[0]["result"]["calls"][0].pop("from"), id="no sender"),
        pytest.param(lambda a: a[0]["result"]["calls"][0].update(value="5"), id="no hex"),
        pytest.param(
            lambda a: a[0]["result"]["calls"][0].update(value="0x" + "1" * 65), id="too big"
        ),
        pytest.param(lambda a: a[0]["result"]["calls"][0].update(value=5), id="a number"),
        pytest.param(lambda a: a[0]["result"]["calls"][0].update(to="0x1"), id="short address"),
        pytest.param(lambda a: a[0]["result"].update(calls={}), id="no list"),
    ],
)
def test_damaged_frames_prove_nothing(damage):
    """Contradictions and nonsense are Unproven, with the block and what is wrong."""
    wrong = damaged("debug", debug, damage)

    assert wrong.check == "traces"
    assert BLOCK in str(wrong)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda a: a.pop(3) and a.pop(), id="a transaction is missing"),
        pytest.param(lambda a: a.pop(1), id="a call without its caller"),
        pytest.param(lambda a: a.append(a[0]), id="one too many"),
        pytest.param(lambda a: a[1].update(blockHash=f"0x{'b2' * 32}"), id="of another block"),
        pytest.param(lambda a: a[1].update(transactionHash=transaction_hash(5)), id="of another"),
        pytest.param(lambda a: a[1].update(transactionPosition=2), id="of no transaction"),
        pytest.param(
            lambda a: a[1].update(transactionPosition=-1), id="of the one before the first"
        ),
        pytest.param(lambda a: a[1].update(transactionPosition=None), id="of none"),
        pytest.param(lambda a: a[3].update(error="Reverted"), id="failed after all"),
        pytest.param(lambda a: a[1]["action"].pop("to"), id="no receiver"),
        pytest.param(lambda a: a[2].update(result=None), id="nothing created"),
        pytest.param(lambda a: a[4]["action"].pop("address"), id="no sender"),
        pytest.param(lambda a: a[4]["action"].update(balance="x"), id="no hex"),
        pytest.param(lambda a: a[1].pop("action"), id="nothing"),
    ],
)
def test_damaged_lists_prove_nothing(damage):
    """As with frames; here each entry names its block."""
    wrong = damaged("trace", flat, damage)

    assert wrong.check == "traces"
    assert BLOCK in str(wrong)


@pytest.mark.parametrize("written", ["debug", "trace"])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"{}",
        b"5",
        b"[5]",
        b"[{}]",
        b"[null]",
        b"\xff",
        b"[" * 100_000,
        b'[{"a":' * 50_000,
    ],
    ids=lambda answer: repr(answer[:10]),
)
def test_nonsense_proves_nothing(written, answer):
    """Whatever a node sends is Unproven and no crash."""
    with pytest.raises(Unproven):
        read_traces(block("0x1"), answer, written)


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inside: (
        some.lists(inside, max_size=3)
        | some.dictionaries(
            some.sampled_from(["calls", "from", "error", "value"]), inside, max_size=3
        )
    ),
    max_leaves=5,
)


@FORMATS
@given(some.data())
def test_a_changed_part_is_never_a_crash(written, told, data):
    """Any part replaced by anything: read, or Unproven."""
    answer = deepcopy(told(top(call("CALL", CONTRACT, INNER, 5, call("CREATE", INNER, ALICE, 1)))))
    place, here = [], answer
    while isinstance(here, dict | list) and here and (not place or data.draw(some.booleans())):
        keys = sorted(here) if isinstance(here, dict) else range(len(here))
        place.append((here, data.draw(some.sampled_from(keys))))
        here = here[place[-1][1]]
    holder, key = place[-1]
    holder[key] = data.draw(json_values)

    try:
        found = read(block("0x1"), written, answer)
    except Unproven:
        return

    assert len(found) <= 2
