"""Block access lists (EIP-7928), where a node serves them: which accounts a block changed.

A list is the node's word: it adds looks at what no log shows, and takes none away.
"""

import time
from collections.abc import Callable

import msgspec
import structlog

from crypitor.errors import NodeUnavailable
from crypitor.evm.access_lists import changed_accounts
from crypitor.evm.types import Address, Hash
from crypitor.worker import rpc
from crypitor.worker.requests import Requests
from crypitor.worker.rpc import Answer, Call

log = structlog.get_logger(__name__)

METHODS = ("eth_getBlockAccessList", "eth_getBlockAccessListByBlockHash")
"""That of execution-apis, and what Reth, Nimbus and others had before there was that one."""

WITHOUT_SECONDS = 3600.0
"""How long it is believed that a node serves none, or that the chain makes none."""

FAILED_SECONDS = 60.0
"""How long a node is not asked that failed at this: what nobody needs makes no node a bad one."""

PRUNED = 4444
"""execution-apis: that of this old block is not kept any more."""


class AccessLists:
    """Reads the lists of one node. timer: seconds that only grow."""

    def __init__(self, requests: Requests, timer: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._timer = timer
        self._methods: tuple[str, ...] = METHODS
        self._without_until = 0.0

    async def changed(self, block_hash: Hash) -> frozenset[Address] | None:
        """Return the accounts that a block changed; None where the node tells no list of it."""
        if self._timer() < self._without_until:
            return None
        try:
            return await self._ask(block_hash)
        except NodeUnavailable:
            self._rest(FAILED_SECONDS)
            return None

    async def _ask(self, block_hash: Hash) -> frozenset[Address] | None:
        for method in self._methods:
            [answer] = await self._requests.ask([Call(method, (block_hash,))])
            if not answer.missing_method:
                self._methods = (method,)
                return self._read(answer, method)
        self._methods = METHODS
        self._rest()
        return None

    def _read(self, answer: Answer, method: str) -> frozenset[Address] | None:
        if answer.error is not None:
            if answer.error.code != PRUNED and not answer.not_yet:
                self._rest()
            return None
        raw = rpc.result_of(answer, method)
        if rpc.is_null(raw):
            return None
        try:
            return changed_accounts(raw)
        except msgspec.MsgspecError as unreadable:
            log.warning("block access lists cannot be read", trouble=str(unreadable))
            self._rest()
            return None

    def _rest(self, seconds: float = WITHOUT_SECONDS) -> None:
        self._without_until = self._timer() + seconds
