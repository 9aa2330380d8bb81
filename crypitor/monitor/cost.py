"""What the rules of a monitor cost everybody, in points. Pure."""

from crypitor.evm.abi import Function, types_in
from crypitor.monitor.models import Rule
from crypitor.monitor.prepared import prepare

NANOSECONDS_OF_A_POINT = 1_000


def types_of(rule: Rule) -> int:
    """Return how many types the signature of a rule is made of, at all levels."""
    if rule.abi is None:
        return 0
    outputs = rule.abi.outputs if isinstance(rule.abi, Function) else ()
    return types_in(rule.abi.arguments) + types_in(outputs)


def cost_of(rule: Rule) -> int:
    """Return the points of a rule: a usual one has 1 to 10.

    One for itself, one for each type of its signature, and one for each microsecond that its
    conditions may take for a match, in the worst case and by our own bounds. Raises ConditionError.
    """
    ready = prepare(rule)
    conditions = [each for each in (ready.condition, ready.rearm) if each is not None]
    nanoseconds = sum(condition.nanoseconds for condition in conditions)
    return 1 + types_of(rule) + -(-nanoseconds // NANOSECONDS_OF_A_POINT)
