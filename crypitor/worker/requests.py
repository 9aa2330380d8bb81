"""The requests to one node: which chain it is on, how many calls go in one, how they went."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from crypitor.errors import NodeUnavailable
from crypitor.worker import rpc
from crypitor.worker.arrival import transport_to
from crypitor.worker.batches import Batches, Refused
from crypitor.worker.limit import Limit, Rank
from crypitor.worker.rpc import Answer, Call

if TYPE_CHECKING:
    from crypitor.worker.transport import Transport

PARTS_AT_ONCE = 8
"""Requests side by side, where a node does not take all calls in one."""

Observe: TypeAlias = Callable[[str, str, float], None]
"""Told of each call: method, outcome (see `Observer.requested`), seconds."""

Turn: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until what was answered may be read."""


class Requests:
    """Asks one node.

    batches: how many calls it takes at once.  sent: requests, a batch is one.  failed: those
    without an answer.  latency_seconds: of a request, the newest counting most.

    The chain id is checked in the first request of every connection and after every failure.
    """

    def __init__(
        self,
        url: str,
        *,
        chain_id: int,
        timeout_seconds: float,
        limit: Limit,
        rank: Rank,
        observe: Observe,
    ) -> None:
        self._url = url
        self._chain_id = chain_id
        self._timeout_seconds = timeout_seconds
        self._limit = limit
        self._rank = rank
        self._observe = observe
        self._transport: Transport | None = None
        self._last_id = 0
        self.checked: int | None = None
        self.batches = Batches()
        self.sent = 0
        self.failed = 0
        self.latency_seconds: float | None = None

    async def close(self) -> None:
        """End all connections, within a few seconds."""
        if self._transport is not None:
            await self._transport.close()

    async def ask(self, calls: Sequence[Call], turn: Turn | None = None) -> list[Answer]:
        """Make the calls and return their answers, errors among them, in order.

        In one request, or in as many as the node wants. turn: waited for before the answers are
        read. Raises NodeUnavailable.
        """
        most = self.batches.most(time.monotonic())
        if most is not None and len(calls) > most:
            answers = await self._in_parts(calls, most)
        else:
            try:
                return await self._request(calls, most, turn)
            except Refused as refused:
                if not self.batches.may_be_too_many(refused, time.monotonic()):
                    return _answers_of(refused)
                answers = await self._in_halves(calls, refused)
        if turn is not None:
            await turn()
        return answers

    async def opened(self) -> "Transport":
        """Return the way to the node; nothing need be connected yet."""
        if self._transport is None:
            opened = await transport_to(self._url)
            self._transport = self._transport or opened  # another call may have been faster
        return self._transport

    async def _in_halves(self, calls: Sequence[Call], refused: Refused) -> list[Answer]:
        """Make the calls in requests of half the size, or of half of that, down to single calls."""
        size = refused.calls
        while True:
            size //= 2
            try:
                answers = await self._request(self._first(calls, size), size)
            except Refused as again:
                if size > 1:
                    continue
                self.batches.pointless(time.monotonic())
                raise again from refused
            except NodeUnavailable as trouble:
                both = f"{refused}; asked for less: {trouble}"
                raise NodeUnavailable(both, trouble.retry_after) from trouble
            if size == 1 and refused.answers and answers[0].error:
                self.batches.pointless(time.monotonic())
                return _answers_of(refused)
            self.batches.found(size, refused, time.monotonic())
            return answers + await self._in_parts(calls[len(answers) :], size)

    async def _in_parts(self, calls: Sequence[Call], most: int) -> list[Answer]:
        """Make the calls in requests of this size; the first one alone, as it checks the chain."""
        if not calls:
            return []
        first = self._first(calls, most)
        answers = await self.ask(first)
        gate = asyncio.Semaphore(PARTS_AT_ONCE)

        async def part(start: int) -> list[Answer]:
            async with gate:
                return await self.ask(calls[start : start + most])

        parts = range(len(first), len(calls), most)
        for found in await asyncio.gather(*map(part, parts), return_exceptions=True):
            if isinstance(found, BaseException):
                raise found
            answers += found
        return answers

    def _first(self, calls: Sequence[Call], size: int) -> Sequence[Call]:
        """Return as many calls as go in one request, the check of the chain among them."""
        return calls[: max(size - (self.checked is None), 1)]

    async def _request(
        self, calls: Sequence[Call], most: int | None, turn: Turn | None = None
    ) -> list[Answer]:
        """Make the calls in one request, with the check of the chain if that has room in it."""
        made = list(calls)
        transport = await self.opened()
        connection = None
        await self._limit.turn(len(made), self._rank)
        started = time.perf_counter()
        try:
            self.sent += 1
            async with asyncio.timeout(self._timeout_seconds):
                connection = await transport.connect()
                if connection != self.checked:
                    self._limit.also(1)
                    if most is not None and len(made) >= most:
                        [answer] = await self._read(transport, [Call("eth_chainId")])
                        self._require_chain(answer)
                        self.checked = connection
                    else:
                        made.insert(0, Call("eth_chainId"))
                ids = self._ids(len(made))
                read = await transport.exchange(rpc.encode(made, ids), ids)
            seconds = time.perf_counter() - started
            if turn is not None:
                await turn()
            answers = rpc.in_order(_read(read), ids)
        except TimeoutError as late:
            self._count(made, ["timeout"] * len(made), time.perf_counter() - started)
            self.checked = None
            if connection is not None:
                await transport.renew(connection)
            raise NodeUnavailable(f"no answer within {self._timeout_seconds:g} s") from late
        except NodeUnavailable as trouble:
            self._count(made, ["failed"] * len(made), time.perf_counter() - started)
            self.checked = None
            if isinstance(trouble, Refused):
                trouble.calls = len(made)
            raise
        self._count(made, ["error" if answer.error else "ok" for answer in answers], seconds)
        if len(made) > 1 and all(answer.error for answer in answers):
            self.checked = None
            raise _refused_each(answers, answers[len(made) - len(calls) :])
        self.batches.taken(len(made))
        if len(made) > len(calls):
            self._require_chain(answers.pop(0))
            self.checked = connection
        return answers

    async def _read(self, transport: "Transport", calls: Sequence[Call]) -> list[Answer]:
        self.sent += 1
        ids = self._ids(len(calls))
        read = await transport.exchange(rpc.encode(calls, ids), ids)
        return rpc.in_order(_read(read), ids)

    def _ids(self, count: int) -> range:
        ids = range(self._last_id + 1, self._last_id + 1 + count)
        self._last_id = ids[-1]
        return ids

    def _require_chain(self, answer: Answer) -> None:
        chain_id = rpc.quantity_of(rpc.result_of(answer, "eth_chainId"))
        if chain_id != self._chain_id:
            raise NodeUnavailable(f"its chain id is {chain_id}, not {self._chain_id}")

    def _count(self, calls: Sequence[Call], outcomes: Sequence[str], seconds: float) -> None:
        before = self.latency_seconds
        self.latency_seconds = seconds if before is None else before + (seconds - before) / 8
        self.failed += outcomes[0] in {"timeout", "failed"}
        for call, outcome in zip(calls, outcomes, strict=True):
            self._observe(call.method, outcome, seconds)


def _read(read: Callable[[], Answer | list[Answer]]) -> Answer | list[Answer]:
    """Read an answer; one that cannot be read refuses the request."""
    try:
        return read()
    except NodeUnavailable as unreadable:
        raise Refused(str(unreadable)) from unreadable


def _refused_each(all_answers: Sequence[Answer], answers: Sequence[Answer]) -> Refused:
    """Return the refusal of a request whose calls all got an error."""
    error = all_answers[0].error
    refused = Refused(f"every call failed: {rpc.said(error)}" if error else "every call failed")
    refused.calls, refused.answers = len(all_answers), answers
    return refused


def _answers_of(refused: Refused) -> list[Answer]:
    """Return the errors that each call got, where there are some; else raise the refusal."""
    if refused.answers is None:
        raise refused
    return [*refused.answers]
