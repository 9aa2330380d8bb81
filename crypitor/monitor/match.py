"""Which monitors a block answers. Pure.

What nobody asks about is left out by one look over the whole block (`survey`): decoding,
conditions, ids and matches are made for the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from crypitor.evm.abi import Values
from crypitor.evm.delegations import delegations
from crypitor.evm.profiles import profile_of
from crypitor.evm.traces import internal_transfers
from crypitor.evm.types import Address, Block, Header, Log, Receipt, Transaction
from crypitor.monitor import subjects
from crypitor.monitor.condition import Condition, EvaluationError, Facts
from crypitor.monitor.facts import facts_of
from crypitor.monitor.index import Index, Watching
from crypitor.monitor.models import Direction, Kind, Match, Rule, Subject, match_id
from crypitor.monitor.prepared import Alike, ByName, PreparedRule, Readers
from crypitor.monitor.survey import Survey, survey

Name = TypeVar("Name", str, str | None, Kind)


@dataclass(slots=True)
class Tally:
    """What somebody asked about and is no match, because there is no answer.

    undecoded: logs and calls of a signature that was asked for, whose content is not by it.
    condition_errors: conditions that could not be evaluated.
    """

    undecoded: int = 0
    condition_errors: int = 0


def find_matches(
    block: Block,
    network: str,
    chain_id: int,
    index: Index,
    tally: Tally | None = None,
    coin: Address | None = None,
) -> list[Match]:
    """Return every match of a block, in the order of the chain, each once.

    tally: is added to.  coin: see `search`.
    """
    return distinct(search(block, network, chain_id, index, tally or Tally(), coin))


def distinct(found: Iterable[Match | None]) -> list[Match]:
    """Return the matches that a search yields, each once: of equal ones the first."""
    by_id: dict[str, Match] = {}
    for match in found:
        if match is not None:
            by_id.setdefault(match.id, match)
    return list(by_id.values())


def search(
    block: Block,
    network: str,
    chain_id: int,
    index: Index,
    tally: Tally,
    coin: Address | None = None,
) -> Iterator[Match | None]:
    """Yield the matches of a block in the order of the chain; one may come twice.

    coin: whose logs tell moves of the chain's own coin; None for what is known by the chain's id.

    After whatever was looked at, None is yielded. Whoever goes on later must see to it that the
    index is the same then.
    """
    given = delegations(block, chain_id) if Kind.DELEGATION in index.asked.kinds else ()
    seen = survey(block, index, given)
    if seen.transactions or seen.withdrawals:
        coin = coin or profile_of(chain_id).coin_logs.address
        found = _Search(block.header, network, chain_id, index, seen, tally, coin)
        yield from found.matches(block)


def concerns(rule: Rule, subject: Subject, receipt: Receipt, coin: Address | None = None) -> bool:
    """Whether a rule asks about a subject of its kind, before its condition.

    coin: whose logs tell moves of the chain's own coin, which are no tokens unless a rule says so.
    """
    if rule.contracts is None:
        if subject.contract == coin and subject.kind is Kind.ERC20:
            return False
    elif subject.contract not in rule.contracts:
        return False
    if receipt.succeeded or rule.include_failed:
        return True
    return subject.kind not in (Kind.NATIVE, Kind.TRANSACTION)


NO_TRANSACTION = Transaction("", "0x0", "", "", "0x0")
NO_RECEIPT = Receipt("", "0x0", "", ())
"""Of what no transaction carries; its conditions cannot name them."""


class _Search:
    """One block being looked through, with the transaction that has been reached."""

    transaction: Transaction
    receipt: Receipt

    def __init__(
        self,
        header: Header,
        network: str,
        chain_id: int,
        index: Index,
        seen: Survey,
        tally: Tally,
        coin: Address,
    ) -> None:
        self.header = header
        self.network = network
        self.chain_id = chain_id
        self.index = index
        self.seen = seen
        self.watched = seen.watched
        self.tally = tally
        self.asked = index.asked
        self.asks_transactions = Kind.TRANSACTION in self.asked.kinds
        self.coin = coin
        # a topic, a selector or a kind, each with a contract
        self.known: dict[tuple[str | None, Address | None], Sequence[Readers]] = {}

    def matches(self, block: Block) -> Iterator[Match | None]:
        """Yield the matches of the block, and None after whatever was looked at."""
        transactions, logs = self.seen.transactions, self.seen.logs
        has_events = bool(self.asked.events.found)
        inside = self.inside(block) if block.traces else {}
        parts = zip(block.transactions, block.receipts, strict=True)
        for place, (self.transaction, self.receipt) in enumerate(parts):
            if self.transaction.hash not in transactions:
                continue
            yield from self.of_transaction(self.transaction, self.receipt)
            for given in self.seen.delegations.get(place, ()):
                yield from self.of_parties(subjects.delegation(given))
            for moved in inside.get(place, ()):
                yield from self.of_parties(moved)
            for log in self.receipt.logs:
                if id(log) not in logs:
                    continue
                if has_events:
                    yield from self.emitted(log)
                for moved in subjects.token_transfers(log):
                    yield from self.of_parties(moved)
                yield None

        self.transaction, self.receipt = NO_TRANSACTION, NO_RECEIPT
        for place in sorted(self.seen.withdrawals):
            yield from self.of_parties(subjects.withdrawal(block.withdrawals[place], place))
            yield None

    def inside(self, block: Block) -> dict[int, list[Subject]]:
        """Return the internal transfers that somebody may watch, by transaction."""
        watched, anybody = self.watched, Kind.INTERNAL in self.asked.transfers.found
        found: dict[int, list[Subject]] = {}
        for place, moved in internal_transfers(block):
            if anybody or moved.sender in watched or moved.receiver in watched:
                found.setdefault(place, []).append(subjects.internal(moved))
        return found

    def of_transaction(self, transaction: Transaction, receipt: Receipt) -> Iterator[Match]:
        """Yield the matches of the transaction itself, without those of its logs."""
        if self.asks_transactions:
            yield from self.of_parties(subjects.whole(transaction, receipt))
        if transaction.calls:
            for place, part in subjects.parts(transaction):
                yield from self.of_parties(subjects.native(part, receipt, place))
                yield from self.of_parties(subjects.deployment(part, receipt))
                if part.to is not None and part.input[:10] in self.asked.calls.found:
                    yield from self.called(part, place)
            return
        if transaction.value != "0x0":
            yield from self.of_parties(subjects.native(transaction, receipt))
        if transaction.to is None:
            yield from self.of_parties(subjects.deployment(transaction, receipt))
        elif transaction.input[:10] in self.asked.calls.found:
            yield from self.called(transaction)

    def of_parties(self, subject: Subject | None) -> Iterator[Match]:
        """Yield what a transfer or a creation is to those who watch its parties."""
        if subject is None:
            return
        watched = self.watched
        if watched and (subject.sender in watched or subject.receiver in watched):
            for direction, party in _parties(subject):
                for watching in self.index.watching(watched.get(party)):
                    rules = [
                        prepared
                        for prepared in watching.rules.get(subject.kind, ())
                        if direction in prepared.directions
                        and concerns(prepared.rule, subject, self.receipt, self.coin)
                    ]
                    yield from self.answer(watching, rules, subject, direction, party)
        for readers in self.readers(self.asked.transfers, subject.kind, subject.contract):
            if concerns(readers.prepared.rule, subject, self.receipt, self.coin):
                yield from self.of_anybody(readers, subject)

    def of_anybody(self, readers: Readers, subject: Subject) -> Iterator[Match]:
        """Yield what a transfer is to those who watch every party of it."""
        shared = None if readers.prepared.asks_party else self.holding(readers, subject)
        if shared is not None and not shared:
            return
        for direction, party in _parties(subject):
            if direction in readers.prepared.directions:
                if shared is None:
                    holding = self.holding(readers, subject, direction, party)
                else:
                    holding = shared
                for alike in holding:
                    yield from self.answers(alike, subject, direction, party)

    def emitted(self, log: Log) -> Iterator[Match]:
        """Yield what a log is to those who ask about its event."""
        several = list(self.readers(self.asked.events, None, log.address))
        if log.topics:
            several += self.readers(self.asked.events, log.topics[0], log.address)
        yield from self.signed(
            several,
            lambda prepared: prepared.read(log.topics, log.data),
            lambda prepared, args: subjects.event(log, prepared.rule, args),
        )

    def called(self, transaction: Transaction, item: int | None = None) -> Iterator[Match]:
        """Yield what a transaction is to those who ask about the function that it calls."""
        yield from self.signed(
            self.readers(self.asked.calls, transaction.input[:10], transaction.to),
            lambda prepared: prepared.read(transaction.input),
            lambda prepared, args: subjects.call(transaction, prepared.rule, args, item),
        )

    def readers(
        self, rules: ByName[Name], name: Name, contract: Address | None
    ) -> Sequence[Readers]:
        """Return the rules that name this on this network, of this contract or any."""
        key = (name, contract)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = [
                readers for readers in rules.of(name, contract) if self.network in readers.networks
            ]
        return found

    def signed(
        self,
        several: Iterable[Readers],
        read: Callable[[PreparedRule], Values | None],
        subject_of: Callable[[PreparedRule, Values], Subject],
    ) -> Iterator[Match]:
        """Yield the matches of an event or a call, which is decoded once for each signature."""
        subject_by: dict[Callable[..., Values | None], Subject | None] = {}
        for readers in several:
            prepared = readers.prepared
            if prepared.read not in subject_by:
                args = read(prepared)
                # every log of its contract may be tried as an anonymous event
                self.tally.undecoded += args is None and prepared.key is not None
                subject_by[prepared.read] = None if args is None else subject_of(prepared, args)
            subject = subject_by[prepared.read]
            if subject is not None:
                for alike in self.holding(readers, subject):
                    yield from self.answers(alike, subject, None, None)

    def holding(
        self,
        readers: Readers,
        subject: Subject,
        direction: Direction | None = None,
        party: Address | None = None,
    ) -> list[Alike]:
        """Return those rules about a subject that hold.

        Of the conditions that can be true by what they require of a field, each is asked once for
        all who share it.
        """
        facts = self.facts(subject, None, direction, party)
        found: list[Alike] = []
        for alike in readers.possible(facts):
            condition = alike.prepared.condition
            if condition is not None and condition.is_personal:
                [number] = alike.monitors
                [watching] = self.index.watching(number)
                if self.is_true(condition, self.facts(subject, watching, direction, party)):
                    found.append(alike)
            elif condition is None or self.is_true(condition, facts):
                found.append(alike)
        return found

    def answers(
        self, alike: Alike, subject: Subject, direction: Direction | None, party: Address | None
    ) -> Iterator[Match]:
        """Yield the matches of all monitors with such a rule, which holds."""
        for watching in self.index.watching(tuple(alike.monitors)):
            yield self.match(watching, subject, direction, party)

    def answer(
        self,
        watching: Watching,
        rules: Sequence[PreparedRule],
        subject: Subject,
        direction: Direction | None,
        party: Address | None,
    ) -> Iterator[Match]:
        """Yield the match if one of these rules, all of which ask about the subject, holds."""
        if not rules or self.network not in watching.monitor.networks:
            return
        conditions = [prepared.condition for prepared in rules if prepared.condition is not None]
        if len(conditions) == len(rules):
            facts = self.facts(subject, watching, direction, party)
            if not any(self.is_true(condition, facts) for condition in conditions):
                return
        yield self.match(watching, subject, direction, party)

    def match(
        self,
        watching: Watching,
        subject: Subject,
        direction: Direction | None,
        party: Address | None,
    ) -> Match:
        """Return what a subject is to a monitor that it answers."""
        monitor, carried = watching.monitor, subject.kind is not Kind.WITHDRAWAL
        transaction = self.transaction if carried else None
        return Match(
            match_id(monitor.id, direction, party, self.header, transaction, subject),
            monitor,
            self.network,
            direction,
            party,
            None if party is None else watching.labels.get(party),
            self.header,
            transaction,
            self.receipt if carried else None,
            subject,
        )

    def is_true(self, condition: Condition, facts: Facts) -> bool:
        """Whether a condition is true; one without an answer is not, and is counted."""
        try:
            return condition.evaluate(facts)
        except EvaluationError:
            self.tally.condition_errors += 1
            return False

    def facts(
        self,
        subject: Subject,
        watching: Watching | None,
        direction: Direction | None,
        party: Address | None,
    ) -> Facts:
        """Return what a condition is asked about, as `facts_of` does."""
        return facts_of(
            self.network, self.chain_id, self.header, self.transaction, self.receipt, subject,
            watching, direction, party,
        )  # fmt: skip


def _parties(subject: Subject) -> Iterator[tuple[Direction, Address]]:
    """Yield the sender and the receiver of a transfer, as far as it has them."""
    if subject.sender is not None:
        yield Direction.OUT, subject.sender
    if subject.receiver is not None:
        yield Direction.IN, subject.receiver
