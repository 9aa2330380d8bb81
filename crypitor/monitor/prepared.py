"""Rules made ready to be asked many times, and found by what they name. Pure."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias, TypeVar

from crypitor.evm.abi import Argument, Event, Function, Values, call_decoder, log_decoder
from crypitor.evm.types import Address
from crypitor.monitor.condition import Condition, compile_condition, scope_for
from crypitor.monitor.models import Direction, Kind, Rule

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


@dataclass(slots=True)
class Alike:
    """Rules with one answer for a log or a call: of the same signature, condition and networks.

    prepared: one of them.  monitors: numbers, each with how many such rules it has.
    """

    prepared: PreparedRule
    networks: tuple[str, ...]
    monitors: dict[int, int] = field(default_factory=dict)


class BySignature:
    """The rules for events, or those for calls: by topic or selector, then by contract.

    found: topic (None: anonymous) or selector → contract (None: any) → those that are alike, of
    which one is asked for all. A condition that asks who is watched is its monitor's own.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.found: dict[str | None, dict[Address | None, dict[Hashable, Alike]]] = {}

    def add(self, number: int, networks: tuple[str, ...], rules: Prepared) -> None:
        """Take in the rules of a monitor."""
        for prepared in rules.get(self._kind, ()):
            by_contract = self.found.setdefault(prepared.key, {})
            sort = _sort(number, networks, prepared)
            for contract in prepared.rule.contracts or (None,):
                sorts = by_contract.setdefault(contract, {})
                monitors = sorts.setdefault(sort, Alike(prepared, networks)).monitors
                monitors[number] = monitors.get(number, 0) + 1

    def remove(self, number: int, networks: tuple[str, ...], rules: Prepared) -> None:
        """Forget the rules of a monitor, which are those that were added."""
        for prepared in rules.get(self._kind, ()):
            by_contract = self.found[prepared.key]
            sort = _sort(number, networks, prepared)
            for contract in prepared.rule.contracts or (None,):
                monitors = by_contract[contract][sort].monitors
                monitors[number] -= 1
                if not monitors[number]:
                    del monitors[number]
                if not monitors:
                    del by_contract[contract][sort]
                if not by_contract[contract]:
                    del by_contract[contract]
            if not by_contract:
                del self.found[prepared.key]


def _sort(number: int, networks: tuple[str, ...], prepared: PreparedRule) -> Hashable:
    """Return what rules have in common that are alike."""
    condition = prepared.condition
    if condition is None:
        return prepared.read, networks
    own = number if condition.is_personal else None
    return prepared.read, networks, condition.text, own


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
