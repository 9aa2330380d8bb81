"""What a block without hits costs with 10 and with 10,000 monitors, for each kind of rule."""

from collections.abc import Callable
from dataclasses import replace

from bench.addresses import MONITOR, compared
from bench.blocks import addresses
from crypitor.monitor.index import Index
from crypitor.monitor.models import Direction, Kind, Rule, rule_of

FEW, MANY, QUICK_MANY = 10, 10_000, 1_000
ROUNDS = 40
SLOW_ROUNDS = 4
TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"
SEND = "function transfer(address to, uint256 amount)"

KINDS: dict[str, Callable[[int], Rule]] = {
    **{
        kind.value: lambda _, kind=kind: rule_of(kind)  # type: ignore[misc]
        for kind in (*Kind,)
        if kind not in (Kind.EVENT, Kind.CALL)
    },
    "event, each its own": lambda n: rule_of(Kind.EVENT, signature=f"event Told{n}(address who)"),
    "call, each its own": lambda n: rule_of(Kind.CALL, signature=f"function tell{n}(address who)"),
    "event, all the same, one condition": lambda _: rule_of(
        Kind.EVENT, signature=TRANSFER, where="chain_id == 2"
    ),
    "event, all the same, each its own equality": lambda n: rule_of(
        Kind.EVENT, signature=TRANSFER, where=f"args.to == 0x{n + 2**150:040x}"
    ),
    "event, all the same, each its own threshold": lambda n: rule_of(
        Kind.EVENT, signature=TRANSFER, where=f"args.value > {2**256 - 1 - n}"
    ),
    "call, all the same, each its own equality": lambda n: rule_of(
        Kind.CALL, signature=SEND, where=f"args.to == 0x{n + 2**150:040x}"
    ),
    "event, all the same, each its own equality and a threshold that all pass": lambda n: rule_of(
        Kind.EVENT, signature=TRANSFER, where=f"args.value >= 0 and args.to == 0x{n + 2**150:040x}"
    ),
}
"""Of monitors that watch two addresses each."""

ANYBODY: dict[str, Callable[[int], Rule]] = {
    "erc20, all with one condition": lambda _: rule_of(Kind.ERC20, where="chain_id == 2"),
    "erc20, each its own contract": lambda n: rule_of(
        Kind.ERC20, contracts=frozenset({f"0x{n + 2**150:040x}"})
    ),
    "erc20, each its own threshold": lambda n: rule_of(
        Kind.ERC20, where=f"amount > {2**256 - 1 - n}"
    ),
    "erc20, each its own party": lambda n: rule_of(
        Kind.ERC20, where=f"address == 0x{n + 2**150:040x}"
    ),
    "erc20, each its own receiver and a threshold that all pass": lambda n: rule_of(
        Kind.ERC20, where=f"amount >= 0 and to_address == 0x{n + 2**150:040x}"
    ),
    "native, each its own threshold in one direction": lambda n: rule_of(
        Kind.NATIVE, direction=Direction.IN, where=f"amount > {2**256 - 1 - n}"
    ),
    "deployment, each its own creator": lambda n: rule_of(
        Kind.DEPLOYMENT, where=f"from_address == 0x{n + 2**150:040x}"
    ),
}
"""Of monitors that watch every address."""

SLOW: dict[str, Callable[[int], Rule]] = {
    "event, all the same, each its own sum": lambda n: rule_of(
        Kind.EVENT, signature=TRANSFER, where=f"args.value + 1 > {2**256 + n}"
    ),
}
"""Where the cost grows with the monitors: what is computed is no field, so each has to be asked."""


FIVE: list[Callable[[int], Rule]] = [
    lambda n: rule_of(Kind.ERC20, where=f"amount > {n}"),
    lambda n: rule_of(Kind.NATIVE, where=f"amount > {n} and to_address != from_address"),
    lambda _: rule_of(Kind.ERC721),
    lambda n: rule_of(Kind.EVENT, signature=TRANSFER, where=f"args.to == 0x{n + 2**150:040x}"),
    lambda n: rule_of(Kind.CALL, signature=SEND, where=f"args.to == 0x{n + 2**150:040x}"),
]
"""Of monitors that watch a hundred addresses each, with all of these rules."""


def bench(*, quick: bool = False) -> dict:
    """Measure every kind."""
    many = QUICK_MANY if quick else MANY
    found = {name: _compared(rule, many, ROUNDS) for name, rule in KINDS.items()}
    for name, rule in ANYBODY.items():
        found[f"any address: {name}"] = _compared(rule, many, ROUNDS, any_address=True)
    found |= {name: _compared(rule, QUICK_MANY, SLOW_ROUNDS) for name, rule in SLOW.items()}
    found["a hundred addresses and five rules each"] = compared(_wide(FEW), _wide(many), ROUNDS)
    return found


def _wide(count: int) -> Index:
    index = Index()
    for number in range(count):
        rules = tuple(rule(number) for rule in FIVE)
        index.put(replace(MONITOR, id=f"mo_{number}", rules=rules))
        listed = [(address, None) for address in addresses(100, 1000 + number)]
        index.add_addresses(f"mo_{number}", listed)
    return index


def _compared(
    rule: Callable[[int], Rule], many: int, rounds: int, *, any_address: bool = False
) -> dict:
    few, several = (_index(rule, count, any_address=any_address) for count in (FEW, many))
    return compared(few, several, rounds)


def _index(rule: Callable[[int], Rule], count: int, *, any_address: bool) -> Index:
    index = Index()
    for number in range(count):
        asked = replace(MONITOR, id=f"mo_{number}", rules=(rule(number),), any_address=any_address)
        index.put(asked)
        listed = [] if any_address else addresses(2, 1000 + number)
        index.add_addresses(asked.id, [(address, None) for address in listed])
    return index
