"""Puts a block together out of what a node answers, in whichever way it gives the receipts."""

import asyncio
import time
from collections.abc import Sequence

from msgspec.structs import replace

from crypitor.errors import NodeUnavailable
from crypitor.evm.coins import coin_transfers
from crypitor.evm.profiles import Level, Profile
from crypitor.evm.types import Block, Hash, Header, Transaction
from crypitor.monitor.needed import Needed
from crypitor.worker import rpc
from crypitor.worker.block import Raw, Served, seal_of, with_known, with_receipts, without_receipts
from crypitor.worker.block import served as read_served
from crypitor.worker.proving import proven
from crypitor.worker.receipts import (
    NULL_LOOKS,
    WRONG_LOOKS,
    Bulk,
    is_miscounted,
)
from crypitor.worker.requests import Requests
from crypitor.worker.rpc import Answer, Call, Tag
from crypitor.worker.tracing import ASKING, Traces, traces_call, with_traces

RECEIPT = "eth_getTransactionReceipt"
RECEIPTS = "eth_getBlockReceipts"
BLOCK_RECEIPT = "eth_getBlockReceipt"

MOST_SINGLE = 8
"""Where more of a block's receipts are needed than these, they are asked for all at once."""

BATCH_CALLS = 50
"""The most calls in one request; nodes and gateways limit it, the usual limit is 100."""


class BlockReader:
    """Reads blocks of one node, and believes only what proves itself.

    node: its name, for the log.  profile: by which rules blocks prove themselves.
    bulk: whether it is asked for all receipts of a block at once.  traced: whether traces are
    asked for, which are one more request.
    needed: which receipts are, for blocks that prove nothing by them; None for all.
    """

    def __init__(
        self,
        requests: Requests,
        node: str,
        *,
        verify: Level,
        profile: Profile,
        traces: Traces,
        needed: Needed | None = None,
    ) -> None:
        self._requests = requests
        self._node = node
        self._verify: Level = verify
        self._profile = profile
        self._traces: Traces = traces
        spares = verify == "off" and not (profile.may_lack_receipts or profile.block_receipt)
        self._needed = needed if spares else None
        self.bulk = Bulk()

    @property
    def traced(self) -> bool:
        """Whether internal transfers are asked for."""
        return self._traces in ASKING

    @property
    def needs_all(self) -> bool:
        """Whether blocks come with all receipts now."""
        return self._needed is None or self._needed.all

    def calls(self, number: int) -> list[Call]:
        """Return what is asked for a block at this height: it, and if possible its receipts.

        These not where hardly any is needed.
        """
        calls = [Call("eth_getBlockByNumber", (place_of(number), True))]
        if self.needs_all and self.bulk.is_used(time.monotonic()):
            calls.append(Call(RECEIPTS, (place_of(number),)))
        return calls

    async def read(self, answers: Sequence[Answer], number: int, *, at_head: bool) -> Block | None:
        """Return the block out of the answers to `calls`, the first of which is no error; proven.

        A node may show a block before its receipts; below the head that is a fault. Receipts that
        are no good all at once are asked for one by one: right away where there are not as many as
        transactions, or the method is refused; else when it stays so.
        """
        first = answers[0]
        if first.served is None and rpc.is_null(rpc.result_of(first, "eth_getBlockByNumber")):
            return None
        if len(answers) == 1:
            spared = await self._spared(first, number)
            if spared is not None:
                return spared
            if not self.bulk.is_used(time.monotonic()):
                return await self._one_by_one(first, number, at_head=at_head)
            answers = [first, *await self._requests.ask([Call(RECEIPTS, (place_of(number),))])]
        return await self._of_bulk(first, answers[1], number, at_head=at_head)

    async def _of_bulk(
        self, first: Answer, bulk: Answer, number: int, *, at_head: bool
    ) -> Block | None:
        """Return a block with all its receipts, as they came or else one by one."""
        if _is_missing(first, bulk):
            if self.bulk.failures(number) < NULL_LOOKS:
                return _missing_receipts(number, at_head=at_head)
            reason = "null in place of a block's receipts"
        elif bulk.error is not None:
            reason = rpc.said(bulk.error)
        else:
            try:
                return await self._at_once(first, bulk, number)
            except _Useless as useless:
                reason = str(useless)
        if bulk.missing_method:
            self.bulk.missing(reason)
        block = await self._one_by_one(first, number, at_head=at_head)
        if block is not None:
            self.bulk.useless(reason, time.monotonic())
        return block

    async def _at_once(self, first: Answer, bulk: Answer, number: int) -> Block:
        """Return a block with the receipts that came with it; _Useless where they are to blame."""
        served = first.served
        try:
            served = served or read_served(first.result, rpc.result_of(bulk, RECEIPTS))
            block = await self._proven(served, number)
        except NodeUnavailable as wrong:
            if is_miscounted(served, wrong) or self.bulk.failures(number) >= WRONG_LOOKS:
                raise _Useless(str(wrong)) from wrong
            raise
        self.bulk.worked()
        return await self._with_traces(block)

    async def _spared(self, first: Answer, number: int) -> Block | None:
        """Return a block with no more receipts than are needed, which are asked for singly.

        None where that will not do: they are many, or one is not had so.
        """
        if self._needed is None or self._needed.all:
            return None
        served = without_receipts(first.result)
        needed = self._needed.of(served.block, MOST_SINGLE)
        known = [one.hash for one in served.transactions if one.hash in needed]
        if len(known) > MOST_SINGLE:
            return None
        if known:
            answers = await self._requests.ask([Call(RECEIPT, (each,)) for each in known])
            if not all(map(rpc.is_there, answers)):
                return None
            receipts = (answer.result for answer in answers)
            served = with_known(served, dict(zip(known, receipts, strict=True)))
        block = await self._proven(served, number)
        return replace(block, known=tuple(known))

    async def _one_by_one(self, first: Answer, number: int, *, at_head: bool) -> Block | None:
        """Return a block with its receipts asked for singly, proven like any other."""
        if first.served is not None:
            seal, transactions = first.served.seal, first.served.transactions
            withdrawals = first.served.withdrawals
        else:
            whole = seal_of(first.result)
            seal, transactions, withdrawals = whole, whole.transactions, whole.withdrawals or ()
        single, index = await self._single_receipts(seal.hash, transactions)
        if self._profile.may_lack_receipts:
            single = [receipt for receipt in single if not rpc.is_null(receipt)]
        if any(rpc.is_null(receipt) for receipt in single):
            return _missing_receipts(number, at_head=at_head)
        served = with_receipts(seal, transactions, rpc.joined(single), withdrawals)
        block = await self._proven(served, number)
        if index is not None:
            rpc.require_agreement(served, index)
        return await self._with_traces(block)

    async def _proven(self, served: Served, number: int) -> Block:
        require_number(served.seal.header, number)
        await asyncio.sleep(0)  # reading took as long as proving will: others may go between
        return proven(served, self._verify, self._profile, self._node).block

    async def _with_traces(self, block: Block) -> Block:
        """Return the block with its internal transfers, where they are wanted."""
        if self._traces == "off" or not block.transactions:
            return block
        if self._traces == "logs":
            return replace(block, traces=coin_transfers(block, self._profile.coin_logs))
        [answer] = await self._requests.ask([traces_call(block, self._traces)])
        return with_traces(block, self._traces, answer)

    async def _single_receipts(
        self, block_hash: Hash, transactions: Sequence[Transaction]
    ) -> tuple[list[Raw], Raw | None]:
        """Return the receipts one by one, and the block's logs as the node's index has them.

        The index is asked for where no root proves that the receipts have all logs.
        """
        calls = [Call(RECEIPT, (one.hash,)) for one in transactions]
        if self._profile.block_receipt:
            calls.append(Call(BLOCK_RECEIPT, (block_hash,)))
        if self._verify != "receipts":
            calls.append(Call("eth_getLogs", ({"blockHash": block_hash},)))
        answers: list[Answer] = []
        for start in range(0, len(calls), BATCH_CALLS):
            answers += await self._requests.ask(calls[start : start + BATCH_CALLS])
        count = len(transactions)
        singles = [rpc.result_of(one, calls[0].method) for one in answers[:count]]
        if self._profile.block_receipt:
            singles += _of_block(answers[count])
        if self._verify == "receipts" or answers[-1].missing_method:
            return singles, None
        return singles, rpc.result_of(answers[-1], "eth_getLogs")


def _of_block(answer: Answer) -> list[Raw]:
    """Return a block's own receipt, if it has one; nodes that need none do not know the method."""
    return [] if answer.error is not None or rpc.is_null(answer.result) else [answer.result]


class _Useless(Exception):
    """The receipts that came all at once cannot be those of the block."""


def place_of(place: int | Tag) -> str:
    """Return how a height or tag is written in a call."""
    return hex(place) if isinstance(place, int) else place


def require_number(header: Header, number: int) -> Header:
    """Return a header that is of this height; NodeUnavailable for another one."""
    if header.number != number:
        raise NodeUnavailable(f"asked for block {number}, got {header.number}")
    return header


def lack_of(number: int, head: Header, answer: Answer) -> str:
    """Return what a node does not have, though by its own head it should; empty if it need not.

    answer: to the call for the block, of which nothing came.
    """
    if number > head.number:
        return ""
    if answer.served is not None or (answer.error is None and not rpc.is_null(answer.result)):
        return f"has block {number}, but not its receipts"
    words = f": {rpc.said(answer.error)}" if answer.error else ""
    return f"has no block {number}, though its head is {head.number}{words}"


def _is_missing(first: Answer, bulk: Answer) -> bool:
    """Whether receipts are not there yet, by what is answered: null, or what others say for it.

    Words only put off what is done then.
    """
    if bulk.error is not None:
        return bulk.not_yet
    return first.served is None and rpc.is_null(bulk.result)


def _missing_receipts(number: int, *, at_head: bool) -> Block | None:
    """Let receipts that are not there be waited for at the head: None. Below it, raise."""
    if not at_head:
        raise NodeUnavailable(f"has block {number}, but not its receipts")
    return None
