"""Which monitors a block answers. Pure.

Everything in a block is looked at once and, unless somebody asks about it, only looked at:
decoding, conditions, ids and matches are made for hits alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from crypitor.evm.abi import Values
from crypitor.evm.traces import internal_transfers
from crypitor.evm.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE, address_in
from crypitor.evm.types import Address, Block, Hash, Header, Log, Receipt, Transaction
from crypitor.monitor import subjects
from crypitor.monitor.condition import EvaluationError, Facts
from crypitor.monitor.index import Index, Watching
from crypitor.monitor.models import Direction, Kind, Match, Rule, Subject, match_id
from crypitor.monitor.prepared import Alike, BySignature, PreparedRule, Readers


@dataclass(slots=True)
class Tally:
    """What somebody asked about and is no match, because there is no answer.

    undecoded: logs and calls of a signature that was asked for, whose content is not by it.
    condition_errors: conditions that could not be evaluated.
    """

    undecoded: int = 0
    condition_errors: int = 0


def find_matches(
    block: Block, network: str, chain_id: int, index: Index, tally: Tally | None = None
) -> list[Match]:
    """Return every match of a block, in the order of the chain, each once.

    tally: is added to.
    """
    found: dict[str, Match] = {}
    search = _Search(block.header, network, chain_id, index, tally or Tally())
    for match in search.matches(block, _hot(block, index)):
        found.setdefault(match.id, match)
    return list(found.values())


def facts_of(
    network: str,
    chain_id: int,
    header: Header,
    transaction: Transaction,
    receipt: Receipt,
    subject: Subject,
    watching: Watching | None,
    direction: Direction | None = None,
    address: Address | None = None,
) -> Facts:
    """Return what a condition is asked about.

    watching: None for what is the same for every monitor.
    direction, address: the watched party, if any.
    """
    return Facts(
        network,
        chain_id,
        header,
        transaction,
        receipt,
        _nobody if watching is None else watching.watches,
        direction,
        address,
        None if watching is None or address is None else watching.labels.get(address),
        subject.sender,
        subject.receiver,
        subject.contract,
        subject.amount,
        subject.token_id,
        subject.log_index,
        subject.item,
        subject.args,
    )


def _nobody(_: Address) -> bool:
    return False


def concerns(rule: Rule, subject: Subject, receipt: Receipt) -> bool:
    """Whether a rule asks about a subject of its kind, before its condition."""
    if rule.contracts is not None and subject.contract not in rule.contracts:
        return False
    return subject.kind is not Kind.NATIVE or receipt.succeeded or rule.include_failed


# The sender's topic; the receiver's is the one after it. In ERC-1155 the operator comes first.
_FIRST_PARTY = {TRANSFER: 1, TRANSFER_SINGLE: 2, TRANSFER_BATCH: 2}

_TOKENS = (Kind.ERC20, Kind.ERC721, Kind.ERC1155)


def _hot(block: Block, index: Index) -> AbstractSet[Hash] | None:
    """Return the hashes of the transactions that have to be looked at; None for all of them.

    All parties are looked up at once: among a million addresses each look-up waits for memory, and
    in one pass of compiled code these waits overlap.
    """
    if index.asked.beyond_addresses:
        return None
    parties: list[Address] = []
    owners: list[Hash] = []
    moved = [
        log
        for receipt in block.receipts
        for log in receipt.logs
        if len(log.topics) > 2 and log.topics[0] in _FIRST_PARTY
    ]
    for log in moved:
        topics = log.topics
        if topics[0] == TRANSFER:
            parties += ("0x" + topics[1][26:], "0x" + topics[2][26:])
        else:
            parties += (address_in(topics[2]), address_in(topics[-1]))
    of_logs = len(parties)
    for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
        if transaction.value != "0x0" or transaction.to is None:
            parties += (
                transaction.sender,
                transaction.to or receipt.contract_address or transaction.sender,
            )
            owners.append(transaction.hash)
    for inner in block.traces:
        parties += (inner.sender, inner.receiver)
        owners.append(block.transactions[inner.transaction_index].hash)
    watched = index.watched_among(parties)
    if not watched:
        return frozenset()
    return {
        moved[place >> 1].transaction_hash if place < of_logs else owners[place - of_logs >> 1]
        for place, party in enumerate(parties)
        if party in watched
    }


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
        tally: Tally,
    ) -> None:
        self.header = header
        self.network = network
        self.chain_id = chain_id
        self.index = index
        self.tally = tally
        self.asked = index.asked
        self.calls = index.asked.calls.found
        self.any_token = any(kind in index.asked.any_party_of for kind in _TOKENS)

    def matches(self, block: Block, hot: AbstractSet[Hash] | None) -> Iterator[Match]:
        """Yield the matches of the block; one may come twice.

        hot: the transactions that are looked at, None for all.
        """
        if hot is not None and not hot:
            return
        look_up, any_token, by_contract = self.index.look_up, self.any_token, self.asked.by_contract
        has_events = bool(self.asked.events.found)
        inside = self.inside(block)
        parts = zip(block.transactions, block.receipts, strict=True)
        for place, (self.transaction, self.receipt) in enumerate(parts):
            if hot is not None and self.transaction.hash not in hot:
                continue
            yield from self.of_transaction(self.transaction, self.receipt)
            for moved in inside.get(place, ()):
                yield from self.of_parties(moved)
            for log in self.receipt.logs:
                topics = log.topics
                if has_events and self.has_asker(log):
                    yield from self.emitted(log)
                first = _FIRST_PARTY.get(topics[0]) if len(topics) > 2 else None
                if first is not None and (
                    look_up(address_in(topics[first])) is not None
                    or (
                        len(topics) > first + 1
                        and look_up(address_in(topics[first + 1])) is not None
                    )
                    or any_token
                    or log.address in by_contract
                ):
                    for moved in subjects.token_transfers(log):
                        yield from self.of_parties(moved)

    def inside(self, block: Block) -> dict[int, list[Subject]]:
        """Return the internal transfers that somebody may watch, by transaction."""
        look_up, anybody = self.index.look_up, Kind.INTERNAL in self.asked.any_party_of
        found: dict[int, list[Subject]] = {}
        for place, moved in internal_transfers(block):
            if anybody or look_up(moved.sender) is not None or look_up(moved.receiver) is not None:
                found.setdefault(place, []).append(subjects.internal(moved))
        return found

    def of_transaction(self, transaction: Transaction, receipt: Receipt) -> Iterable[Match]:
        """Return the matches of the transaction itself, without those of its logs."""
        found: list[Match] = []
        to = transaction.to
        if transaction.value != "0x0" and self.has_watcher(
            Kind.NATIVE, to or receipt.contract_address
        ):
            found += self.of_parties(subjects.native(transaction, receipt))
        if to is None:
            if self.has_watcher(Kind.DEPLOYMENT, receipt.contract_address):
                found += self.of_parties(subjects.deployment(transaction, receipt))
        elif self.calls and transaction.input[:10] in self.calls:
            found += self.called(transaction)
        return found

    def has_watcher(self, kind: Kind, receiver: Address | None) -> bool:
        """Whether somebody may watch a party of what the transaction itself is."""
        look_up = self.index.look_up
        return (
            look_up(self.transaction.sender) is not None
            or (receiver is not None and look_up(receiver) is not None)
            or kind in self.asked.any_party_of
        )

    def has_asker(self, log: Log) -> bool:
        """Whether somebody may ask about a log as an event."""
        found = self.asked.events.found
        named = found.get(log.topics[0]) if log.topics else None
        unnamed = found.get(None)
        return (named is not None and (log.address in named or None in named)) or (
            unnamed is not None and (log.address in unnamed or None in unnamed)
        )

    def of_parties(self, subject: Subject | None) -> Iterator[Match]:
        """Yield what a transfer or a creation is to those who watch its parties."""
        if subject is None:
            return
        everyone = self.asked.any_party(subject.kind, subject.contract)
        for direction, party in ((Direction.OUT, subject.sender), (Direction.IN, subject.receiver)):
            for numbers in (self.index.look_up(party), everyone) if party else ():
                for watching in self.index.watching(numbers):
                    rules = [
                        prepared
                        for prepared in watching.rules.get(subject.kind, ())
                        if direction in prepared.directions
                        and concerns(prepared.rule, subject, self.receipt)
                    ]
                    yield from self.answer(watching, rules, subject, direction, party)

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

    def called(self, transaction: Transaction) -> Iterator[Match]:
        """Yield what a transaction is to those who ask about the function that it calls."""
        yield from self.signed(
            self.readers(self.asked.calls, transaction.input[:10], transaction.to),
            lambda prepared: prepared.read(transaction.input),
            lambda prepared, args: subjects.call(transaction, prepared.rule, args),
        )

    def readers(
        self, rules: BySignature, key: str | None, contract: Address | None
    ) -> Iterator[Readers]:
        """Yield the rules that ask about a signature on this network, of this contract or any."""
        by_contract = rules.found.get(key, {})
        for limit in (contract, None):
            for readers in by_contract.get(limit, {}).values():
                if self.network in readers.networks:
                    yield readers

    def signed(
        self,
        several: Iterable[Readers],
        read: Callable[[PreparedRule], Values | None],
        subject_of: Callable[[PreparedRule, Values], Subject],
    ) -> Iterator[Match]:
        """Yield the matches of an event or a call.

        It is decoded once for each signature. Of the conditions that can be true by what they
        require of a field, each is asked once for all who share it.
        """
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
                for alike in readers.possible(partial(self.facts, subject)):
                    yield from self.answers(alike, subject)

    def answers(self, alike: Alike, subject: Subject) -> Iterator[Match]:
        """Yield the matches of all monitors with such a rule, if it holds for the first."""
        holds = None
        for number in alike.monitors:
            for watching in self.index.watching(number):
                if holds is None:
                    holds = self.holds(alike.prepared, watching, subject, None, None)
                if not holds:
                    return
                yield self.match(watching, subject, None, None)

    def answer(
        self,
        watching: Watching,
        rules: Sequence[PreparedRule],
        subject: Subject,
        direction: Direction | None,
        party: Address | None,
    ) -> Iterator[Match]:
        """Yield the match if one of these rules, all of which ask about the subject, holds."""
        if self.network not in watching.monitor.networks:
            return
        if any(self.holds(prepared, watching, subject, direction, party) for prepared in rules):
            yield self.match(watching, subject, direction, party)

    def match(
        self,
        watching: Watching,
        subject: Subject,
        direction: Direction | None,
        party: Address | None,
    ) -> Match:
        """Return what a subject is to a monitor that it answers."""
        monitor, transaction = watching.monitor, self.transaction
        return Match(
            match_id(monitor.id, direction, party, self.header.hash, transaction.hash, subject),
            monitor,
            self.network,
            direction,
            party,
            None if party is None else watching.labels.get(party),
            self.header,
            transaction,
            self.receipt,
            subject,
        )

    def holds(
        self,
        prepared: PreparedRule,
        watching: Watching,
        subject: Subject,
        direction: Direction | None,
        party: Address | None,
    ) -> bool:
        """Whether a rule's condition is true; one without an answer is not, and is counted."""
        if prepared.condition is None:
            return True
        facts = self.facts(subject, watching, direction, party)
        try:
            return prepared.condition.evaluate(facts)
        except EvaluationError:
            self.tally.condition_errors += 1
            return False

    def facts(
        self,
        subject: Subject,
        watching: Watching | None = None,
        direction: Direction | None = None,
        party: Address | None = None,
    ) -> Facts:
        """Return what a condition is asked about, as `facts_of` does."""
        return facts_of(
            self.network, self.chain_id, self.header, self.transaction, self.receipt, subject,
            watching, direction, party,
        )  # fmt: skip
