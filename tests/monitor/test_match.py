import random
from dataclasses import replace

import pytest

from crypitor.evm.types import Block, Header, Log, Receipt, Transaction
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Direction, Kind, Monitor, Phase, Rule
from tests import recorded

A, B, C = ("0x" + digit * 40 for digit in "abc")
TOKEN = "0x" + "d" * 40
MONITOR = Monitor(
    id="mo_1", project_id="pr_1", name="Treasury", networks=("ethereum",), rules=DEFAULT_RULES,
    any_address=False, endpoints=(), notify=frozenset(Phase), confirmations=None, tags=(), note="",
    enabled=True, created_at=0, updated_at=0,
)  # fmt: skip


def topic(address):
    return "0x" + "0" * 24 + address[2:]


def word(number):
    return f"{number:064x}"


def block(value="0x0", status="0x1", sender=A, to=B, logs=(), created=None):
    transaction = Transaction("0x" + "1" * 64, "0x0", "0x" + "2" * 64, sender, value, to)
    receipt = Receipt(
        transaction.hash, "0x0", transaction.block_hash, tuple(logs), status=status,
        contract_address=created,
    )  # fmt: skip
    return Block(Header(7, transaction.block_hash, "0x" + "3" * 64, 0), (transaction,), (receipt,))


def log(*topics, data="0x", address=TOKEN, index="0x0"):
    return Log(address, topics, data, index, "0x" + "2" * 64, "0x" + "1" * 64)


def erc20(sender, receiver, amount, **rest):
    return log(
        "0x" + recorded.TRANSFER, topic(sender), topic(receiver), data="0x" + word(amount), **rest
    )


def watching(*addresses, **changes):
    index = Index()
    index.put(replace(MONITOR, **changes))
    index.add_addresses("mo_1", [(address, None) for address in addresses])
    return index


def found(seen, index, network="ethereum"):
    return [
        (str(match.subject.kind), str(match.direction), match.address, match.subject.amount)
        for match in find_matches(seen, network, 1, index)
    ]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(block("0x5"), [("native", "out", A, 5), ("native", "in", B, 5)], id="moved"),
        pytest.param(block("0x5", status="0x0"), [], id="failed"),
        pytest.param(block("0x0"), [], id="nothing moved"),
        pytest.param(
            block("0x5", status=None),
            [("native", "out", A, 5), ("native", "in", B, 5)],
            id="before Byzantium",
        ),
        pytest.param(
            block("0x5", to=None, created=C, sender=B),
            [("native", "out", B, 5), ("native", "in", C, 5)],
            id="creation: the contract receives",
        ),
        pytest.param(
            block("0x5", to=A), [("native", "out", A, 5), ("native", "in", A, 5)], id="to oneself"
        ),
    ],
)
def test_native(seen, expected):
    """
    A native transfer counts when its transaction succeeded and moved value, once a direction.
    """
    assert expected == found(seen, watching(A, B, C))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(erc20(A, C, 9), [("erc20", "out", A, 9)], id="erc20 sent"),
        pytest.param(erc20(C, A, 2**256 - 1), [("erc20", "in", A, 2**256 - 1)], id="whole range"),
        pytest.param(
            log("0x" + recorded.TRANSFER, topic(A), topic(C), data="0x" + "0" * 63), [], id="short"
        ),
        pytest.param(
            log("0x" + recorded.TRANSFER, topic(A), data="0x" + word(1) * 2), [], id="not indexed"
        ),
        pytest.param(
            log("0x" + recorded.TRANSFER, topic(C), topic(A), "0x" + word(77)),
            [("erc721", "in", A, 1)],
            id="erc721",
        ),
        pytest.param(
            log("0x" + recorded.TRANSFER, "0x01" + topic(A)[4:], topic(C), data="0x" + word(1)),
            [],
            id="dirty padding is no address",
        ),
        pytest.param(
            log("0x" + recorded.SINGLE, topic(C), topic(A), topic(C), data="0x" + word(5) + word(6)),
            [("erc1155", "out", A, 6)],
            id="erc1155 single",
        ),
        pytest.param(
            log(
                "0x" + recorded.BATCH, topic(A), topic(C), topic(B),
                data="0x" + word(64) + word(160) + word(2) + word(1) + word(2)
                + word(2) + word(10) + word(20),
            ),
            [("erc1155", "in", B, 10), ("erc1155", "in", B, 20)],
            id="erc1155 batch, the operator is no party",
        ),
        pytest.param(
            log(
                "0x" + recorded.BATCH, topic(A), topic(C), topic(B),
                data="0x" + word(64) + word(2**255) + word(1) + word(1),
            ),
            [],
            id="offset beyond the data",
        ),
        pytest.param(
            log(
                "0x" + recorded.BATCH, topic(A), topic(C), topic(B),
                data="0x" + word(64) + word(64) + word(2**64),
            ),
            [],
            id="length beyond the data",
        ),
        pytest.param(
            log("0x" + recorded.TRANSFER, topic(A), topic(C), data="0x" + "zz" * 32), [], id="no hex"
        ),
    ],
)  # fmt: skip
def test_tokens(seen, expected):
    """
    Token transfers are read by the number of topics, and what does not decode is none.
    """
    assert expected == found(block(logs=[seen]), watching(A, B))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(Rule(Kind.ERC20, Direction.IN), ["in"], id="in"),
        pytest.param(Rule(Kind.ERC20, Direction.OUT), ["out"], id="out"),
        pytest.param(Rule(Kind.ERC20), ["out", "in"], id="all"),
        pytest.param(Rule(Kind.ERC721), [], id="another kind"),
        pytest.param(Rule(Kind.ERC20, contracts=frozenset({TOKEN})), ["out", "in"], id="contract"),
        pytest.param(Rule(Kind.ERC20, contracts=frozenset({C})), [], id="another contract"),
    ],
)
def test_rules(rule, expected):
    """
    A rule limits the kind, the direction and the contract of what matches.
    """
    seen = block(logs=[erc20(A, B, 1)])

    assert expected == [row[1] for row in found(seen, watching(A, B, rules=(rule,)))]


def test_rules_that_overlap_give_one_match():
    """
    What two rules of a monitor ask for is one match, because its id names neither.
    """
    rules = (Rule(Kind.ERC20), Rule(Kind.ERC20, Direction.IN))

    assert [("erc20", "in", B, 1)] == found(block(logs=[erc20(A, B, 1)]), watching(B, rules=rules))


def test_another_network_is_not_watched():
    """
    A monitor hears nothing of networks that it did not name.
    """
    assert [] == found(block("0x5"), watching(A, B), network="bsc")


def test_any_address():
    """
    A monitor of any address hears both parties of the transfers of its contracts alone.
    """
    rules = (Rule(Kind.ERC20, contracts=frozenset({TOKEN})),)
    index = watching(any_address=True, rules=rules)
    seen = block("0x5", logs=[erc20(A, B, 1), erc20(A, B, 2, address=C)])

    assert [("erc20", "out", A, 1), ("erc20", "in", B, 1)] == found(seen, index)


@pytest.mark.parametrize("chain_id", [1, 10, 137, 8453])
def test_recorded_blocks_equal_a_plain_reading(chain_id):
    """
    For a fifth of all parties of the recorded blocks, matches equal those of an independent reading.
    """
    recorded.required()
    docs = recorded.documents(chain_id)
    parties = sorted(
        {m[side] for doc in docs for m in recorded.plain_transfers(doc) for side in ("from", "to")}
    )
    watched = set(random.Random(7).sample(parties, max(1, len(parties) // 5)))
    index = watching(*watched)

    expected = [match for doc in docs for match in recorded.plain_matches(doc, watched)]
    actual = [
        {
            "kind": str(m.subject.kind), "transaction": m.transaction.hash, "item": m.subject.item,
            "log_index": None if m.subject.log is None else int(m.subject.log.index, 16),
            "from": m.subject.sender, "to": m.subject.receiver,
            "contract": None if m.subject.log is None else m.subject.log.address,
            "amount": str(m.subject.amount),
            "token_id": None if m.subject.token_id is None else str(m.subject.token_id),
            "direction": str(m.direction), "address": m.address,
        }
        for doc in docs
        for m in find_matches(recorded.as_block(doc), "ethereum", chain_id, index)
    ]  # fmt: skip

    def key(m):
        return (
            m["transaction"],
            m["kind"],
            m["log_index"] or 0,
            m["item"] or 0,
            m["direction"],
        )

    assert expected, "the sample must find something"
    assert sorted(expected, key=key) == sorted(actual, key=key)
