"""What is delivered, what came of an attempt, and what a delivery becomes after it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from crypitor.monitor.models import Phase
from crypitor.webhook.circuit import CLOSED, Circuit
from crypitor.webhook.quiet import FIRST, Quiet, Window
from crypitor.webhook.silence import Silence
from crypitor.webhook.success import Success
from crypitor.webhook.template import Template
from crypitor.webhook.tls import Tls

SCHEDULE_SECONDS: tuple[float, ...] = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""The waits between attempts: one more attempt than waits, over 75 h 35 min.

Source: the sample schedule of Standard Webhooks 1.0.
"""

JITTER = 0.2
LONGEST_RETRY_AFTER_SECONDS = 24 * 3600
OLD_SIGNS_MS = 24 * 3600 * 1000
"""How long a secret that was replaced still signs."""

GONE = 410
BUSY = (429, 503)
"""Answers whose `Retry-After` speaks of the receiver, not of the one delivery (RFC 6585, 9110)."""
LEAST_PER_SECOND = 1e-5
"""Attempts, about one a day: of less, nobody could say when the next may come."""

CHAT_PACES: Mapping[str, float] = {
    "slack": 1, "discord": 2, "telegram": 1, "teams": 2, "ntfy": 1, "matrix": 1, "pagerduty": 2,
    "opsgenie": 2, "email": 1, "apprise": 1,
}  # fmt: skip
"""Attempts a second. Source: what each says of one incoming webhook, or of one chat."""

ONE_AT_A_TIME = ("discord",)
"""Formats whose answers say how much may follow, so that each is read before the next is sent."""


class Status(StrEnum):
    """Of a delivery.

    waiting: an earlier phase of its match at its endpoint has not ended. pending: to be sent when
    it is due. The others are ends. counted: not told by itself, but counted in a message that was
    taken.
    """

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    COUNTED = "counted"
    FAILED = "failed"
    CANCELLED = "cancelled"


class State(StrEnum):
    """Of an endpoint; `disabled` is what we decided, `enabled` what its owner did."""

    HEALTHY = "healthy"
    FAILING = "failing"
    DISABLED = "disabled"


class Notice(StrEnum):
    """News of an endpoint that the project's other endpoints may ask for; the `type` of a body."""

    FAILING = "endpoint.failing"
    DISABLED = "endpoint.disabled"
    MOVED = "endpoint.moved"


class Care(StrEnum):
    """That somebody takes care of a match, for services in which an alert is open; the `type`."""

    ACKNOWLEDGED = "match.acknowledged"


class Control(StrEnum):
    """What a receiver asks for in the header `webhook-delivery` of its answer.

    Source: Svix, "Delivery Control". abort: no more attempts of this delivery. disable: nothing
    more at all, as 410 says too.
    """

    ABORT = "abort-message"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that was replaced and still signs. until: unix milliseconds."""

    secret: str
    until: int

    def signs(self, now: int) -> bool:
        """Whether it signs now, in unix milliseconds.

        Where the clock was set back it signs for somewhat longer: receivers have a day to learn the
        new one. What would sign for more than two days was replaced by a clock far ahead.
        """
        return now < self.until <= now + 2 * OLD_SIGNS_MS


@dataclass(frozen=True, slots=True)
class Digest:
    """Letters that hold more than one message.

    seconds: between two of them, in which messages gather. count: in one at most.
    """

    seconds: int
    count: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A user's URL and how it is called.

    secret: see `signature`. old_secrets: newest first; those whose time is over may still be there.
    template: of the body, in place of the standard one; None for none. headers: the user's own.
    ordered: one at a time, first in first out. rate_per_second: attempts, None for no limit.
    events: news of other endpoints that it wants. success: what its success looks like, None for
    every 2xx. tls: of its own, None for none. digest: of mail, None for a letter each.
    quiet: how much it is told, None for all; window: where it stands with that. silence: hours in
    which it is told nothing.
    checksum: whether addresses in its bodies have their EIP-55 checksum.
    state_reason: a sentence, None while healthy.
    failures_in_row: attempts. failing_since: of the first of them, failed_at: of the last one.
    Instants are in unix milliseconds.
    """

    id: str
    project_id: str
    url: str
    secret: str = field(repr=False)
    description: str = ""
    format: str = "standard"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ordered: bool = False
    rate_per_second: float | None = None
    events: tuple[Notice, ...] = ()
    enabled: bool = True
    state: State = State.HEALTHY
    state_reason: str | None = None
    failures_in_row: int = 0
    failing_since: int | None = None
    failed_at: int | None = None
    circuit: Circuit = CLOSED
    created_at: int = 0
    updated_at: int = 0
    old_secrets: tuple[OldSecret, ...] = field(default=(), repr=False)
    template: Template | None = None
    success: Success | None = None
    tls: Tls | None = field(default=None, repr=False)
    digest: Digest | None = None
    quiet: Quiet | None = None
    window: Window = FIRST
    silence: tuple[Silence, ...] = ()
    checksum: bool = False

    @property
    def pace(self) -> float | None:
        """Attempts a second, None for no limit; chat services take so many and no more."""
        if self.rate_per_second:
            return max(self.rate_per_second, LEAST_PER_SECOND)  # of releases before it may be less
        return CHAT_PACES.get(self.format)

    @property
    def singly(self) -> bool:
        """Whether nothing is sent before the last answer is known."""
        return self.ordered or self.format in ONE_AT_A_TIME or self.digest is not None

    def secrets(self, now: int) -> list[str]:
        """Return the secrets that sign, newest first. now: unix milliseconds."""
        return [self.secret, *(old.secret for old in self.old_secrets if old.signs(now))]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One phase of one match, or one notice, on its way to one endpoint.

    monitor_id, match_id: None of a notice. position: in the order in which deliveries were queued.
    id: also its `webhook-id`. body: sent byte for byte the same in every attempt.
    attempts: those that have ended. token: grows with each claim and each record; whoever holds an
    older one may not record. follows: the delivery that has to end before this one may begin.
    error: of the last attempt. due_at, created_at, finished_at: unix milliseconds.
    earlier_attempts: those before it was last opened again, with which its schedule began anew.
    quiet: whether its monitor asked, when it was queued, how much is told.
    """

    id: str
    project_id: str
    monitor_id: str | None
    match_id: str | None
    endpoint_id: str
    phase: Phase | Notice | Care
    status: Status
    attempts: int
    due_at: int
    token: int
    follows: str | None
    body: str = field(repr=False)
    error: str | None
    created_at: int
    finished_at: int | None
    earlier_attempts: int = 0
    position: int = 0
    quiet: bool = False

    @property
    def type(self) -> str:
        """What its body says it is."""
        return f"match.{self.phase}" if isinstance(self.phase, Phase) else self.phase.value


@dataclass(frozen=True, slots=True)
class Moved:
    """A URL that has become another: a Telegram group got a new number."""

    before: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one POST.

    started_at: unix milliseconds. status_code: None when no answer came.
    error: a short sentence, None for a 2xx that was read to its end.
    answer: the beginning of the answer's body. retry_after: the header as it came.
    control: see Control, None where nothing was asked. taken: it was, whatever its status: the
    endpoint's `success` says so. rest_ms: for how long it wants to be left alone with everything,
    where another than its status says so. moved: where it is found from now on, None for there.
    """

    started_at: int
    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    answer: str | None = None
    retry_after: str | None = None
    control: Control | None = None
    taken: bool = False
    rest_ms: int = 0
    moved: Moved | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the delivery has been taken."""
        if self.error is not None or self.status_code is None:
            return False
        return self.taken or self.status_code // 100 == 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """An outcome as it is kept. number: 1 for the first of its delivery."""

    number: int
    started_at: int
    duration_ms: int
    status_code: int | None
    error: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a delivery becomes.

    due_at: unix milliseconds of the next attempt, None at an end.
    gone: the endpoint said that it wants nothing more and is to be disabled.
    """

    status: Status
    due_at: int | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """An attempt that has ended: what was sent where, what came of it, and what that means.

    ended_at: unix milliseconds. mostly_failed: of its endpoint, see Recent. jitter: -1 to 1, for
    the rest of its endpoint. leads: False for all but the first of one letter, which is one
    attempt. counted: the message counts several deliveries.
    """

    delivery: Delivery
    outcome: Outcome
    verdict: Verdict
    ended_at: int
    mostly_failed: bool = False
    jitter: float = 0.0
    leads: bool = True
    counted: bool = False


def after(
    delivery: Delivery,
    outcome: Outcome,
    now: int,
    schedule_seconds: Sequence[float] = SCHEDULE_SECONDS,
    jitter: float = 0.0,
) -> Verdict:
    """Return what an attempt makes of a delivery.

    delivery: as it was before this attempt. now: unix milliseconds when the attempt ended.
    schedule_seconds: waits between attempts. jitter: -1 to 1, of 20 % of the wait.
    """
    gone = outcome.status_code == GONE or outcome.control is Control.DISABLE
    if outcome.succeeded:
        return Verdict(Status.DELIVERED, gone=gone)
    aborted = outcome.control is Control.ABORT
    tried = delivery.attempts - delivery.earlier_attempts
    if gone or aborted or tried >= len(schedule_seconds):
        return Verdict(Status.FAILED, gone=gone)
    if outcome.moved is not None:
        return Verdict(Status.PENDING, due_at=now)
    wait = schedule_seconds[tried] * (1 + JITTER * jitter)
    asked = retry_after_seconds(outcome.retry_after, now)
    return Verdict(Status.PENDING, due_at=now + round(max(wait, asked) * 1000))


def retry_after_seconds(value: str | None, now: int) -> float:
    """Return the wait that a `Retry-After` asks for, at most 24 h; 0 for one that asks nothing.

    value: seconds or an HTTP date (RFC 9110, 10.2.3). now: unix milliseconds.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0")
        asked = float(digits or 0) if len(digits) < 10 else LONGEST_RETRY_AFTER_SECONDS
    else:
        try:
            date = parsedate_to_datetime(text)
            asked = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now / 1000
        except (ValueError, OverflowError):
            return 0
    return min(max(asked, 0), LONGEST_RETRY_AFTER_SECONDS)


def rest_asked_ms(outcome: Outcome, now: int) -> int:
    """Return for how long a receiver wants to be left alone with everything, 0 where it does not.

    now: unix milliseconds.
    """
    if outcome.status_code not in BUSY:
        return outcome.rest_ms
    return max(outcome.rest_ms, round(retry_after_seconds(outcome.retry_after, now) * 1000))


class Observer(Protocol):
    """Hears what was recorded, for the metrics and the stream."""

    def attempts_recorded(self, results: Sequence[Result]) -> None:
        """Count attempts; each is told once, after its commit, and only if it counted."""
