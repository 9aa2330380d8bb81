"""Events, calls, deployments and failed transfers, and the conditions on all kinds."""

import json
from dataclasses import replace

import pytest

from crypitor.monitor.index import Index
from crypitor.monitor.match import Tally, find_matches
from crypitor.monitor.models import Direction, Kind, rule_of
from crypitor.webhook.body import document
from tests import recorded
from tests.monitor.test_match import MONITOR, TOKEN, A, B, C, block, erc20, log, topic, word

TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"
CALL = "function transfer(address to, uint256 amount)"
SENT = "0xa9059cbb" + topic(C)[2:] + word(7)


def called(sent=SENT, **rest):
    """A block whose one transaction calls TOKEN."""
    seen = block(to=TOKEN, **rest)
    return replace_input(seen, sent)


def replace_input(seen, sent):
    from msgspec.structs import replace as with_changes

    [transaction] = seen.transactions
    return with_changes(seen, transactions=(with_changes(transaction, input=sent),))


def indexed(*rules, addresses=(A,), **changes):
    index = Index()
    index.put(replace(MONITOR, rules=rules, **changes))
    index.add_addresses("mo_1", [(address, None) for address in addresses])
    return index


def told(seen, index, tally=None):
    """The documents of the matches of a block."""
    return [
        json.loads(document(match, 1)) for match in find_matches(seen, "ethereum", 1, index, tally)
    ]


def ways(seen, *rules, **changes):
    """Kind and direction of the matches of a block."""
    return [(each["kind"], each["direction"]) for each in told(seen, indexed(*rules, **changes))]


def test_an_event_is_told_with_its_arguments():
    """
    A log of the event matches whoever its parties are, and has no direction and no address.
    """
    [match] = told(block(logs=[erc20(B, C, 5)]), indexed(rule_of(Kind.EVENT, signature=TRANSFER)))

    expected = {
        "kind": "event", "direction": None, "address": None, "label": None, "log_index": 0,
        "item": None, "from_address": None, "to_address": None, "amount": None,
        "amount_formatted": None, "token_id": None,
        "contract": {"address": TOKEN, "name": None, "symbol": None, "decimals": None},
        "event": {
            "name": "Transfer", "signature": "Transfer(address,address,uint256)",
            "args": {"from": B, "to": C, "value": "5"},
        },
    }  # fmt: skip
    assert expected == {name: match[name] for name in expected}
    assert "call" not in match


def test_a_call_is_told_with_its_arguments():
    """
    A transaction that calls the function matches, whoever sends it, also when it failed.
    """
    [match] = told(called(sender=B, status="0x0"), indexed(rule_of(Kind.CALL, signature=CALL)))

    expected = {
        "kind": "call", "direction": None, "address": None, "log_index": None, "item": None,
        "from_address": B, "to_address": TOKEN, "amount": None, "event": None,
        "contract": {"address": TOKEN, "name": None, "symbol": None, "decimals": None},
        "call": {
            "name": "transfer", "signature": "transfer(address,uint256)",
            "args": {"to": C, "amount": "7"},
        },
    }  # fmt: skip
    assert expected == {name: match[name] for name in expected}
    assert "failed" == match["transaction"]["status"]


@pytest.mark.parametrize(
    ("watched", "direction", "expected"),
    [
        pytest.param(A, "all", [("deployment", "out")], id="sender"),
        pytest.param(C, "all", [("deployment", "in")], id="contract"),
        pytest.param(A, "in", [], id="sender asked for in"),
        pytest.param(B, "all", [], id="somebody else"),
    ],
)
def test_a_deployment_has_the_sender_and_the_contract_as_parties(watched, direction, expected):
    """
    The sender of a creation goes out, the created contract comes in.
    """
    rule = rule_of(Kind.DEPLOYMENT, direction=Direction(direction))

    assert expected == ways(block(to=None, created=C), rule, addresses=(watched,))


def test_a_deployment_names_its_contract():
    """
    The created contract is the receiver and the contract of the match; nothing is transferred.
    """
    [match] = told(
        block("0x5", to=None, created=C), indexed(rule_of(Kind.DEPLOYMENT), addresses=(A,))
    )

    assert (A, C, C, None) == (
        match["from_address"], match["to_address"], match["contract"]["address"], match["amount"],
    )  # fmt: skip


def test_a_deployment_that_failed_is_none():
    """
    A creation that failed made no contract, whatever its receipt names.
    """
    assert [] == ways(block(to=None, created=C, status="0x0"), rule_of(Kind.DEPLOYMENT))


@pytest.mark.parametrize(
    ("rule", "to", "expected"),
    [
        pytest.param(rule_of(Kind.NATIVE, include_failed=True), B, ["out", "in"], id="asked for"),
        pytest.param(rule_of(Kind.NATIVE), B, [], id="not asked for"),
        pytest.param(
            rule_of(Kind.NATIVE, include_failed=True), None, ["out"], id="creation: no receiver"
        ),
    ],
)
def test_failed_transfers(rule, to, expected):
    """
    A transfer that failed matches only where failed ones are included, and says so.
    """
    created = C if to is None else None
    matches = told(
        block("0x5", status="0x0", to=to, created=created), indexed(rule, addresses=(A, B, C))
    )

    assert expected == [match["direction"] for match in matches]
    assert all(match["transaction"]["status"] == "failed" for match in matches)


@pytest.mark.parametrize(
    ("contracts", "expected"),
    [
        pytest.param(None, 1, id="any"),
        pytest.param(frozenset({TOKEN}), 1, id="this"),
        pytest.param(frozenset({C}), 0, id="another"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "signature", "seen"),
    [
        pytest.param(Kind.EVENT, TRANSFER, block(logs=[erc20(B, C, 5)]), id="event"),
        pytest.param(Kind.CALL, CALL, called(), id="call"),
    ],
)
def test_contracts_limit_events_and_calls(kind, signature, seen, contracts, expected):
    """
    Without contracts any one matches, with them those alone.
    """
    rule = rule_of(kind, signature=signature, contracts=contracts)

    assert expected == len(ways(seen, rule))


@pytest.mark.parametrize(
    ("kind", "signature", "seen"),
    [
        pytest.param(
            Kind.EVENT,
            TRANSFER,
            block(logs=[log("0x" + recorded.TRANSFER, topic(A), topic(B), topic(C))]),
            id="other indexing",
        ),
        pytest.param(
            Kind.EVENT,
            TRANSFER,
            block(logs=[log("0x" + recorded.TRANSFER, topic(A), topic(B), data="0x00")]),
            id="too short",
        ),
        pytest.param(
            Kind.EVENT,
            TRANSFER,
            block(
                logs=[log("0x" + recorded.TRANSFER, "0x" + "f" * 64, topic(B), data="0x" + word(1))]
            ),
            id="no address",
        ),
        pytest.param(Kind.CALL, CALL, called(SENT[:-2]), id="call too short"),
        pytest.param(Kind.CALL, CALL, called("0xa9059cbb"), id="call without arguments"),
    ],
)
def test_what_does_not_decode_is_counted(kind, signature, seen):
    """
    A log or call of the signature whose content is not by it is no match, and is counted once.
    """
    tally = Tally()
    rules = (rule_of(kind, signature=signature), rule_of(kind, signature=signature, where="1 == 1"))

    assert [] == told(seen, indexed(*rules), tally)
    assert Tally(undecoded=1) == tally


def test_an_anonymous_event_is_found_by_its_contract():
    """
    A log without the event's topic is read as the anonymous event of its contract.
    """
    rule = rule_of(
        Kind.EVENT,
        signature="event Note(address indexed who, uint256 what) anonymous",
        contracts=frozenset({TOKEN}),
    )
    logs = [
        log(topic(A), data="0x" + word(3)),
        log(topic(A), data="0x" + word(4), address=C, index="0x1"),
    ]

    [match] = told(block(logs=logs), indexed(rule))
    assert {"who": A, "what": "3"} == match["event"]["args"]


def test_a_log_that_is_not_the_anonymous_event_is_not_counted():
    """
    Every log of the contract may be tried as its anonymous event; what is another is no news.
    """
    tally = Tally()
    signature = "event Note(address indexed who, uint256 what) anonymous"
    rule = rule_of(Kind.EVENT, signature=signature, contracts=frozenset({TOKEN}))

    assert [] == told(block(logs=[erc20(A, B, 5)]), indexed(rule), tally)
    assert Tally() == tally


def test_a_log_without_topics_can_be_an_anonymous_event():
    """
    An anonymous event without indexed arguments has no topic at all.
    """
    rule = rule_of(
        Kind.EVENT, signature="event Note(uint256 what) anonymous", contracts=frozenset({TOKEN})
    )

    [match] = told(block(logs=[log(data="0x" + word(3))]), indexed(rule))
    assert {"what": "3"} == match["event"]["args"]


@pytest.mark.parametrize(
    ("rule", "seen", "expected"),
    [
        pytest.param(
            rule_of(Kind.NATIVE, where="amount >= 5 and direction == 'in'"),
            block("0x5", to=A), ["in"], id="native",
        ),
        pytest.param(rule_of(Kind.NATIVE, where="amount > 5"), block("0x5"), [], id="too little"),
        pytest.param(
            rule_of(Kind.ERC20, where="watched(to_address) and contract == " + TOKEN),
            block(logs=[erc20(B, A, 1)]), ["in"], id="watched",
        ),
        pytest.param(
            rule_of(Kind.ERC20, where="watched(to_address)"),
            block(logs=[erc20(A, B, 1)]), [], id="not watched",
        ),
        pytest.param(
            rule_of(Kind.EVENT, signature=TRANSFER, where="watched(args.to) and args.value == 9"),
            block(logs=[erc20(B, A, 9)]), [None], id="event",
        ),
        pytest.param(
            rule_of(Kind.EVENT, signature=TRANSFER, where="watched(args.to)"),
            block(logs=[erc20(A, B, 9)]), [], id="event to another",
        ),
        pytest.param(
            rule_of(Kind.CALL, signature=CALL, where="args.amount > 5 and status == 'success'"),
            called(), [None], id="call",
        ),
        pytest.param(
            rule_of(Kind.CALL, signature=CALL, where="args[1] > 5 and status == 'success'"),
            called(status="0x0"), [], id="call that failed",
        ),
        pytest.param(
            rule_of(Kind.NATIVE, include_failed=True, where="status == 'failed'"),
            block("0x5", status="0x0"), ["out"], id="native that failed",
        ),
        pytest.param(
            rule_of(Kind.DEPLOYMENT, where="transaction.value > 0"),
            block("0x5", to=None, created=C), ["out"], id="deployment",
        ),
    ],
)  # fmt: skip
def test_conditions(rule, seen, expected):
    """
    Where a rule has a condition, only what satisfies it matches.
    """
    assert expected == [direction for _, direction in ways(seen, rule)]


def test_a_condition_without_an_answer_is_counted():
    """
    An error of evaluation is no match, and is counted.
    """
    tally = Tally()
    rule = rule_of(Kind.CALL, signature=CALL, where="1 / (args.amount - 7) == 1")

    assert [] == told(called(), indexed(rule), tally)
    assert Tally(condition_errors=1) == tally


def test_rules_for_one_log_give_one_match():
    """
    Two rules of a monitor that both ask for a log give one match, those of two monitors two.
    """
    index = indexed(
        rule_of(Kind.EVENT, signature=TRANSFER),
        rule_of(Kind.EVENT, signature=TRANSFER, contracts=frozenset({TOKEN})),
    )
    index.put(replace(MONITOR, id="mo_2", rules=(rule_of(Kind.EVENT, signature=TRANSFER),)))

    found = find_matches(block(logs=[erc20(B, C, 5)]), "ethereum", 1, index)
    assert ["mo_1", "mo_2"] == sorted(match.monitor.id for match in found)


def test_addresses_do_not_limit_events():
    """
    A monitor's addresses concern its transfers; its events match for every party.
    """
    rules = (rule_of(Kind.ERC20), rule_of(Kind.EVENT, signature=TRANSFER))

    assert [("event", None)] == ways(block(logs=[erc20(B, C, 5)]), *rules)


@pytest.mark.parametrize(
    ("rule", "seen", "expected"),
    [
        pytest.param(
            rule_of(Kind.NATIVE, where="amount == 5"), block("0x5"), ["out", "in"], id="native"
        ),
        pytest.param(rule_of(Kind.NATIVE, where="amount == 5"), block("0x6"), [], id="other amount"),
        pytest.param(
            rule_of(Kind.ERC20, where="amount == 5 and watched(from_address)"),
            block(logs=[erc20(B, C, 5)]), ["out", "in"], id="erc20",
        ),
        pytest.param(
            rule_of(Kind.DEPLOYMENT, where="network == 'ethereum'"),
            block(to=None, created=C), ["out", "in"], id="deployment",
        ),
    ],
)  # fmt: skip
def test_any_address_with_a_condition(rule, seen, expected):
    """
    With any address a condition is enough of a limit, and every party is watched.
    """
    found = ways(seen, rule, addresses=(), any_address=True)

    assert expected == [direction for _, direction in found]


def test_another_network_is_not_looked_at():
    """
    An event on a network that the monitor did not name is neither a match nor counted.
    """
    tally = Tally()
    index = indexed(rule_of(Kind.EVENT, signature=TRANSFER))
    seen = block(logs=[log("0x" + recorded.TRANSFER, topic(A), topic(B), topic(C))])

    assert [] == find_matches(seen, "bsc", 56, index, tally)
    assert Tally() == tally


def test_a_nul_character_is_stored_as_its_escape():
    """
    Text with NUL, which PostgreSQL refuses in text, is written as JSON's escape.
    """
    seen = block(
        logs=[
            log(
                "0x" + recorded.keccak(text="Said(string)").hex(),
                data="0x" + word(32) + word(3) + "610062".ljust(64, "0"),
            )
        ]
    )
    [match] = find_matches(
        seen, "ethereum", 1, indexed(rule_of(Kind.EVENT, signature="Said(string what)"))
    )

    assert "\x00" not in document(match, 1)
    assert {"what": "a\x00b"} == json.loads(document(match, 1))["event"]["args"]


@pytest.mark.parametrize(
    ("chain_id", "blocks"),
    [
        *((1, 3), (10, None), (137, None), (8453, None)),
        pytest.param(1, None, marks=pytest.mark.soak),
    ],
)
@pytest.mark.parametrize(
    ("kind", "fragments", "reading"),
    [
        (Kind.EVENT, "event", recorded.plain_events),
        (Kind.CALL, "function", recorded.plain_calls),
    ],
)
def test_recorded_blocks_equal_an_independent_reading(kind, fragments, reading, chain_id, blocks):
    """
    For every event and function of public ABIs, matches equal what eth_abi reads.
    """
    recorded.required()
    docs = recorded.documents(chain_id)[:blocks]
    index = Index()
    asked = recorded.fragments(fragments)
    for name, fragment in asked.items():
        index.put(replace(MONITOR, id=name, rules=(rule_of(kind, signature=fragment),)))

    expected = [
        {"monitor": name, **found}
        for doc in docs
        for name, fragment in asked.items()
        for found in reading(doc, fragment)
    ]
    documents = [match for doc in docs for match in told(recorded.as_block(doc), index)]
    actual = [
        {
            "monitor": match["monitor"]["id"],
            "transaction": match["transaction"]["hash"],
            "log_index": match["log_index"],
            "contract": match["contract"]["address"],
            "signature": match[str(kind)]["signature"],
            "args": match[str(kind)]["args"],
        }
        for match in documents
    ]
    assert expected, "the blocks must hold something"
    assert sorted(expected, key=json.dumps) == sorted(actual, key=json.dumps)


def test_recorded_deployments_equal_a_plain_reading():
    """
    Every contract that the recorded blocks create is told to its creator, once.
    """
    recorded.required()
    docs = recorded.documents(1)
    expected = [created for doc in docs for created in recorded.plain_deployments(doc)]
    index = indexed(
        rule_of(Kind.DEPLOYMENT, direction=Direction.OUT),
        addresses={created["from"] for created in expected},
    )

    actual = [
        {
            "transaction": match["transaction"]["hash"],
            "from": match["from_address"],
            "to": match["to_address"],
        }
        for doc in docs
        for match in told(recorded.as_block(doc), index)
    ]
    assert expected, "the blocks must hold something"
    assert expected == actual


def test_a_condition_is_asked_once_for_all_who_share_it():
    """
    Of monitors with the same event and condition one is asked; who watches others answers alone,
    and a network of its own too.
    """
    shared = rule_of(Kind.EVENT, signature=TRANSFER, where="1 / (args.value - 5) > 1")
    personal = rule_of(Kind.EVENT, signature=TRANSFER, where="watched(args.to)")
    index = Index()
    for name, rules, networks in (
        ("mo_1", (shared, personal), ("ethereum",)),
        ("mo_2", (shared, shared), ("ethereum",)),
        ("mo_3", (shared, personal), ("ethereum",)),
        ("mo_4", (personal,), ("dev",)),
    ):
        index.put(replace(MONITOR, id=name, rules=rules, networks=networks))
        index.add_addresses(name, [(C if name == "mo_3" else A, None)])
    tally = Tally()
    found = find_matches(block(logs=[erc20(B, C, 5)]), "ethereum", 1, index, tally)

    assert ["mo_3"] == [match.monitor.id for match in found]
    assert tally.condition_errors == 1
