"""What one monitor asks: of whole blocks, and of logs alone where that is enough. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crypitor.evm.bloom import bloom
from crypitor.evm.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from crypitor.evm.types import Address, Block, Hash
from crypitor.monitor.gauges import Ended, Recall, Stood
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Confirmations, Direction, Kind, Match, Monitor, Rule
from crypitor.monitor.touched import touched

MOST_NAMED = 100
"""The most addresses, and the most contracts, that a filter names; geth takes 1000 of each."""

_TOPICS = {
    Kind.ERC20: (TRANSFER,),
    Kind.ERC721: (TRANSFER,),
    Kind.ERC1155: (TRANSFER_SINGLE, TRANSFER_BATCH),
}

# Which topic names the sender; the receiver's is the next. In ERC-1155 the operator comes first.
_SENDER_AT = {Kind.ERC20: 1, Kind.ERC721: 1, Kind.ERC1155: 2}


@dataclass(frozen=True, slots=True)
class _Items:
    """What a log must have: one of each group, as bits of a bloom."""

    groups: tuple[tuple[int, ...], ...]

    def may_be_in(self, bits: int) -> bool:
        return all(any(bits & item == item for item in group) for group in self.groups)


class LogQuestion:
    """The part of a question that logs answer.

    filters: of eth_getLogs, without a range; together they pass every log that may match.
    """

    def __init__(self, rules: Sequence[Rule], parties: Sequence[Address] | None) -> None:
        topics = None if parties is None else [_topic(party) for party in parties]
        self.filters = tuple(_filters(rules, topics))
        party_bits = None if topics is None else _bits(topics)
        self._items = tuple(_items(rule, party_bits) for rule in rules)

    def may_be_in(self, bits: int) -> bool:
        """Whether a block with this bloom may hold such a log; False proves that it does not."""
        return any(items.may_be_in(bits) for items in self._items)


def log_question(monitor: Monitor, addresses: Sequence[Address]) -> LogQuestion | None:
    """Return how to ask for a monitor's logs; None where blocks are needed, or it names too many.

    addresses: the watched ones; of more than MOST_NAMED it is enough to know that.
    """
    if any(rule.kind not in _TOPICS for rule in monitor.rules):
        return None
    few_parties = not monitor.any_address and len(addresses) <= MOST_NAMED
    if few_parties or _contracts(monitor.rules) is not None:
        return LogQuestion(monitor.rules, addresses if few_parties else None)
    return None


def _contracts(rules: Iterable[Rule]) -> list[Address] | None:
    """Return the contracts that all rules together name; None for any, or for too many."""
    named: set[Address] = set()
    for rule in rules:
        if rule.contracts is None:
            return None
        named |= rule.contracts
    return sorted(named) if len(named) <= MOST_NAMED else None


def _filters(
    rules: Sequence[Rule], parties: Sequence[str] | None
) -> Iterable[Mapping[str, object]]:
    contracts = _contracts(rules)
    of_contracts: dict[str, object] = {} if contracts is None else {"address": contracts}
    if parties is None:
        events = sorted({topic for rule in rules for topic in _TOPICS[rule.kind]})
        yield {**of_contracts, "topics": [events]}
        return
    events_at: dict[int, set[str]] = {}
    for rule in rules:
        for direction in (Direction.OUT, Direction.IN):
            if rule.direction not in (direction, Direction.ALL):
                continue
            at = _SENDER_AT[rule.kind] + (direction is Direction.IN)
            events_at.setdefault(at, set()).update(_TOPICS[rule.kind])
    # An empty list would pass any party.
    for at, topics in sorted(events_at.items()) if parties else ():
        skipped = [None] * (at - 1)
        yield {**of_contracts, "topics": [sorted(topics), *skipped, list(parties)]}


def _items(rule: Rule, parties: tuple[int, ...] | None) -> _Items:
    groups = [_bits(_TOPICS[rule.kind])]
    if rule.contracts is not None:
        groups.append(_bits(rule.contracts))
    if parties is not None:
        groups.append(parties)
    return _Items(tuple(groups))


def _bits(items: Iterable[str]) -> tuple[int, ...]:
    return tuple(int.from_bytes(bloom([bytes.fromhex(item[2:])])) for item in items)


def _topic(address: Address) -> str:
    return "0x" + "0" * 24 + address[2:]


class Past(Protocol):
    """What asks the state: `crypitor.gauges.past.PastGauges`, which says more."""

    def go_on(self, job: str, last: Hash | None, recall: Recall) -> None:
        """Go on with a job behind the last block that was stored of it."""

    async def matches(
        self, block: Block, touched: Sequence[tuple[Address, str | None]]
    ) -> list[Match]:
        """Return what became true in a block."""

    def take_ended(self) -> list[Ended]:
        """Return what has ended since it was asked last."""

    def take_stood(self) -> list[Stood]:
        """Return where gauges stood after each look since it was asked last."""


class Question:
    """One monitor on one network, with the addresses that `watch` was told.

    confirmations: required where the monitor says nothing else.
    logs: how to ask for its logs alone, None where whole blocks are needed.
    coin: whose logs tell moves of the chain's own coin; None for what is known by the chain's id.
    past: asks the state for what a block touched; None where nothing asks about it.
    """

    def __init__(
        self,
        monitor: Monitor,
        network: str,
        chain_id: int,
        confirmations: Confirmations,
        logs: LogQuestion | None,
        coin: Address | None = None,
        past: Past | None = None,
    ) -> None:
        self.past = past
        self.monitor = monitor
        self.required: Confirmations = monitor.confirmations or confirmations
        self.logs = logs
        self._network = network
        self._chain_id = chain_id
        self._coin = coin
        self._index = Index()
        self._index.put(monitor)
        self._number = 1  # the first, and only, monitor of this index

    @property
    def addresses(self) -> int:
        """How many addresses are watched."""
        return self._index.addresses

    def watch(self, pairs: Iterable[tuple[Address, str | None]]) -> None:
        """Add addresses with their labels."""
        self._index.add_addresses(self.monitor.id, pairs)

    async def matches(self, block: Block) -> list[tuple[Match, Confirmations]]:
        """Return the matches of a block, each with the confirmations it requires."""
        found = find_matches(block, self._network, self._chain_id, self._index, coin=self._coin)
        if self.past:
            changed = touched(block, self._index, self._network)
            [watching] = self._index.watching((self._number,))
            looked = [(one, watching.labels.get(one)) for one in changed]
            found += await self.past.matches(block, looked)
        return [(match, self.required) for match in found]
