"""`where`: a closed, statically typed language over one match.

    amount >= 1.5 ether and not watched(from_address)
    args.amount0In > 0 and contract in [0x…, 0x…]

Integers are exact and of any size up to 4,096 bits. `/` rounds down and `%` has the sign of its
right side. Text is compared without regard to case. Null equals null alone; where a number or a
text is needed it is an error of evaluation, and so are a division by zero and an index outside a
list: no answer, which is neither true nor false. `and` and `or` stop at the first part that
decides.
"""

from crypitor.monitor.condition.compile import Condition, compile_condition, reader
from crypitor.monitor.condition.conjunct import Conjunct, Sign
from crypitor.monitor.condition.errors import ConditionError, EvaluationError
from crypitor.monitor.condition.explain import Answer, Explanation, explain
from crypitor.monitor.condition.scope import Facts, Scope, scope_for

__all__ = [
    "Answer",
    "Condition",
    "ConditionError",
    "Conjunct",
    "EvaluationError",
    "Explanation",
    "Facts",
    "Scope",
    "Sign",
    "compile_condition",
    "explain",
    "reader",
    "scope_for",
]
