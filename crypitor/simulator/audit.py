"""Compares what a receiver was told of a simulated chain with what happened on it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from crypitor.evm.types import Address, Hash
from crypitor.simulator.blocks import Happened
from crypitor.simulator.chain import SimulatedChain

Key: TypeAlias = tuple[object, ...]
"""Everything that makes a match what it is; see `_expected_key`."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one monitor was asked.

    addresses: watched parties; None for every party.  kinds, contracts, directions: None for any.
    armed_from: the first block that counts.  confirmations: required.
    """

    monitor_id: str
    armed_from: int
    confirmations: int
    addresses: frozenset[Address] | None = None
    kinds: frozenset[str] | None = None
    contracts: frozenset[Address] | None = None
    directions: frozenset[str] | None = None

    def asks_for(self, moved: Happened, direction: str, party: Address) -> bool:
        """Whether a movement of this party is a match."""
        return (
            (self.directions is None or direction in self.directions)
            and (self.addresses is None or party in self.addresses)
            and (self.kinds is None or moved.kind in self.kinds)
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
    expected: how many phases of matches had to be heard at least.
    """

    problems: list[str] = field(default_factory=list)
    webhooks: int = 0
    repeated: int = 0
    expected: int = 0


def audit(
    chain: SimulatedChain, questions: Iterable[Question], heard: Sequence[Heard], tip: int
) -> Audit:
    """Say what is missing, invented, unretracted or changed between repetitions.

    heard: in the order of arrival, at one endpoint.
    tip: blocks of the present chain up to this height must have been told.
    """
    found = Audit()
    phases = _phases(found, heard)
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
        deep = tip - _height(chain, key) + 1 >= question.confirmations
        found.expected += 1 + deep
        if not told or told[-1] == "reverted":
            found.problems.append(f"missing: {_words(key)}, told {told}")
        elif deep and told[-1] != "confirmed":
            found.problems.append(f"not confirmed: {_words(key)}, told {told}")
    for key, told in phases.items():
        found.problems += _wrong(chain, asked, expected, key, told)
    return found


def _phases(found: Audit, heard: Sequence[Heard]) -> dict[Key, list[str]]:
    """Return what was told of each match, in order, each webhook once."""
    bodies: dict[str, bytes] = {}
    phases: dict[Key, list[str]] = {}
    for webhook in heard:
        known = bodies.setdefault(webhook.webhook_id, webhook.body)
        if known is not webhook.body:
            found.repeated += 1
            if known != webhook.body:
                found.problems.append(f"another body in a repetition of {webhook.webhook_id}")
            continue
        phase = str(webhook.json["type"]).removeprefix("match.")
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
    if told[0] != "detected":
        problems.append(f"began with {told[0]}: {_words(key)}, told {told}")
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
    if chain.by_hash(block_hash) is None:
        return set()
    return {
        _expected_key(question.monitor_id, block_hash, moved, direction, party)
        for moved in chain.truth(block_hash)
        for direction, party in (("out", moved.from_address), ("in", moved.to_address))
        if question.asks_for(moved, direction, party)
    }


def _expected_key(
    monitor_id: str, block_hash: Hash, moved: Happened, direction: str, party: Address
) -> Key:
    return (
        monitor_id,
        block_hash,
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
        str(moved.amount),
        None if moved.token_id is None else str(moved.token_id),
    )


def _heard_key(data: Mapping[str, Any]) -> Key:
    return (
        data["monitor"]["id"],
        data["block"]["hash"],
        data["transaction"]["hash"],
        data["transaction"]["index"],
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
    monitor, block, transaction, _, kind, direction, party, log_index, item = key[:9]
    return (
        f"{kind} {direction} of {party} in transaction {transaction}, log {log_index}, "
        f"item {item}, block {block}, monitor {monitor}"
    )
