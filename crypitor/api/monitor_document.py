"""A monitor as JSON has it, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from crypitor.api.answers import LabelledAddress, MonitorAnswer, RuleAnswer
from crypitor.api.bodies import MonitorBody
from crypitor.api.reading import summary
from crypitor.database.addresses import Labelled
from crypitor.errors import Invalid, Mistake
from crypitor.monitor.models import DEFAULT_RULES, Direction, Kind, Monitor, Phase, Rule
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Endpoint

MOST_SHOWN = 1_000


def check_monitor(body: MonitorBody, known: Mapping[str, object]) -> None:
    """Raise Invalid for what the types alone do not say."""
    mistakes = [
        Mistake(f"/networks/{place}", f"unknown network; these are known: {', '.join(known)}")
        for place, network in enumerate(body.networks)
        if network not in known
    ]
    if body.addresses == "any":
        needed = "with addresses 'any' each rule has to name its contracts"
        if body.rules is None:
            mistakes.append(Mistake("/rules", needed))
        mistakes += [
            Mistake(f"/rules/{place}", f"{needed}; a native transfer has none")
            if rule.kind == "native"
            else Mistake(f"/rules/{place}/contracts", needed)
            for place, rule in enumerate(body.rules or ())
            if rule.kind == "native" or rule.contracts is None
        ]
    if mistakes:
        raise Invalid(summary(mistakes), mistakes)


def monitor_of(
    body: MonitorBody,
    monitor_id: str,
    project_id: str,
    created_at: int,
    now: int,
    endpoint: Endpoint | None,
) -> Monitor:
    """Return the monitor that a body describes; `endpoint` comes from its webhook."""
    rules = (
        DEFAULT_RULES
        if body.rules is None
        else tuple(
            Rule(
                Kind(rule.kind),
                Direction(rule.direction),
                None
                if rule.kind == "native" or rule.contracts is None
                else frozenset(rule.contracts),
            )
            for rule in body.rules
        )
    )
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
        "rules": _rule_answers(monitor.rules),
        "endpoints": list(monitor.endpoints),
        "notify": [phase.value for phase in Phase if phase in monitor.notify],
        "confirmations": monitor.confirmations,
        "tags": list(monitor.tags),
        "note": monitor.note,
        "enabled": monitor.enabled,
        "created_at": rfc3339(monitor.created_at),
        "updated_at": rfc3339(monitor.updated_at),
    }


def _rule_answers(rules: Sequence[Rule]) -> list[RuleAnswer]:
    answers: list[RuleAnswer] = []
    for rule in rules:
        answer: RuleAnswer = {"kind": rule.kind.value, "direction": rule.direction.value}
        if rule.contracts is not None:
            answer["contracts"] = sorted(rule.contracts)
        answers.append(answer)
    return answers


def document(monitor: Monitor) -> dict[str, Any]:
    """Return what a merge patch is merged into; addresses stand apart, there may be a million."""
    answer = monitor_answer(monitor, 0, [])
    return {name: answer[name] for name in MonitorBody.model_fields if name in answer}  # type: ignore[literal-required]
