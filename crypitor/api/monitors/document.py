"""A monitor as JSON has it, and back."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from crypitor.api.monitors.answer import MonitorAnswer, RuleAnswer
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.monitors.rules import RuleBody
from crypitor.api.serving.context import NetworkFacts
from crypitor.api.serving.reading import summary
from crypitor.errors import Invalid, Mistake
from crypitor.evm.abi import Event, SignatureError, types_in
from crypitor.monitor.condition import ConditionError
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import DEFAULT_RULES, Direction, Kind, Monitor, Phase, Rule, rule_of
from crypitor.monitor.prepared import prepare
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Endpoint

if TYPE_CHECKING:
    from crypitor.api.addresses.answer import LabelledAddress

MOST_SHOWN = 1_000


MOST_TYPES_OF_A_MONITOR = 4_000
"""In the signatures of all its rules: what they cost, besides their conditions."""


async def check_monitor(
    body: MonitorBody,
    known: Mapping[str, NetworkFacts],
    give_way: Callable[[], Awaitable[None]],
) -> None:
    """Raise Invalid for what the types alone do not say.

    Rules are compiled one by one, each in some 20 ms at most; others are let go on in between.
    """
    blind = [one for one in body.networks if one in known and not known[one].traces]
    mistakes = [
        Mistake(f"/networks/{place}", f"unknown network; these are known: {', '.join(known)}")
        for place, network in enumerate(body.networks)
        if network not in known
    ]
    types = 0
    for place, rule in enumerate(body.rules or ()):
        await give_way()
        if rule.kind == "internal" and blind:
            mistakes.append(Mistake(f"/rules/{place}/kind", _without_traces(blind)))
        try:
            made = _rule(rule)
        except SignatureError as error:
            mistakes.append(Mistake(f"/rules/{place}/signature", str(error)))
            continue
        types += types_in(made.abi.arguments) if made.abi else 0
        if types > MOST_TYPES_OF_A_MONITOR:
            limit = f"with this rule the signatures are made of more than {MOST_TYPES_OF_A_MONITOR}"
            mistakes.append(Mistake(f"/rules/{place}/signature", f"{limit} types, the limit"))
            break
        mistakes += [
            Mistake(f"/rules/{place}/{field}", sentence)
            for field, sentence in _wrong_in(made, any_address=body.addresses == "any")
        ]
    if body.addresses == "any" and body.rules is None:
        mistakes.append(Mistake("/rules", f"{_LIMIT_NEEDED} contracts or a condition ('where')"))
    if mistakes:
        raise Invalid(summary(mistakes), mistakes)


_LIMIT_NEEDED = "with addresses 'any' each rule has to have"


_WITHOUT_CONTRACTS = (
    Kind.NATIVE, Kind.INTERNAL, Kind.DEPLOYMENT, Kind.TRANSACTION, Kind.WITHDRAWAL, Kind.DELEGATION,
)  # fmt: skip
_WITHOUT_DIRECTION = (Kind.EVENT, Kind.CALL, Kind.WITHDRAWAL, Kind.DELEGATION)


def _without_traces(networks: Sequence[str]) -> str:
    keys = " and ".join(f"networks.{name}.traces" for name in dict.fromkeys(networks))
    return (
        "internal transfers are not looked for here: the operator has to set "
        f'{keys} to "debug" or "trace" in the configuration'
    )


def _wrong_in(rule: Rule, *, any_address: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule: the field, and a sentence."""
    if isinstance(rule.abi, Event) and rule.abi.anonymous and rule.contracts is None:
        yield "contracts", "an anonymous event is found by its contracts alone: name them"
    try:
        prepare(rule).compile()
    except ConditionError as error:
        yield "where", f"{error} (at character {error.position})"
    if any_address and rule.abi is None and rule.contracts is None and rule.where is None:
        if rule.kind in _WITHOUT_CONTRACTS:
            yield "where", f"{_LIMIT_NEEDED} a condition ('where')"
        else:
            yield "contracts", f"{_LIMIT_NEEDED} contracts or a condition ('where')"


def _rule(body: RuleBody) -> Rule:
    """Return the rule that a body describes. Raises SignatureError."""
    given = body.model_dump(exclude={"kind", "direction", "contracts"})
    contracts = getattr(body, "contracts", None)
    return rule_of(
        Kind(body.kind),
        direction=Direction(getattr(body, "direction", Direction.ALL)),
        contracts=None if contracts is None else frozenset(contracts),
        **given,
    )


def monitor_of(
    body: MonitorBody,
    monitor_id: str,
    project_id: str,
    created_at: int,
    now: int,
    endpoint: Endpoint | None,
) -> Monitor:
    """Return the monitor that a body describes; `endpoint` comes from its webhook."""
    rules = DEFAULT_RULES if body.rules is None else tuple(map(_rule, body.rules))
    made = [endpoint.id] if endpoint else []
    return Monitor(
        id=monitor_id,
        project_id=project_id,
        name=body.name,
        networks=tuple(dict.fromkeys(body.networks)),
        rules=rules,
        any_address=body.addresses == "any",
        endpoints=tuple(dict.fromkeys([*body.endpoints, *made])),
        notify=frozenset(map(Phase, body.notify)),
        confirmations=body.confirmations,  # type: ignore[arg-type]  # the two words or a number
        tags=tuple(dict.fromkeys(body.tags)),
        note=body.note,
        enabled=body.enabled,
        created_at=created_at,
        updated_at=now,
    )


def pairs_of(body: MonitorBody) -> list[Labelled]:
    """Return the inline addresses, each once; the last label counts."""
    labels: dict[str, str | None] = {}
    if not isinstance(body.addresses, str):
        for address, label in body.addresses:
            labels[address] = label if label is not None else labels.get(address)
    return list(labels.items())


def size_of(monitor: Monitor) -> int:
    """Return about how many bytes a monitor has in a list."""
    rules = sum(
        _BYTES_OF_A_RULE
        + len(rule.signature if isinstance(rule.signature, str) else str(rule.signature))
        + len(rule.where or "")
        + _BYTES_OF_AN_ADDRESS * len(rule.contracts or ())
        for rule in monitor.rules
        if rule.contracts or rule.signature or rule.where
    )
    return _BYTES_OF_A_MONITOR + len(monitor.note) + len(monitor.name) + rules


_BYTES_OF_A_MONITOR, _BYTES_OF_A_RULE, _BYTES_OF_AN_ADDRESS = 1_000, 100, 45


def monitor_answer(monitor: Monitor, count: int, shown: Sequence[Labelled] | None) -> MonitorAnswer:
    """Return a monitor as JSON has it. shown: its addresses, None where they are left out."""
    addresses: list[str | LabelledAddress] | None = None
    if shown is not None and count <= MOST_SHOWN:
        addresses = [
            address if label is None else {"address": address, "label": label}
            for address, label in shown
        ]
    return {
        "id": monitor.id,
        "name": monitor.name,
        "networks": list(monitor.networks),
        "addresses": "any" if monitor.any_address else addresses,
        "address_count": count,
        "rules": list(map(_rule_answer, monitor.rules)),
        "endpoints": list(monitor.endpoints),
        "notify": [phase.value for phase in Phase if phase in monitor.notify],
        "confirmations": monitor.confirmations,
        "tags": list(monitor.tags),
        "note": monitor.note,
        "enabled": monitor.enabled,
        "created_at": rfc3339(monitor.created_at),
        "updated_at": rfc3339(monitor.updated_at),
    }


def _rule_answer(rule: Rule) -> RuleAnswer:
    answer: RuleAnswer = {"kind": cast("Kind", rule.kind.value)}
    if rule.signature is not None:
        answer["signature"] = (
            rule.signature if isinstance(rule.signature, str) else {**rule.signature}
        )
    if rule.kind not in _WITHOUT_DIRECTION:
        answer["direction"] = rule.direction.value
    if rule.contracts is not None:
        answer["contracts"] = sorted(rule.contracts)
    if rule.where is not None:
        answer["where"] = rule.where
    if rule.include_failed or rule.kind is Kind.TRANSACTION:
        answer["include_failed"] = rule.include_failed
    return answer


def document(monitor: Monitor) -> dict[str, Any]:
    """Return what a merge patch is merged into; addresses stand apart, there may be a million."""
    answer = monitor_answer(monitor, 0, [])
    return {name: answer[name] for name in MonitorBody.model_fields if name in answer}  # type: ignore[literal-required]
