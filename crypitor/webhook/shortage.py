"""POSTs that this machine has no descriptors, memory or threads for: they wait, untried.

What is short here says nothing of a receiver: nothing is recorded, and no circuit opens.
"""

import asyncio
from collections.abc import Callable

import structlog

from crypitor.errors import Exhausted
from crypitor.runtime.loop import Health
from crypitor.webhook.delivery import Endpoint, Outcome
from crypitor.webhook.post import Poster

log = structlog.get_logger(__name__)

NAME = "resources"
WAIT_SECONDS = 0.5


class Shortage:
    """Posts, and again while this machine has run out of something.

    patience_seconds: how long; shorter than a lease by the time that one POST may take.
    counted: hears of each POST that had to wait. health: told while there is a shortage.
    """

    def __init__(
        self,
        poster: Poster,
        clock: Callable[[], int],
        patience_seconds: float,
        counted: Callable[[], None],
    ) -> None:
        self._poster = poster
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._counted = counted
        self._short = False
        self.health = Health()

    async def post(
        self, endpoint: Endpoint, webhook_id: str, body: bytes, key: str
    ) -> Outcome | None:
        """Return what came of a POST; None if it could not even be tried until its lease is over.

        Then all that it carries is due again, as after a crash. See `Poster.post`.
        """
        now = asyncio.get_running_loop().time
        until = now() + self._patience_seconds
        while True:
            try:
                outcome = await self._poster.post(endpoint, webhook_id, body, self._clock(), key)
            except Exhausted as trouble:
                self._begins(trouble)
            else:
                self._ends()
                return outcome
            if now() + WAIT_SECONDS > until:
                return None
            await asyncio.sleep(WAIT_SECONDS)

    def _begins(self, trouble: Exhausted) -> None:
        self._short = True
        self._counted()
        if self.health.begin(NAME, str(trouble)):
            log.error("deliveries wait for this machine", role="webhook", trouble=str(trouble))

    def _ends(self) -> None:
        if self._short:
            self._short = False
            if self.health.end(NAME):
                log.info("deliveries go on", role="webhook", seconds=self.health.seconds(NAME))
