"""The audit that other tests rely on notices every kind of mistake, and only mistakes."""

import copy
import json

import pytest

from crypitor.development.simulator.audit import Heard, Question, audit, out_of_order
from crypitor.development.simulator.chain import SimulatedChain
from tests.development.simulator.served import served

CONFIRMATIONS = 3


@pytest.fixture(scope="module")
def chain():
    """Ten blocks, of which the last four were others before."""
    chain = SimulatedChain(4, transfers=(5, 10), actors=5, safe_depth=2, finalized_depth=5)
    chain.mine(9)
    chain.reorg(4, 5)
    return chain


@pytest.fixture
def question(chain):
    watched = frozenset(actor.address for actor in chain.actors[:2])
    return Question("mo_1", 1, CONFIRMATIONS, addresses=watched)


@pytest.fixture
def told(chain, question):
    """What a service that is right tells: phase and match, in order."""
    left = [chain.left]
    while not chain.is_canonical(chain.by_hash(left[0].parent_hash)):
        left.insert(0, chain.by_hash(left[0].parent_hash))
    news = []
    for number in range(1, left[0].number):
        news += [("detected", match) for match in matches(chain.by_number(number), question)]
    for block in left:
        for match in matches(block, question):
            news.append(("detected", match))
            if left[-1].number - block.number + 1 >= CONFIRMATIONS:
                news.append(("confirmed", match))
            news.append(("reverted", match))
    for number in range(left[0].number, chain.head.number + 1):
        news += [("detected", match) for match in matches(chain.by_number(number), question)]
    for number in range(1, chain.head.number - CONFIRMATIONS + 2):
        news += [("confirmed", match) for match in matches(chain.by_number(number), question)]
    return news


def matches(block, question):
    """The matches of a block, read from its JSON-RPC documents by other people's packages."""
    found = []
    for moved in served(block).movements:
        if moved[0] == "internal":  # only with traces, which the question does not ask for
            continue
        kind, tx, index, log_index, item, source, target, contract, amount, token_id = moved
        for direction, party in (("out", source), ("in", target)):
            if party in question.addresses:
                found.append(
                    {
                        "monitor": {"id": question.monitor_id},
                        "chain_id": 1337,
                        "block": {"hash": block.hash, "number": block.number},
                        "transaction": {"hash": tx, "index": index},
                        "kind": kind,
                        "direction": direction,
                        "address": party,
                        "log_index": log_index,
                        "item": item,
                        "from_address": source,
                        "to_address": target,
                        "contract": contract and {"address": contract},
                        "amount": str(amount),
                        "token_id": None if token_id is None else str(token_id),
                    }
                )
    return found


def heard(news):
    """The webhooks of phases and matches, each with an id of its own."""
    return [webhook(f"de_{place}", phase, match) for place, (phase, match) in enumerate(news)]


def webhook(webhook_id, phase, match):
    document = {"type": f"match.{phase}", "data": match}
    return Heard(webhook_id, json.dumps(document).encode(), document)


def problems(chain, question, webhooks):
    return audit(chain, [question], webhooks, chain.head.number).problems


def of_phase(news, phase):
    """The place of some webhook of a phase."""
    return next(place for place, (told, _) in enumerate(news) if told == phase)


def test_the_truth_has_no_problem(chain, question, told):
    """What a plain reading gives is accepted, and counted."""
    found = audit(chain, [question], heard(told), chain.head.number)

    assert found.problems == []
    assert found.webhooks == len(told)
    assert found.expected > 20
    assert {phase for phase, _ in told} == {"detected", "confirmed", "reverted"}
    assert found.reverted == [phase for phase, _ in told].count("reverted")


def test_a_repetition_is_no_problem(chain, question, told):
    """The same id with the same body may come again, at any time."""
    webhooks = heard(told)
    found = audit(chain, [question], [*webhooks, *copy.deepcopy(webhooks[:9])], chain.head.number)

    assert (found.problems, found.repeated) == ([], 9)


@pytest.mark.parametrize(
    "phase, problem",
    [
        ("detected", "confirmed after None"),
        ("reverted", "not retracted"),
        ("confirmed", "not confirmed"),
    ],
)
def test_a_missing_webhook(chain, question, told, phase, problem):
    """Each phase is missed."""
    place = len(told) - 1 - of_phase(told[::-1], phase) if phase != "detected" else 0
    del told[place]

    assert any(one.startswith(problem) for one in problems(chain, question, heard(told)))


def test_a_missing_match(chain, question, told):
    """A match that nothing was told of is missed."""
    match = told[0][1]
    found = problems(chain, question, heard([one for one in told if one[1] != match]))

    assert [one.split(":")[0] for one in found] == ["missing"]


def test_a_retraction_of_what_still_stands(chain, question, told):
    """A match of the present chain that was retracted is missing."""
    found = problems(chain, question, heard([*told, ("reverted", told[0][1])]))

    assert [one.split(":")[0] for one in found] == ["missing"]


@pytest.mark.parametrize(
    "path, value",
    [
        ("amount", "1"),
        ("token_id", "77"),
        ("direction", "sideways"),
        ("kind", "erc404"),
        ("address", "0x" + "11" * 20),
        ("from_address", "0x" + "11" * 20),
        ("to_address", "0x" + "11" * 20),
        ("contract", {"address": "0x" + "11" * 20}),
        ("log_index", 999),
        ("item", 999),
        ("block.number", 999),
        ("block.hash", "0x" + "11" * 32),
        ("transaction.hash", "0x" + "11" * 32),
        ("transaction.index", 999),
        ("monitor.id", "mo_2"),
    ],
)
def test_a_wrong_field(chain, question, told, path, value):
    """A webhook with any other content is invented, and what it stands for is missing."""
    place = of_phase(told, "confirmed") - 1
    match = copy.deepcopy(told[place][1])
    *outer, name = path.split(".")
    (match[outer[0]] if outer else match)[name] = value
    found = problems(chain, question, heard([*told, ("detected", match)]))

    assert [one.split(":")[0] for one in found] == ["invented"]


def test_another_chain(chain, question, told):
    """The id of another chain is a problem of its own."""
    match = {**told[0][1], "chain_id": 1}
    found = problems(chain, question, heard([*told[1:], ("detected", match)]))

    assert any(one.startswith("of chain 1:") for one in found)


@pytest.mark.parametrize(
    "news, problem",
    [
        (["detected", "detected"], "detected after detected"),
        (["detected", "confirmed", "confirmed"], "confirmed after confirmed"),
        (["detected", "reverted", "confirmed", "reverted"], "confirmed after reverted"),
        (["detected", "reverted", "reverted"], "reverted after reverted"),
        (["detected", "confirmed", "detected", "reverted"], "detected after confirmed"),
        (["reverted"], "reverted after None"),
        (["detected", "unknown", "reverted"], "unknown after detected"),
    ],
)
def test_a_wrong_order(chain, question, told, news, problem):
    """What may not follow each other at one endpoint is noticed, whatever comes after it."""
    match = told[of_phase(told, "confirmed")][1]
    others = [one for one in told if one[1] != match]
    found = problems(chain, question, heard([*others, *((phase, match) for phase in news)]))

    assert any(one.startswith(problem) for one in found)


def test_a_match_that_came_back(chain, question, told):
    """A block that left the chain and returned is told again, and may be confirmed again."""
    match = told[of_phase(told, "detected")][1]
    others = [one for one in told if one[1] != match]
    news = ["detected", "confirmed", "reverted", "detected", "confirmed"]

    webhooks = heard([*others, *((each, match) for each in news)])

    assert problems(chain, question, webhooks) == []


def test_a_confirmation_that_is_too_early(chain, question, told):
    """A block on which never enough was built cannot be confirmed."""
    match = next(match for _, match in told if match["block"]["hash"] == chain.head.hash)
    found = problems(chain, question, heard([*told, ("confirmed", match)]))

    assert [one.split(":")[0] for one in found] == ["confirmed too early"]


@pytest.mark.parametrize("tag, depth", [("safe", 2), ("finalized", 5)])
def test_confirmation_by_tag(chain, question, told, tag, depth):
    """Where a tag is required, the blocks that it has passed must be confirmed, and no others."""
    question = Question("mo_1", 1, tag, addresses=question.addresses)
    news = [one for one in told if one[0] != "confirmed"]
    passed = [
        match
        for number in range(1, chain.head.number - depth + 1)
        for match in matches(chain.by_number(number), question)
    ]

    assert problems(chain, question, heard([*news, *(("confirmed", one) for one in passed)])) == []
    found = problems(chain, question, heard(news))
    assert [one.split(":")[0] for one in found] == ["not confirmed"] * len(passed)
    [early, *_] = matches(chain.by_number(chain.head.number - depth + 1), question)
    found = problems(
        chain, question, heard([*news, *(("confirmed", one) for one in [*passed, early])])
    )
    assert [one.split(":")[0] for one in found] == ["confirmed too early"]


def test_another_body_in_a_repetition(chain, question, told):
    """A repetition has to be the same byte for byte."""
    webhooks = heard(told)
    again = Heard(webhooks[0].webhook_id, webhooks[0].body + b" ", webhooks[0].json)
    found = problems(chain, question, [*webhooks, again])

    assert [one.split(" of ")[0] for one in found] == ["another body in a repetition"]


def test_a_return_that_never_happened(chain, question, told):
    """Where the node showed nothing but the chain, a block that did not return is not told to."""
    place = len(told) - 1 - of_phase(told[::-1], "reverted")
    match = told[place][1]
    news = heard([*told, ("detected", match), ("reverted", match)])
    found = audit(chain, [question], news, chain.head.number, steady_node=True)

    assert [one.split(":")[0] for one in found.problems] == ["came back only in words"]
    assert audit(chain, [question], news, chain.head.number).problems == []


def arrivals(ids):
    """Webhooks with these ids."""
    return [Heard(name, b"{}", {}) for name in ids]


def test_first_in_first_out_is_no_problem():
    """Every position once, one after another, but for repetitions of the last one."""
    assert out_of_order(["a", "b", "c"], arrivals("aabccc")) == []


@pytest.mark.parametrize(
    "told, problem",
    [
        ("acb", "out of order: c, heard up to position 0"),
        ("abac", "out of order: a, heard up to position 1"),
        ("axbc", "out of order: x, heard up to position 0"),
        ("ab", "heard up to position 1 of 3"),
        ("bc", "out of order: b, heard up to position -1"),
    ],
)
def test_a_gap_an_overtaker_and_an_end_too_early_are_found(told, problem):
    """Also a repetition of an older one: the next one had gone before it was taken."""
    assert out_of_order(["a", "b", "c"], arrivals(told))[0] == problem
