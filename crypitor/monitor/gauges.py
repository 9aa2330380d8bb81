"""What is watched of a chain's state: balances, and what functions return. Pure.

A gauge is one value for one rule of a monitor: the balance of one account, a view of one contract.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from crypitor.evm.abi import Function, Values, call_decoder, encode
from crypitor.evm.multicall import Read, coin_of, token_of
from crypitor.evm.types import Address, Header
from crypitor.monitor.becoming import RAISED, State, rearms_by_itself, turn
from crypitor.monitor.condition import Condition, EvaluationError, Facts
from crypitor.monitor.condition.scope import NoResult
from crypitor.monitor.match import NO_RECEIPT, NO_TRANSACTION
from crypitor.monitor.models import (
    STATE_KINDS,
    Kind,
    Match,
    Monitor,
    Reading,
    Rule,
    Seen,
    Subject,
    computed_id,
    match_id,
)
from crypitor.monitor.prepared import PreparedRule, prepare

NEVER = -1
"""The height of a gauge that was not looked at."""

_WORD_TEXT = len("0x") + 64

# Names of their own for what is asked of each of many gauges: to take a member from its
# enumeration costs more than all else of the comparison.
_VIEW, _BALANCE = Kind.VIEW, Kind.BALANCE


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value that is watched.

    subject: the account, or the contract of a view.  contract: of the token or the view; None for
    the coin.  label: of the account.  place: its number among those that are stored, 0 for others.
    """

    id: str
    monitor: Monitor
    prepared: PreparedRule
    network: str
    subject: Address
    contract: Address | None
    label: str | None = None
    place: int = 0

    @property
    def rule(self) -> Rule:
        """What is asked."""
        return self.prepared.rule

    @property
    def read(self) -> Read:
        """The question to the state."""
        rule = self.rule
        if isinstance(rule.abi, Function):
            return Read(self.contract, call_input(rule))
        if self.contract is None:
            return coin_of(self.subject)
        return token_of(self.contract, self.subject, rule.token_id)


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Where a gauge stands. reading: None before the first.  match: of what it told and not ended.

    match is None where nothing was told, also for a gauge that is raised.
    changed: the height at which it came to show this.
    """

    state: State = State.ARMED
    reading: Reading | None = None
    match: str | None = None
    changed: int = NEVER


Stood: TypeAlias = tuple[str, Standing]
"""A gauge's id, and where it stood after a look at it."""

Recall: TypeAlias = Callable[[Sequence[str]], Awaitable[dict[str, Standing]]]
"""Return by their ids where gauges stood that were looked at before; those that were."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A match whose condition ceased to be. subject: the readings that show it."""

    match: str
    header: Header
    subject: Subject


class Looked(msgspec.Struct, frozen=True, gc=False):
    """What a look at a gauge comes to.

    before: the height at which value or state changed last, before this look.
    no_answer: conditions that had none.
    """

    gauge: Gauge
    standing: Standing
    match: Match | None = None
    ended: Ended | None = None
    before: int = NEVER
    no_answer: int = 0


def state_rules(monitor: Monitor) -> list[PreparedRule]:
    """Return the rules of a monitor that are about state."""
    return [prepare(rule) for rule in monitor.rules if rule.kind in STATE_KINDS]


def rule_key(rule: Rule) -> str:
    """Return what names a rule among those of its monitor: another where it asks something else.

    Contracts are of gauges, and how often it is asked changes nothing of what was seen.
    """
    abi = None if rule.abi is None else rule.abi.signature
    outputs = repr(rule.abi.outputs) if isinstance(rule.abi, Function) else ""
    args = json.dumps(rule.args, sort_keys=True)
    asked = (rule.kind, rule.where, rule.rearm, rule.token_id, abi, outputs, args)
    return computed_id("", *asked)


def gauges_of(
    monitor: Monitor,
    prepared: PreparedRule,
    network: str,
    accounts: Iterable[tuple[Address, str | None]],
) -> Iterator[Gauge]:
    """Yield what a rule watches: of these accounts for balances, of its contracts for views."""
    rule = prepared.rule
    key = rule_key(rule)
    if rule.kind is Kind.VIEW:
        for contract in sorted(rule.contracts or ()):
            yield _gauge(monitor, prepared, key, network, contract, contract)
        return
    contracts: list[Address | None] = [*sorted(rule.contracts or ())] or [None]
    for account, label in accounts:
        for token in contracts:
            yield _gauge(monitor, prepared, key, network, account, token, label)


def _gauge(
    monitor: Monitor,
    prepared: PreparedRule,
    key: str,
    network: str,
    subject: Address,
    contract: Address | None,
    label: str | None = None,
) -> Gauge:
    named = computed_id("ga_", monitor.id, key, network, subject, contract)
    return Gauge(named, monitor, prepared, network, subject, contract, label)


def look(
    gauge: Gauge, before: Standing, header: Header, chain_id: int, answer: str | None
) -> Looked | None:
    """Return what an answer at a block comes to; None where it says nothing.

    answer: what the call returned, 0x-hex; None where it failed. Of a balance that is no answer, of
    a view it is one: it reverted.
    """
    prepared, was = gauge.prepared, before.reading
    value = _value(prepared.rule, answer)
    if value is None and prepared.rule.kind is _BALANCE:
        return None
    reading = Reading(header.number, header.hash, header.timestamp, value)
    facts = _facts(gauge, was, reading, header, chain_id)
    holds = _outcome(prepared.condition, facts)
    rearm = prepared.rearm
    rearms = rearms_by_itself(holds) if rearm is None else _outcome(rearm, facts)
    after = turn(before.state, holds, rearms)
    began = ended = None
    if after.began or after.ended:
        subject = subject_of(gauge, Seen(gauge.id, was, reading))
        began = _match(gauge, subject, header) if after.began else None
        if after.ended and before.match is not None:
            ended = Ended(before.match, header, subject)
    told = before.match if began is None and after.state is RAISED else None
    changed = was is None or was.value != value or before.state is not after.state
    since = header.number if changed else before.changed
    standing = Standing(after.state, reading, began.id if began else told, since)
    missing = 0 if holds is not None and rearms is not None else _missing(gauge, holds, rearms)
    return Looked(gauge, standing, began, ended, before.changed, missing)


def facts_of_gauge(
    gauge: Gauge, before: Standing, header: Header, chain_id: int, answer: str | None
) -> Facts:
    """Return what the conditions are asked about, for explanations."""
    value = _value(gauge.rule, answer)
    reading = Reading(header.number, header.hash, header.timestamp, value)
    return _facts(gauge, before.reading, reading, header, chain_id)


def _missing(gauge: Gauge, holds: bool | None, rearms: bool | None) -> int:
    return (holds is None) + (rearms is None and gauge.prepared.rearm is not None)


def call_input(rule: Rule) -> str:
    """Return the input of a view's call. Raises EncodingError."""
    assert isinstance(rule.abi, Function)
    return rule.abi.selector + encode(rule.abi.arguments, [] if rule.args is None else rule.args)


def due_after(rule: Rule, header: Header) -> tuple[int | None, int | None]:
    """Return the height and the unix seconds at which a gauge is looked at again at the latest."""
    return (
        None if rule.every_blocks is None else header.number + rule.every_blocks,
        None if rule.every_seconds is None else header.timestamp + rule.every_seconds,
    )


def _value(rule: Rule, answer: str | None) -> str | None:
    """Return an answer as it is kept."""
    if answer is None or rule.kind is _VIEW:
        return answer
    if len(answer) < _WORD_TEXT:
        return None
    return str(int(answer[:_WORD_TEXT], 16))


def _facts(
    gauge: Gauge, before: Reading | None, reading: Reading, header: Header, chain_id: int
) -> Facts:
    rule = gauge.prepared.rule
    facts = Facts(
        gauge.network, chain_id, header, NO_TRANSACTION, NO_RECEIPT, _nobody, label=gauge.label
    )
    facts.contract, facts.token_id = gauge.contract, rule.token_id
    if rule.kind is _BALANCE:
        facts.address = gauge.subject
        facts.balance = int(reading.value or 0)
        facts.previous = None if before is None or before.value is None else int(before.value)
    else:
        facts.result = result_of(gauge.prepared, reading)
        facts.previous = NoResult() if before is None else result_of(gauge.prepared, before)
        facts.reverted = reading.value is None
    return facts


def _nobody(_: Address) -> bool:
    return False


def result_of(prepared: PreparedRule, reading: Reading) -> Values:
    """Return what a view returned, by position; `NoResult` where it does not say."""
    found = None if reading.value is None else prepared.read(reading.value)
    return NoResult() if found is None else found


def _outcome(condition: Condition | None, facts: Facts) -> bool | None:
    if condition is None:
        return True
    try:
        return condition.evaluate(facts)
    except EvaluationError:
        return None


def subject_of(gauge: Gauge, seen: Seen) -> Subject:
    """Return what a match of a gauge is about."""
    rule = gauge.rule
    args: Values = ()
    if isinstance(rule.abi, Function):
        args = call_decoder(rule.abi)(call_input(rule)) or ()
    return Subject(
        rule.kind,
        None,
        None,
        None,
        token_id=rule.token_id,
        contract=gauge.contract,
        abi=rule.abi,
        args=args,
        seen=seen,
    )


def _match(gauge: Gauge, subject: Subject, header: Header) -> Match:
    party = gauge.subject if gauge.rule.kind is Kind.BALANCE else None
    return Match(
        match_id(gauge.monitor.id, None, party, header, None, subject),
        gauge.monitor,
        gauge.network,
        None,
        party,
        gauge.label,
        header,
        None,
        None,
        subject,
    )
