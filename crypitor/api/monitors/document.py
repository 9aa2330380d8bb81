"""A monitor as JSON has it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from crypitor.api.endpoints.rule import silence_answer
from crypitor.api.monitors.answer import MonitorAnswer, RuleAnswer, Severity
from crypitor.api.monitors.body import MonitorBody
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import STATE_KINDS, Kind, Monitor, Phase, Rule
from crypitor.webhook.body import rfc3339
from crypitor.webhook.silence import stored_silence

if TYPE_CHECKING:
    from crypitor.api.addresses.answer import LabelledAddress

MOST_SHOWN = 1_000

_WITHOUT_DIRECTION = (Kind.EVENT, Kind.CALL, Kind.WITHDRAWAL, Kind.DELEGATION, *STATE_KINDS)


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
    answer: MonitorAnswer = {
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
    if monitor.severity is not None:
        answer["severity"] = cast("Severity", monitor.severity)
    if monitor.quiet_most is not None and monitor.quiet_seconds is not None:
        answer["quiet"] = {
            "most": monitor.quiet_most,
            "window_seconds": monitor.quiet_seconds,
            "webhooks": monitor.quiet_webhooks,
        }
    if monitor.silence is not None:
        answer["silence"] = silence_answer(stored_silence(monitor.silence))
    return answer


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
    if rule.kind in STATE_KINDS:
        _add_state(answer, rule)
    return answer


def _add_state(answer: RuleAnswer, rule: Rule) -> None:
    """Add what only rules about balances and views have."""
    if rule.args is not None:
        answer["args"] = rule.args
    if rule.token_id is not None:
        answer["token_id"] = str(rule.token_id)
    if rule.rearm is not None:
        answer["rearm"] = rule.rearm
    if rule.every_seconds is not None:
        answer["every_seconds"] = rule.every_seconds
    if rule.every_blocks is not None:
        answer["every_blocks"] = rule.every_blocks


def document(monitor: Monitor) -> dict[str, Any]:
    """Return what a merge patch is merged into; addresses stand apart, there may be a million."""
    answer = monitor_answer(monitor, 0, [])
    return {name: answer[name] for name in MonitorBody.model_fields if name in answer}  # type: ignore[literal-required]
