"""What accounts have and contracts answer, as of one block: many reads in one request.

Always by the block's hash (EIP-1898): an answer is of that block, or there is none. A node that
does not have the block, or its state any more, says so with an error, never taken for an answer.
"""

import re
import time
from collections.abc import Callable, Sequence

from crypitor.errors import NodeUnavailable
from crypitor.evm.hexes import are_bytes
from crypitor.evm.multicall import MULTICALL3, Read, aggregated, answers_of
from crypitor.evm.types import Hash
from crypitor.worker import rpc
from crypitor.worker.requests import Requests
from crypitor.worker.rpc import Answer, Call

MOST_READS = 500
"""In one call; nodes bound the gas of a call, most of them at 50 million."""

WITHOUT_SECONDS = 3600.0
"""How long it is believed that a chain has no Multicall3."""

_NO_STATE = re.compile(
    r"missing trie node|pruned|histor|archive|state [^ ]*( is)? ?(not|un)[ ]?avail|no state"
    r"|state (for|at|of) .*not|unknown ancestor|stale",
    re.IGNORECASE,
)
"""How nodes say that they have forgotten the state of an old block, each in words of its own."""


class NoState(NodeUnavailable):
    """A node has the block, and not its state any more."""


class StateReader:
    """Reads the state from one node. timer: seconds that only grow."""

    def __init__(self, requests: Requests, timer: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._timer = timer
        self._without_until = 0.0

    async def read(self, block_hash: Hash, reads: Sequence[Read]) -> list[str | None]:
        """Return what each read returned, 0x-hex; None where the contract failed.

        Raises NodeUnavailable; NoState where the node has forgotten what was at that block.
        """
        block = {"blockHash": block_hash}
        if len(reads) > 1 and self._timer() >= self._without_until:
            found = await self._together(block, reads, MOST_READS)
            if found is not None:
                return found
            self._without_until = self._timer() + WITHOUT_SECONDS
        return await self._each(block, reads)

    async def _together(
        self, block: dict[str, str], reads: Sequence[Read], most: int
    ) -> list[str | None] | None:
        """Read through Multicall3; None where the chain has none at that block.

        A call that runs out of gas is made in halves.
        """
        parts = [reads[start : start + most] for start in range(0, len(reads), most)]
        answers = await self._requests.ask(
            [
                Call("eth_call", ({"to": MULTICALL3, "data": aggregated(part)}, block))
                for part in parts
            ]
        )
        found: list[str | None] = []
        for part, answer in zip(parts, answers, strict=True):
            if answer.contract_fails:
                if len(part) == 1:
                    found += await self._each(block, part)
                    continue
                returned = await self._together(block, part, (len(part) + 1) // 2)
            else:
                returned = answers_of(_returned(answer, "eth_call"), len(part))
            if returned is None:
                return None
            found += returned
        return found

    async def _each(self, block: dict[str, str], reads: Sequence[Read]) -> list[str | None]:
        answers = await self._requests.ask([_call(read, block) for read in reads])
        return [
            None
            if read.target is not None and answer.contract_fails
            else _word(answer)
            if read.target is None
            else _returned(answer, "eth_call")
            for read, answer in zip(reads, answers, strict=True)
        ]


def _call(read: Read, block: dict[str, str]) -> Call:
    if read.target is None:
        return Call("eth_getBalance", (read.data, block))
    return Call("eth_call", ({"to": read.target, "data": read.data}, block))


def _word(answer: Answer) -> str:
    """Return a balance as a contract would return it."""
    _require_state(answer, "eth_getBalance")
    number = rpc.quantity_of(rpc.result_of(answer, "eth_getBalance"))
    return f"0x{number:064x}"


def _returned(answer: Answer, method: str) -> str:
    _require_state(answer, method)
    text = rpc.text_of(rpc.result_of(answer, method)).lower()
    if not are_bytes([text]):
        raise NodeUnavailable(f"{method}: not hexadecimal: {text[:80]!r}")
    return text


def _require_state(answer: Answer, method: str) -> None:
    if answer.error is not None and not answer.not_yet and _NO_STATE.search(answer.error.message):
        raise NoState(f"{method}: {rpc.said(answer.error)}")
