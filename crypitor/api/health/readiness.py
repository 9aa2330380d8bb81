"""Whether a process can do its work, and what of the service stands still meanwhile. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

MATCHING = ("monitor", "index")
SENDING = ("webhook", "deliveries")
"""Names of troubles: of the role, and of what is watched of it."""

DATABASE = "database"

ASIDE = frozenset(
    ("gauges", "processes", "watch", "retention", "replays", "cancellations", "leftovers", "clocks",
     "backup", "disk")
)  # fmt: skip
ASIDE_OF_A_NETWORK = ("backfill ", "tokens ")
"""What nobody waits for: without it, all is matched and sent."""

CHAIN = ("worker", "monitor")
"""Roles that do nothing where no network moves."""

ROLE_OF = {"index": "monitor", "deliveries": "webhook"}


@dataclass(frozen=True, slots=True)
class Readiness:
    """How a process stands.

    troubles: what is in trouble → which trouble. standing: networks that stand → why. roles: those
    that stand → why, whoever runs them. degraded: networks and roles by name. ready: whether this
    process can do its work.
    """

    troubles: Mapping[str, str]
    standing: Mapping[str, str]
    roles: Mapping[str, str]
    degraded: Sequence[str]
    ready: bool


def readiness_of(
    troubles: Mapping[str, str],
    networks: Mapping[str, str | None],
    own: Collection[str],
    elsewhere: Collection[str] = (),
) -> Readiness:
    """Return what troubles make of a process.

    troubles: of this process. networks: all that are configured → the trouble that is known of
    each, from wherever. own: this process's roles. elsewhere: roles of all processes that are heard
    of, this one among them; none where there is only this one.
    """
    standing = {name: trouble for name, trouble in networks.items() if trouble is not None}
    heard_of = {f"network {name}": why for name, why in standing.items()}
    roles: dict[str, str] = {}
    lost = DATABASE in troubles
    for name, trouble in troubles.items():
        if (network := _network_of(name, networks)) is not None:
            standing.setdefault(network, trouble)
            heard_of.pop(f"network {network}", None)
        elif name != DATABASE and not name.startswith(ASIDE_OF_A_NETWORK):
            roles[ROLE_OF.get(name, name)] = trouble
            lost = lost or name not in {*ASIDE, *MATCHING, *SENDING}
    shared = {*CHAIN, "webhook"} if elsewhere else set()
    reason = "no process runs this role"
    roles = dict.fromkeys(shared - {*own, *elsewhere}, reason) | roles
    if networks and len(standing) == len(networks):
        reason = "all networks stand still"
        roles = dict.fromkeys(CHAIN, reason) | roles
    lost = lost or any(role in own for role in roles)
    told = {*own, *ASIDE, *shared}
    return Readiness(
        {**heard_of, **troubles}, standing, roles, sorted({*standing, *(told & {*roles})}), not lost
    )


def _network_of(trouble: str, networks: Collection[str]) -> str | None:
    """Return the network that a trouble is of, None for any other."""
    for prefix in ("worker ", "network "):
        name = trouble.removeprefix(prefix).removesuffix(" reorg")
        if trouble.startswith(prefix) and name in networks:
            return name
    return None
