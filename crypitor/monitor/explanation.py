"""Why each rule of a monitor does, or does not, match each part of a transaction. Pure.

What matches is decided by the same pieces as in `crypitor.monitor.match`; here every obstacle is
told, not only that there is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from msgspec import structs

from crypitor.evm.abi import Values
from crypitor.evm.delegations import delegations
from crypitor.evm.profiles import profile_of
from crypitor.evm.traces import internal_transfers
from crypitor.evm.types import Address, Block, Log, Receipt, Transaction
from crypitor.monitor import subjects
from crypitor.monitor.condition import Explanation, explain
from crypitor.monitor.facts import facts_of
from crypitor.monitor.index import Watching
from crypitor.monitor.match import concerns
from crypitor.monitor.models import Direction, Kind, Subject
from crypitor.monitor.prepared import PreparedRule


class Obstacle(StrEnum):
    """What keeps a part of a transaction from matching a rule, in the order of the questions.

    kind: it is nothing of the rule's kind.  signature: it is another event or function.
    contract: the contract is not one of the rule's.  undecoded: it does not decode by the rule's
    signature, or as a transfer.  failed: the transaction failed.  direction: not the rule's.
    party: who sent or received is not watched.  where: the condition is false, or has no answer.
    """

    KIND = "kind"
    SIGNATURE = "signature"
    CONTRACT = "contract"
    UNDECODED = "undecoded"
    FAILED = "failed"
    DIRECTION = "direction"
    PARTY = "party"
    WHERE = "where"


_IN_TURN = tuple(Obstacle)


@dataclass(frozen=True, slots=True)
class Reason:
    """An obstacle, and a sentence about it."""

    obstacle: Obstacle
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a transaction, held against one rule.

    reasons: everything that keeps it from matching; none if it matches.
    subject: what it was made out to be, None where it is nothing that the rule asks about.
    log: that it is, or was read from.
    direction, party: of transfers, deployments and transactions; each is held against the rule in
    both.  Of a balance the party alone.
    where: what the condition came to, whatever else is in the way; None if it was not asked.
    """

    reasons: tuple[Reason, ...]
    subject: Subject | None = None
    log: Log | None = None
    direction: Direction | None = None
    party: Address | None = None
    where: Explanation | None = None

    @property
    def matches(self) -> bool:
        """Whether the live path would report it."""
        return not self.reasons

    @property
    def closeness(self) -> tuple[int, int]:
        """How near it comes to a match: the greater, the nearer."""
        first = min(
            (_IN_TURN.index(reason.obstacle) for reason in self.reasons), default=len(_IN_TURN)
        )
        return first, -len(self.reasons)


@dataclass(frozen=True, slots=True)
class Scene:
    """A transaction in its block.

    traced: whether the network's internal transfers are read.  coin: whose logs tell moves of the
    chain's own coin; None for what is known by the chain's id.
    """

    network: str
    chain_id: int
    block: Block
    place: int
    traced: bool
    coin: Address | None = None

    @property
    def transaction(self) -> Transaction:
        """The transaction itself."""
        return self.block.transactions[self.place]

    @property
    def alone(self) -> Block:
        """The block as if nothing else had been in it."""
        return structs.replace(
            self.block,
            transactions=(self.transaction,),
            receipts=(self.receipt,),
            traces=tuple(one for one in self.block.traces if one.transaction_index == self.place),
            withdrawals=(),
        )

    @property
    def receipt(self) -> Receipt:
        """What came of it."""
        return self.block.receipts[self.place]


def findings(scene: Scene, prepared: PreparedRule, watching: Watching) -> Iterator[Finding]:
    """Yield what a rule of a monitor finds in each part of a transaction, in the chain's order.

    Not of balances and views, which stand in no transaction: `crypitor.monitor.gauged`.
    """
    yield from _Asking(scene, prepared, watching).parts()


def _nothing(detail: str, log: Log | None = None) -> Finding:
    return Finding((Reason(Obstacle.KIND, detail),), log=log)


_NAMES = {Kind.ERC20: "an ERC-20", Kind.ERC721: "an ERC-721", Kind.ERC1155: "an ERC-1155"}


class _Asking:
    """One rule, asking about one transaction."""

    def __init__(self, scene: Scene, prepared: PreparedRule, watching: Watching) -> None:
        self.scene = scene
        self.prepared = prepared
        self.rule = prepared.rule
        self.watching = watching
        self.transaction = scene.transaction
        self.receipt = scene.receipt
        self.coin = scene.coin or profile_of(scene.chain_id).coin_logs.address

    def parts(self) -> Iterator[Finding]:
        """Yield what the rule finds in each part of the transaction."""
        alone = {
            Kind.NATIVE: self.native,
            Kind.INTERNAL: self.internal,
            Kind.CALL: self.call,
            Kind.DEPLOYMENT: self.deployment,
            Kind.TRANSACTION: self.whole,
            Kind.WITHDRAWAL: self.withdrawal,
            Kind.DELEGATION: self.delegation,
        }
        if self.rule.kind in alone:
            yield from alone[self.rule.kind]()
            return
        for log in self.receipt.logs:
            if self.rule.kind is Kind.EVENT:
                yield self.event(log)
            else:
                yield from self.token(log)

    def whole(self) -> Iterator[Finding]:
        yield from self.both_ways(subjects.whole(self.transaction, self.receipt))

    def withdrawal(self) -> Iterator[Finding]:
        yield _nothing("no transaction carries a withdrawal: test the range of its block")

    def native(self) -> Iterator[Finding]:
        none = True
        for place, part in subjects.parts(self.transaction):
            subject = subjects.native(part, self.receipt, place)
            if subject is not None:
                none = False
                yield from self.both_ways(subject)
        if none:
            yield _nothing("the transaction moves no value")

    def internal(self) -> Iterator[Finding]:
        if not self.scene.traced:
            yield _nothing("internal transfers are not read: the network's `traces` are off")
            return
        none = True
        for place, moved in internal_transfers(self.scene.block):
            if place == self.scene.place:
                none = False
                yield from self.both_ways(subjects.internal(moved))
        if none:
            yield _nothing("no call within the transaction moved value")

    def deployment(self) -> Iterator[Finding]:
        parts = [part for _, part in subjects.parts(self.transaction)]
        created = [subjects.deployment(part, self.receipt) for part in parts]
        subject = next((one for one in created if one is not None), None)
        if subject is not None:
            yield from self.both_ways(subject)
        elif all(part.to is not None for part in parts) or self.receipt.succeeded:
            yield _nothing("the transaction creates no contract")
        else:
            yield Finding((Reason(Obstacle.FAILED, "the creation failed"),))

    def delegation(self) -> Iterator[Finding]:
        none = True
        for given in delegations(self.scene.block, self.scene.chain_id):
            if given.transaction_index == self.scene.place:
                none = False
                for finding in self.both_ways(subjects.delegation(given)):
                    if finding.direction is Direction.OUT:
                        yield finding
        if none:
            yield _nothing("the transaction has no authorization that can have taken effect")

    def token(self, log: Log) -> Iterator[Finding]:
        wanted = _NAMES[self.rule.kind]
        if not log.topics or log.topics[0] not in subjects.DECODERS:
            yield _nothing(f"the log is not {wanted} transfer's event", log)
            return
        moved = subjects.token_transfers(log)
        if not moved:
            detail = "the log has a transfer's first topic, and does not decode as a transfer"
            yield Finding((Reason(Obstacle.UNDECODED, detail),), log=log)
        for subject in moved:
            if subject.kind is self.rule.kind:
                yield from self.both_ways(subject)
            else:
                yield _nothing(f"the log is {_NAMES[subject.kind]} transfer, not {wanted} one", log)
                break

    def event(self, log: Log) -> Finding:
        found = log.topics[0] if log.topics else None
        return self.signed(
            log.address,
            None if self.prepared.key in (None, found) else f"its first topic is {found}",
            lambda: self.prepared.read(log.topics, log.data),
            lambda args: subjects.event(log, self.rule, args),
            log,
        )

    def call(self) -> Iterator[Finding]:
        for place, part in subjects.parts(self.transaction):
            yield self.of_call(part, place)

    def of_call(self, part: Transaction, place: int | None) -> Finding:
        if part.to is None:
            return _nothing("the transaction creates a contract and calls none")
        selector = part.input[:10]
        return self.signed(
            part.to,
            None if self.prepared.key == selector else f"its input begins with {selector}",
            lambda: self.prepared.read(part.input),
            lambda args: subjects.call(part, self.rule, args, place),
            None,
        )

    def signed(
        self,
        contract: Address,
        other: str | None,
        read: Callable[[], Values | None],
        subject_of: Callable[[Values], Subject],
        log: Log | None,
    ) -> Finding:
        """Return what came of an event or a call. other: why it is another one, if it is."""
        reasons = []
        abi = self.rule.abi
        assert abi is not None
        if other is not None:
            word = "event" if self.rule.kind is Kind.EVENT else "function"
            detail = f"another {word}: {other}, {self.prepared.key} is {abi.signature}"
            reasons.append(Reason(Obstacle.SIGNATURE, detail))
        if self.rule.contracts is not None and contract not in self.rule.contracts:
            reasons.append(_not_listed(contract))
        args = None if other is not None else read()
        if other is None and args is None:
            detail = f"it does not decode as {abi.signature}: its arguments, or which of them are"
            detail += " indexed, are others"
            reasons.append(Reason(Obstacle.UNDECODED, detail))
        if args is None:
            return Finding(tuple(reasons), log=log)
        return self.concluded(reasons, subject_of(args))

    def both_ways(self, subject: Subject) -> Iterator[Finding]:
        """Yield what a transfer is to its sender, and to its receiver."""
        for direction, party, word in (
            (Direction.OUT, subject.sender, "sender"),
            (Direction.IN, subject.receiver, "receiver"),
        ):
            if party is None:
                continue
            reasons = [*self.out_of_the_question(subject)]
            if direction not in self.prepared.directions:
                asked = self.rule.direction
                detail = f"the rule asks for direction {asked} alone; for {party} it is {direction}"
                reasons.append(Reason(Obstacle.DIRECTION, detail))
            if not self.watching.watches(party):
                detail = f"{party}, the {word}, is not watched"
                reasons.append(Reason(Obstacle.PARTY, detail))
            yield self.concluded(reasons, subject, direction, party)

    def out_of_the_question(self, subject: Subject) -> Iterator[Reason]:
        """Yield why a rule does not ask about a transfer, whoever its parties are."""
        if concerns(self.rule, subject, self.receipt, self.coin):
            return
        contract = subject.contract
        if self.rule.contracts is None and contract == self.coin:
            yield Reason(
                Obstacle.CONTRACT,
                f"{contract} tells moves of the chain's own coin, which are no tokens: rules of"
                " kind native and internal see them, or name it in `contracts`",
            )
        if self.rule.contracts is not None and contract not in self.rule.contracts:
            yield _not_listed(contract)
        if (
            subject.kind in (Kind.NATIVE, Kind.TRANSACTION)
            and not self.receipt.succeeded
            and not self.rule.include_failed
        ):
            yield Reason(
                Obstacle.FAILED, "the transaction failed; `include_failed` would report it"
            )

    def concluded(
        self,
        reasons: list[Reason],
        subject: Subject,
        direction: Direction | None = None,
        party: Address | None = None,
    ) -> Finding:
        """Return the finding, with what the condition came to."""
        where = None
        if self.prepared.condition is not None:
            where = explain(
                self.prepared.condition,
                facts_of(
                    self.scene.network, self.scene.chain_id, self.scene.block.header,
                    self.transaction, self.receipt, subject, self.watching, direction, party,
                ),
            )  # fmt: skip
            if where.outcome is not True:
                detail = f"the condition has no answer: {where.error}"
                if where.outcome is False:
                    detail = "the condition is false"
                reasons.append(Reason(Obstacle.WHERE, detail))
        return Finding(tuple(reasons), subject, subject.log, direction, party, where)


def _not_listed(contract: Address | None) -> Reason:
    return Reason(Obstacle.CONTRACT, f"{contract} is not one of the rule's contracts")
