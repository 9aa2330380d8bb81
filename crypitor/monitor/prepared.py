"""Rules made ready to be asked many times, and found by what they name. Pure."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias, TypeVar

from crypitor.evm.abi import Argument, Event, Function, Values, call_decoder, log_decoder
from crypitor.evm.types import Address
from crypitor.monitor.condition import Condition, Conjunct, Facts, compile_condition, scope_for
from crypitor.monitor.models import Direction, Kind, Rule
from crypitor.monitor.sieve import Sieve

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class PreparedRule:
    """A rule and what it takes to answer it.

    directions: of the matches that it can give.
    condition: its `where`, compiled.
    key: of an event its topic, of a call its selector; None for an anonymous event.
    read: the arguments, of a log's topics and data or of a call's input; None if it has none.
    """

    rule: Rule
    directions: tuple[Direction, ...]
    condition: Condition | None
    key: str | None = None
    read: Callable[..., Values | None] = lambda *_: None

    def compile(self) -> None:
        """Do now what is otherwise done for the first hit: whoever saves a rule waits for it."""
        if self.condition is not None:
            self.condition.evaluate  # noqa: B018 - reading it compiles
        match self.rule.abi:
            case Event():
                self.read((), "0x")
            case Function():
                self.read("0x")


Prepared: TypeAlias = Mapping[Kind, Sequence[PreparedRule]]
"""The rules of a monitor, by kind."""


def prepare(rule: Rule) -> PreparedRule:
    """Make a rule ready. Raises ConditionError."""
    directions = (
        (Direction.IN, Direction.OUT) if rule.direction is Direction.ALL else (rule.direction,)
    )
    arguments = () if rule.abi is None else rule.abi.arguments
    condition = None if rule.where is None else compiled(rule.kind, arguments, rule.where)
    match rule.abi:
        case Event():
            return PreparedRule(rule, (), condition, rule.abi.topic, log_decoder(rule.abi))
        case Function():
            return PreparedRule(rule, (), condition, rule.abi.selector, call_decoder(rule.abi))
        case None:
            return PreparedRule(rule, directions, condition)


@lru_cache(maxsize=4096)
def compiled(kind: Kind, arguments: Sequence[Argument], where: str) -> Condition:
    """Return a condition, which rules that are alike share. Raises ConditionError."""
    return compile_condition(where, scope_for(kind, arguments))


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
    """Rules with one answer for a log or a call: of the same signature, condition and networks.

    prepared: one of them.  monitors: numbers, each with how many such rules it has.
    """

    prepared: PreparedRule
    monitors: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Readers:
    """Rules about the same: of one signature and the same networks, of one contract or any.

    prepared: one of them.  alike: by their condition.
    """

    prepared: PreparedRule
    networks: tuple[str, ...]
    alike: dict[Hashable, Alike] = field(default_factory=dict)
    _sieve: Sieve[Alike] | None = None

    def add(self, number: int, prepared: PreparedRule) -> None:
        """Take in a rule of a monitor."""
        question = _question(number, prepared)
        alike = self.alike.get(question)
        if alike is None:
            alike = self.alike[question] = Alike(prepared)
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
            if self._sieve is not None:
                self._sieve.remove(alike)

    def possible(self, facts: Callable[[], Facts]) -> Iterable[Alike]:
        """Return those whose condition can be true.

        One that is left out would have come to false, or to no answer by some other part of it.
        """
        return self.alike.values() if self._sieve is None else self._sieve.passed(facts())


class BySignature:
    """The rules for events, or those for calls: by topic or selector, then by contract.

    found: topic (None: anonymous) or selector → contract (None: any) → how it is read, and on which
    networks → those that are alike, of which one is asked for all. A condition that asks who is
    watched is its monitor's own.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.found: dict[str | None, dict[Address | None, dict[Hashable, Readers]]] = {}

    def add(self, number: int, networks: tuple[str, ...], rules: Prepared) -> None:
        """Take in the rules of a monitor."""
        for prepared in rules.get(self._kind, ()):
            by_contract = self.found.setdefault(prepared.key, {})
            sort = prepared.read, networks
            for contract in prepared.rule.contracts or (None,):
                sorts = by_contract.setdefault(contract, {})
                if sort not in sorts:
                    sorts[sort] = Readers(prepared, networks)
                sorts[sort].add(number, prepared)

    def remove(self, number: int, networks: tuple[str, ...], rules: Prepared) -> None:
        """Forget the rules of a monitor, which are those that were added."""
        for prepared in rules.get(self._kind, ()):
            by_contract = self.found[prepared.key]
            sort = prepared.read, networks
            for contract in prepared.rule.contracts or (None,):
                readers = by_contract[contract][sort]
                readers.remove(number, prepared)
                if not readers.alike:
                    del by_contract[contract][sort]
                if not by_contract[contract]:
                    del by_contract[contract]
            if not by_contract:
                del self.found[prepared.key]


def _question(number: int, prepared: PreparedRule) -> Hashable:
    """Return what rules that are about the same have in common if they are alike."""
    condition = prepared.condition
    if condition is None:
        return None
    return condition.text, number if condition.is_personal else None


def _conjuncts(prepared: PreparedRule) -> Sequence[Conjunct]:
    return () if prepared.condition is None else prepared.condition.conjuncts


class Asked:
    """Which monitors ask about any party of a transfer, about an event or a call.

    A monitor is known by its number in the index.
    any_party_of: kind → monitors that watch every party, of whatever contract.
    by_contract: contract → monitors that watch every party of its transfers.
    """

    def __init__(self) -> None:
        self.events = BySignature(Kind.EVENT)
        self.calls = BySignature(Kind.CALL)
        self.any_party_of: dict[Kind, tuple[int, ...]] = {}
        self.by_contract: dict[Address, tuple[int, ...]] = {}

    @property
    def beyond_addresses(self) -> bool:
        """Whether anything is asked that watched addresses alone do not answer."""
        return bool(self.any_party_of or self.by_contract or self.events.found or self.calls.found)

    def any_party(self, kind: Kind, contract: Address | None) -> tuple[int, ...]:
        """Return the monitors that watch every party of such transfers, of a contract if any."""
        everywhere = self.any_party_of.get(kind, ())
        here = self.by_contract.get(contract, ()) if contract else ()
        return tuple(dict.fromkeys(everywhere + here)) if everywhere else here

    def add(
        self, number: int, networks: tuple[str, ...], rules: Prepared, *, any_address: bool
    ) -> None:
        """Take in the rules of a monitor."""
        self.events.add(number, networks, rules)
        self.calls.add(number, networks, rules)
        if any_address:
            kinds, contracts = _limits(rules)
            for kind in kinds:
                self.any_party_of[kind] = (*self.any_party_of.get(kind, ()), number)
            for contract in contracts:
                self.by_contract[contract] = (*self.by_contract.get(contract, ()), number)

    def remove(self, number: int, networks: tuple[str, ...], rules: Prepared) -> None:
        """Forget the rules of a monitor, which are those that were added."""
        self.events.remove(number, networks, rules)
        self.calls.remove(number, networks, rules)
        kinds, contracts = _limits(rules)
        for kind in kinds:
            _without(self.any_party_of, kind, number)
        for contract in contracts:
            _without(self.by_contract, contract, number)


def _limits(rules: Prepared) -> tuple[set[Kind], set[Address]]:
    """Return the kinds that no contract limits, and the contracts; of rules that have parties."""
    kinds: set[Kind] = set()
    contracts: set[Address] = set()
    for kind, several in rules.items():
        if kind in (Kind.EVENT, Kind.CALL):
            continue
        for prepared in several:
            if prepared.rule.contracts is None:
                kinds.add(kind)
            else:
                contracts |= prepared.rule.contracts
    return kinds, contracts


def _without(found: dict[_Key, tuple[int, ...]], key: _Key, number: int) -> None:
    rest = tuple(other for other in found.get(key, ()) if other != number)
    if rest:
        found[key] = rest
    else:
        found.pop(key, None)
