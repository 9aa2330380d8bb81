"""Tries a monitor: what it would match, and why not."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Literal, TypeVar, cast

import msgspec

from crypitor.api.serving.call import Call, found
from crypitor.api.serving.reading import summary
from crypitor.api.serving.routing import Routes
from crypitor.api.trials.document import (
    MOST_TRIED_BLOCKS,
    FindingAnswer,
    TrialAnswer,
    TrialBody,
    TriedBlocksAnswer,
    TriedRuleAnswer,
    TriedTransactionAnswer,
    WhereAnswer,
)
from crypitor.api.trials.examples import EXAMPLES
from crypitor.backfill.trial import MOST_MATCHES, Trial, TriedBlocks, TriedRule, TriedTransaction
from crypitor.database.keys import Scope
from crypitor.database.monitors import get_monitor
from crypitor.database.tokens import known_tokens
from crypitor.errors import Conflict, Invalid, Mistake, NotFound
from crypitor.evm.abi import to_json
from crypitor.evm.metadata import NOTHING
from crypitor.monitor.condition import Explanation
from crypitor.monitor.explanation import Finding
from crypitor.monitor.models import Kind, Match, Monitor
from crypitor.runtime.loop import cut_off
from crypitor.webhook.body import document, rfc3339

routes = Routes("Monitors", EXAMPLES, "mo_")

T = TypeVar("T")

NOISY_PER_DAY = 1_000
"""Matches a day above which a monitor is called noisy: one every minute and a half."""

GONE_SECONDS = 0.25
LONGEST_TEXT = 1_000
LONGEST_LIST = 100


@routes.add("POST", "/v1/monitors/{id}/test", scope=Scope.WRITE, addresses=True)
async def test_monitor(call: Call, id: str, body: TrialBody) -> TrialAnswer:  # noqa: A002
    """Test a monitor on the past.

    With `transaction`: for each rule and each log, transfer or call of it, whether it matches, and
    if not, everything that is in the way; of balances and views, for each that it touched, what the
    block made of it. With `from_block` and `to_block`, at most 10,000 blocks:
    what would have matched, a count for each day, and a warning if that is much. It takes at most
    20 seconds and tells how far it came. Nothing is sent or stored; a disabled monitor can be
    tested too. Two tests of a network run at once, beside the live path.
    """
    monitor = found(await call.read(lambda tx: get_monitor(tx, call.project, id)), "monitor")
    trial = call.context.trials.get(body.network)
    if trial is None or body.network not in monitor.networks:
        watched = ", ".join(name for name in monitor.networks if name in call.context.trials)
        raise _refused(Conflict, "/network", f"this monitor can be tested on {watched or 'none'}")
    if body.transaction is not None:
        tried = await _while_connected(call, trial.transaction(monitor, body.transaction))
        if tried is None:
            raise NotFound(f"no node of {body.network} knows this transaction")
        if tried == "pending":
            raise Conflict("this transaction is pending: it is in no block yet")
        return await _of_transaction(call, monitor, tried)
    return await _of_blocks(
        call, monitor, await _while_connected(call, _blocks(trial, monitor, body))
    )


async def _blocks(trial: Trial, monitor: Monitor, body: TrialBody) -> TriedBlocks:
    assert body.from_block is not None
    head = await trial.head()
    last = head if body.to_block is None else body.to_block
    for name, height in (("from_block", body.from_block), ("to_block", last)):
        if height > head:
            raise _refused(Conflict, f"/{name}", f"above {head}, the newest block")
    if body.from_block > last:
        raise _refused(Invalid, "/from_block", f"above to_block, {last}")
    asked = range(body.from_block, last + 1)
    if len(asked) > MOST_TRIED_BLOCKS:
        detail = f"{len(asked)} blocks from from_block on; the limit is {MOST_TRIED_BLOCKS}"
        raise _refused(Invalid, "/to_block", detail)
    return await trial.blocks(monitor, asked)


def _refused(kind: type[Conflict] | type[Invalid], pointer: str, detail: str) -> Conflict | Invalid:
    mistake = Mistake(pointer, detail)
    return kind(summary([mistake]), [mistake])


async def _while_connected(call: Call, work: Coroutine[Any, Any, T]) -> T:
    """Return what comes of work that stops when nobody waits for its answer any more."""
    working = asyncio.create_task(work, name="trial")
    try:
        while not working.done():
            await asyncio.wait([working], timeout=GONE_SECONDS)
            transport = call.request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the client has gone")
        return working.result()
    finally:
        await cut_off([working])


async def _of_transaction(call: Call, monitor: Monitor, tried: TriedTransaction) -> TrialAnswer:
    scene = tried.scene
    header, transaction = scene.block.header, scene.transaction
    told: TriedTransactionAnswer = {
        "hash": transaction.hash,
        "block": {
            "number": header.number,
            "hash": header.hash,
            "timestamp": rfc3339(header.timestamp * 1000),
        },
        "from_address": transaction.sender,
        "to_address": transaction.to,
        "value": str(int(transaction.value, 16)),
        "status": "success" if scene.receipt.succeeded else "failed",
        "rules": [_rule(place, rule) for place, rule in enumerate(tried.rules)],
    }
    count = len(tried.matches)
    return await _answer(call, monitor, scene.network, tried.matches, count, told, None)


async def _of_blocks(call: Call, monitor: Monitor, tried: TriedBlocks) -> TrialAnswer:
    first, last = (one.number for one in tried.headers) if tried.headers else tried.looked_at
    per_day = tried.per_day
    told: TriedBlocksAnswer = {
        "from_block": first,
        "to_block": last,
        "complete": tried.complete,
        "seconds": tried.seconds,
        "matches_per_day": None if per_day is None else round(per_day, 1),
        "days": [
            {"date": date, "blocks": blocks, "matches": matches}
            for date, (blocks, matches) in tried.days.items()
        ],
        "undecoded": tried.tally.undecoded,
        "condition_errors": tried.tally.condition_errors,
        "warning": _warning(tried, monitor),
    }
    return await _answer(call, monitor, tried.network, tried.matches, tried.count, None, told)


def _warning(tried: TriedBlocks, monitor: Monitor) -> str | None:
    sentences = []
    per_day = round(tried.per_day or 0)
    if per_day > NOISY_PER_DAY:
        sent = per_day * len(monitor.endpoints) * len(monitor.notify)
        deliveries = f", which is up to {sent:,} deliveries" if sent else ""
        sentences.append(
            f"about {per_day:,} matches a day{deliveries}: name contracts, or raise an amount in "
            "`where`"
        )
    if tried.tally.condition_errors:
        sentences.append(
            f"{tried.tally.condition_errors:,} times a condition had no answer, which is no match: "
            "test one of those transactions to see why"
        )
    return "; ".join(sentences) or None


async def _answer(
    call: Call,
    monitor: Monitor,
    network: str,
    matches: Sequence[Match],
    count: int,
    transaction: TriedTransactionAnswer | None,
    blocks: TriedBlocksAnswer | None,
) -> TrialAnswer:
    shown = matches[:MOST_MATCHES]
    contracts = {match.subject.contract for match in shown if match.subject.contract is not None}
    tokens = await call.read(lambda tx: known_tokens(tx, network, contracts))
    facts = call.context.networks[network]
    return {
        "monitor": monitor.id,
        "network": network,
        "enabled": monitor.enabled,
        "match_count": count,
        "matches": [
            msgspec.json.decode(
                document(
                    match,
                    facts.chain_id,
                    tokens.get(match.subject.contract or "", NOTHING),
                    facts.symbol,
                )
            )
            for match in shown
        ],
        "transaction": transaction,
        "blocks": blocks,
    }


def _rule(place: int, tried: TriedRule) -> TriedRuleAnswer:
    return {
        "rule": place,
        "kind": cast("Kind", tried.rule.kind.value),
        "matches": tried.matched,
        "detail": _in_a_sentence(tried),
        "findings": list(map(_finding, tried.findings)),
        "left_out": tried.looked_at - len(tried.findings),
    }


def _in_a_sentence(tried: TriedRule) -> str:
    if tried.matched:
        return f"matches {tried.matched} of {tried.looked_at}"
    if not tried.findings:
        return "the transaction has no logs"
    nearest = max(tried.findings, key=lambda finding: finding.closeness)
    return "does not match; nearest to it: " + "; ".join(
        reason.detail for reason in nearest.reasons
    )


def _finding(finding: Finding) -> FindingAnswer:
    subject = finding.subject
    log = finding.log
    index = None if log is None else int(log.index, 16)
    args = None
    if subject is not None and subject.abi is not None:
        args = _bounded(to_json(subject.abi.arguments, subject.args))
    contract = subject.contract if subject is not None else None if log is None else log.address
    amount, token_id = (None, None) if subject is None else (subject.amount, subject.token_id)
    return {
        "matches": finding.matches,
        "reasons": [
            {
                "obstacle": cast("Literal['kind']", reason.obstacle.value),
                "detail": reason.detail,
            }
            for reason in finding.reasons
        ],
        "direction": cast("Literal['in'] | None", finding.direction and finding.direction.value),
        "address": finding.party,
        "from_address": None if subject is None else subject.sender,
        "to_address": None if subject is None else subject.receiver,
        "contract": contract,
        "amount": None if amount is None else str(amount),
        "token_id": None if token_id is None else str(token_id),
        "args": args,
        "log_index": index,
        "item": None if subject is None else subject.item,
        "where": None if finding.where is None else _where(finding.where),
    }


def _where(explained: Explanation) -> WhereAnswer:
    return {
        "outcome": explained.outcome,
        "error": explained.error,
        "parts": [
            {
                "text": part.text,
                "position": part.position,
                "outcome": part.outcome,
                "error": part.error,
                "values": _bounded(part.values),
            }
            for part in explained.parts
        ],
    }


def _bounded(value: Any) -> Any:
    """Return a value as JSON has it, cut where it is long."""
    match value:
        case bool() | None:
            return value
        case int():
            return str(value)
        case str():
            return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
        case dict():
            return {name: _bounded(each) for name, each in value.items()}
        case _:
            items: Iterable[Any] = value
            return [_bounded(each) for each, _ in zip(items, range(LONGEST_LIST), strict=False)]
