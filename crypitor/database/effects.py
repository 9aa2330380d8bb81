"""Matches that a block brings, or moves to a later phase, and the news of them: within a unit."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TypeAlias, TypeVar

import msgspec

from crypitor.database.deliveries import NewDelivery, queue_deliveries
from crypitor.database.engine import Row, Transaction
from crypitor.database.events import NewEvent, event_of, log_events
from crypitor.database.listeners import (
    Heard,
    Listener,
    Recipient,
    heard_of,
    last_heard,
    listeners_of,
)
from crypitor.database.tokens import find_tokens
from crypitor.evm.metadata import NOTHING, Token
from crypitor.evm.types import Address, Header
from crypitor.monitor.models import Confirmations, Match, Phase, delivery_id, placeless_id
from crypitor.monitor.tokens import Kept
from crypitor.webhook.formats import Texts, texts_of
from crypitor.webhook.message import NetworkTitle


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """As of which block something is told.

    title: of the network, for people. now: unix milliseconds.
    """

    network: str
    title: NetworkTitle
    header: Header
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Occasion):
    """What is found in a block.

    matches: each with the confirmations that its monitor, or else its network, requires.
    tokens: what is known of their contracts. unknown: those of which it is not.
    """

    chain_id: int
    matches: Sequence[tuple[Match, Confirmations]]
    tokens: Mapping[Address, Token] = field(default_factory=dict)
    unknown: Collection[Address] = ()


@dataclass(slots=True)
class Saved:
    """What came of it.

    fresh: ids of the matches that were not stored before.
    endpoints: ids of those that have something new to be sent.
    tokens: what the database knows of contracts that were unknown.
    news: to be queued, and events: to be logged, in this order, by `conclude` as the last of the
    unit. heard: who hears by that of which match.
    listeners: of monitors, as they are until the unit ends.
    """

    fresh: set[str] = field(default_factory=set)
    confirmed: int = 0
    reverted: int = 0
    endpoints: set[str] = field(default_factory=set)
    tokens: Mapping[Address, Kept] = field(default_factory=dict)
    news: list[NewDelivery] = field(default_factory=list)
    heard: Heard = field(default_factory=dict)
    events: list[NewEvent] = field(default_factory=list)
    listeners: dict[str, Listener] = field(default_factory=dict)

    @property
    def new_matches(self) -> int:
        """How many matches were not stored before."""
        return len(self.fresh)

    def add(self, more: "Saved") -> None:
        """Count what came of another unit of the same blocks."""
        self.fresh |= more.fresh
        self.confirmed += more.confirmed
        self.reverted += more.reverted
        self.endpoints |= more.endpoints
        self.tokens = {**self.tokens, **more.tokens}


SELECT_STORED = "select id, phase, returns, document, origin from matches where id in {ids}"

NEXT_POSITIONS = """update counters set value = value + :count where name = 'matches'
    returning value"""

INSERT_MATCH = """insert into matches (id, position, project_id, monitor_id, network, kind,
        direction, address, block_number, block_hash, transaction_hash, phase, returns,
        confirm_block, confirm_tag, document, origin, created_at)
    values (:id, :position, :project_id, :monitor_id, :network, :kind,
        :direction, :address, :block_number, :block_hash, :transaction_hash, :phase, :returns,
        :confirm_block, :confirm_tag, :document, :origin, :created_at)"""

RETURN_MATCH = """update matches set phase = 'detected', returns = returns + 1, told_at = :told_at
    where id = :id"""

AT_ONCE = 100
"""Matches of which documents are made without a pause."""


async def hold_positions(tx: Transaction) -> None:
    """Lock the positions of matches, in a unit that tells of others before it stores its own.

    Every unit takes them before those of deliveries: two that take them the other way round would
    wait for each other.
    """
    if tx.dialect == "postgresql":
        await tx.value("select value from counters where name = 'matches' for no key update")


async def store_matches(tx: Transaction, effects: Sequence[Effect], saved: Saved) -> None:
    """Store the matches of blocks of one network that are not stored yet, and note their news."""
    effects = [effect for effect in effects if effect.matches]
    if not effects:
        return
    listeners = saved.listeners = await listeners_of(
        tx, {match.monitor.id for effect in effects for match, _ in effect.matches}
    )
    stored = await _stored(tx, effects)
    found = [
        (effect, _as_stored(match, stored), required)
        for effect in effects
        for match, required in effect.matches
        if match.monitor.id in listeners
    ]
    fresh = [one for one in found if one[1].id not in stored]
    back = [one for one in found if stored.get(one[1].id, {}).get("phase") == "reverted"]
    # What is told of a match is written once: a block that comes back finds it as it was.
    texts = {
        match.id: Texts(stored[match.id]["document"], stored[match.id]["origin"])
        for _, match, _ in back
    }
    if fresh:
        texts |= await _stored_fresh(tx, fresh, saved)
    if back:
        await tx.many(RETURN_MATCH, [(effect.now, match.id) for effect, match, _ in back])
    returns = {match.id: stored[match.id]["returns"] + 1 for _, match, _ in back}
    saved.events += [
        event_of(match.monitor.project_id, match.id, Phase.DETECTED, 1, effect.now)
        for effect, match, _ in (*fresh, *back)
    ]
    heard = await _heard(tx, list(returns), saved)
    told = [one for one in (*fresh, *back) if Phase.DETECTED in listeners[one[1].monitor.id].notify]
    for effect, match, required in told:
        turn = returns.get(match.id, 0)
        tell = partial(
            texts[match.id].body,
            phase=Phase.DETECTED,
            network=effect.title,
            confirmations=1,
            confirmations_required=required,
            now=effect.now,
        )
        for endpoint in listeners[match.monitor.id].endpoints:
            news = NewDelivery(
                id=delivery_id(match.id, Phase.DETECTED, endpoint.id, turn),
                project_id=match.monitor.project_id,
                monitor_id=match.monitor.id,
                match_id=match.id,
                endpoint_id=endpoint.id,
                phase=Phase.DETECTED,
                body=partial(tell, endpoint.form),
                follows=last_heard(heard, match.id, endpoint, turn),
                quiet=listeners[match.monitor.id].quiet,
            )
            _note(saved, match.id, endpoint, news)


async def _stored(tx: Transaction, effects: Sequence[Effect]) -> dict[str, Row]:
    """Return by id which of these matches are stored already."""
    ids = [match.id for effect in effects for match, _ in effect.matches]
    ids += [placeless_id(one) for one in ids]
    rows = await tx.all(SELECT_STORED.format(ids=tx.listed("ids")), ids=json.dumps(ids))
    return {row["id"]: row for row in rows}


def _as_stored(match: Match, stored: Mapping[str, Row]) -> Match:
    """Return a match by the id that it was told with, if that was before ids had a place."""
    id_then = placeless_id(match.id)
    return msgspec.structs.replace(match, id=id_then) if id_then in stored else match


_Found: TypeAlias = tuple[Effect, Match, Confirmations]
_T = TypeVar("_T")


async def _stored_fresh(tx: Transaction, fresh: Sequence[_Found], saved: Saved) -> dict[str, Texts]:
    """Store matches that were not stored before; return by id what is told of each."""
    effects = list({id(effect): effect for effect, _, _ in fresh}.values())
    network, now = effects[-1].network, effects[-1].now
    unknown = {contract for effect in effects for contract in effect.unknown}
    saved.tokens = {**saved.tokens, **await find_tokens(tx, network, unknown, now)}
    found = {at: kept.token for at, kept in saved.tokens.items()}
    last = await tx.value(NEXT_POSITIONS, count=len(fresh))
    saved.fresh.update(match.id for _, match, _ in fresh)
    texts = {}
    positions = count(last - len(fresh) + 1)
    for some in _parts(fresh):
        rows = []
        for effect, match, required in some:
            told = texts[match.id] = _texts(effect, match, found)
            rows.append(_match_row(effect, match, required, told, next(positions)))
        await tx.many(INSERT_MATCH, rows)
    return texts


def _parts(found: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut what is found, so that no more than some milliseconds pass between two statements."""
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


def _texts(effect: Effect, match: Match, found: Mapping[Address, Token]) -> Texts:
    contract = match.subject.contract
    token = NOTHING
    if contract is not None:
        token = found.get(contract) or effect.tokens.get(contract, NOTHING)
    return texts_of(match, effect.chain_id, effect.title, token)


def _match_row(
    effect: Effect, match: Match, required: Confirmations, texts: Texts, position: int
) -> tuple[object, ...]:
    number, tag = (required, None) if isinstance(required, int) else (None, required)
    return (
        match.id,
        position,
        match.monitor.project_id,
        match.monitor.id,
        effect.network,
        match.subject.kind.value,
        match.direction and match.direction.value,
        match.address,
        effect.header.number,
        effect.header.hash,
        "" if match.transaction is None else match.transaction.hash,
        Phase.DETECTED.value,
        0,
        None if number is None else effect.header.number + number - 1,
        tag,
        texts.document,
        texts.origin,
        effect.now,
    )


async def tell(
    tx: Transaction, occasion: Occasion, phase: Phase, rows: Sequence[Row], saved: Saved
) -> None:
    """Move stored matches to a later phase, and tell of it as `tell_moved` does."""
    await tx.many(
        "update matches set phase = :phase, told_at = :told_at where id = :id",
        [(phase.value, occasion.now, row["id"]) for row in rows],
    )
    await tell_moved(tx, occasion, phase, rows, saved)


async def tell_moved(
    tx: Transaction, occasion: Occasion, phase: Phase, rows: Sequence[Row], saved: Saved
) -> None:
    """Note that matches moved to a later phase, as of a block, and the news of it.

    A reverted match is told to those endpoints alone that were told of it before; all else to all
    of its monitor. Monitors that were deleted meanwhile tell nobody. rows: of `ended` also with
    what showed it.
    """
    if not rows:
        return
    saved.events += [
        event_of(
            row["project_id"],
            row["id"],
            phase,
            _depth(occasion, phase, row),
            occasion.now,
            _end(phase, row),
        )
        for row in rows
    ]
    if unknown := {row["monitor_id"] for row in rows} - saved.listeners.keys():
        saved.listeners |= await listeners_of(tx, unknown)
    told = {at: one for at, one in saved.listeners.items() if phase in one.notify}
    for some in _parts([row for row in rows if row["monitor_id"] in told]):
        heard = await _heard(tx, [row["id"] for row in some], saved)
        for row in some:
            _tell(occasion, phase, row, told[row["monitor_id"]], heard, saved)


def _tell(
    occasion: Occasion, phase: Phase, row: Row, listener: Listener, heard: Heard, saved: Saved
) -> None:
    """Note what a stored match's listeners are to be told of a later phase."""
    tell = partial(
        Texts(row["document"], row["origin"]).body,
        phase=phase,
        network=occasion.title,
        confirmations=_depth(occasion, phase, row),
        confirmations_required=_required(row),
        now=occasion.now,
        end=_end(phase, row),
    )
    told = heard.get(row["id"], {})
    for endpoint in sorted(told) if phase is Phase.REVERTED else listener.endpoints:
        news = NewDelivery(
            id=delivery_id(row["id"], phase, endpoint.id, row["returns"]),
            project_id=listener.project_id,
            monitor_id=row["monitor_id"],
            match_id=row["id"],
            endpoint_id=endpoint.id,
            phase=phase,
            body=partial(tell, endpoint.form),
            follows=last_heard(heard, row["id"], endpoint, row["returns"]),
            quiet=listener.quiet,
        )
        _note(saved, row["id"], endpoint, news)


async def _heard(tx: Transaction, match_ids: Sequence[str], saved: Saved) -> Heard:
    """Return who was told of these matches, or is to be within this unit."""
    heard = await heard_of(tx, match_ids)
    for match in saved.heard.keys() & {*match_ids}:
        for endpoint, deliveries in saved.heard[match].items():
            heard.setdefault(match, {}).setdefault(endpoint, set()).update(deliveries)
    return heard


def _note(saved: Saved, match: str, endpoint: Recipient, news: NewDelivery) -> None:
    saved.news.append(news)
    saved.endpoints.add(endpoint.id)
    saved.heard.setdefault(match, {}).setdefault(endpoint, set()).add(news.id)


async def conclude(tx: Transaction, saved: Saved, now: int) -> None:
    """Queue the news of a unit and log its events, when all else of it is done.

    The counters that this takes are held until the commit, and nobody who holds them waits for a
    delivery that somebody else has locked.
    """
    if saved.news:
        await queue_deliveries(tx, saved.news, now)
        saved.news = []
    await log_events(tx, saved.events)


def _end(phase: Phase, row: Row) -> str | None:
    end: str | None = row["ended"] if phase is Phase.ENDED else None
    return end


def _depth(occasion: Occasion, phase: Phase, row: Row) -> int:
    """Return a match's confirmations as of a block; 0 for one that has left the chain."""
    if phase is Phase.REVERTED:
        return 0
    depth: int = occasion.header.number - row["block_number"] + 1
    return depth


def _required(row: Row) -> Confirmations:
    tag: Confirmations | None = row["confirm_tag"]
    if tag is not None:
        return tag
    required: int = row["confirm_block"] - row["block_number"] + 1
    return required
