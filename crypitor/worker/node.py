"""One JSON-RPC endpoint: asks it for blocks and believes only what proves itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from crypitor.errors import NodeUnavailable
from crypitor.evm.profiles import Level, Profile, profile_of
from crypitor.evm.types import Address, Block, Hash, Header
from crypitor.worker import rpc
from crypitor.worker.arrival import transport_to
from crypitor.worker.block import Raw, contents_of
from crypitor.worker.block import served as read_served
from crypitor.worker.limit import Limit, Rank
from crypitor.worker.proving import proven
from crypitor.worker.rpc import Answer, Call, Tag
from crypitor.worker.sight import Sight
from crypitor.worker.tracing import Traces, traces_call, with_traces

if TYPE_CHECKING:
    from crypitor.worker.transport import Transport

TAGS: tuple[Tag, ...] = ("safe", "finalized")

RECEIPTS = "eth_getBlockReceipts"

NEAR_SECONDS = 0.02
"""A node that answers within this has its block here right after announcing it."""

BATCH_CALLS = 50
"""The most calls in one request; nodes and gateways limit it, the usual limit is 100."""

Observe: TypeAlias = Callable[[str, str, float], None]
"""Told of each call: method, outcome (see `Observer.requested`), seconds."""

Turn: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until what was answered may be read."""


class Node:
    """One endpoint; `async with` opens and closes it.

    url: `http(s)://` or `ws(s)://`.  name: without secrets, for logs and metrics.
    verify: how much a block must prove.  profile: by which rules; by default the chain's.
    limit: of the JSON-RPC calls, shared with others who ask this node; a batch is as many as it
    holds.  rank: who goes first under it.
    traces: how internal transfers are asked for, one more request for each block that has
    transactions.
    arrives: told when a look brings the block at the head, before that is proven; of a node that is
    near also when it announces one.

    head: the newest block that it showed in a look.

    The methods raise NodeUnavailable for whatever keeps a healthy answer from coming, Unproven
    for a block whose parts disagree. The chain id is checked in the first request of every
    connection and after every failure.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        chain_id: int,
        timeout_seconds: float,
        verify: Level,
        profile: Profile | None = None,
        limit: Limit | None = None,
        rank: Rank = Rank.LIVE,
        traces: Traces = "off",
        observe: Observe = lambda _method, _outcome, _seconds: None,
        arrives: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.pushes = url.startswith("ws")
        self._url = url
        self._chain_id = chain_id
        self._profile = profile or profile_of(chain_id)
        self._timeout_seconds = timeout_seconds
        self.verify: Level = verify
        self._limit = limit or Limit(None)
        self._rank = rank
        self._traces: Traces = traces
        self._observe = observe
        self._arrives = arrives
        self._transport: Transport | None = None
        self._checked: int | None = None
        self._last_id = 0
        self._block_receipts = True
        self.requests = 0
        self.failed_requests = 0
        self.latency_seconds: float | None = None
        self.head: Header | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections, within a few seconds."""
        if self._transport is not None:
            await self._transport.close()

    def doubt(self) -> None:
        """Check the chain id again with the next request."""
        self._checked = None

    async def next(self, number: int, *, tags: bool = False, turn: Turn | None = None) -> Sight:
        """Return the head and block `number` with its receipts: one request, one batch.

        tags: whether `safe` and `finalized` are wanted too.
        turn: waited for before the answer is read, where no more has to be asked for.
        """
        wanted = self._block_calls(number)
        head, *rest = await self._ask(
            [
                Call("eth_getBlockByNumber", ("latest", False)),
                *wanted,
                *(Call("eth_getBlockByNumber", (tag, False)) for tag in (TAGS if tags else ())),
            ],
            turn if self._block_receipts and self._traces == "off" else None,
        )
        newest = rpc.header_of(rpc.result_of(head, "eth_getBlockByNumber"))
        if newest is None:
            raise NodeUnavailable("has no latest block")
        self.head = newest
        if number == newest.number and rest[0].served is not None:
            self._arrives()
        block = await self._block(rest[: len(wanted)], number, behind_head=number < newest.number)
        safe, finalized = rpc.heights_of_tags(rest[len(wanted) :]) or (None, None)
        return Sight(newest, block, safe, finalized, self.name)

    async def block(self, number: int) -> Block | None:
        """Return block `number`, proven; None if the node does not have all of it yet."""
        answers = await self._ask(self._block_calls(number))
        return await self._block(answers, number, behind_head=False)

    async def header(self, block_hash: Hash) -> Header | None:
        """Return the header with this hash; None if the node does not know it."""
        header = await self._header(Call("eth_getBlockByHash", (block_hash, False)))
        if header is not None and header.hash != block_hash:
            raise NodeUnavailable(f"asked for block {block_hash}, got {header.hash}")
        return header

    async def header_at(self, place: int | Tag) -> Header | None:
        """Return the header at a height or tag; None if the node has none there."""
        header = await self._header(Call("eth_getBlockByNumber", (_place(place), False)))
        if header is not None and isinstance(place, int):
            _require_number(header, place)
        return header

    async def headers(self, first: int, last: int) -> tuple[Header, ...]:
        """Return the headers from `first` to `last`, in batches, so they need not be linked.

        Shorter at the beginning where the node has forgotten old blocks; empty if it does not
        have the last one.
        """
        headers: list[Header] = []
        for start in range(first, last + 1, BATCH_CALLS):
            numbers = range(start, min(start + BATCH_CALLS, last + 1))
            answers = await self._ask(
                [Call("eth_getBlockByNumber", (_place(number), False)) for number in numbers]
            )
            for number, answer in zip(numbers, answers, strict=True):
                header = rpc.header_of(rpc.result_of(answer, "eth_getBlockByNumber"))
                if header is None:
                    headers.clear()
                else:
                    headers.append(_require_number(header, number))
        return tuple(headers)

    async def blooms(self, first: int, last: int) -> tuple[rpc.Bloomed, ...]:
        """Return the headers from `first` to `last` with their blooms, in one request.

        At most BATCH_CALLS of them. Where a bloom proves nothing, all its bits are set. Raises
        NodeUnavailable if the node lacks one.
        """
        numbers = range(first, last + 1)
        answers = await self._ask(
            [Call("eth_getBlockByNumber", (_place(number), False)) for number in numbers]
        )
        found = []
        for number, answer in zip(numbers, answers, strict=True):
            bloomed = rpc.bloomed_of(rpc.result_of(answer, "eth_getBlockByNumber"))
            if bloomed is None:
                raise NodeUnavailable(f"has no block {number}")
            _require_number(bloomed.header, number)
            is_proof = self._profile.blooms_at(number)
            found.append(bloomed if is_proof else rpc.Bloomed(bloomed.header, rpc.ALL_BITS))
        return tuple(found)

    async def logs(
        self, first: int, last: int, filters: Sequence[Mapping[str, object]]
    ) -> frozenset[int] | None:
        """Return the heights from `first` to `last` with a log that passes one of the filters.

        filters: of eth_getLogs, without a range. None where the node refuses, whatever its words
        are: the range may be too long for it. The last block is asked for in the same request, so
        that a node which does not have it cannot answer that nothing is there.
        """
        place = {"fromBlock": _place(first), "toBlock": _place(last)}
        answers = await self._ask(
            [
                Call("eth_getBlockByNumber", (_place(last), False)),
                *(Call("eth_getLogs", ({**one, **place},)) for one in filters),
            ]
        )
        if rpc.is_null(rpc.result_of(answers[0], "eth_getBlockByNumber")):
            raise NodeUnavailable(f"has no block {last}")
        if any(answer.error for answer in answers[1:]):
            return None
        heights = {
            height
            for answer in answers[1:]
            for height in rpc.heights_of(rpc.result_of(answer, "eth_getLogs"))
        }
        if any(not first <= height <= last for height in heights):
            raise NodeUnavailable(f"logs from outside of the blocks {first} to {last}")
        return frozenset(heights)

    async def heads(self) -> AsyncIterator[Header]:
        """Yield each new head as the node announces it; only where `pushes`.

        Some may be left out. Raises NodeUnavailable when the connection is lost.
        """
        [answer] = await self._ask([Call("eth_subscribe", ("newHeads",))])
        subscription = rpc.text_of(rpc.result_of(answer, "eth_subscribe"))
        transport = await self._opened()
        if await transport.connect() != self._checked:
            raise NodeUnavailable("connection lost")
        async for notification in transport.news():
            source, news = rpc.news_of(notification)
            header = rpc.header_of(news) if source == subscription else None
            if header is not None:
                if self.latency_seconds is not None and self.latency_seconds < NEAR_SECONDS:
                    self._arrives()
                yield header

    async def call(self, contract: Address, data: str, block: int | Tag) -> str | None:
        """Return what a contract returns when it is called, as 0x-hex; None where it reverts."""
        [answer] = await self._ask(
            [Call("eth_call", ({"to": contract, "data": data}, _place(block)))]
        )
        if answer.contract_fails:
            return None
        return rpc.text_of(rpc.result_of(answer, "eth_call"))

    async def height_of(self, transaction: Hash) -> int | Literal["pending"] | None:
        """Return the height of the block with a transaction; None if the node does not know it."""
        [answer] = await self._ask([Call("eth_getTransactionByHash", (transaction,))])
        return rpc.height_of(rpc.result_of(answer, "eth_getTransactionByHash"), transaction)

    def _block_calls(self, number: int) -> list[Call]:
        calls = [Call("eth_getBlockByNumber", (_place(number), True))]
        if self._block_receipts:
            calls.append(Call(RECEIPTS, (_place(number),)))
        return calls

    async def _block(
        self, answers: Sequence[Answer], number: int, *, behind_head: bool
    ) -> Block | None:
        """Return the block out of the answers to `_block_calls`, proven.

        A node may show a block before its receipts; below the head that is a fault.
        """
        served, index = answers[0].served, None
        if served is None:
            raw_block = rpc.result_of(answers[0], "eth_getBlockByNumber")
            if rpc.is_null(raw_block):
                return None
            raw_receipts, index = await self._receipts(answers, raw_block)
            if raw_receipts is None:
                if behind_head:
                    raise NodeUnavailable(f"has block {number}, but not its receipts")
                return None
            served = read_served(raw_block, raw_receipts)
        _require_number(served.seal.header, number)
        await asyncio.sleep(0)  # reading took as long as proving will: others may go between
        served = proven(served, self.verify, self._profile, self.name)
        if index is not None:
            rpc.require_agreement(served, index)
        return await self._traced(served.block)

    async def _receipts(
        self, answers: Sequence[Answer], raw_block: Raw
    ) -> tuple[Raw | None, Raw | None]:
        """Return the block's receipts, None while one is missing; and its logs by the index."""
        if len(answers) > 1 and answers[1].missing_method:
            self._block_receipts = False
        if self._block_receipts and len(answers) > 1:
            together = rpc.NULL if answers[1].not_yet else rpc.result_of(answers[1], RECEIPTS)
            return (None if rpc.is_null(together) else together), None
        single, index = await self._single_receipts(raw_block)
        if self._profile.may_lack_receipts:
            single = [receipt for receipt in single if not rpc.is_null(receipt)]
        missing = any(rpc.is_null(receipt) for receipt in single)
        return (None if missing else rpc.joined(single)), index

    async def _traced(self, block: Block) -> Block:
        """Return the block with its internal transfers, where they are wanted."""
        if self._traces == "off" or not block.transactions:
            return block
        [answer] = await self._ask([traces_call(block, self._traces)])
        return with_traces(block, self._traces, answer)

    async def _single_receipts(self, raw_block: Raw) -> tuple[list[Raw], Raw | None]:
        """Return the receipts one by one, and the block's logs as the node's index has them.

        The index is asked for where no root proves that the receipts have all logs.
        """
        block_hash, hashes = contents_of(raw_block)
        calls = [Call("eth_getTransactionReceipt", (one,)) for one in hashes]
        if self.verify != "receipts":
            calls.append(Call("eth_getLogs", ({"blockHash": block_hash},)))
        answers: list[Answer] = []
        for start in range(0, len(calls), BATCH_CALLS):
            answers += await self._ask(calls[start : start + BATCH_CALLS])
        singles = [rpc.result_of(one, calls[0].method) for one in answers[: len(hashes)]]
        if len(answers) == len(hashes) or answers[-1].missing_method:
            return singles, None
        return singles, rpc.result_of(answers[-1], "eth_getLogs")

    async def _header(self, call: Call) -> Header | None:
        [answer] = await self._ask([call])
        return rpc.header_of(rpc.result_of(answer, call.method))

    async def _ask(self, calls: Sequence[Call], turn: Turn | None = None) -> list[Answer]:
        """Make the calls in one request and return their answers, errors among them, in order."""
        made = list(calls)
        transport = await self._opened()
        connection = None
        await self._limit.turn(len(made), self._rank)
        started = time.perf_counter()
        try:
            self.requests += 1
            async with asyncio.timeout(self._timeout_seconds):
                connection = await transport.connect()
                if connection != self._checked:
                    made.insert(0, Call("eth_chainId"))
                    self._limit.also(1)
                ids = range(self._last_id + 1, self._last_id + 1 + len(made))
                self._last_id = ids[-1]
                read = await transport.exchange(rpc.encode(made, ids), ids)
            seconds = time.perf_counter() - started
            if turn is not None:
                await turn()
            answers = rpc.in_order(read(), ids)
        except TimeoutError as late:
            self._count(made, ["timeout"] * len(made), time.perf_counter() - started)
            self._checked = None
            if connection is not None:
                await transport.renew(connection)
            raise NodeUnavailable(f"no answer within {self._timeout_seconds:g} s") from late
        except NodeUnavailable:
            self._count(made, ["failed"] * len(made), time.perf_counter() - started)
            self._checked = None
            raise
        self._count(made, ["error" if answer.error else "ok" for answer in answers], seconds)
        if len(made) > len(calls):
            self._require_chain(answers.pop(0))
            self._checked = connection
        return answers

    async def _opened(self) -> "Transport":
        if self._transport is None:
            opened = await transport_to(self._url)
            self._transport = self._transport or opened  # another call may have been faster
        return self._transport

    def _require_chain(self, answer: Answer) -> None:
        chain_id = rpc.quantity_of(rpc.result_of(answer, "eth_chainId"))
        if chain_id != self._chain_id:
            raise NodeUnavailable(f"its chain id is {chain_id}, not {self._chain_id}")

    def _count(self, calls: Sequence[Call], outcomes: Sequence[str], seconds: float) -> None:
        before = self.latency_seconds
        self.latency_seconds = seconds if before is None else before + (seconds - before) / 8
        self.failed_requests += outcomes[0] in {"timeout", "failed"}
        for call, outcome in zip(calls, outcomes, strict=True):
            self._observe(call.method, outcome, seconds)


def _place(place: int | Tag) -> str:
    return hex(place) if isinstance(place, int) else place


def _require_number(header: Header, number: int) -> Header:
    if header.number != number:
        raise NodeUnavailable(f"asked for block {number}, got {header.number}")
    return header
