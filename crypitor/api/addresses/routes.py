"""The addresses of a monitor: up to a million in one call, in three forms."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec

from crypitor.api.addresses.answer import (
    AddedAnswer,
    AddressPage,
    LabelledAddress,
    RemovedAnswer,
)
from crypitor.api.addresses.examples import EXAMPLES
from crypitor.api.addresses.query import AddressQuery
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import KEY_HEADER, REPEATED_HEADER, Call, found
from crypitor.api.serving.entries import CSV, JSON, NDJSON, Intake, read_entries
from crypitor.api.serving.ordering import in_order
from crypitor.api.serving.routing import Routes
from crypitor.api.serving.streams import SMALL_BYTES, UPLOADS
from crypitor.database.addresses import (
    add_addresses,
    get_label,
    list_addresses,
    remove_addresses,
)
from crypitor.database.audit import Actor, amend_deed, record_deed
from crypitor.database.engine import Transaction, waiting_from_now
from crypitor.database.idempotency import claim, given_answer, is_known, keep_answer
from crypitor.database.keys import Scope
from crypitor.database.monitors import Edit, get_monitor, lock_monitor
from crypitor.errors import (
    MOST_MISTAKES,
    CallerError,
    Conflict,
    Invalid,
    Mistake,
    NotFound,
    NothingTaken,
)
from crypitor.evm.address import parse_address
from crypitor.evm.types import Address
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import Monitor

routes = Routes("Monitors", EXAMPLES, "mo_")

READ_AHEAD = 200_000
"""How many entries are read before they are ordered and stored. Of a million that come in random
order each chunk then touches a fifth of the table's pages, not all; it costs some 10 MB meanwhile.
"""

FIRST_TOLD = 20
"""How many addresses an entry of the audit names; of the rest it has the count."""

STORED_AT_ONCE = 1_000
"""How many of them are one unit of work: some 8 ms, so that blocks take effect in between."""

MEDIA = (JSON, CSV, NDJSON)
PATH = "/v1/monitors/{id}/addresses"

Pairs = dict[Address, str | None]
Take = Callable[[Call, str, Pairs, "Taken"], Awaitable[int]]
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Taken:
    """What became of a stream.

    changed, unchanged: valid entries that did and did not matter. entry: of the audit, None before
    the first chunk; recorded, first: what it tells of, how many addresses and the first of them.
    """

    intake: Intake
    networks: tuple[str, ...]
    changed: int = 0
    unchanged: int = 0
    entry: int | None = None
    recorded: int = 0
    first: tuple[Address, ...] = ()

    async def record(
        self, tx: Transaction, call: Call, actor: Actor, monitor_id: str, chunk: Sequence[Address]
    ) -> int:
        """Keep in the audit what a chunk changed; all chunks of a call have one entry."""
        first = (*self.first, *chunk)[:FIRST_TOLD]
        after = {"count": self.recorded + len(chunk), "addresses": list(first)}
        if self.entry is not None:
            await amend_deed(tx, self.entry, after)
            return self.entry
        deed = call.deed(monitor_id, after)
        return await record_deed(tx, actor, deed, call.context.clock())

    def note(self, entry: int, chunk: Sequence[Address]) -> None:
        """Remember what was committed."""
        self.entry, self.first = entry, (*self.first, *chunk)[:FIRST_TOLD]
        self.recorded += len(chunk)


@routes.add("POST", PATH, scope=Scope.WRITE, media=MEDIA, problems=(409, 413, 422, 429))
async def add_monitor_addresses(call: Call, id: str) -> AddedAnswer:  # noqa: A002 - as in the path
    """Add addresses to a monitor, up to 1,000,000 in one call.

    As JSON, as CSV (`address[,label]`, or the columns that a header line names, set apart by `,`,
    `;` or a tab) or as NDJSON (an address or an object a line). Every valid one is taken, those
    that are not are listed; 422 where none of them is valid, and for CSV without any. One that is
    watched already is not
    counted again and takes the new label, if there is one. What was taken before a mistake in the
    whole, or before the connection broke, stays; the call can be repeated.
    """

    async def answer(seen: Callable[[bytes], object]) -> AddedAnswer:
        taken = await _take_stream(call, id, _add, seen)
        return {
            "added": taken.changed,
            "already_present": taken.unchanged,
            "invalid": taken.intake.invalid,
            "invalid_count": taken.intake.invalid_count,
            "armed_from": call.armed_from(taken.networks),
        }

    return await _once(call, answer)


@routes.add("DELETE", PATH, scope=Scope.WRITE, media=MEDIA, problems=(409, 413, 422, 429))
async def remove_monitor_addresses(call: Call, id: str) -> RemovedAnswer:  # noqa: A002
    """Remove addresses from a monitor: the same bodies as for adding; labels do not matter."""

    async def answer(seen: Callable[[bytes], object]) -> RemovedAnswer:
        taken = await _take_stream(call, id, _remove, seen)
        return {
            "removed": taken.changed,
            "not_present": taken.unchanged,
            "invalid": taken.intake.invalid,
            "invalid_count": taken.intake.invalid_count,
            "armed_from": call.armed_from(taken.networks),
        }

    return await _once(call, answer)


@routes.add("GET", PATH, scope=Scope.READ, addresses=True)
async def read_monitor_addresses(call: Call, id: str, query: AddressQuery) -> AddressPage:  # noqa: A002
    """List the addresses of a monitor, in their own order; empty where it watches any address."""
    prefix = (query.search or "0x").lower()

    async def unit(tx: Transaction) -> list[Labelled]:
        cursor = (query.cursor or "").lower()
        found(await get_monitor(tx, call.project, id), "monitor")
        return await list_addresses(tx, id, query.limit + 1, prefix=prefix, cursor=cursor)

    pairs = await call.read(unit)
    shown = pairs[: query.limit]
    return {
        "data": [{"address": address, "label": label} for address, label in shown],
        "next_cursor": shown[-1][0] if len(pairs) > query.limit else None,
    }


@routes.add("GET", PATH + "/{address}", scope=Scope.READ, addresses=True)
async def read_monitor_address(call: Call, id: str, address: str) -> LabelledAddress:  # noqa: A002
    """Read one address of a monitor, to see whether it is watched."""
    try:
        parsed = parse_address(address)
    except ValueError as error:
        raise Invalid(f"the address in the path: {error}") from error

    async def unit(tx: Transaction) -> tuple[bool, str | None]:
        found(await get_monitor(tx, call.project, id), "monitor")
        return await get_label(tx, id, parsed)

    watched, label = await call.read(unit)
    if not watched:
        raise NotFound("this monitor does not watch that address")
    return {"address": parsed, "label": label}


async def _take_stream(
    call: Call, monitor_id: str, take: Take, seen: Callable[[bytes], object]
) -> Taken:
    """Read the body and take it in chunks, each of which is in force when it is committed.

    seen: hears every byte. What has been read when the body turns out wrong is taken.
    """

    async def unit(tx: Transaction) -> Monitor | None:
        await call.see_blocks(tx)
        return await get_monitor(tx, call.project, monitor_id)

    monitor = found(await call.read(unit), "monitor")
    _refuse_any(monitor)
    taken = Taken(Intake(), monitor.networks)

    async def take_all() -> None:
        pairs = taken.intake.handed_over()
        try:
            for chunk in in_order(pairs, STORED_AT_ONCE):
                await call.context.give_way()
                if chunk is None:
                    continue
                # The key may have been revoked since the last chunk.
                await call.request.app[DOOR].admit(call.request, Scope.WRITE)
                changed = await take(call, monitor_id, chunk, taken)
                taken.changed += changed
                taken.unchanged += len(chunk) - changed
        finally:
            taken.unchanged += pairs.repeated
            pairs.clear()

    request = call.request
    try:
        async for _ in read_entries(request.content, request.content_type, taken.intake, seen):
            if len(taken.intake.pairs) >= READ_AHEAD:
                await take_all()
            await call.context.give_way()
    except CallerError as error:
        await take_all()
        error.detail += f" (before that, {taken.changed + taken.unchanged} were taken)"
        raise
    except BaseException:
        taken.intake.let_go()
        raise
    await take_all()
    _refuse_nothing(taken, request.content_type)
    return taken


def _refuse_nothing(taken: Taken, media: str) -> None:
    """Raise NothingTaken where all entries are wrong, or a file for people has none.

    Programs may have nothing to add: an empty list of theirs is no mistake.
    """
    intake = taken.intake
    if taken.changed or taken.unchanged:
        return
    if not intake.invalid_count and media == CSV:
        raise NothingTaken("there is no address in it: it is empty, or has a header alone")
    if not intake.invalid_count:
        return
    mistakes = [Mistake(f"/{each['line']}", each["reason"]) for each in intake.invalid]
    first = intake.invalid[0]
    raise NothingTaken(
        f"none of the {intake.invalid_count} entries is an address; the first, at {first['line']}: "
        f"{first['reason']}",
        mistakes[:MOST_MISTAKES],
        intake.invalid_count,
    )


async def _add(call: Call, monitor_id: str, pairs: Pairs, taken: Taken) -> int:
    actor = call.actor

    async def unit(tx: Transaction) -> tuple[Monitor, int, list[Labelled], int]:
        monitor = await _locked(tx, call, monitor_id)
        added = await add_addresses(tx, monitor_id, pairs)
        await call.record_changes(tx, [monitor_id], Edit(added=added.changed))
        if added.added:
            await call.keep_limits(tx, ("addresses",))
        told = [address for address, _ in added.changed]
        entry = await taken.record(tx, call, actor, monitor_id, told)
        return monitor, added.added, added.changed, entry

    context = call.context
    with waiting_from_now():
        async with context.changing.turn(monitor_id):
            monitor, count, changed, entry = await context.write(unit)
            taken.note(entry, [address for address, _ in changed])
            if context.index is not None and monitor.enabled:
                context.index.put(monitor)
                context.index.add_addresses(monitor_id, changed)
    return count


async def _remove(call: Call, monitor_id: str, pairs: Pairs, taken: Taken) -> int:
    actor = call.actor

    async def unit(tx: Transaction) -> tuple[Monitor, list[Address], int]:
        monitor = await _locked(tx, call, monitor_id)
        removed = await remove_addresses(tx, monitor_id, list(pairs))
        await call.record_changes(tx, [monitor_id], Edit(removed=removed))
        return monitor, removed, await taken.record(tx, call, actor, monitor_id, removed)

    context = call.context
    with waiting_from_now():
        async with context.changing.turn(monitor_id):
            monitor, removed, entry = await context.write(unit)
            taken.note(entry, removed)
            if context.index is not None and monitor.enabled:
                context.index.put(monitor)
                context.index.remove_addresses(monitor_id, removed)
    return len(removed)


async def _locked(tx: Transaction, call: Call, monitor_id: str) -> Monitor:
    monitor = found(
        await lock_monitor(tx, call.project, monitor_id, call.context.clock()), "monitor"
    )
    _refuse_any(monitor)
    return monitor


def _refuse_any(monitor: Monitor) -> None:
    if monitor.any_address:
        raise Conflict("this monitor watches any address; give it a list by PATCH first")


async def _once(
    call: Call, make: Callable[[Callable[[bytes], object]], Awaitable[Answer]]
) -> Answer:
    """Return the answer to a stream; for an Idempotency-Key that came before, the one it got.

    A stream is many units of work, so its answer is kept after the last: a repetition of a call
    that was cut off takes what was not taken.
    """
    length = call.request.content_length
    if length is not None and length <= SMALL_BYTES:  # a list like any other body
        return await _once_alone(call, make)
    with call.request.app[UPLOADS].one_more(call.project):
        return await _once_alone(call, make)


async def _once_alone(
    call: Call, make: Callable[[Callable[[bytes], object]], Awaitable[Answer]]
) -> Answer:
    digest = hashlib.sha256()
    context = call.context
    if await call.read(lambda tx: _came_before(tx, call)):
        async for piece in call.request.content.iter_chunked(2**16):
            digest.update(piece)
        same = call.repeatable(digest)
        assert same is not None
        given = await call.read(lambda tx: given_answer(tx, same))
        if given:
            return cast("Answer", _repeated(call, given))
    else:
        call.refuse_lost_key()
    answer = await make(digest.update)
    repeatable = call.repeatable(digest)
    if repeatable is None:
        return answer

    async def keep(tx: Transaction) -> str | None:
        given = await claim(tx, repeatable, context.clock())
        if given is None:
            await keep_answer(tx, repeatable, call.status, msgspec.json.encode(answer).decode())
        return given

    given = await context.write(keep)
    call.note_key()
    return answer if given is None else cast("Answer", _repeated(call, given))


async def _came_before(tx: Transaction, call: Call) -> bool:
    key = call.request.headers.get(KEY_HEADER)
    return bool(key) and await is_known(tx, call.project, str(key), call.context.clock())


def _repeated(call: Call, given: str) -> Any:
    call.headers[REPEATED_HEADER] = "true"
    return msgspec.json.decode(given)
