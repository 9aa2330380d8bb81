"""Rules made ready to be asked many times, and found by what they name. Pure."""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from crypitor.evm.abi import (
    Argument,
    Event,
    Function,
    Values,
    call_decoder,
    log_decoder,
    result_decoder,
    types_in,
)
from crypitor.evm.types import Address
from crypitor.monitor.condition import (
    Condition,
    Conjunct,
    Facts,
    Sign,
    compile_condition,
    scope_for,
)
from crypitor.monitor.models import STATE_KINDS, Direction, Kind, Rule
from crypitor.monitor.sieve import Sieve
from crypitor.runtime.remembered import remembered

_Name = TypeVar("_Name")


@dataclass(frozen=True, slots=True)
class PreparedRule:
    """A rule and what it takes to answer it.

    directions: of the matches that it can give.
    condition: its `where`, compiled.
    key: of an event its topic, of a call its selector; None for an anonymous event.
    read: the arguments, of a log's topics and data or of a call's input; of a view what it
        returned; None if it has none.
    rearm: its `rearm`, compiled.
    """

    rule: Rule
    directions: tuple[Direction, ...]
    condition: Condition | None
    key: str | None = None
    read: Callable[..., Values | None] = lambda *_: None
    rearm: Condition | None = None

    @property
    def asks_party(self) -> bool:
        """Whether what comes of its condition depends on which party is looked at."""
        return self.condition is not None and self.condition.asks_party

    def compile(self) -> None:
        """Do now what is otherwise done for the first hit: whoever saves a rule waits for it."""
        if self.condition is not None:
            self.condition.evaluate  # noqa: B018 - reading it compiles
        if self.rearm is not None:
            self.rearm.evaluate  # noqa: B018
        match self.rule.abi:
            case Event():
                self.read((), "0x")
            case Function():
                self.read("0x")


Prepared: TypeAlias = Mapping[Kind, Sequence[PreparedRule]]
"""The rules of a monitor, by kind."""


_ONE_WAY = {Kind.WITHDRAWAL: (Direction.IN,), Kind.DELEGATION: (Direction.OUT,)}


def prepare(rule: Rule) -> PreparedRule:
    """Make a rule ready. Raises ConditionError."""
    directions: tuple[Direction, ...] = (
        (Direction.IN, Direction.OUT) if rule.direction is Direction.ALL else (rule.direction,)
    )
    directions = _ONE_WAY.get(rule.kind, directions)
    if rule.kind in STATE_KINDS:
        return _prepared_state(rule)
    arguments = () if rule.abi is None else rule.abi.arguments
    condition = None if rule.where is None else compiled(rule.kind, arguments, rule.where)
    match rule.abi:
        case Event():
            return PreparedRule(rule, (), condition, rule.abi.topic, log_decoder(rule.abi))
        case Function():
            return PreparedRule(rule, (), condition, rule.abi.selector, call_decoder(rule.abi))
        case None:
            return PreparedRule(rule, directions, condition)


def _prepared_state(rule: Rule) -> PreparedRule:
    """Make a rule about balances or views ready. Raises ConditionError."""
    outputs = rule.abi.outputs if isinstance(rule.abi, Function) else ()
    where, rearm = (
        None if text is None else compiled(rule.kind, outputs, text)
        for text in (rule.where, rule.rearm)
    )
    if isinstance(rule.abi, Function):
        return PreparedRule(rule, (), where, None, result_decoder(rule.abi), rearm)
    return PreparedRule(rule, (), where, rearm=rearm)


_OF_TYPE = 32
"""Characters as large as which one of a signature's types counts here."""

_compiled: WeakValueDictionary[tuple[Kind, Sequence[Argument], str], Condition]
_compiled = WeakValueDictionary()


def _size(_kind: Kind, arguments: Sequence[Argument], where: str) -> int:
    return len(where) + _OF_TYPE * types_in(tuple(arguments))


@remembered(_size, most=256, longest=1024)
def compiled(kind: Kind, arguments: Sequence[Argument], where: str) -> Condition:
    """Return a condition, which rules that are alike share. Raises ConditionError.

    It is there as long as a rule has it; besides, those asked for last are.
    """
    key = kind, arguments, where
    condition = _compiled.get(key)
    if condition is None:
        condition = _compiled[key] = compile_condition(where, scope_for(kind, arguments))
    return condition


def prepare_all(rules: Iterable[Rule]) -> Prepared:
    """Make rules ready, by kind. Raises ConditionError."""
    grouped: dict[Kind, tuple[PreparedRule, ...]] = {}
    for rule in rules:
        grouped[rule.kind] = (*grouped.get(rule.kind, ()), prepare(rule))
    return grouped


_MANY = 4
"""Different conditions from which on they are looked up by what they require."""


@dataclass(slots=True, eq=False)
class Alike:
    """Rules with one answer: about the same, of the same condition and networks.

    prepared: one of them.  least: the least amount for which the condition can be true.
    monitors: numbers, each with how many such rules it has.
    """

    prepared: PreparedRule
    least: int
    monitors: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Readers:
    """Rules about the same, on the same networks, of one contract or any.

    prepared: one of them; what it says but for its contracts and its condition holds for all.
    alike: by their condition.
    """

    prepared: PreparedRule
    networks: tuple[str, ...]
    alike: dict[Hashable, Alike] = field(default_factory=dict)
    _sieve: Sieve[Alike] | None = None
    _leasts: list[int] = field(default_factory=list)

    @property
    def least(self) -> int:
        """The least amount for which any of these conditions can be true."""
        return self._leasts[0]

    def add(self, number: int, prepared: PreparedRule) -> None:
        """Take in a rule of a monitor."""
        question = _question(number, prepared)
        alike = self.alike.get(question)
        if alike is None:
            alike = self.alike[question] = Alike(prepared, least_amount(_conjuncts(prepared)))
            insort(self._leasts, alike.least)
            if self._sieve is not None:
                self._sieve.add(alike, _conjuncts(prepared))
            elif len(self.alike) >= _MANY:
                self._sieve = Sieve()
                for each in self.alike.values():
                    self._sieve.add(each, _conjuncts(each.prepared))
        alike.monitors[number] = alike.monitors.get(number, 0) + 1

    def remove(self, number: int, prepared: PreparedRule) -> None:
        """Forget a rule that was added."""
        question = _question(number, prepared)
        alike = self.alike[question]
        alike.monitors[number] -= 1
        if not alike.monitors[number]:
            del alike.monitors[number]
        if not alike.monitors:
            del self.alike[question]
            del self._leasts[bisect_left(self._leasts, alike.least)]
            if self._sieve is not None:
                self._sieve.remove(alike)

    def possible(self, facts: Facts) -> Iterable[Alike]:
        """Return those whose condition can be true.

        One that is left out would be false, or could not be answered because of another part.
        """
        return self.alike.values() if self._sieve is None else self._sieve.passed(facts)


class ByName(Generic[_Name]):
    """Rules by what they name: a signature or a kind, then a contract.

    found: topic (None: anonymous), selector or kind → contract (None: any) → what else they have in
    common → those that are alike, of which one is asked for all. A condition that asks what is its
    monitor's own is not shared.
    """

    def __init__(self) -> None:
        self.found: dict[_Name, dict[Address | None, dict[Hashable, Readers]]] = {}

    def add(
        self, number: int, networks: tuple[str, ...], name: _Name, prepared: PreparedRule
    ) -> None:
        """Take in a rule of a monitor."""
        by_contract = self.found.setdefault(name, {})
        sort = _sort(networks, prepared)
        for contract in prepared.rule.contracts or (None,):
            sorts = by_contract.setdefault(contract, {})
            if sort not in sorts:
                sorts[sort] = Readers(prepared, networks)
            sorts[sort].add(number, prepared)

    def remove(
        self, number: int, networks: tuple[str, ...], name: _Name, prepared: PreparedRule
    ) -> None:
        """Forget a rule that was added."""
        by_contract = self.found[name]
        sort = _sort(networks, prepared)
        for contract in prepared.rule.contracts or (None,):
            readers = by_contract[contract][sort]
            readers.remove(number, prepared)
            if not readers.alike:
                del by_contract[contract][sort]
            if not by_contract[contract]:
                del by_contract[contract]
        if not by_contract:
            del self.found[name]

    def of(self, name: _Name, contract: Address | None) -> Iterator[Readers]:
        """Yield the rules that name this, of a contract or of any."""
        by_contract = self.found.get(name)
        if by_contract is not None:
            for limit in (None,) if contract is None else (contract, None):
                yield from by_contract.get(limit, _NONE).values()

    def least(self, name: _Name) -> int | None:
        """Return the least amount that a rule of no contract asks for; None if there is no rule."""
        sorts = self.found.get(name, {}).get(None)
        return min(readers.least for readers in sorts.values()) if sorts else None

    def names(self, name: _Name, contract: Address | None) -> bool:
        """Whether there is a rule that names this, of a contract or of any."""
        by_contract = self.found.get(name)
        return by_contract is not None and (None in by_contract or contract in by_contract)


_NONE: Mapping[Hashable, Readers] = {}


def _sort(networks: tuple[str, ...], prepared: PreparedRule) -> Hashable:
    """Return what rules of one name must have in common to be kept together."""
    return (
        networks,
        prepared.read,
        prepared.directions,
        prepared.rule.include_failed,
        prepared.asks_party,
    )


def _question(number: int, prepared: PreparedRule) -> Hashable:
    """Return what rules that are about the same have in common if they are alike."""
    condition = prepared.condition
    if condition is None:
        return None
    return condition.text, number if condition.is_personal else None


def _conjuncts(prepared: PreparedRule) -> Sequence[Conjunct]:
    return () if prepared.condition is None else prepared.condition.conjuncts


_AMOUNT = "f.amount"


def least_amount(required: Iterable[Conjunct]) -> int:
    """Return the least amount that meets these conjuncts, as far as they ask about it."""
    least = 0
    for each in required:
        if each.source == _AMOUNT and each.sign in (Sign.LEAST, Sign.IS):
            amounts = [constant for constant in each.constants if isinstance(constant, int)]
            if len(amounts) == len(each.constants):
                least = max(least, min(amounts, default=0))
    return least


class Asked:
    """What monitors ask about, other than the parties that they watch by address.

    A monitor is known by its number in the index.
    events: by topic.  calls: by selector.
    transfers: by kind, and creations of contracts and transactions; of monitors that watch every
    party.
    kinds: how many rules of each kind there are, whoever is watched.
    by_receipts: by network, how many rules only all receipts of a block can answer.
    viewed: the contracts of views, and how many rules name each.
    """

    def __init__(self) -> None:
        self.events: ByName[str | None] = ByName()
        self.calls: ByName[str | None] = ByName()
        self.transfers: ByName[Kind] = ByName()
        self.kinds: dict[Kind, int] = {}
        self.by_receipts: dict[str, int] = {}
        self.viewed: dict[Address, int] = {}

    def add(
        self, number: int, networks: tuple[str, ...], rules: Prepared, *, any_address: bool
    ) -> None:
        """Take in the rules of a monitor."""
        for kept, key, prepared in self._places(rules, any_address=any_address):
            kept.add(number, networks, key, prepared)
        for kind, several in rules.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + len(several)
        if count := _by_receipts(rules):
            for network in networks:
                self.by_receipts[network] = self.by_receipts.get(network, 0) + count
        for contract in _viewed(rules):
            self.viewed[contract] = self.viewed.get(contract, 0) + 1

    def remove(
        self, number: int, networks: tuple[str, ...], rules: Prepared, *, any_address: bool
    ) -> None:
        """Forget the rules of a monitor, all as they were added."""
        for kept, key, prepared in self._places(rules, any_address=any_address):
            kept.remove(number, networks, key, prepared)
        for kind, several in rules.items():
            self.kinds[kind] -= len(several)
            if not self.kinds[kind]:
                del self.kinds[kind]
        if count := _by_receipts(rules):
            for network in networks:
                self.by_receipts[network] -= count
                if not self.by_receipts[network]:
                    del self.by_receipts[network]
        for contract in _viewed(rules):
            self.viewed[contract] -= 1
            if not self.viewed[contract]:
                del self.viewed[contract]

    def _places(
        self, rules: Prepared, *, any_address: bool
    ) -> Iterator[tuple[ByName[Any], str | Kind | None, PreparedRule]]:
        for kind, several in rules.items():
            for prepared in several:
                match kind:
                    case Kind.EVENT:
                        yield self.events, prepared.key, prepared
                    case Kind.CALL:
                        yield self.calls, prepared.key, prepared
                    case Kind.BALANCE | Kind.VIEW:
                        pass  # they are not found in blocks
                    case _ if any_address:
                        yield self.transfers, kind, prepared


_WITHOUT_LOGS = (
    Kind.NATIVE, Kind.TRANSACTION, Kind.CALL, Kind.DEPLOYMENT, Kind.WITHDRAWAL, Kind.DELEGATION
)  # fmt: skip
"""What a block tells without its logs, but for whether a transaction succeeded."""


def _by_receipts(rules: Prepared) -> int:
    """Return how many rules only all receipts of a block can answer."""
    return sum(
        kind not in _WITHOUT_LOGS
        or (prepared.condition is not None and prepared.condition.asks_receipt)
        for kind, several in rules.items()
        for prepared in several
    )


def _viewed(rules: Prepared) -> Iterator[Address]:
    for prepared in rules.get(Kind.VIEW, ()):
        yield from prepared.rule.contracts or ()
