"""One JSON-RPC endpoint: asks it for blocks and believes only what proves itself."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

from msgspec.structs import replace

from crypitor.errors import NodeUnavailable
from crypitor.evm.multicall import Read
from crypitor.evm.profiles import Level, Profile, profile_of
from crypitor.evm.types import Address, Block, Hash, Header
from crypitor.monitor.needed import Needed
from crypitor.worker import rpc
from crypitor.worker.access_lists import AccessLists
from crypitor.worker.blockreader import BATCH_CALLS, BlockReader, lack_of, place_of, require_number
from crypitor.worker.limit import Limit, Rank
from crypitor.worker.links import Links
from crypitor.worker.requests import Observe, Requests, Turn
from crypitor.worker.rpc import Answer, Call, Tag
from crypitor.worker.sight import Sight
from crypitor.worker.state import StateReader
from crypitor.worker.tracing import Traces

TAGS: tuple[Tag, ...] = ("safe", "finalized")

NEAR_SECONDS = 0.02
"""A node that answers within this has its block here right after announcing it."""


class Node:
    """One endpoint; `async with` opens and closes it.

    url: `http(s)://` or `ws(s)://`.  name: without secrets, for logs and metrics.
    verify: how much a block must prove.  profile: by which rules; by default the chain's.
    limit: of the JSON-RPC calls, shared with others who ask this node; a batch is as many as it
    holds.  rank: who goes first under it.
    traces: how internal transfers are found: "debug" and "trace" are one more request for each
    block that has transactions.
    arrives: told when a look brings the block at the head, before that is proven; of a node that is
    near also when it announces one.
    needed: which receipts of a block; None for all.

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
        needed: Needed | None = None,
    ) -> None:
        self.name = name
        self.pushes = url.startswith("ws")
        self.verify: Level = verify
        self._profile = profile or profile_of(chain_id)
        self._arrives = arrives
        self._requests = Requests(
            url,
            chain_id=chain_id,
            timeout_seconds=timeout_seconds,
            limit=limit or Limit(None),
            rank=rank,
            observe=observe,
        )
        self._blocks = BlockReader(
            self._requests,
            name,
            verify=verify,
            profile=self._profile,
            traces=traces,
            needed=needed,
        )
        self._state = StateReader(self._requests)
        self._access_lists = AccessLists(self._requests)
        self._links = Links(name, wanted=self._profile.zero_parents, read=self._headers_at)
        self.head: Header | None = None

    @property
    def coin(self) -> Address:
        """Whose logs tell moves of the chain's own coin."""
        return self._profile.coin_logs.address

    @property
    def needs_all(self) -> bool:
        """Whether blocks come with all receipts now."""
        return self._blocks.needs_all

    @property
    def requests(self) -> int:
        """How many were sent; a batch is one."""
        return self._requests.sent

    @property
    def failed_requests(self) -> int:
        """To how many there was no answer."""
        return self._requests.failed

    @property
    def latency_seconds(self) -> float | None:
        """Of a request, the newest counting most; None to be measured anew."""
        return self._requests.latency_seconds

    @latency_seconds.setter
    def latency_seconds(self, seconds: float | None) -> None:
        self._requests.latency_seconds = seconds

    @property
    def batch_calls(self) -> int | None:
        """The most calls that it takes in one request; None as long as no limit was met."""
        return self._requests.batches.limit

    @property
    def limits(self) -> tuple[str, ...]:
        """What it refuses, found out by asking: a sentence each, with its own words."""
        batches, found = self._requests.batches, []
        if batches.limit is not None:
            calls = "1 call" if batches.limit == 1 else f"{batches.limit} calls"
            found.append(f"takes {calls} in a request, not more: {batches.reason}")
        if self._blocks.bulk.reason is not None:
            found.append(f"gives receipts one by one: {self._blocks.bulk.reason}")
        return tuple(found)

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
        await self._requests.close()

    def doubt(self) -> None:
        """Check the chain id again with the next request."""
        self._requests.checked = None

    async def next(self, number: int, *, tags: bool = False, turn: Turn | None = None) -> Sight:
        """Return the head and block `number` with its receipts: one request, one batch.

        tags: whether `safe` and `finalized` are wanted too.
        turn: waited for before the answer is read, where no more has to be asked for.

        What it cannot be known to have, being above the head that it shows, is not there yet,
        whatever it says of it; what is at that head or below and does not come, `lack` tells.
        """
        wanted, spared = self._blocks.calls(number), not self.needs_all
        head, *rest = await self._ask(
            [
                Call("eth_getBlockByNumber", ("latest", False)),
                *wanted,
                *(Call("eth_getBlockByNumber", (tag, False)) for tag in (TAGS if tags else ())),
            ],
            turn if len(wanted) > 1 and not self._blocks.traced else None,
        )
        newest = rpc.header_of(rpc.result_of(head, "eth_getBlockByNumber"))
        if newest is None:
            raise NodeUnavailable("has no latest block")
        newest = self.head = await self._links.one(newest)
        came = rest[0].served is not None or (spared and rpc.is_there(rest[0]))
        if number == newest.number and came:
            self._arrives()
        error = rest[0].error
        block = None
        if error is None:
            at_head = number >= newest.number
            block = await self._blocks.read(rest[: len(wanted)], number, at_head=at_head)
            block = block and await self._linked(block)
        lack = lack_of(number, newest, rest[0]) if block is None else ""
        safe, finalized = rpc.heights_of_tags(rest[len(wanted) :]) or (None, None)
        return Sight(newest, block, safe, finalized, self.name, lack)

    async def block(self, number: int) -> Block | None:
        """Return block `number`, proven; None if the node does not have all of it yet."""
        answers = await self._ask(self._blocks.calls(number))
        if answers[0].error is not None:
            rpc.result_of(answers[0], "eth_getBlockByNumber")
        block = await self._blocks.read(answers, number, at_head=True)
        return block and await self._linked(block)

    async def header(self, block_hash: Hash) -> Header | None:
        """Return the header with this hash; None if the node does not know it."""
        header = await self._header(Call("eth_getBlockByHash", (block_hash, False)))
        if header is not None and header.hash != block_hash:
            raise NodeUnavailable(f"asked for block {block_hash}, got {header.hash}")
        return header and await self._links.one(header)

    async def header_at(self, place: int | Tag) -> Header | None:
        """Return the header at a height or tag; None if the node has none there."""
        header = await self._header(Call("eth_getBlockByNumber", (place_of(place), False)))
        if header is not None and isinstance(place, int):
            require_number(header, place)
        return header and await self._links.one(header)

    async def headers(self, first: int, last: int) -> tuple[Header, ...]:
        """Return the headers from `first` to `last`, in batches, so they need not be linked.

        Heights that the node has no block of are left out; empty if it does not have the last one.
        """
        found = await self.headers_up_to(first, last)
        return found if found and found[-1].number == last else ()

    async def headers_up_to(self, first: int, last: int) -> tuple[Header, ...]:
        """Return the headers from `first` to `last` that the node has."""
        return tuple(await self._links.all(await self._headers_at(range(first, last + 1))))

    async def blooms(self, first: int, last: int) -> tuple[rpc.Bloomed, ...]:
        """Return the headers from `first` to `last` with their blooms, in one request.

        At most BATCH_CALLS of them, without those that the node lacks. Where a bloom proves
        nothing, all its bits are set.
        """
        numbers = range(first, last + 1)
        answers = await self._ask(
            [Call("eth_getBlockByNumber", (place_of(number), False)) for number in numbers]
        )
        found = []
        for number, answer in zip(numbers, answers, strict=True):
            if answer.error is not None:  # it has none, in words of its own
                continue
            bloomed = rpc.bloomed_of(rpc.result_of(answer, "eth_getBlockByNumber"))
            if bloomed is None:
                continue
            require_number(bloomed.header, number)
            is_proof = self._profile.blooms_at(number)
            found.append(bloomed if is_proof else rpc.Bloomed(bloomed.header, rpc.ALL_BITS))
        linked = await self._links.all([one.header for one in found])
        return tuple(
            rpc.Bloomed(header, one.bloom) for header, one in zip(linked, found, strict=True)
        )

    async def logs(
        self, first: int, last: int, filters: Sequence[Mapping[str, object]]
    ) -> frozenset[int] | None:
        """Return the heights from `first` to `last` with a log that passes one of the filters.

        filters: of eth_getLogs, without a range. None where the node refuses, whatever its words
        are: the range may be too long for it. The last block is asked for in the same request, so
        that a node which does not have it cannot answer that nothing is there.
        """
        place = {"fromBlock": place_of(first), "toBlock": place_of(last)}
        answers = await self._ask(
            [
                Call("eth_getBlockByNumber", (place_of(last), False)),
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
        transport = await self._requests.opened()
        if await transport.connect() != self._requests.checked:
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
            [Call("eth_call", ({"to": contract, "data": data}, place_of(block)))]
        )
        if answer.contract_fails:
            return None
        return rpc.text_of(rpc.result_of(answer, "eth_call"))

    async def state(self, block_hash: Hash, reads: Sequence[Read]) -> list[str | None]:
        """Return what each read returns at a block; see `StateReader.read`."""
        return await self._state.read(block_hash, reads)

    async def changed(self, block_hash: Hash) -> frozenset[Address] | None:
        """Return the accounts that a block changed; see `AccessLists.changed`."""
        return await self._access_lists.changed(block_hash)

    async def height_of(self, transaction: Hash) -> int | Literal["pending"] | None:
        """Return the height of the block with a transaction; None if the node does not know it."""
        [answer] = await self._ask([Call("eth_getTransactionByHash", (transaction,))])
        return rpc.height_of(rpc.result_of(answer, "eth_getTransactionByHash"), transaction)

    async def _headers_at(self, numbers: Sequence[int]) -> list[Header]:
        """Return the headers of these heights as they are served, without those it lacks."""
        headers: list[Header] = []
        for start in range(0, len(numbers), BATCH_CALLS):
            some = numbers[start : start + BATCH_CALLS]
            answers = await self._ask(
                [Call("eth_getBlockByNumber", (place_of(number), False)) for number in some]
            )
            for number, answer in zip(some, answers, strict=True):
                if answer.error is not None:  # it has none, in words of its own
                    continue
                header = rpc.header_of(rpc.result_of(answer, "eth_getBlockByNumber"))
                if header is not None:
                    headers.append(require_number(header, number))
        return headers

    async def _linked(self, block: Block) -> Block:
        header = await self._links.one(block.header)
        return block if header is block.header else replace(block, header=header)

    async def _header(self, call: Call) -> Header | None:
        [answer] = await self._ask([call])
        return rpc.header_of(rpc.result_of(answer, call.method))

    async def _ask(self, calls: Sequence[Call], turn: Turn | None = None) -> list[Answer]:
        return await self._requests.ask(calls, turn)
