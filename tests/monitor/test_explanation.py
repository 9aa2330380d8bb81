"""Why a transaction is, or is not, what a monitor asks about."""

import random
from dataclasses import replace
from functools import partial

import pytest

from crypitor.evm.types import InternalTransfer
from crypitor.monitor.alone import Alone
from crypitor.monitor.explanation import Scene, findings
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Direction, Kind, match_id, rule_of
from crypitor.monitor.prepared import prepare
from tests import recorded
from tests.monitor.test_kinds import CALL, TRANSFER, called, replace_input
from tests.monitor.test_match import MONITOR, TOKEN, A, B, C, block, erc20, log, topic, word

ERC20 = "Transfer(address,address,uint256)"


def alone(addresses=(A,), rules=DEFAULT_RULES, **changes):
    """A monitor that was told its addresses already."""
    index = Alone(replace(MONITOR, rules=rules, **changes))
    index.add_addresses("mo_1", [(address, None) for address in addresses])
    return index


def found(rule, seen, addresses=(A,), traced=True, **changes):
    scene = Scene("ethereum", 1, seen, 0, traced)
    return list(findings(scene, prepare(rule), alone(addresses, (rule,), **changes).one))


def obstacles(rule, seen, **options):
    """Of each finding the direction and what is in the way."""
    return [
        (
            each.direction and each.direction.value,
            [reason.obstacle.value for reason in each.reasons],
        )
        for each in found(rule, seen, **options)
    ]


IN_20 = rule_of(
    Kind.ERC20, direction=Direction.IN, contracts=frozenset({TOKEN}), where="amount > 5"
)
EVENT = rule_of(Kind.EVENT, signature=TRANSFER)
INSIDE = rule_of(Kind.INTERNAL)


@pytest.mark.parametrize(
    ("rule", "seen", "expected"),
    [
        pytest.param(
            rule_of(Kind.NATIVE), block("0x5"), [("out", []), ("in", ["party"])], id="receiver"
        ),
        pytest.param(rule_of(Kind.NATIVE), block("0x0"), [(None, ["kind"])], id="no value"),
        pytest.param(
            rule_of(Kind.NATIVE),
            block("0x5", status="0x0"),
            [("out", ["failed"]), ("in", ["failed", "party"])],
            id="failed",
        ),
        pytest.param(
            IN_20,
            block(logs=[erc20(C, A, 6)]),
            [("out", ["direction", "party"]), ("in", [])],
            id="direction",
        ),
        pytest.param(
            IN_20,
            block(logs=[erc20(C, A, 5)]),
            [("out", ["direction", "party", "where"]), ("in", ["where"])],
            id="where",
        ),
        pytest.param(
            replace(IN_20, contracts=frozenset({C})),
            block(logs=[erc20(C, A, 6)]),
            [("out", ["contract", "direction", "party"]), ("in", ["contract"])],
            id="contract",
        ),
        pytest.param(
            rule_of(Kind.ERC721), block(logs=[erc20(C, A, 6)]), [(None, ["kind"])], id="other token"
        ),
        pytest.param(
            rule_of(Kind.ERC20), block(logs=[log(word(1))]), [(None, ["kind"])], id="other event"
        ),
        pytest.param(
            rule_of(Kind.ERC20),
            block(logs=[log("0x" + recorded.TRANSFER, topic(A), topic(C), data="0x00")]),
            [(None, ["undecoded"])],
            id="short transfer",
        ),
        pytest.param(EVENT, block(logs=[erc20(C, B, 6)]), [(None, [])], id="event"),
        pytest.param(
            replace(EVENT, contracts=frozenset({C})),
            block(logs=[log("0x" + word(1))]),
            [(None, ["signature", "contract"])],
            id="another event of another contract",
        ),
        pytest.param(
            EVENT,
            block(logs=[log("0x" + recorded.TRANSFER, topic(A), topic(B), "0x" + word(7))]),
            [(None, ["undecoded"])],
            id="other arguments are indexed",
        ),
        pytest.param(rule_of(Kind.CALL, signature=CALL), called(), [(None, [])], id="call"),
        pytest.param(
            rule_of(Kind.CALL, signature=CALL),
            replace_input(block(), "0x12345678"),
            [(None, ["signature"])],
            id="another function",
        ),
        pytest.param(
            rule_of(Kind.CALL, signature=CALL),
            called("0xa9059cbb"),
            [(None, ["undecoded"])],
            id="a call cut short",
        ),
        pytest.param(
            rule_of(Kind.CALL, signature=CALL),
            block(to=None, created=C),
            [(None, ["kind"])],
            id="a creation is no call",
        ),
        pytest.param(
            rule_of(Kind.DEPLOYMENT),
            block(to=None, created=C),
            [("out", []), ("in", ["party"])],
            id="deployment",
        ),
        pytest.param(rule_of(Kind.DEPLOYMENT), block(), [(None, ["kind"])], id="no deployment"),
        pytest.param(
            rule_of(Kind.DEPLOYMENT),
            block(to=None, created=C, status="0x0"),
            [(None, ["failed"])],
            id="failed deployment",
        ),
        pytest.param(INSIDE, block(), [(None, ["kind"])], id="nothing inside"),
    ],
)
def test_each_obstacle_is_named(rule, seen, expected):
    """
    For each party of a transfer, and each log or call, everything that is in the way is told.
    """
    assert expected == obstacles(rule, seen)


def test_internal_transfers_are_of_their_transaction():
    """
    What moved inside another transaction is left out; without traces that is said.
    """
    from msgspec.structs import replace as with_changes

    moved = [InternalTransfer(place, 0, A, B, "0x1") for place in (0, 1)]
    seen = with_changes(block(), traces=tuple(moved))
    [untraced] = found(INSIDE, seen, traced=False)

    assert [("out", []), ("in", ["party"])] == obstacles(INSIDE, seen)
    assert "traces" in untraced.reasons[0].detail


def test_values_of_a_condition_are_told():
    """
    A condition that is false tells its parts with their values, whatever else is in the way.
    """
    rule = rule_of(Kind.ERC20, where="amount > 10 and watched(to_address) and 1 / amount > 0")
    out, _ = found(rule, block(logs=[erc20(C, A, 0)]))

    parts = [(part.text, part.outcome, part.values) for part in out.where.parts]
    assert parts == [
        ("amount > 10", False, {"amount": 0}),
        ("watched(to_address)", True, {"to_address": A}),
        ("1 / amount > 0", None, {"amount": 0}),
    ]
    assert [each.obstacle for each in out.reasons] == ["party", "where"]


def test_the_nearest_comes_first_by_its_first_obstacle():
    """
    A transfer of a watched party is nearer to a match than one of strangers or another contract.
    """
    seen = block(
        logs=[
            log("0x" + word(1), index="0x0"),
            erc20(C, B, 6, address=C, index="0x1"),
            erc20(C, B, 6, index="0x2"),
            erc20(C, A, 5, index="0x3"),
        ]
    )
    ranked = sorted(found(IN_20, seen), key=lambda each: each.closeness, reverse=True)
    indexes = [int(each.log.index, 16) for each in ranked]

    assert indexes[0] == 3
    assert indexes[-1] == 0


def learnt(index, watched, work):
    """Do work until nothing is wanted any more, as the owner of the index does."""
    while True:
        result = work()
        if not index.wanted:
            return result
        index.learn(dict.fromkeys(index.wanted & watched))


RULES = (
    *DEFAULT_RULES,
    rule_of(Kind.ERC20, where="watched(to_address) and amount > 1000"),
    rule_of(Kind.NATIVE, include_failed=True, direction=Direction.OUT),
    rule_of(Kind.DEPLOYMENT),
    rule_of(
        Kind.EVENT,
        signature="event Approval(address indexed owner, address indexed spender, uint256 value)",
        where="watched(args.spender) or args.value < 10**18",
    ),
    rule_of(
        Kind.CALL,
        signature="function transfer(address to, uint256 amount)",
        where="watched(args.to) or args.amount > 10**9",
    ),
)


def test_what_matches_is_what_the_live_path_matches():
    """
    In every transaction of recorded blocks the findings that match are the live path's matches,
    and those of transfers are as many as a plain reading has.
    """
    recorded.required()
    chance = random.Random(5)
    kinds = set()
    for document in recorded.documents(1)[-4:]:
        seen = recorded.as_block(document)
        moved = list(recorded.plain_transfers(document))
        parties = sorted({one[side] for one in moved for side in ("from", "to")})
        watched = set(chance.sample(parties, len(parties) // 4))
        index = Alone(replace(MONITOR, rules=RULES))
        live = learnt(index, watched, partial(find_matches, seen, "ethereum", 1, index))
        plain = list(recorded.plain_matches(document, watched))

        told = dict(told_of(seen, index, watched))
        transfers = [kind for kind in told.values() if kind in TRANSFERS]
        assert set(told) == {match.id for match in live}
        assert len(plain) == len(transfers) - failed(live)
        kinds |= set(told.values())
    assert {"native", "erc20", "event", "call"} <= kinds


TRANSFERS = {"native", "erc20", "erc721", "erc1155"}


def told_of(seen, index, watched):
    """Each match of a block by the findings: its id and its kind."""
    for place, transaction in enumerate(seen.transactions):
        scene = Scene("ethereum", 1, seen, place, True)
        for rule in RULES:
            asked = partial(all_findings, scene, rule, index)
            for each in learnt(index, watched, asked):
                if each.matches:
                    parts = each.direction, each.party, seen.header, transaction
                    yield match_id("mo_1", *parts, each.subject), each.subject.kind


def all_findings(scene, rule, index):
    return list(findings(scene, prepare(rule), index.one))


def failed(matches):
    return sum(match.subject.kind == "native" and not match.receipt.succeeded for match in matches)


def test_only_what_is_asked_for_is_wanted():
    """
    A block makes one want its parties and what conditions ask about, and nothing twice.
    """
    index = Alone(replace(MONITOR, rules=(rule_of(Kind.ERC20, where="watched(contract)"),)))
    seen = block("0x5", sender=B, to=C, logs=[erc20(A, C, 5)])
    find_matches(seen, "ethereum", 1, index)
    first = set(index.wanted)
    index.learn({A: "hot"})
    find_matches(seen, "ethereum", 1, index)
    second = set(index.wanted)
    index.learn({TOKEN: None})
    [match] = find_matches(seen, "ethereum", 1, index)

    assert first == {A, C}  # B and C move the coin, about which nobody asks
    assert second == {TOKEN}
    assert index.wanted == set()
    assert (match.address, match.label) == (A, "hot")
