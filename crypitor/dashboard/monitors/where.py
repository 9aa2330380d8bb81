"""What a condition comes to while it is being written: right, or where the mistake is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crypitor.dashboard.monitors.form import rule_of
from crypitor.evm.abi import Argument, SignatureError, parse_event, parse_function
from crypitor.monitor.condition import ConditionError, compile_condition, scope_for

EXAMPLES = {
    "native": ("amount >= 1 ether", "amount >= 1 ether and not watched(to_address)"),
    "erc20": ("amount >= 1_000_000", "direction == 'in' and amount >= 10**6"),
    "call": ("status == 'success'",),
    "balance": ("balance < 5 ether", "change <= -10%"),
    "view": ("result", "result != previous"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """text: the condition. names: what it may name. mistake, position: what is wrong, and where.

    signature: what is wrong with the signature, without which nothing can be said of the rest.
    """

    text: str = ""
    names: list[str] = field(default_factory=list)
    examples: tuple[str, ...] = ()
    mistake: str = ""
    position: int | None = None
    signature: str = ""


def _named(kind: str, signature: Any) -> tuple[Argument, ...]:
    """Return what a signature lets a condition name. Raises SignatureError."""
    if kind == "event":
        return parse_event(signature).arguments
    function = parse_function(signature)
    return function.outputs if kind == "view" else function.arguments


def checked(fields: Mapping[str, str], place: int) -> Check:
    """Return what one rule of the form comes to."""
    rule = rule_of(fields, place)
    kind, text = str(rule["kind"]), str(rule.get("where", ""))
    examples = EXAMPLES.get(kind, ())
    signature = rule.get("signature")
    arguments: tuple[Argument, ...] = ()
    if signature is not None:
        try:
            arguments = _named(kind, signature)
        except SignatureError as error:
            return Check(text, signature=str(error))
    try:
        scope = scope_for(kind, arguments)
    except KeyError:
        return Check(text)
    mistake, position = "", None
    if text:
        try:
            compile_condition(text, scope)
        except ConditionError as error:
            mistake, position = str(error), error.position
    return Check(text, scope.names(), examples, mistake, position)
