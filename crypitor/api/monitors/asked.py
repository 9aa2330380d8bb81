"""What a body asks for: checked, and as the monitor that is stored."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from crypitor.api.endpoints.rule import silence_of
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.monitors.rules import RuleBody
from crypitor.api.serving.context import NetworkFacts
from crypitor.api.serving.reading import summary
from crypitor.errors import Invalid, Mistake
from crypitor.evm.abi import EncodingError, Event, Function, SignatureError
from crypitor.monitor.condition import ConditionError
from crypitor.monitor.cost import cost_of, types_of
from crypitor.monitor.gauges import call_input
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import (
    DEFAULT_RULES,
    STATE_KINDS,
    Direction,
    Kind,
    Monitor,
    Phase,
    Rule,
    rule_of,
)
from crypitor.monitor.prepared import prepare
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.silence import check_silences, silence_text

MOST_TYPES_OF_A_MONITOR = 4_000
"""In the signatures of all its rules: what they cost, besides their conditions."""


async def check_monitor(
    body: MonitorBody,
    known: Mapping[str, NetworkFacts],
    give_way: Callable[[], Awaitable[None]],
) -> int:
    """Return what its rules cost, in points. Raises Invalid for what the types alone do not say.

    Rules are compiled one by one, each in some 20 ms at most; others are let go on in between.
    """
    blind = [one for one in body.networks if one in known and not known[one].traces]
    mistakes = [
        Mistake(f"/networks/{place}", f"unknown network; these are known: {', '.join(known)}")
        for place, network in enumerate(body.networks)
        if network not in known
    ]
    types, costs = 0, len(DEFAULT_RULES) if body.rules is None else 0
    for place, rule in enumerate(body.rules or ()):
        await give_way()
        if rule.kind == "internal" and blind:
            mistakes.append(Mistake(f"/rules/{place}/kind", _without_traces(blind)))
        try:
            made = _rule(rule)
        except SignatureError as error:
            mistakes.append(Mistake(f"/rules/{place}/signature", str(error)))
            continue
        types += types_of(made)
        if types > MOST_TYPES_OF_A_MONITOR:
            limit = f"with this rule the signatures are made of more than {MOST_TYPES_OF_A_MONITOR}"
            mistakes.append(Mistake(f"/rules/{place}/signature", f"{limit} types, the limit"))
            break
        if rule.kind == "balance" and body.addresses == "any":
            mistakes.append(Mistake(f"/rules/{place}/kind", _OF_NAMED))
        mistakes += [
            Mistake(f"/rules/{place}/{field}", sentence)
            for field, sentence in _wrong_in(made, any_address=body.addresses == "any")
        ]
        costs += 0 if mistakes else cost_of(made)
    if body.addresses == "any" and body.rules is None:
        mistakes.append(Mistake("/rules", f"{_LIMIT_NEEDED} contracts or a condition ('where')"))
    try:
        check_silences(silence_of(body.silence))
    except Invalid as error:
        mistakes += error.mistakes
    if mistakes:
        raise Invalid(summary(mistakes), mistakes)
    return costs


_LIMIT_NEEDED = "with addresses 'any' each rule has to have"


_OF_NAMED = "a balance is of addresses that are named: 'any' has none"

_WITHOUT_CONTRACTS = (
    Kind.NATIVE, Kind.INTERNAL, Kind.DEPLOYMENT, Kind.TRANSACTION, Kind.WITHDRAWAL, Kind.DELEGATION,
)  # fmt: skip


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
    if rule.kind in STATE_KINDS:
        yield from _wrong_in_state(rule)
        return
    try:
        prepare(rule).compile()
    except ConditionError as error:
        yield "where", f"{error} (at character {error.position})"
    if any_address and rule.abi is None and rule.contracts is None and rule.where is None:
        if rule.kind in _WITHOUT_CONTRACTS:
            yield "where", f"{_LIMIT_NEEDED} a condition ('where')"
        else:
            yield "contracts", f"{_LIMIT_NEEDED} contracts or a condition ('where')"


def _wrong_in_state(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule about balances or views."""
    if isinstance(rule.abi, Function):
        if not rule.abi.outputs:
            yield "signature", "say what the function returns, as in `… view returns (uint256)`"
            return
        try:
            call_input(rule)
        except EncodingError as error:
            yield f"args{error.place}", str(error)
    if rule.token_id is not None and rule.contracts is None:
        yield "contracts", "a token_id is of an ERC-1155 contract: name it"
    if rule.token_id is not None and rule.token_id >= 2**256:
        yield "token_id", "this does not fit into uint256"
    for name, text in (("where", rule.where), ("rearm", rule.rearm)):
        try:
            made = prepare(replace(rule, where=text, rearm=None))
            made.compile()
        except ConditionError as error:
            yield name, f"{error} (at character {error.position})"
            continue
        if made.condition is not None and made.condition.asks_watched:
            yield name, f"watched() is not known in rules of kind {rule.kind}"


DEFAULT_EVERY_SECONDS = 3600


def _rule(body: RuleBody) -> Rule:
    """Return the rule that a body describes. Raises SignatureError."""
    given = body.model_dump(exclude={"kind", "direction", "contracts"})
    contracts = getattr(body, "contracts", None)
    if body.kind in STATE_KINDS:
        if given["every_seconds"] is given["every_blocks"] is None:
            given["every_seconds"] = DEFAULT_EVERY_SECONDS
        if given.get("token_id") is not None:
            given["token_id"] = int(given["token_id"])
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
        severity=body.severity,
        quiet_most=None if body.quiet is None else body.quiet.most,
        quiet_seconds=None if body.quiet is None else body.quiet.window_seconds,
        quiet_webhooks=body.quiet is not None and body.quiet.webhooks,
        silence=silence_text(silence_of(body.silence)),
    )


def pairs_of(body: MonitorBody) -> list[Labelled]:
    """Return the inline addresses, each once; the last label counts."""
    labels: dict[str, str | None] = {}
    if not isinstance(body.addresses, str):
        for address, label in body.addresses:
            labels[address] = label if label is not None else labels.get(address)
    return list(labels.items())
