"""Whose turn it is: slots for attempts, shared so that no endpoint's trouble is another's. Pure.

Attempts in flight are bounded, because each holds a socket and memory. But a bound for all of them
would be filled by endpoints that hang, and the healthy ones would wait behind those. So there are
two. An endpoint's first slot is its own: as many endpoints as `endpoints_at_once` may have one, and
what an endpoint has shown decides how full the house may be when it enters:

    doubtful   its last attempt failed          at most half, together
    new        nothing is known of it yet       at most three quarters, with the doubtful
    proven     its last attempt succeeded       all

More slots are earned: each success doubles an endpoint's share up to its limit, a failure puts it
back to one. They count against `in_flight`, of which one project never has the last quarter. An
endpoint that hangs is doubtful after its first deadline, holds one slot from then on, in a half
that the healthy ones do not need, and has none of the earned ones. What is left: proven endpoints
that fall silent in the same moment keep their earned slots until their deadline; meanwhile every
other endpoint still has its first.

Who waits for slots of one kind is served in turn: the projects one after another, and within a
project its endpoints. An endpoint at rest, because its circuit is open, does not stand there.
Before them stands what a block at the head brings, which is claimed with it.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

MOST_REMEMBERED = 10_000
MOST_SLOTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots that are held for endpoints, to be claimed for. now: unix milliseconds."""

    now: int
    granted: list[tuple[str, int]]


class Standing(IntEnum):
    """What an endpoint has shown."""

    PROVEN = 0
    NEW = 1
    DOUBTFUL = 2


_EARNED = len(Standing)
"""The queue of endpoints that have their first slot and want more."""


@dataclass(slots=True)
class _Lane:
    """What is known of one endpoint.

    project: whose it is; its own id as long as that is not known. share: slots it may have now.
    most: the limit of its share. asking: it has due deliveries. queued: the queue in which it
    stands, None while it may not have more. tokens: attempts that its rate allows at once.
    rests_until: unix milliseconds, None while it may be called.
    """

    project: str
    standing: Standing
    most: int
    share: int = 1
    in_flight: int = 0
    queued: int | None = None
    asking: bool = False
    rate_per_second: float | None = None
    tokens: float = 1.0
    refilled_at: int = 0
    rests_until: int | None = None


class _Queue:
    """Endpoints that wait for slots of one kind: each project in turn, then each of its own."""

    def __init__(self) -> None:
        self._projects: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._projects)

    def add(self, project: str, endpoint_id: str) -> None:
        """Let an endpoint stand at the end of its project's."""
        self._projects.setdefault(project, OrderedDict())[endpoint_id] = None

    def remove(self, project: str, endpoint_id: str) -> None:
        """Take out one that stands here."""
        waiting = self._projects[project]
        del waiting[endpoint_id]
        if not waiting:
            del self._projects[project]

    def first(self, may: Callable[[str], bool]) -> str | None:
        """Return the first of the project whose turn it is, of those that may have one."""
        for project, waiting in self._projects.items():
            if may(project):
                return next(iter(waiting))
        return None

    def take(self, project: str, endpoint_id: str) -> None:
        """Take out one that is served: its project stands last now."""
        waiting = self._projects.pop(project)
        del waiting[endpoint_id]
        if waiting:
            self._projects[project] = waiting


class Turns:
    """Which endpoints have due deliveries, and how many of them may be attempted now.

    in_flight: attempts at the same time beyond each endpoint's first. in_flight_per_endpoint: of
    one endpoint, its first included. endpoints_at_once: with an attempt in flight.
    """

    def __init__(self, in_flight: int, in_flight_per_endpoint: int, endpoints_at_once: int) -> None:
        if in_flight < 0 or in_flight_per_endpoint < 1 or endpoints_at_once < 4:
            raise ValueError("at least 1 attempt for each of at least 4 endpoints")
        # A quarter of the house is never for those of whom nothing good is known.
        self._ceilings = (endpoints_at_once, endpoints_at_once * 3 // 4, endpoints_at_once // 2)
        self._earned_ceiling = in_flight
        # Of two that want all, none can have so many that the other is shut out for a while.
        self._most_of_one_project = max(1, -(-in_flight * 3 // 4))
        self._earned_by: dict[str, int] = {}
        self._most = in_flight_per_endpoint
        self._inside = [0, 0, 0]
        self._earned = 0
        self._lanes: dict[str, _Lane] = {}
        # For a first slot by standing, and for earned ones: who waits for one kind must not stand
        # before those who wait for another.
        self._queues = tuple(_Queue() for _ in range(len(Standing) + 1))
        self._first_queue = 0
        self._later: list[tuple[int, str]] = []

    @property
    def in_flight(self) -> int:
        """Slots that are held."""
        return sum(self._inside) + self._earned

    def held(self, endpoint_id: str) -> int:
        """Return how many slots an endpoint holds."""
        lane = self._lanes.get(endpoint_id)
        return lane.in_flight if lane else 0

    def is_due(
        self, endpoint_id: str, failures_in_row: int = 0, project: str | None = None
    ) -> None:
        """Note that an endpoint probably has due deliveries.

        failures_in_row, project: from its row, for one that is not known here yet.
        """
        self._ask(endpoint_id, self._lane(endpoint_id, failures_in_row, project))

    def is_due_at(
        self, endpoint_id: str, due_at: int, failures_in_row: int = 0, project: str | None = None
    ) -> None:
        """Note when an endpoint has its next due delivery, in unix milliseconds."""
        self._lane(endpoint_id, failures_in_row, project)
        heapq.heappush(self._later, (due_at, endpoint_id))

    def rest(self, endpoint_id: str, until: int | None) -> None:
        """Leave an endpoint alone until an instant; with None, no longer.

        What it asks for meanwhile is remembered: it asks again when its rest is over.
        """
        lane = self._lane(endpoint_id, 0, None)
        if lane.rests_until == until:
            return
        lane.rests_until = until
        if until is not None:
            heapq.heappush(self._later, (until, endpoint_id))
        if until is None or lane.asking:
            self._ask(endpoint_id, lane)

    def set_back(self, by_ms: int) -> None:
        """Let what waits in here wait on for as long as before the clock was set back."""
        self._later = [(at - by_ms, endpoint_id) for at, endpoint_id in self._later]
        for lane in self._lanes.values():
            lane.refilled_at -= by_ms
            if lane.rests_until is not None:
                lane.rests_until -= by_ms

    def next_at(self) -> int | None:
        """Return the earliest time that was noted and has not come."""
        return self._later[0][0] if self._later else None

    def next_turns(
        self, now: int, most: int, most_slots: int = MOST_SLOTS
    ) -> list[tuple[str, int]]:
        """Hand out free slots: at most `most` endpoints, each with how many it gets.

        most_slots: once there are so many, no other endpoint gets any. The slots are held from now
        on: tell with `claimed` how many are used. Queues take turns,
        and within a queue who came first is first.
        """
        self._note_due(now)
        granted: list[tuple[str, int]] = []
        empty_handed = slots = 0
        while len(granted) < most and slots < most_slots and empty_handed < len(self._queues):
            grant = self._grant(self._first_queue, now)
            self._first_queue = (self._first_queue + 1) % len(self._queues)
            if grant is None:
                empty_handed += 1
            else:
                empty_handed = 0
                granted.append(grant)
                slots += grant[1]
        return granted

    def turns_of(self, endpoint_ids: Iterable[str], now: int, most: int) -> list[tuple[str, int]]:
        """Hand out free slots to these endpoints alone, before whoever waits; see `next_turns`.

        They come in the order of the projects' turns among themselves. Each is noted as due.
        """
        of_projects: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()
        for endpoint_id in endpoint_ids:
            self.is_due(endpoint_id)
            project = self._lanes[endpoint_id].project
            of_projects.setdefault(project, OrderedDict())[endpoint_id] = None
        granted: list[tuple[str, int]] = []
        while of_projects and len(granted) < most:
            project, waiting = of_projects.popitem(last=False)
            endpoint_id, _ = waiting.popitem(last=False)
            if waiting:
                of_projects[project] = waiting
            lane = self._lanes[endpoint_id]
            if lane.queued is not None and (slots := self._give(lane.queued, endpoint_id, now)):
                granted.append((endpoint_id, slots))
        return granted

    def claimed(
        self,
        endpoint_id: str,
        granted: int,
        used: int,
        *,
        ordered: bool = False,
        rate_per_second: float | None = None,
        project: str | None = None,
    ) -> None:
        """Give back the slots that found nothing to do; who used all asks again."""
        lane = self._lane(endpoint_id, 0, project)
        lane.most = 1 if ordered else self._most
        lane.share = min(lane.share, lane.most)
        lane.rate_per_second = rate_per_second
        if rate_per_second is not None:
            lane.tokens -= used
        self._hold(lane, used - granted)
        if used == granted or lane.asking:
            self._ask(endpoint_id, lane)

    def given_up(self, endpoint_id: str) -> None:
        """Free the slot of what could not be tried."""
        lane = self._lanes[endpoint_id]
        self._hold(lane, -1)
        if lane.asking:
            self._ask(endpoint_id, lane)

    def ended(self, endpoint_id: str, *, succeeded: bool) -> None:
        """Free the slot of an attempt, and let the endpoint's share follow from how it went."""
        lane = self._lanes[endpoint_id]
        self._hold(lane, -1)
        standing = Standing.PROVEN if succeeded else Standing.DOUBTFUL
        if standing is not lane.standing:
            held = lane.in_flight
            self._hold(lane, -held)
            lane.standing = standing
            self._hold(lane, held)
        lane.share = min(lane.share * 2, lane.most) if succeeded else 1
        if lane.asking:
            self._ask(endpoint_id, lane)

    def forget_idle(self, asking: Iterable[str]) -> None:
        """Forget endpoints with nothing to do once very many are remembered."""
        if len(self._lanes) <= MOST_REMEMBERED:
            return
        keep = {*asking, *(endpoint_id for _, endpoint_id in self._later)}
        self._lanes = {
            endpoint_id: lane
            for endpoint_id, lane in self._lanes.items()
            if lane.in_flight or lane.asking or endpoint_id in keep
        }

    def _lane(self, endpoint_id: str, failures_in_row: int, project: str | None) -> _Lane:
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            standing = Standing.DOUBTFUL if failures_in_row else Standing.NEW
            lane = self._lanes[endpoint_id] = _Lane(endpoint_id, standing, self._most)
        if project is not None and project != lane.project:
            if lane.queued is not None:
                self._queues[lane.queued].remove(lane.project, endpoint_id)
                self._queues[lane.queued].add(project, endpoint_id)
            held = lane.in_flight
            self._hold(lane, -held)
            lane.project = project
            self._hold(lane, held)
        return lane

    def _ask(self, endpoint_id: str, lane: _Lane) -> None:
        """Let it stand in the queue that is right for it now, if it may have another slot."""
        lane.asking = True
        free = lane.in_flight < lane.share and lane.rests_until is None
        number = _queue_of(lane) if free else None
        if lane.queued == number:
            return
        if lane.queued is not None:
            self._queues[lane.queued].remove(lane.project, endpoint_id)
        lane.queued = number
        if number is not None:
            self._queues[number].add(lane.project, endpoint_id)

    def _note_due(self, now: int) -> None:
        """Let those ask whose time has come."""
        while self._later and self._later[0][0] <= now:
            _, endpoint_id = heapq.heappop(self._later)
            lane = self._lane(endpoint_id, 0, None)
            if lane.rests_until is not None and lane.rests_until <= now:
                lane.rests_until = None
            self._ask(endpoint_id, lane)

    def _grant(self, number: int, now: int) -> tuple[str, int] | None:
        """Serve the first endpoint of a queue that can use a slot; None when there is none."""
        queue = self._queues[number]
        while queue and self._room(number, "") > 0:
            # At most one project holds that many, so that no more than one is passed over.
            endpoint_id = queue.first(lambda project: self._room(number, project) > 0)
            if endpoint_id is None:
                return None
            if slots := self._give(number, endpoint_id, now):
                return endpoint_id, slots
        return None

    def _give(self, number: int, endpoint_id: str, now: int) -> int:
        """Let an endpoint leave its queue with as many slots as it can use; 0 for none."""
        lane = self._lanes[endpoint_id]
        room = self._room(number, lane.project)
        if room <= 0:
            return 0
        self._queues[number].take(lane.project, endpoint_id)
        lane.asking, lane.queued = False, None
        free = min(lane.share - lane.in_flight, room)
        slots = min(free, self._allowed(endpoint_id, lane, now))
        if slots:
            self._hold(lane, slots)
        return slots

    def _room(self, number: int, project: str) -> int:
        """Return how many slots there are for an endpoint of this queue and project."""
        first = self._room_for_first(number)
        if number != _EARNED and not first:
            return 0
        of_all = self._earned_ceiling - self._earned
        of_project = self._most_of_one_project - self._earned_by.get(project, 0)
        return first + max(0, min(of_all, of_project))

    def _room_for_first(self, number: int) -> int:
        """Return 1 if an endpoint of this queue may enter, else 0."""
        if number == _EARNED:
            return 0
        ceilings = self._ceilings[: number + 1]
        return int(all(sum(self._inside[at:]) < most for at, most in enumerate(ceilings)))

    def _allowed(self, endpoint_id: str, lane: _Lane, now: int) -> int:
        """Return how many attempts the endpoint's rate allows now; for none, note when it will."""
        rate = lane.rate_per_second
        if rate is None:  # or not known before the first claim
            lane.refilled_at = now
            return lane.most
        burst = max(1.0, rate / 10)
        gained = max(0, now - lane.refilled_at) * rate / 1000
        lane.tokens, lane.refilled_at = min(burst, lane.tokens + gained), now
        if lane.tokens < 1:
            self.is_due_at(endpoint_id, now + round((1 - lane.tokens) * 1000 / rate) + 1)
            return 0
        return int(lane.tokens)

    def _hold(self, lane: _Lane, slots: int) -> None:
        before = lane.in_flight
        lane.in_flight += slots
        self._inside[lane.standing] += min(lane.in_flight, 1) - min(before, 1)
        earned = max(lane.in_flight - 1, 0) - max(before - 1, 0)
        if earned:
            self._earned += earned
            self._earned_by[lane.project] = self._earned_by.get(lane.project, 0) + earned
            if not self._earned_by[lane.project]:
                del self._earned_by[lane.project]


def _queue_of(lane: _Lane) -> int:
    return _EARNED if lane.in_flight else lane.standing
