"""Who asks, and how far that key reaches."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from crypitor.api.serving.context import Context
from crypitor.api.serving.crowd import MayLeave, peer_of, place_of
from crypitor.api.serving.guesses import Guesses
from crypitor.api.serving.pace import Pace, Rate
from crypitor.database.keys import Caller, Scope, ensure_project, find_caller, hash_of, is_mistyped
from crypitor.errors import Forbidden, Unauthorized, Unavailable
from crypitor.runtime.seldom import Seldom

log = structlog.get_logger(__name__)

REMEMBERED_MS = 1_000
MOST_REMEMBERED = 10_000
LOOK_SECONDS = 0.25
"""Between two looks at whether somebody still waits for an answer that has to wait."""

GIVEN = web.RequestKey("GIVEN", str)
"""The API key of a request that brought it in another way than by its header: by a session."""

RATE = web.RequestKey("RATE", Rate)
"""What the caller's project may still ask, where it is limited."""

SecretOf = Callable[[web.Request], Awaitable[str | None]]

SESSION: web.AppKey[SecretOf] = web.AppKey("SESSION")
"""Returns the API key of the session in whose cookie a request came, None without one."""

_TOKEN = re.compile(r"(?i:bearer) +([\x21-\x7e]{1,512})", re.ASCII)


class Door:
    """Lets callers in; remembers for a second whom it let in.

    So a key that another process revoked opens nothing after that time, and one that this process
    revoked opens nothing at once. The second ends by the wall clock or the steady one, whichever
    says so first: a clock that is put back lets nobody in for longer.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: OrderedDict[str, tuple[Caller, int, float]] = OrderedDict()
        self._asked: dict[tuple[str, int], asyncio.Future[Caller | None]] = {}
        self._locked = 0
        self._operator: Caller | None = None
        self._pace = Pace()
        self._guesses = Guesses()
        self._seldom = Seldom(log.warning)

    async def admit(self, request: web.Request, scope: Scope) -> Caller:
        """Return who asks. Raises Unauthorized, or Forbidden when the key's scope is below this."""
        if not self._context.auth:
            return await self._anybody()
        try:
            caller = await self._caller(_secret_of(request))
        except Unauthorized:
            if "Authorization" in request.headers or GIVEN in request:
                await self._wrong(request)
            raise
        if caller.scope < scope:
            raise Forbidden(
                f"this needs a key with the scope {scope.word}; this one has {caller.scope.word}"
            )
        left = self._pace.take(caller.project_id, self._rate(caller), self._context.steady())
        if left is not None:
            request[RATE] = left
        return caller

    async def still_opens(self, request: web.Request) -> bool:
        """Tell whether the key of a request that was let in still opens; it counts as none."""
        if not self._context.auth:
            return True
        try:
            await self._caller(_secret_of(request))
        except (Unauthorized, Unavailable):
            return False
        return True

    async def shows(self, request: web.Request, *, of_all: bool = True) -> bool:
        """Tell whether somebody is shown what strangers are not, here or by a key.

        of_all: what tells of all projects, for which a key has to be the operator's. Raises
        Unauthorized for a wrong key, Forbidden for one that is not.
        """
        context, peer = self._context, peer_of(request.transport)
        if context.front.opens_to(peer, request.host, request.headers, auth=context.auth):
            return True
        session = request.app.get(SESSION)
        if "Authorization" not in request.headers and session and GIVEN not in request:
            secret = await session(request)
            if secret is not None:
                request[GIVEN] = secret
        if "Authorization" not in request.headers and GIVEN not in request:
            return False
        caller = await self.admit(request, Scope.READ)
        if of_all and not caller.operator:
            raise Forbidden("this tells of all projects: it needs a key of the operator's project")
        return True

    async def show(self, request: web.Request, *, of_all: bool = True) -> None:
        """Raise Unauthorized unless somebody is shown what strangers are not; see `shows`."""
        if not await self.shows(request, of_all=of_all):
            raise Unauthorized(
                "this needs an API key, as in Authorization: Bearer ke_…; [metrics] in the"
                " configuration says who needs none"
            )

    def _rate(self, caller: Caller) -> float | None:
        """Return how many requests a second the caller's project may make, None for any."""
        default = self._context.limits.requests_per_second
        rate: float | None = caller.limits.get("requests_per_second", default)
        return rate

    def forget(self) -> None:
        """Ask the database again about everybody: a key was revoked."""
        self._known.clear()
        self._locked += 1

    async def _wrong(self, request: web.Request) -> None:
        """Count a wrong key, and wait where there were many; its connection may be given up."""
        context, address = self._context, place_of(request.remote or "")
        context.refused("wrong_key")
        self._seldom.told("wrong API key", address)
        left = self._guesses.delay_seconds(address, context.clock())
        if left and isinstance(request.protocol, MayLeave):
            request.protocol.may_leave()
        while left > 0 and request.transport is not None:
            await asyncio.sleep(min(left, LOOK_SECONDS))
            left -= LOOK_SECONDS

    async def _caller(self, secret: str) -> Caller:
        now, hashed = self._context.clock(), hash_of(secret)
        caller, since, steady = self._known.get(hashed, (None, 0, 0.0))
        age_ms = (self._context.steady() - steady) * 1000
        if caller is not None and 0 <= now - since < REMEMBERED_MS and age_ms < REMEMBERED_MS:
            if not caller.opens(now):
                raise Unauthorized("this key has expired")
            return self._used(caller, now)
        if is_mistyped(secret):
            raise Unauthorized("the key is mistyped or cut off: its checksum is wrong")
        locked, steady = self._locked, self._context.steady()
        caller = await self._found(secret, hashed, now)
        if caller is None:
            raise Unauthorized("this key is not known, was revoked, or has expired")
        if locked == self._locked:
            self._known[hashed] = (caller, now, steady)
            self._known.move_to_end(hashed)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return self._used(caller, now)

    async def _found(self, secret: str, hashed: str, now: int) -> Caller | None:
        """Ask the database about a key; of those who come meanwhile with it, once for all.

        Who comes after one was revoked here does not take what was read before.
        """
        place = (hashed, self._locked)
        asked = self._asked.get(place)
        if asked is None:
            reading = self._context.database.read(
                lambda tx: find_caller(tx, secret, now), at_once=True, brief=True
            )
            asked = self._asked[place] = asyncio.ensure_future(reading)
            asked.add_done_callback(lambda _: self._asked.pop(place, None))
        return await asyncio.shield(asked)

    def _used(self, caller: Caller, now: int) -> Caller:
        self._context.uses.note(caller.key_id, now)
        return caller

    async def _anybody(self) -> Caller:
        if self._operator is None:
            context = self._context
            project_id = await context.write(
                lambda tx: ensure_project(tx, context.clock(), context.random_bytes)
            )
            self._operator = Caller("", project_id, Scope.ADMIN, operator=True)
        return self._operator


def _secret_of(request: web.Request) -> str:
    if GIVEN in request:
        return request[GIVEN]
    header = request.headers.get("Authorization", "")
    if not header:
        raise Unauthorized("send an API key: Authorization: Bearer ke_…")
    found = _TOKEN.fullmatch(header.strip())
    if found is None:
        raise Unauthorized("the Authorization header has to be: Bearer, a space, and an API key")
    return found[1]


DOOR = web.AppKey("DOOR", Door)
