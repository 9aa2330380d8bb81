"""One request: who asks, and how its change is made exactly once."""

import contextlib
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

import msgspec
import structlog
from aiohttp import web

from crypitor.api.serving.actions import action_of
from crypitor.api.serving.context import Context
from crypitor.api.serving.errors import REQUEST_ID
from crypitor.api.serving.guard import headers_of
from crypitor.api.serving.pages import Pages
from crypitor.database.audit import Actor, Deed, record_deed
from crypitor.database.engine import Transaction, waiting_from_now
from crypitor.database.idempotency import Repeatable, claim, given_answer, keep_answer
from crypitor.database.ids import RANDOM_BYTES, new_id
from crypitor.database.keys import Caller
from crypitor.database.limits import keep_limits
from crypitor.database.monitors import Edit, record_changes
from crypitor.database.networks import next_blocks
from crypitor.errors import CallerError, Conflict, Gone, Invalid, NotFound
from crypitor.runtime.thrown import Thrown

T = TypeVar("T")
Checked = TypeVar("Checked")
Answer = TypeVar("Answer")
Effect = Callable[[], Awaitable[None]]

MOST_TRIES = 10

KEY_HEADER = "Idempotency-Key"
REPEATED_HEADER = "Idempotency-Replayed"

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change(Generic[Answer]):
    """What a unit of work did.

    effect: brings what is in memory in step, once the change is committed.
    kept: the answer for repetitions, where it is not the same.
    before: what was there, for the audit; what is there after it is the answer, unless `after` says
    something else. subject, project: of what was changed, where it is not in path, answer or call.
    grows: limits of the project of which more is used by now.
    """

    answer: Answer
    effect: Effect | None = None
    kept: Answer | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    subject: str | None = None
    project: str | None = None
    grows: Sequence[str] = ()


Unit: TypeAlias = Callable[[Transaction], Awaitable[Change[Answer]]]


class _ChangedMeanwhile(Exception):
    """What was read has been changed before it was locked."""


@dataclass(slots=True)
class Call:
    """One request to one operation. headers: of its answer. pages: of an operation that lists."""

    context: Context
    request: web.Request
    caller: Caller | None
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    pages: Pages | None = None
    _next_blocks: Mapping[str, int] = field(default_factory=dict)

    @property
    def who(self) -> Caller:
        """The caller of an operation that needs a key."""
        assert self.caller is not None
        return self.caller

    @property
    def project(self) -> str:
        """The project whose things can be seen; every query takes it."""
        return self.who.project_id

    def new_id(self, prefix: str) -> str:
        """Return an id for something made now, which lists have before all that was made so far."""
        at = self.context.ids.at(self.context.clock())
        return new_id(prefix, at, self.context.random_bytes(RANDOM_BYTES))

    def armed_from(self, networks: Iterable[str]) -> dict[str, int | None]:
        """Return from which block on a change that has taken effect is in force."""
        if self.context.index is None:
            return {network: self._next_blocks.get(network) for network in networks}
        return {network: self.context.armed_from(network) for network in networks}

    async def see_blocks(self, tx: Transaction) -> None:
        """Note which blocks come next, for `armed_from`, where matchers may be elsewhere."""
        if self.context.index is None:
            self._next_blocks = await next_blocks(tx)

    async def record_changes(
        self, tx: Transaction, monitor_ids: Sequence[str], edit: Edit | None = None
    ) -> None:
        """Note that these monitors changed; call it last. edit: as in the database's.

        Until this unit is committed no block is, so that the next ones are matched with the change.
        """
        # With the index in this process nobody reads what was edited.
        await record_changes(tx, monitor_ids, edit if self.context.index is None else None)
        await self.see_blocks(tx)

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, brief: bool = False) -> T:
        """Run a unit of work that only reads. brief: see the database's."""
        if self.pages is not None:
            return await self.pages.read(self.context, work)
        return await self.context.database.read(work, at_once=True, brief=brief)

    async def change(self, work: Callable[[Transaction], Awaitable[Change[Answer]]]) -> Answer:
        """Make a change and what follows from it; once only for one Idempotency-Key.

        The effect begins at the return from the commit, without an await before it.
        """
        repeatable = self.repeatable(hashlib.sha256(await self.request.read()))
        actor = self.actor  # the unit runs in another thread

        async def unit(tx: Transaction) -> Change[Answer] | str:
            if repeatable is not None:
                given = await claim(tx, repeatable, self.context.clock())
                if given is not None:
                    await self.see_blocks(tx)
                    return given
                self.refuse_lost_key()
            change = await work(tx)
            await self.keep_limits(tx, change.grows)
            await self._record(tx, actor, change)
            if repeatable is not None:
                kept = change.answer if change.kept is None else change.kept
                await keep_answer(tx, repeatable, self.status, msgspec.json.encode(kept).decode())
            return change

        change = await self.context.write(unit)
        self.note_key()
        if isinstance(change, str):
            self.headers[REPEATED_HEADER] = "true"
            return cast("Answer", msgspec.json.decode(change))
        if change.effect is not None:
            await change.effect()
        return change.answer

    async def change_as_read(
        self,
        read: Callable[[Transaction], Awaitable[T]],
        check: Callable[[T], Awaitable[Checked]],
        lock: Callable[[Transaction], Awaitable[T]],
        work: Callable[[Transaction, T, Checked], Awaitable[Change[Answer]]],
        run: Callable[[Unit[Answer]], Awaitable[Answer]],
        *,
        same: Callable[[T], object],
    ) -> Answer:
        """Make a change of what is checked before its unit of work: checks may take their time.

        read: what is to be changed. check: what that becomes, or raises. lock: reads it again, so
        that nobody changes it meanwhile; where somebody has, all is done anew. run: runs the unit,
        as `change` does. same: of what is read, what the checks depend on.
        """
        for _ in range(MOST_TRIES):
            before, checked, refused = None, None, None
            try:
                before = await self.read(read)
                checked = await check(before)
            except CallerError as error:
                refused = Thrown(error)

            async def unit(
                tx: Transaction,
                before: T | None = before,
                checked: Checked | None = checked,
                refused: Thrown | None = refused,
            ) -> Change[Answer]:
                if refused is not None:  # now, as a repeated request gets the answer it got before
                    refused.again()
                locked = await lock(tx)
                if same(locked) != same(cast("T", before)):
                    raise _ChangedMeanwhile
                return await work(tx, locked, cast("Checked", checked))

            with contextlib.suppress(_ChangedMeanwhile):
                return await run(unit)
        raise Conflict("this is being changed by others again and again")

    async def change_monitors(
        self,
        monitor_id: str | None,
        work: Callable[[Transaction], Awaitable[Change[Answer]]],
    ) -> Answer:
        """Make a change of one monitor, which is noted, or of any where it is None; as `change`.

        Such changes take effect in the order in which they were committed.
        """

        async def noted(tx: Transaction) -> Change[Answer]:
            change = await work(tx)
            if monitor_id is not None:
                await self.record_changes(tx, [monitor_id])
            return change

        with waiting_from_now():
            async with self.context.changing.turn(monitor_id):
                return await self.change(noted)

    @property
    def actor(self) -> Actor:
        """Who asks, for the audit."""
        return Actor("api", self.who.key_id, self.request.remote, self.request_id)

    @property
    def request_id(self) -> str:
        """The id of this request, which its answer has too."""
        return str(structlog.contextvars.get_contextvars().get("request_id", ""))

    def deed(
        self,
        subject: str | None,
        after: Mapping[str, Any] | None,
        before: Mapping[str, Any] | None = None,
        project: str | None = None,
    ) -> Deed:
        """Return what this request does, for the audit; its operation says what it is called."""
        resource = self.request.match_info.route.resource
        action = action_of(self.request.method, resource.canonical if resource else "")
        return Deed(project or self.project, action, subject, before, after)

    async def read_secret(self, work: Callable[[Transaction], Awaitable[T]], subject: str) -> T:
        """Run a unit of work that reads a secret, and keep who did so."""
        actor = self.actor

        async def unit(tx: Transaction) -> T:
            result = await work(tx)
            await record_deed(tx, actor, self.deed(subject, None), self.context.clock())
            return result

        return await self.context.write(unit)

    async def keep_limits(self, tx: Transaction, names: Sequence[str]) -> None:
        """Raise Conflict where the project has more by now than it may; see the database's."""
        if names:
            context = self.context
            await keep_limits(tx, self.project, context.limits, names, context.clock())

    async def _record(self, tx: Transaction, actor: Actor, change: Change[Any]) -> None:
        """Keep in the same transaction who made a change, of what, and how."""
        answer = change.answer if isinstance(change.answer, Mapping) else {}
        after = change.after
        if after is None and answer and not answer.get("deleted"):
            after = answer
        subject = change.subject or self.request.match_info.get("id") or answer.get("id")
        deed = self.deed(subject, after, change.before, change.project)
        await record_deed(tx, actor, deed, self.context.clock())

    async def once(self, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do what is no unit of work, and keep who did it.

        For an Idempotency-Key that was answered, answer the same.
        """
        repeatable = self.repeatable(hashlib.sha256(await self.request.read()))
        if repeatable is None:
            answer = await make()
            actor = self.actor
            await self.context.write(lambda tx: self._record(tx, actor, Change(answer)))
            return answer
        given = await self.read(lambda tx: given_answer(tx, repeatable))
        if not given:
            self.refuse_lost_key()
            answer = await make()
            actor = self.actor
            given = await self.context.write(lambda tx: self._keep(tx, repeatable, answer, actor))
            self.note_key()
            if given is None:
                return answer
        self.headers[REPEATED_HEADER] = "true"
        return cast("Answer", msgspec.json.decode(given))

    async def _keep(
        self, tx: Transaction, repeatable: Repeatable, answer: object, actor: Actor
    ) -> str | None:
        given = await claim(tx, repeatable, self.context.clock())
        if given is None:
            await self._record(tx, actor, Change(answer))
            text = msgspec.json.encode(answer).decode()
            await keep_answer(tx, repeatable, self.status, text)
        return given

    def refuse_lost_key(self) -> None:
        """Raise Gone for an Idempotency-Key that was answered, of which the database knows nothing.

        Call it when the database does not know the key.
        """
        key = self.request.headers.get(KEY_HEADER)
        if key and self.context.given.knows_key(self.project, key, self.context.clock()):
            raise Gone(
                f"this {KEY_HEADER} was answered in a time that the database has lost: an older"
                " copy of it was put back; look whether what was asked for is there, and if not,"
                " ask with another key"
            )

    def note_key(self) -> None:
        """Remember, outside of the database, that the Idempotency-Key has its answer."""
        key = self.request.headers.get(KEY_HEADER)
        if key:
            self.context.given.note_key(self.project, key, self.context.clock())

    def repeatable(self, body: Any) -> Repeatable | None:
        """Return what makes this request the same as another; body: a SHA-256 of its body."""
        key = self.request.headers.get(KEY_HEADER)
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise Invalid(f"{KEY_HEADER} has to be 1 to 255 visible ASCII characters")
        request = f"{self.request.method} {self.request.path_qs} {body.hexdigest()}"
        return Repeatable(self.project, key, hashlib.sha256(request.encode()).hexdigest())


def begun(call: Call) -> dict[str, str]:
    """Return the headers of an answer that begins before it is whole."""
    return {
        **headers_of(call.request, call.context.front),
        **call.headers,
        REQUEST_ID: call.request_id,
    }


def found(thing: T | None, word: str) -> T:
    """Return what was looked for. Raises NotFound."""
    if thing is None:
        raise NotFound(f"there is no such {word}")
    return thing
