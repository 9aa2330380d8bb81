"""Compares what a receiver was told of a simulated chain with what happened on it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.happened import Happened
from crypitor.evm.types import Address, Hash

DEFAULT_KINDS = frozenset({"native", "erc20", "erc721", "erc1155"})

Key: TypeAlias = tuple[object, ...]
"""Everything that makes a match what it is; see `_expected_key`."""

Required: TypeAlias = int | Literal["safe", "finalized"]
"""head - block + 1, or the tag that must have passed the block."""

_NEXT = {
    None: {"detected"},
    "detected": {"confirmed", "reverted"},
    "confirmed": {"reverted"},
    "reverted": {"detected"},
}
"""Phase → those that may come after it at one endpoint; the last one where a block came back."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one monitor was asked.

    addresses: watched parties; None for every party.  kinds: of its rules; left out, those of a
    monitor that gives no rules; `delegation` only of a chain without reorgs: after one, those that
    are out of date may be told.  contracts, directions: None for any.
    armed_from: the first block that counts.  confirmations: required.
    """

    monitor_id: str
    armed_from: int
    confirmations: Required
    addresses: frozenset[Address] | None = None
    kinds: frozenset[str] = DEFAULT_KINDS
    contracts: frozenset[Address] | None = None
    directions: frozenset[str] | None = None

    def asks_for(self, moved: Happened, direction: str, party: Address) -> bool:
        """Whether a movement of this party is a match."""
        return (
            (self.directions is None or direction in self.directions)
            and (moved.kind != "delegation" or direction == "out")
            and (self.addresses is None or party in self.addresses)
            and moved.kind in self.kinds
            and (self.contracts is None or moved.contract in self.contracts)
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """One webhook as it arrived: its id, its bytes, and the JSON in them."""

    webhook_id: str
    body: bytes
    json: Mapping[str, Any]


@dataclass(slots=True)
class Audit:
    """What was found.

    problems: a sentence each; empty when everything is right.
    webhooks: different ones.  repeated: further arrivals of the same.
    reverted: how many of the webhooks retract a match.
    expected: how many phases of matches had to be heard at least.
    """

    problems: list[str] = field(default_factory=list)
    webhooks: int = 0
    repeated: int = 0
    reverted: int = 0
    expected: int = 0


def audit(
    chain: SimulatedChain,
    questions: Iterable[Question],
    heard: Sequence[Heard],
    tip: int,
    *,
    steady_node: bool = False,
) -> Audit:
    """Say what is missing, invented, unretracted, too early or changed between repetitions.

    heard: in the order of arrival, at one endpoint.
    tip: blocks of the present chain up to this height must have been told.
    steady_node: the node never showed a branch that the chain had left; then nothing may have been
    told to come back that did not.
    """
    found = Audit()
    phases = _phases(found, chain, heard)
    asked = {question.monitor_id: question for question in questions}
    canonical = chain.canonical()
    expected = {
        key: question
        for question in asked.values()
        for number in range(question.armed_from, tip + 1)
        for key in _keys(chain, canonical[number], question)
    }
    for key, question in expected.items():
        told = phases.get(key, [])
        deep = _is_deep(chain, key, question.confirmations, tip)
        found.expected += 1 + deep
        if not told or told[-1] == "reverted":
            found.problems.append(f"missing: {_words(key)}, told {told}")
        elif deep and told[-1] != "confirmed":
            found.problems.append(f"not confirmed: {_words(key)}, told {told}")
    reached = chain.heights_reached()
    for key, told in phases.items():
        found.problems += _wrong(chain, asked, expected, key, told)
        if steady_node and told.count("detected") > max(chain.arrivals[str(key[1])], 1):
            found.problems.append(f"came back only in words: {_words(key)}, told {told}")
        if "confirmed" in told and str(key[0]) in asked and key[1] in reached:
            required = asked[str(key[0])].confirmations
            if not _is_deep(chain, key, required, reached[str(key[1])]):
                found.problems.append(f"confirmed too early: {_words(key)}, told {told}")
    return found


def out_of_order(queued: Sequence[str], heard: Sequence[Heard]) -> list[str]:
    """Say where an endpoint did not hear its webhooks first in, first out, and without gaps.

    queued: the ids of all that were queued for it, by position.  heard: in the order of arrival.
    Only the last one may come again: what comes after it says that it was taken.
    """
    problems = []
    place = -1
    for webhook in heard:
        if place >= 0 and webhook.webhook_id == queued[place]:
            continue
        if queued[place + 1 : place + 2] == [webhook.webhook_id]:
            place += 1
        else:
            problems.append(f"out of order: {webhook.webhook_id}, heard up to position {place}")
    if place + 1 < len(queued):
        problems.append(f"heard up to position {place} of {len(queued)}")
    return problems


def _is_deep(chain: SimulatedChain, key: Key, required: Required, head: int) -> bool:
    """Whether a block is confirmed when the head is this high."""
    if required == "safe":
        return _height(chain, key) <= max(head - chain.safe_depth, 0)
    if required == "finalized":
        return _height(chain, key) <= max(head - chain.finalized_depth, 0)
    return head - _height(chain, key) + 1 >= required


def _phases(found: Audit, chain: SimulatedChain, heard: Sequence[Heard]) -> dict[Key, list[str]]:
    """Return what was told of each match, in order, each webhook once."""
    bodies: dict[str, bytes] = {}
    phases: dict[Key, list[str]] = {}
    for webhook in heard:
        known = bodies.get(webhook.webhook_id)
        if known is not None:
            found.repeated += 1
            if known != webhook.body:
                found.problems.append(f"another body in a repetition of {webhook.webhook_id}")
            continue
        bodies[webhook.webhook_id] = webhook.body
        phase = str(webhook.json["type"]).removeprefix("match.")
        if webhook.json["data"]["chain_id"] != chain.chain_id:
            found.problems.append(
                f"of chain {webhook.json['data']['chain_id']}: {webhook.webhook_id}"
            )
        found.reverted += phase == "reverted"
        phases.setdefault(_heard_key(webhook.json["data"]), []).append(phase)
    found.webhooks = len(bodies)
    return phases


def _wrong(
    chain: SimulatedChain,
    asked: Mapping[str, Question],
    expected: Mapping[Key, Question],
    key: Key,
    told: Sequence[str],
) -> list[str]:
    problems = []
    question = asked.get(str(key[0]))
    if question is None or key not in _keys(chain, str(key[1]), question):
        problems.append(f"invented: {_words(key)}")
    elif key not in expected and told[-1] != "reverted" and _is_orphan(chain, key):
        problems.append(f"not retracted: {_words(key)}, told {told}")
    for before, phase in pairwise((None, *told)):
        if phase not in _NEXT.get(before, ()):
            problems.append(f"{phase} after {before}: {_words(key)}, told {told}")
    return problems


def _is_orphan(chain: SimulatedChain, key: Key) -> bool:
    block = chain.by_hash(str(key[1]))
    canonical = chain.by_number(block.number) if block else None
    return canonical is None or canonical.hash != key[1]


def _height(chain: SimulatedChain, key: Key) -> int:
    block = chain.by_hash(str(key[1]))
    assert block is not None
    return block.number


def _keys(chain: SimulatedChain, block_hash: Hash, question: Question) -> set[Key]:
    """Return the matches that a block holds for a question."""
    block = chain.by_hash(block_hash)
    if block is None:
        return set()
    return {
        _expected_key(question.monitor_id, block_hash, block.number, moved, direction, party)
        for moved in (*chain.truth(block_hash), *chain.beside(block_hash))
        for direction, party in (("out", moved.from_address), ("in", moved.to_address))
        if party is not None and question.asks_for(moved, direction, party)
    }


def _expected_key(
    monitor_id: str, block_hash: Hash, number: int, moved: Happened, direction: str, party: Address
) -> Key:
    return (
        monitor_id,
        block_hash,
        number,
        moved.transaction_hash,
        moved.transaction_index,
        str(moved.kind),
        direction,
        party,
        moved.log_index,
        moved.item,
        moved.from_address,
        moved.to_address,
        moved.contract,
        None if moved.amount is None else str(moved.amount),
        None if moved.token_id is None else str(moved.token_id),
    )


def _heard_key(data: Mapping[str, Any]) -> Key:
    transaction = data["transaction"] or {"hash": None, "index": None}
    return (
        data["monitor"]["id"],
        data["block"]["hash"],
        data["block"]["number"],
        transaction["hash"],
        transaction["index"],
        data["kind"],
        data["direction"],
        data["address"],
        data["log_index"],
        data["item"],
        data["from_address"],
        data["to_address"],
        data["contract"]["address"] if data["contract"] else None,
        data["amount"],
        data["token_id"],
    )


def _words(key: Key) -> str:
    monitor, block, _, transaction, _, kind, direction, party, log_index, item = key[:10]
    return (
        f"{kind} {direction} of {party} in transaction {transaction}, log {log_index}, "
        f"item {item}, block {block}, monitor {monitor}"
    )
