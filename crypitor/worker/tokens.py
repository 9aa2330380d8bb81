"""Asks contracts for name, symbol and decimals, beside the blocks and slowly."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from crypitor.database.engine import Database
from crypitor.database.tokens import put_off_token, store_token, wanted_tokens
from crypitor.errors import NodeUnavailable
from crypitor.evm.metadata import DECIMALS, NAME, SYMBOL, Token, token_of
from crypitor.evm.types import Address
from crypitor.runtime.loop import Health, forever
from crypitor.worker.nodes import Nodes

log = structlog.get_logger(__name__)

AT_ONCE = 5
IDLE_SECONDS = 1.0
"""Between steps: with `AT_ONCE` contracts a step, at most 15 `eth_call` a second for a network."""


class TokenReader:
    """Looks up what the matcher has met and does not know, for one network.

    nodes: of its own, so that a contract that makes a node slow or fail takes no node from those
    who read blocks. leading: whether this process leads the network. clock: unix milliseconds.
    """

    def __init__(
        self,
        network: str,
        nodes: Nodes,
        database: Database,
        *,
        clock: Callable[[], int],
        leading: Callable[[], bool] = lambda: True,
    ) -> None:
        self.role = f"tokens {network}"
        self._network = network
        self._nodes = nodes
        self._database = database
        self._clock = clock
        self._leading = leading

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Look up tokens until `stop` is set."""
        await forever(self.role, self.step, stop=stop, health=health, idle_seconds=IDLE_SECONDS)

    async def step(self) -> bool:
        """Ask some of the contracts that are wanted. Raises DatabaseUnavailable.

        Always False: the pause between steps is what bounds the rate.
        """
        if not self._leading():
            return False
        wanted = await self._database.read(
            lambda tx: wanted_tokens(tx, self._network, limit=AT_ONCE), at_once=True
        )
        for contract in wanted:
            try:
                token = await self._ask(contract)
            except NodeUnavailable as trouble:  # the worker says so; this can wait
                log.debug("token not looked up", network=self._network, trouble=str(trouble))
                await self._database.write(
                    partial(
                        put_off_token, network=self._network, contract=contract, now=self._clock()
                    )
                )
                return False
            await self._database.write(
                partial(
                    store_token,
                    network=self._network,
                    contract=contract,
                    token=token,
                    now=self._clock(),
                )
            )
        return False

    async def _ask(self, contract: Address) -> Token:
        name, symbol, decimals = [
            await self._nodes.call(contract, data, "latest") for data in (NAME, SYMBOL, DECIMALS)
        ]
        return token_of(name, symbol, decimals)
