"""Monitors of OpenZeppelin Monitor and Defender as monitors here. Pure.

There, addresses are contracts, and a transaction answers if one of the events or functions and one
of the conditions on transactions hold. Here an event or a call is a rule, so the conditions on its
transaction go into its `where`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crypitor.cli.imported.expression import Named, Untranslated, translated
from crypitor.evm.abi import SignatureError
from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.models import Kind, rule_of
from crypitor.monitor.prepared import prepare

Abi = Sequence[Mapping[str, Any]]

TRANSACTION = {
    "value": "transaction.value",
    "from": "transaction.from_address",
    "to": "transaction.to_address",
    "hash": "transaction.hash",
    "gas_price": "transaction.gas_price",
    "gasPrice": "transaction.gas_price",
    "gas_used": "transaction.gas_used",
    "gasUsed": "transaction.gas_used",
    "nonce": "transaction.nonce",
    "input": "transaction.input",
    "transaction_index": "transaction.index",
    "status": "transaction.status",
}
"""What their expressions call a field of the transaction, and what it is called here."""

_STATUS = {"success": "success", "failure": "failed", "failed": "failed"}
_TRANSFER = "Transfer(address,address,uint256)"


@dataclass(slots=True)
class Asked:
    """A monitor as it stands in their file, in one form.

    events, functions: pairs of signature and expression. transactions: pairs of status and
    expression.
    """

    name: str
    networks: Sequence[str]
    addresses: Sequence[str]
    abi: Abi
    events: Sequence[tuple[str, str | None]]
    functions: Sequence[tuple[str, str | None]]
    transactions: Sequence[tuple[str, str | None]]
    endpoints: Sequence[str]
    paused: bool
    missing: list[str] = field(default_factory=list)


def monitor_of(asked: Asked) -> dict[str, Any]:
    """Return the monitor as `apply` takes it; what it lacks is added to `missing`.

    One that lacks something is disabled: it would tell more, or less, than before.
    """
    rules = [*_rules(asked)]
    told: dict[str, Any] = {"networks": [*asked.networks], "notify": ["confirmed"]}
    if any(rule["kind"] == "transaction" for rule in rules):
        told["addresses"] = [*asked.addresses]
    if rules:
        told["rules"] = rules
    if asked.endpoints:
        told["endpoints"] = [*asked.endpoints]
    if asked.missing:
        told["note"] = "Taken over in part: " + "; ".join(asked.missing)
    if asked.paused or asked.missing:
        told["enabled"] = False
    return told


def _rules(asked: Asked) -> Iterator[dict[str, Any]]:
    try:
        whole = _of_transaction(asked)
    except Untranslated as wrong:
        asked.missing.append(str(wrong))
        whole = None
    for kind, wanted in (("event", asked.events), ("call", asked.functions)):
        for signature, expression in wanted:
            try:
                yield _rule(asked, kind, signature, expression, whole)
            except (Untranslated, SignatureError, ConditionError) as wrong:
                asked.missing.append(f"{signature}: {wrong}")
    if not asked.events and not asked.functions:
        rule = {"kind": "transaction", **({"where": whole} if whole else {})}
        try:
            _check(rule)
        except ConditionError as wrong:
            asked.missing.append(f"transactions: {wrong}")
        else:
            yield rule


def _of_transaction(asked: Asked) -> str | None:
    """Return what is asked of the transaction; None for nothing."""
    parts = []
    for status, expression in asked.transactions:
        wanted = _STATUS.get(status.lower())
        both = [f"status == '{wanted}'"] if wanted else []
        if expression and expression.strip():
            both.append(f"({_read(expression, TRANSACTION.get, 'transactions')})")
        if not both:
            return None
        parts.append(" and ".join(both))
    return " or ".join(f"({part})" if len(parts) > 1 else part for part in parts) or None


def _rule(
    asked: Asked, kind: str, signature: str, expression: str | None, whole: str | None
) -> dict[str, Any]:
    entry = _entry(asked.abi, kind, signature)
    names = [str(each.get("name") or "") for each in entry.get("inputs", ())]
    parts = (
        [f"({whole})"] if whole and not (kind == "event" and whole == "status == 'success'") else []
    )
    if expression and expression.strip():
        parts.append(f"({_read(expression, _argument(names), signature)})")
    rule = {"kind": kind, "contracts": [*asked.addresses], "signature": _text(kind, entry)}
    if not asked.addresses:
        del rule["contracts"]
    if parts:
        rule["where"] = parts[0][1:-1] if len(parts) == 1 else " and ".join(parts)
    _check(rule)
    return rule


def _read(expression: str, named: Named, place: str) -> str:
    try:
        return translated(expression, named)
    except Untranslated as wrong:
        raise Untranslated(f"{place}: {expression!r}: {wrong}") from wrong


def _argument(names: Sequence[str]) -> Named:
    """Return what names arguments, by their names or, where they have none, by their numbers."""

    def named(name: str) -> str | None:
        first = name.partition(".")[0].partition("[")[0]
        if first in names:
            return f"args.{name}"
        if first.isdigit() and int(first) < len(names):
            return f"args[{first}]{name[len(first) :]}"
        return None

    return named


def _entry(abi: Abi, kind: str, signature: str) -> Mapping[str, Any]:
    wanted = signature.replace(" ", "")
    type_of = "event" if kind == "event" else "function"
    for entry in abi:
        if entry.get("type") == type_of and _canonical(entry) == wanted:
            return entry
    if kind == "call":  # the types alone say it
        return _of_types(wanted)
    raise Untranslated("its ABI is not in the file, which says what is indexed")


def _of_types(signature: str) -> Mapping[str, Any]:
    """Return the entry of a function of which only the types are known."""
    name, _, types = signature.partition("(")
    inputs = [{"type": one} for one in types.removesuffix(")").split(",") if one]
    if "(" in types or not name:
        raise Untranslated("its ABI is not in the file")
    return {"type": "function", "name": name, "inputs": inputs}


def _canonical(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('name')}({','.join(map(_type, entry.get('inputs', ())))})"


def _type(argument: Mapping[str, Any]) -> str:
    kind = str(argument.get("type"))
    if kind.startswith("tuple"):
        inner = ",".join(map(_type, argument.get("components", ())))
        return f"({inner}){kind.removeprefix('tuple')}"
    return kind


def _text(kind: str, entry: Mapping[str, Any]) -> str:
    """Return the signature as people write it."""
    arguments = ", ".join(map(_argument_text, entry.get("inputs", ())))
    word = "event" if kind == "event" else "function"
    after = " anonymous" if entry.get("anonymous") else ""
    return f"{word} {entry['name']}({arguments}){after}"


def _argument_text(argument: Mapping[str, Any]) -> str:
    kind = str(argument.get("type"))
    if kind.startswith("tuple"):
        inner = ", ".join(map(_argument_text, argument.get("components", ())))
        kind = f"({inner}){kind.removeprefix('tuple')}"
    words = [kind, "indexed" if argument.get("indexed") else "", str(argument.get("name") or "")]
    return " ".join(word for word in words if word)


def _check(rule: Mapping[str, Any]) -> None:
    """Raise ConditionError or SignatureError for what the service would refuse."""
    made = rule_of(Kind(rule["kind"]), signature=rule.get("signature"), where=rule.get("where"))
    prepare(made).compile()


def abi_of(text: object) -> Abi:
    """Return an ABI that may be JSON in a text. Raises Untranslated."""
    if isinstance(text, str):
        try:
            text = json.loads(text) if text.strip() else []
        except ValueError as wrong:
            raise Untranslated(f"its ABI is no JSON: {wrong}") from wrong
    entries = [text] if isinstance(text, Mapping) else text if isinstance(text, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping)]
