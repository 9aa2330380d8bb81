"""The circuit breaker of one endpoint: when it is left alone, tried again, and trusted again. Pure.

    closed ──── 10 failures in a row, or 70 % of 10 and more in 5 minutes ────▶ open
    open ────── its rest is over and something is due: one attempt ───────────▶ half-open
    half-open ─ the attempt succeeded ─▶ closed, and its queue leaves slowly at first
              ─ it failed ─────────────▶ open, for twice as long as before
              ─ nothing was heard of it ▶ half-open again, with another attempt
    closed ──── it asked to be left alone until then: at rest, and then tried by one attempt

Nothing is dropped meanwhile: an open circuit keeps the queue.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

FAILURES_IN_ROW = 10
FAILED_SHARE = 0.7
FEWEST_ATTEMPTS = 10
WINDOW_MS = 300_000
BUCKET_MS = 30_000
FIRST_REST_MS = 30_000
LONGEST_REST_MS = 600_000
LONGEST_ASKED_MS = 24 * 3600 * 1000
REST_JITTER = 0.2
CALM_MS = 60_000
DRAIN_MS = 10_000
DRAIN_STEP_MS = 1_000
FIRST_DRAIN_PER_SECOND = 10.0


class CircuitState(StrEnum):
    """Whether an endpoint is called, left alone, or being tried."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit as it is stored.

    since: unix milliseconds of the last change of state, or when it was asked to rest. until: unix
    milliseconds; open, and closed where the endpoint asked for it: when the next attempt may be
    made; half-open: when nothing will be heard any more of the one that is under way. openings: in
    a row, without a calm minute between them. wait_ms: how far ahead `until` was put; what lies
    further ahead was put there by another clock, and is over.
    """

    state: CircuitState = CircuitState.CLOSED
    since: int = 0
    until: int | None = None
    openings: int = 0
    wait_ms: int = field(default=LONGEST_ASKED_MS, compare=False)

    def rests(self, now: int) -> bool:
        """Whether nothing may be sent now."""
        return self.until is not None and now < self.until <= now + self.wait_ms

    def may_try(self, now: int) -> bool:
        """Whether exactly one attempt may be made now."""
        return self.until is not None and not self.rests(now)

    def trying(self, now: int, lease_ms: int) -> "Circuit":
        """Return it with the one attempt under way."""
        since = self.since if self.state is CircuitState.HALF_OPEN else now
        return Circuit(CircuitState.HALF_OPEN, since, now + lease_ms, self.openings, lease_ms)


CLOSED = Circuit()


class Recent:
    """The attempts of the last five minutes at one endpoint, counted in steps of 30 seconds."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: deque[list[int]] = deque()

    def add(self, now: int, *, succeeded: bool) -> None:
        """Count an attempt that ended now, in unix milliseconds.

        Where the clock was set back, what came before counts as if it had come just now.
        """
        number = now // BUCKET_MS
        if self._buckets and (ahead := self._buckets[-1][0] - number) > 0:
            for bucket in self._buckets:
                bucket[0] -= ahead
        if not self._buckets or self._buckets[-1][0] < number:
            self._buckets.append([number, 0, 0])
        self._buckets[-1][1] += 1
        self._buckets[-1][2] += not succeeded
        while self._buckets[0][0] <= number - WINDOW_MS // BUCKET_MS:
            self._buckets.popleft()

    def over(self, now: int) -> bool:
        """Whether nothing that is counted is of the five minutes before or after."""
        return abs(now // BUCKET_MS - self._buckets[-1][0]) >= WINDOW_MS // BUCKET_MS

    def mostly_failed(self) -> bool:
        """Whether most attempts failed, and there were enough to say so."""
        attempts = sum(bucket[1] for bucket in self._buckets)
        failures = sum(bucket[2] for bucket in self._buckets)
        return attempts >= FEWEST_ATTEMPTS and failures >= FAILED_SHARE * attempts


def circuit_after(
    circuit: Circuit,
    now: int,
    *,
    succeeded: bool,
    failures_in_row: int,
    mostly_failed: bool,
    jitter: float = 0.0,
    asked_ms: int = 0,
) -> Circuit:
    """Return what an attempt makes of a circuit.

    now: unix milliseconds. failures_in_row: with this attempt. mostly_failed: see Recent, with
    this attempt. jitter: -1 to 1, of 20 % of the rest. asked_ms: for how long it wants to be left
    alone with everything, 0 where it did not say so.
    """
    if not succeeded:
        failed = _failed(circuit, now, failures_in_row, mostly_failed, jitter)
        return resting(failed, now, asked_ms) if asked_ms else failed
    if circuit.state is CircuitState.HALF_OPEN:
        return Circuit(CircuitState.CLOSED, now, None, circuit.openings)
    return circuit  # where it rests, the attempt began before


def _failed(
    circuit: Circuit, now: int, failures_in_row: int, mostly_failed: bool, jitter: float
) -> Circuit:
    if circuit.state is CircuitState.OPEN:  # it began before the circuit opened
        return circuit
    tried = circuit.state is CircuitState.HALF_OPEN
    if tried and circuit.openings:
        return _opened(circuit, now, circuit.openings + 1, jitter)
    if failures_in_row >= FAILURES_IN_ROW or mostly_failed:
        calm = _calm(circuit, now)
        return _opened(circuit, now, 1 if calm else circuit.openings + 1, jitter)
    return replace(circuit, state=CircuitState.CLOSED, until=None) if tried else circuit


def resting(circuit: Circuit, now: int, asked_ms: int) -> Circuit:
    """Return a circuit at rest for as long as was asked, or longer. now: unix milliseconds."""
    rests = circuit.rests(now)
    before = circuit.until if rests and circuit.until is not None else 0
    until = max(before, now + asked_ms)
    if circuit.state is not CircuitState.CLOSED or rests:
        return replace(circuit, until=until, wait_ms=until - now)
    openings = 0 if _calm(circuit, now) else circuit.openings
    return Circuit(CircuitState.CLOSED, now, until, openings, asked_ms)


def _calm(circuit: Circuit, now: int) -> bool:
    """Whether it has been as it is for a minute: also where the clock says that it will be so."""
    return abs(now - circuit.since) >= CALM_MS


def drain_per_second(circuit: Circuit, now: int) -> float | None:
    """Return how many attempts a second a circuit that was closed lately allows; None: any.

    10 at first, twice as many every second, and no limit after ten seconds.
    """
    if circuit.state is not CircuitState.CLOSED or not circuit.openings:
        return None
    passed = abs(now - circuit.since)  # what is far ahead was so before the clock was set back
    if passed >= DRAIN_MS:
        return None
    return FIRST_DRAIN_PER_SECOND * 2.0 ** (passed // DRAIN_STEP_MS)


def _opened(circuit: Circuit, now: int, openings: int, jitter: float) -> Circuit:
    rest = min(FIRST_REST_MS * 2.0 ** min(openings - 1, 20), LONGEST_REST_MS)
    since = now if circuit.state is CircuitState.CLOSED else circuit.since
    wait_ms = round(rest * (1 + REST_JITTER * jitter))
    return Circuit(CircuitState.OPEN, since, now + wait_ms, openings, wait_ms)
