"""How large the result of an operation on integers can be, and what it costs at most."""

from collections.abc import Callable
from operator import add, floordiv, mod, mul, sub

from crypitor.monitor.condition.types import Int

OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": floordiv,
    "%": mod,
    "**": pow,
}
"""On constants. Division rounds down, and % has the sign of its right side: (a / b) * b + a % b
is a, and a % b is from 0 to b - 1 for every positive b."""


def range_of(sign: str, left: Int, right: Int) -> Int:
    """Return the values that an operation, other than **, can have."""
    match sign:
        case "+":
            return Int(left.low + right.low, left.high + right.high)
        case "-":
            return Int(left.low - right.high, left.high - right.low)
        case "*":
            return _corners(mul, left, right)
        case "/":
            return _quotients(left, right)
        case _:
            return Int(min(right.low + 1, 0), max(right.high - 1, 0))


def powers(left: Int, exponent: int) -> Int:
    """Return the values that a power can have."""
    largest = max(abs(left.low), abs(left.high)) ** exponent
    if left.low >= 0:
        return Int(left.low**exponent, largest)
    return Int(-largest, largest)


def least_power_bits(left: Int, exponent: int) -> int:
    """Return how many bits the largest power has at least, without computing it."""
    return (max(abs(left.low), abs(left.high)).bit_length() - 1) * exponent


def nanoseconds(sign: str, left: Int, right: Int, result: Int) -> int:
    """Return a bound of what an operation costs: CPython counts in digits of 30 bits."""
    a, b, c = (kind.bits // 30 + 1 for kind in (left, right, result))
    match sign:
        case "+" | "-":
            return 60 + a + b
        case "**":
            return 200 + c * c
        case _:
            return 100 + 2 * a * b


def _corners(operation: Callable[[int, int], int], left: Int, right: Int) -> Int:
    values = [operation(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    return Int(min(values), max(values))


def _quotients(left: Int, right: Int) -> Int:
    if right.low > 0 or right.high < 0:
        return _corners(floordiv, left, right)
    largest = max(abs(left.low), abs(left.high))
    return Int(-largest if left.low < 0 or right.low < 0 else 0, largest)
