"""What all who follow the stream share: looks at their keys, turns, and what is written to them."""

import asyncio
from collections import OrderedDict

from aiohttp import web

from crypitor.api.serving.authentication import Door
from crypitor.api.serving.tail import Reader
from crypitor.database.epochs import Epoch
from crypitor.database.events import Event
from crypitor.evm.address import checksummed_json
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.turnstile import Turnstile

LOOK_SECONDS = 1.0
"""How often it is looked whether readers' keys still open; the door remembers a second."""

AT_A_TURN = 8
"""Readers who are written to in one turn of the loop."""

MOST_KEPT = 1_000

MOST_KEPT_BYTES = 8 << 20
"""Of all that are kept; one event may have arguments of a megabyte."""

LOG = "/v1/events"
"""The list whose cursors the stream's ids are."""


class Following:
    """For all readers of this process.

    first: of blocks on their way to their first POST, and of what is stored for them: nobody is
    written to meanwhile.
    """

    def __init__(self, door: Door, *first: Precedence) -> None:
        self._door = door
        self.turns = Turnstile(*first, at_once=AT_A_TURN)
        self._readers: dict[str, dict[Reader, web.Request]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._texts: OrderedDict[tuple[str, int, bool], bytes] = OrderedDict()
        self._bytes = 0

    def begin(self, key_id: str, reader: Reader, request: web.Request) -> None:
        """Look from now on, for all readers of one key at once, whether it still opens."""
        self._readers.setdefault(key_id, {})[reader] = request
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    def end(self, key_id: str, reader: Reader) -> None:
        """Forget a reader."""
        readers = self._readers.get(key_id, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(key_id, None)
        if not self._readers and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def text(self, event: Event, epoch: Epoch, *, checksum: bool) -> bytes:
        """Return an event as it is written; made once for all whom it is written to."""
        place = (epoch.name, event.position, checksum)
        text = self._texts.get(place)
        if text is None:
            text = self._texts[place] = _text(event, epoch, checksum=checksum)
            self._bytes += len(text)
            while len(self._texts) > MOST_KEPT or self._bytes > MOST_KEPT_BYTES:
                _, oldest = self._texts.popitem(last=False)
                self._bytes -= len(oldest)
        return text

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for readers in [*self._readers.values()]:
                request = next(iter(readers.values()), None)
                if request is not None and not await self._door.still_opens(request):
                    for reader in [*readers]:
                        reader.leave()


def _text(event: Event, epoch: Epoch, *, checksum: bool) -> bytes:
    # A body is JSON of one line.
    body = checksummed_json(event.body) if checksum else event.body
    place = epoch.mark(str(event.position), LOG)
    return f"id: {place}\nevent: {event.type}\ndata: {body}\n\n".encode()


FOLLOWING = web.AppKey("FOLLOWING", Following)
