"""Why balances and views are, or are not, told of in a block that touched them. Pure.

What is told is decided by `crypitor.monitor.gauges.look`, as on the live path.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crypitor.evm.types import Header
from crypitor.monitor.condition import explain
from crypitor.monitor.explanation import Finding, Obstacle, Reason
from crypitor.monitor.gauges import Gauge, Standing, facts_of_gauge, look, subject_of
from crypitor.monitor.models import Kind, Rule, Seen


@dataclass(frozen=True, slots=True)
class Glance:
    """A look at a gauge in a block. before: where it stood.  answer: as `look` takes it."""

    gauge: Gauge
    before: Standing
    answer: str | None


def state_findings(
    rule: Rule, glances: Iterable[Glance], header: Header, chain_id: int
) -> Iterator[Finding]:
    """Yield what each gauge of a rule came to in a block; why there is none, where there is none.

    glances: of all rules of the monitor.
    """
    none = True
    for glance in glances:
        if glance.gauge.rule == rule:
            none = False
            yield _finding(glance, header, chain_id)
    if none:
        detail = "the transaction touched none of the monitor's addresses"
        if rule.kind is Kind.VIEW:
            detail = "the transaction touched none of the rule's contracts"
        yield Finding((Reason(Obstacle.KIND, detail),))


def without_state(header: Header) -> Finding:
    """Return what is found where no node knows what was there any more."""
    detail = f"no node has the state of block {header.number} any more: that takes an archive node"
    return Finding((Reason(Obstacle.WHERE, detail),))


def _finding(glance: Glance, header: Header, chain_id: int) -> Finding:
    gauge, before, answer = glance.gauge, glance.before, glance.answer
    party = gauge.subject if gauge.rule.kind is Kind.BALANCE else None
    looked = look(gauge, before, header, chain_id, answer)
    if looked is None:
        detail = f"{gauge.contract} does not answer with a balance"
        return Finding((Reason(Obstacle.UNDECODED, detail),), party=party)
    reading = looked.standing.reading
    assert reading is not None
    subject = subject_of(gauge, Seen(gauge.id, before.reading, reading))
    condition = gauge.prepared.condition
    facts = facts_of_gauge(gauge, before, header, chain_id, answer)
    where = None if condition is None else explain(condition, facts)
    reasons: tuple[Reason, ...] = ()
    if looked.match is None:
        detail = "the condition was true in the block before as well: it is told once, when it"
        detail += " becomes true"
        if where is not None and where.outcome is not True:
            detail = f"the condition has no answer: {where.error}"
            detail = "the condition is false" if where.outcome is False else detail
        reasons = (Reason(Obstacle.WHERE, detail),)
    return Finding(reasons, subject, party=party, where=where)
