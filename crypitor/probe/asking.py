"""One node, asked for whatever one likes: blocks that nothing proves yet, and what it can do."""

import asyncio
import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from crypitor.errors import NodeUnavailable
from crypitor.worker import rpc
from crypitor.worker.arrival import transport_to
from crypitor.worker.batches import Refused
from crypitor.worker.block import Raw, SealWithTransactions, Served, seal_of, served, with_receipts
from crypitor.worker.rpc import Answer, Call

if TYPE_CHECKING:
    from crypitor.worker.transport import Transport

_AT_ONCE = 10
_RECEIPTS = "eth_getBlockReceipts"


class Asking:
    """A connection to one node; `async with` opens and closes it.

    bulk: whether it gives all receipts of a block at once; known after the first block.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self.bulk = True
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._transport: Transport | None = None
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        self._transport = await transport_to(self._url)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def answers(self, calls: Sequence[Call]) -> list[Answer]:
        """Return the answers to calls in one request, errors among them. Raises NodeUnavailable."""
        assert self._transport is not None
        first = next(self._ids)
        for _ in calls[1:]:
            next(self._ids)
        ids = range(first, first + len(calls))
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._transport.connect()
                read = await self._transport.exchange(rpc.encode(calls, ids), ids)
                return rpc.in_order(read(), ids)
        except TimeoutError as late:
            raise NodeUnavailable(f"no answer within {self._timeout_seconds:g} s") from late

    async def _each(self, calls: Sequence[Call]) -> list[Answer]:
        """Return the answers to calls, asked for in halves where a node refuses so many."""
        try:
            return await self.answers(calls)
        except Refused:
            if len(calls) == 1:
                raise
        half = len(calls) // 2
        return [*await self._each(calls[:half]), *await self._each(calls[half:])]

    async def answer(self, method: str, *params: object) -> Answer:
        """Return the answer to one call."""
        [answer] = await self.answers([Call(method, params)])
        return answer

    async def by_web3(self, number: int) -> list[str]:
        """Return the hashes of a block and of its transactions as web3 reads them.

        It makes connections of its own. Raises NodeUnavailable.
        """
        from crypitor.worker.transport import hashes_by_web3  # noqa: PLC0415 - see `arrival`

        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await hashes_by_web3(self._url, number)
        except TimeoutError as late:
            raise NodeUnavailable(f"no answer within {self._timeout_seconds:g} s") from late

    async def has(self, method: str, *params: object) -> bool:
        """Whether the node answers a call with something."""
        try:
            answer = await self.answer(method, *params)
        except NodeUnavailable:
            return False
        return answer.error is None and not rpc.is_null(answer.result)

    async def newest(self, count: int) -> list[Served]:
        """Return so many blocks below the head, which may itself still lack its receipts."""
        head = await self.height("latest")
        if head is None:
            raise NodeUnavailable("has no latest block")
        return await self.blocks(range(max(0, head - count), head) or range(head + 1))

    async def height(self, tag: str) -> int | None:
        """Return the height of a tag; None where the node has none."""
        answer = await self.answer("eth_getBlockByNumber", tag, False)
        if answer.error is not None:
            return None
        header = rpc.header_of(rpc.result_of(answer, "eth_getBlockByNumber"))
        return None if header is None else header.number

    async def blocks(self, heights: Sequence[int]) -> list[Served]:
        """Return blocks as the node serves them; those that it does not have are left out."""
        found: list[Served] = []
        for start in range(0, len(heights), _AT_ONCE):
            some = await asyncio.gather(*map(self._block, heights[start : start + _AT_ONCE]))
            found += [block for block in some if block is not None]
        return found

    async def _block(self, height: int) -> Served | None:
        calls = [Call("eth_getBlockByNumber", (hex(height), True))]
        if self.bulk:
            calls.append(Call(_RECEIPTS, (hex(height),)))
        block, *receipts = await self._each(calls)
        raw_block = rpc.result_of(block, "eth_getBlockByNumber")
        if rpc.is_null(raw_block):
            return None
        if receipts and receipts[0].not_yet:
            return None
        if receipts and receipts[0].error is None:
            raw = rpc.result_of(receipts[0], _RECEIPTS)
            return None if rpc.is_null(raw) else served(raw_block, raw)
        self.bulk = False
        return await self._with_single_receipts(seal_of(raw_block))

    async def _with_single_receipts(self, block: SealWithTransactions) -> Served:
        """Return a block with the receipts that there are, asked for one by one."""
        hashes = [transaction.hash for transaction in block.transactions]
        found: list[Raw] = []
        for start in range(0, len(hashes), _AT_ONCE):
            calls = [
                Call("eth_getTransactionReceipt", (one,))
                for one in hashes[start : start + _AT_ONCE]
            ]
            answers = await self._each(calls)
            found += [rpc.result_of(answer, calls[0].method) for answer in answers]
        receipts = rpc.joined(receipt for receipt in found if not rpc.is_null(receipt))
        return with_receipts(block, block.transactions, receipts, block.withdrawals or ())
