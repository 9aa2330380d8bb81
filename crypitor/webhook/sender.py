"""The webhook role: claims what is due, posts it side by side, records what came of it.

One turn is one transaction: it records every outcome that is waiting and claims for every endpoint
that has a free slot. While it is being committed, attempts end and gather for the next turn; of an
endpoint that has several under way, most are waited for, though not for long (`Gathering`).

An attempt is under way between two turns only. Killed there, its lease runs out and the same id
and body are sent again. When the database is down, outcomes are kept, and nothing new is sent that
could not be recorded: what is kept is bounded by the slots.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import structlog

from crypitor.database.attempts import Recorded, claim, load_endpoints, record
from crypitor.database.cancellations import give_up_cancelled
from crypitor.database.deliveries import last_position
from crypitor.database.due import due_endpoints
from crypitor.database.engine import Database, Transaction
from crypitor.database.hushed import Claimed
from crypitor.errors import Unavailable
from crypitor.runtime.loop import Health, forever, pause
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.turnstile import Turnstile, after_a_turn, at_once
from crypitor.webhook.circuit import CircuitState, Recent
from crypitor.webhook.delivery import SCHEDULE_SECONDS, Delivery, Endpoint, Observer, Result
from crypitor.webhook.gathering import Gathering
from crypitor.webhook.health import rate_of, rest_of
from crypitor.webhook.letters import attempts_of, content_of, rested, results_of
from crypitor.webhook.misplaced import Misplaced
from crypitor.webhook.post import Poster
from crypitor.webhook.shortage import Shortage
from crypitor.webhook.turns import MOST_REMEMBERED, Slots, Turns

log = structlog.get_logger(__name__)

LEASE_SECONDS = 60.0
IN_FLIGHT = 200
IN_FLIGHT_PER_ENDPOINT = 10
ENDPOINTS_AT_ONCE = 2000
GRACE_SECONDS = 20.0
SWEEP_MS = 1000
LOOK_MS = 100
# Where deliveries come without end, sweeps for them take at most so much of the time.
SWEEPING_SHARE = 0.1
# Bounds of one transaction, so that neither the matcher nor other endpoints wait long for it.
MOST_ENDPOINTS_A_TURN = 16
MOST_SLOTS_A_TURN = 32
MOST_OUTCOMES_A_TURN = 50
# Of what no block waits for: whoever else is ready in a turn of the loop waits for so many.
BEGINNING_AT_ONCE = 2
RETRY_RECORD_SECONDS = 0.5

Claim: TypeAlias = Callable[[Transaction], Awaitable[None]]
"""Claims, within a unit of work."""


class Sender:
    """Database → endpoints. `wake` makes the first attempt leave at once; else a sweep finds it.

    schedule_seconds: waits between attempts. lease_seconds: longer than the poster's deadline.
    grace_seconds: for attempts in flight when it is told to stop. clock: unix milliseconds.
    jitter: -1 to 1. in_flight and the two after it: see Turns. looks: whether deliveries are queued
    by another process, which cannot wake this one; then it looks for new ones more often. life: of
    this process, by which others end its claims when it is gone; None: they wait for the lease.
    exhausted: hears of each POST that this machine had nothing left for. precedence: of blocks, on
    whose way to their first POST nothing begins here but that.
    """

    def __init__(
        self,
        database: Database,
        poster: Poster,
        *,
        clock: Callable[[], int],
        jitter: Callable[[], float],
        observer: Observer,
        schedule_seconds: Sequence[float] = SCHEDULE_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
        in_flight: int = IN_FLIGHT,
        in_flight_per_endpoint: int = IN_FLIGHT_PER_ENDPOINT,
        endpoints_at_once: int = ENDPOINTS_AT_ONCE,
        grace_seconds: float = GRACE_SECONDS,
        looks: bool = False,
        life: str | None = None,
        exhausted: Callable[[], None] = lambda: None,
        precedence: Precedence | None = None,
    ) -> None:
        if lease_seconds <= poster.deadline_seconds:
            raise ValueError("a lease must be longer than the deadline of a POST")
        self._database = database
        patience_seconds = lease_seconds - poster.deadline_seconds
        self._posts = Shortage(poster, clock, patience_seconds, exhausted)
        self._clock = clock
        self._jitter = jitter
        self._observer = observer
        self._schedule_seconds = tuple(schedule_seconds)
        self._lease_ms = round(lease_seconds * 1000)
        self._grace_seconds = grace_seconds
        self._turns = Turns(in_flight, in_flight_per_endpoint, endpoints_at_once)
        self._precedence = precedence or Precedence()
        self._beginning = Turnstile(self._precedence, at_once=BEGINNING_AT_ONCE)
        self._sweep_at = 0
        self._looks = looks
        self._life = life
        self._look_at = 0
        self._seen_position = 0
        self._misplaced = Misplaced(database, clock, shared=looks)
        self._latest = 0
        # Not stored: after a restart they are counted anew, and circuits stay as their rows say.
        self._recent: dict[str, Recent] = {}
        self._attempts: set[asyncio.Task[None]] = set()
        self._started = 0
        self._group: asyncio.TaskGroup | None = None
        self._sending = False
        self._claiming = 0
        self._awake = asyncio.Event()
        self._gathered = Gathering(self._turns, self._awake.set, most=MOST_OUTCOMES_A_TURN)

    @property
    def in_flight(self) -> int:
        """Attempts that are under way or not recorded yet."""
        return self._turns.in_flight

    def wake(self, endpoint_ids: Iterable[str]) -> None:
        """Tell that these endpoints have something due, right after that was committed."""
        for endpoint_id in endpoint_ids:
            self._turns.is_due(endpoint_id)
        self._awake.set()

    @contextmanager
    def claiming(self, endpoint_ids: Iterable[str]) -> Iterator[Claim]:
        """Claim within a unit of work that queues for these endpoints; inside, run that unit.

        It calls what is yielded as its last. What is claimed then is sent from the end of the
        context on: no second transaction stands between a match and its first POST. They stand
        before all that waits, for what each may have at most; nothing while nothing is sent.
        """
        slots, claimed = self._reserved(endpoint_ids), None

        async def claim(tx: Transaction) -> None:
            nonlocal claimed
            claimed = await self._claim(tx, slots, {}) if slots.granted else None

        self._claiming += 1
        try:
            yield claim
        except BaseException:
            self._give_back(slots)
            raise
        else:
            if claimed is None or self._group is None:
                self._give_back(slots)
            else:
                self._start(slots, claimed, of_a_block=True)
        finally:
            self._claiming -= 1
            self._awake.set()

    def _reserved(self, endpoint_ids: Iterable[str]) -> Slots:
        now = self._now()
        if not self._sending or self._gathered.stuck:
            return Slots(now, [])
        return Slots(now, self._turns.turns_of(endpoint_ids, now, MOST_ENDPOINTS_A_TURN))

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Send until told to stop; then claim no more and see off what is in flight."""
        self._posts.health = health
        async with asyncio.TaskGroup() as self._group:
            self._sending = True
            try:
                await forever(
                    "webhook",
                    self.step,
                    stop=stop,
                    health=health,
                    idle_seconds=self._idle_seconds,
                    wake=self._awake,
                )
            finally:
                self._sending = False
            await self._see_off()
        self._group = None

    async def settle(self) -> None:
        """Step until nothing is due and nothing in flight: for tests, instead of `run`."""
        async with asyncio.TaskGroup() as self._group:
            while True:
                self._awake.clear()
                self._sweep_at = 0
                self._misplaced.look_again()
                started = self._started
                while await self.step():
                    pass
                if self._attempts or self._gathered.outcomes:
                    await self._awake.wait()
                elif self._started == started:
                    return

    async def step(self) -> bool:
        """Take one turn, and start the attempts it claimed; False when there was nothing to do."""
        await self._precedence.over()
        now = self._now()
        if now >= self._sweep_at or (self._looks and await self._something_new(now)):
            await self._sweep(now)
        self._gathered.free()
        granted = self._turns.next_turns(now, MOST_ENDPOINTS_A_TURN, MOST_SLOTS_A_TURN)
        if not granted and not self._gathered.enough:
            return False
        await self._turn(Slots(now, granted))
        return True

    def _now(self) -> int:
        """Return the time; where the clock was set back, what waits in memory is set back too."""
        now = self._clock()
        if (by_ms := self._latest - now) > 0:
            self._turns.set_back(by_ms)
            self._sweep_at = self._look_at = 0
            self._misplaced.look_again()
        self._latest = now
        return now

    async def _something_new(self, now: int) -> bool:
        """Tell whether deliveries were queued since the last look, when it is time for one."""
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_MS
        seen = self._seen_position
        self._seen_position = await self._database.read(last_position, at_once=True)
        return self._seen_position != seen

    async def _sweep(self, now: int) -> None:
        """Find what is due before the next sweep: retries, leases that ran out, missed wakes."""
        await self._misplaced.look(now)
        found = await self._database.read(
            lambda tx: due_endpoints(tx, now + SWEEP_MS), at_once=True
        )
        self._sweep_at = now + SWEEP_MS
        took = self._clock() - now
        self._look_at = now + min(SWEEP_MS, max(LOOK_MS, round(took / SWEEPING_SHARE)))
        for due in found:
            if due.due_at <= now:
                self._turns.is_due(due.endpoint_id, due.failures_in_row, due.project_id)
                self._turns.rest(due.endpoint_id, None)  # its owner may have ended its rest
            else:
                self._turns.is_due_at(
                    due.endpoint_id, due.due_at, due.failures_in_row, due.project_id
                )
        self._turns.forget_idle(due.endpoint_id for due in found)
        if len(self._recent) > MOST_REMEMBERED:
            self._recent = {at: kept for at, kept in self._recent.items() if not kept.over(now)}

    async def _turn(self, slots: Slots) -> None:
        results = self._gathered.begin()
        try:
            recorded, claimed = await self._database.write(
                lambda tx: self._record_and_claim(tx, results, slots), at_once=True
            )
        except BaseException:
            self._give_back(slots)
            self._gathered.failed()
            raise
        self._recorded(results, recorded, slots.now)
        self._start(slots, claimed)

    def _give_back(self, slots: Slots) -> None:
        for endpoint_id, held in slots.granted:
            self._turns.claimed(endpoint_id, held, 0)
            self._turns.is_due(endpoint_id)

    async def _record_and_claim(
        self, tx: Transaction, results: Sequence[Result], slots: Slots
    ) -> tuple[Recorded, dict[str, Claimed]]:
        """Record first: a result's endpoint may be disabled by it, and its lease be over."""
        recorded = await record(tx, results)
        return recorded, await self._claim(tx, slots, recorded.endpoints)

    async def _claim(
        self, tx: Transaction, slots: Slots, known: Mapping[str, Endpoint]
    ) -> dict[str, Claimed]:
        unknown = [endpoint_id for endpoint_id, _ in slots.granted if endpoint_id not in known]
        endpoints = {**known, **await load_endpoints(tx, unknown)}
        asked = [(endpoints[at], held) for at, held in slots.granted if at in endpoints]
        claimed = await claim(tx, asked, slots.now, self._lease_ms, self._life)
        every = [delivery for got in claimed.values() for delivery in got.all]
        if cancelled := await give_up_cancelled(tx, every, slots.now):
            for got in claimed.values():
                got.without(cancelled)
        return claimed

    def _recorded(self, results: Sequence[Result], recorded: Recorded, now: int) -> None:
        self._gathered.recorded(results)
        for result in results:
            due_at = result.verdict.due_at
            if due_at is not None and due_at < self._sweep_at:
                self._turns.is_due_at(result.delivery.endpoint_id, due_at)
        for endpoint_id, endpoint in recorded.endpoints.items():
            self._turns.rest(endpoint_id, rest_of(endpoint, now))
            if endpoint.circuit.state is not CircuitState.CLOSED:
                self._recent.pop(endpoint_id, None)
        for endpoint_id in recorded.released:
            self._turns.is_due(endpoint_id)
        if len(recorded.results) < len(results):
            log.warning(
                "attempts not counted: their claims had passed on",
                attempts=len(results) - len(recorded.results),
                age_ms=now - min(result.ended_at for result in results),
            )
        self._observer.attempts_recorded(recorded.results)

    def _start(
        self, slots: Slots, claimed: Mapping[str, Claimed], *, of_a_block: bool = False
    ) -> None:
        if self._group is None:
            raise RuntimeError("a sender steps only within run() or settle()")
        # What is written leaves at the end of a turn of the loop: a block's first one need not wait
        # until all of the block's are written, nor these for what no block waits for.
        passed = at_once if of_a_block else self._beginning.passed
        for endpoint_id, held in slots.granted:
            if (got := claimed.get(endpoint_id)) is None:  # it was deleted
                self._turns.claimed(endpoint_id, held, 0)
                continue
            endpoint = got.endpoint
            attempts = attempts_of(endpoint, got.deliveries, got.groups, counts=got.counts)
            self._turns.claimed(
                endpoint_id,
                held,
                len(attempts),
                ordered=endpoint.singly,
                rate_per_second=rate_of(endpoint, slots.now),
                project=endpoint.project_id,
            )
            self._turns.rest(endpoint_id, rest_of(endpoint, slots.now))
            if got.more:
                self._turns.is_due(endpoint_id)
            self._started += len(attempts)
            for deliveries in attempts:
                attempt = self._group.create_task(self._attempt(got, deliveries, passed))
                passed = after_a_turn if of_a_block else passed
                self._attempts.add(attempt)
                attempt.add_done_callback(self._attempts.discard)

    async def _attempt(
        self, got: Claimed, deliveries: Sequence[Delivery], passed: Callable[[], Awaitable[None]]
    ) -> None:
        """Post once. The outcome waits for the next turn; an unexpected error ends the role.

        passed: returns when it may begin.
        """
        await passed()
        endpoint = got.endpoint
        outcome = await self._posts.post(endpoint, *content_of(endpoint, deliveries, got.names))
        if outcome is None:
            self._turns.given_up(endpoint.id)
            self._awake.set()
            return
        outcome = rested(endpoint, outcome)
        now = self._clock()
        recent = self._recent.setdefault(endpoint.id, Recent())
        recent.add(now, succeeded=outcome.succeeded)
        mostly_failed = not outcome.succeeded and recent.mostly_failed()
        told = (outcome, now, self._schedule_seconds, self._jitter())
        results = results_of(endpoint, deliveries, *told, mostly_failed=mostly_failed)
        self._gathered.add(results, endpoint.id)

    async def _see_off(self) -> None:
        """Wait for attempts in flight and record them, for as long as the grace lasts.

        What is left then is cut off: its lease runs out, and it is sent again.
        """
        ends_at = asyncio.get_running_loop().time() + self._grace_seconds
        while self._attempts or self._gathered.outcomes or self._claiming:
            left = ends_at - asyncio.get_running_loop().time()
            if left <= 0:
                break
            self._awake.clear()
            if not self._gathered.outcomes:
                await pause(left, self._awake)
            elif not await self._recorded_now():
                await pause(min(left, RETRY_RECORD_SECONDS), asyncio.Event())
        for attempt in self._attempts:
            attempt.cancel()
        if lost := len(self._attempts) + len(self._gathered.outcomes):
            log.warning("attempts cut off", attempts=lost)

    async def _recorded_now(self) -> bool:
        try:
            await self._turn(Slots(self._clock(), []))
        except Unavailable:
            return False
        return True

    def _idle_seconds(self) -> float:
        look_at = self._look_at if self._looks else self._sweep_at
        wake_at = min(self._sweep_at, look_at, self._turns.next_at() or self._sweep_at)
        return min(max(0, wake_at - self._clock()), SWEEP_MS) / 1000
