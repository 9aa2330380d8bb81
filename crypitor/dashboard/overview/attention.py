"""What needs somebody's attention, in sentences with a way to the cure. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crypitor.dashboard.words import lasting
from crypitor.database.room import Room
from crypitor.database.troubles import Ending, Standing
from crypitor.runtime.redaction import shown
from crypitor.webhook.delivery import State

NOISY_PER_DAY = 1_000
"""As a test calls a monitor noisy: one match every minute and a half."""

MOST_NOISY = 3
BEHIND_SECONDS = 120
ENDS_SOON_MS = 14 * 86_400_000


@dataclass(frozen=True, slots=True)
class News:
    """A sentence and where to look. bad: something stands still or is lost for its receiver."""

    text: str
    path: str
    action: str
    bad: bool = True


def needs_attention(
    networks: Sequence[Mapping[str, Any]],
    endpoints: Sequence[Standing],
    noise: Mapping[str, tuple[str, float]],
    failed: int,
    *,
    room: Room | None = None,
    ending: Sequence[Ending] = (),
    own_key: str = "",
    now: int = 0,
) -> list[News]:
    """Return what needs attention, the worst first; empty when all is well.

    networks: as the API answers them. endpoints: the worst first. noise: monitors that match too
    often, with their name and how often in a day. failed: deliveries that failed within a day.
    room: of the database, where the reader may see to it. ending: keys that expire soon; own_key:
    the id of the session's. now: unix milliseconds.
    """
    found = [*_networks(networks), *_room(room), *_endpoints(endpoints)]
    if failed:
        words = "delivery" if failed == 1 else "deliveries"
        many = f"{failed}" if failed < 1_000 else "1,000 or more"
        found.append(
            News(
                f"{many} {words} failed for good within a day.",
                "/deliveries?status=failed",
                "Look, then send them again",
            )
        )
    return [*found, *_ending(ending, own_key, now), *_noise(noise)]


def _networks(networks: Sequence[Mapping[str, Any]]) -> Iterator[News]:
    for network in networks:
        name, path = network["display_name"], f"/networks/{network['name']}"
        if network["state"] in ("waiting", "stopped"):
            why = network["trouble"] or "the next block cannot be had"
            yield News(f"{name} stands still: {why}.", path, "See its nodes")
        elif network["state"] == "catching up" and (network["lag_seconds"] or 0) > BEHIND_SECONDS:
            yield News(f"{name} is catching up.", path, "See how far it is", bad=False)
        elif failing := [node for node in network["nodes"] if node["state"] == "failing"]:
            names = ", ".join(node["name"] for node in failing)
            yield News(f"{name}: {names} does not answer.", path, "See its nodes", bad=False)


def _room(room: Room | None) -> Iterator[News]:
    """Yield that the disk of the database is nearly full: then nothing more can be stored."""
    if room is not None and room.is_nearly_full:
        yield News(
            f"The disk of the database is nearly full: {room.free_bytes >> 20:,} MB are free.",
            "/about",
            "See what is kept, and for how long",
        )


def _ending(ending: Sequence[Ending], own_key: str, now: int) -> Iterator[News]:
    for key in ending:
        left = lasting(max(key.at - now, 0) / 1000)
        name = "The key of this session" if key.id == own_key else f"The key {key.name}"
        yield News(f"{name} ends in {left}.", "/keys", "Make another before it ends", bad=False)


def _endpoints(endpoints: Sequence[Standing]) -> Iterator[News]:
    for standing in endpoints:
        endpoint = standing.endpoint
        name, path = endpoint.description or shown(endpoint.url), f"/endpoints/{endpoint.id}"
        why = f": {standing.error}" if standing.error else ""
        if endpoint.state is State.DISABLED:
            yield News(f"{name} is disabled{why}.", path, "Repair it, then enable it again")
        elif endpoint.state is State.FAILING:
            yield News(f"{name} is failing{why}.", path, "See what it answers")


def noisy(groups: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the monitors that match far more often than anybody reads, with how often in a day.

    groups: what the statistics have of the busiest monitors in the last day.
    """
    counted = {one["subject"]: one["matches"]["detected"] for one in groups}
    busiest = sorted(counted, key=lambda monitor: -counted[monitor])[:MOST_NOISY]
    return {monitor: counted[monitor] for monitor in busiest if counted[monitor] > NOISY_PER_DAY}


def _noise(noise: Mapping[str, tuple[str, float]]) -> Iterator[News]:
    for monitor, (name, per_day) in noise.items():
        yield News(
            f"{name} matched some {round(per_day, -2):,.0f} times within a day.",
            f"/monitors/{monitor}",
            "Narrow its rules",
            bad=False,
        )
