"""What a probe found, as lines for people and as a table for `config.toml`. Pure."""

import json
from collections.abc import Iterator

from crypitor.evm.coins import COINS, CoinLogs
from crypitor.evm.profiles import Level, Profile, profile_of
from crypitor.probe.probe import Probe, depth_of

_MINUTES = 5
_KEYS = (
    "root", "receipt_gas", "bloom", "bloom_from", "log_indexes", "uncommitted", "block_receipt",
    "untyped", "holes", "coin_logs", "zero_status", "zero_parents",
)  # fmt: skip
_STRENGTH: dict[Level, int] = {"off": 0, "logs": 1, "receipts": 2, "settled": 2}


def lines(found: Probe) -> Iterator[str]:
    """Yield what was found, one thing a line."""
    yield f"chain {found.chain_id}, head {found.head}; the node is {found.client}"
    yield (
        f"read: {found.recent} blocks below the head and {found.old} older ones,"
        f" {found.fit.checked} of them with receipts"
    )
    yield f"proof: {_proof(found)}"
    yield from _unexplained(found)
    every = "cannot be told" if found.block_seconds is None else f"{found.block_seconds:g} s"
    yield f"a block every: {every}; blocks replaced while looking: {found.reorged}"
    yield f"clock: the newest block that was read is {found.age_seconds:g} s old{_skew(found)}"
    behind = ", ".join(f"{tag} {count} blocks behind" for tag, count in found.tags.items())
    yield f"tags: {behind or 'neither safe nor finalized'}"
    offered = ", ".join(name for name, has in found.methods.items() if has)
    missing = ", ".join(name for name, has in found.methods.items() if not has)
    yield f"offers: {offered or 'nothing beside blocks'}" + (f"; not: {missing}" * bool(missing))
    yield f"takes: batches of {found.batch} calls, ranges of {found.range} blocks"
    yield f"web3.py, another client: {_by_web3(found)}"
    if found.coin is not None:
        yield f"the chain's own coin: every payment is also a log of {found.coin}"


def table(found: Probe, name: str, url: str) -> str:
    """Return the table of the network for `config.toml`.

    url: the node's, as it may be shown.
    """
    wanted: dict[str, object] = {
        "chain_id": found.chain_id,
        "rpc": [url],
        "verify": found.fit.profile.strongest,
        "max_reorg_depth": depth_of(_MINUTES, found.block_seconds),
    }
    wanted |= _changes(found.fit.profile, profile_of(found.chain_id))
    if found.coin != found.fit.profile.coin_logs.address:
        named = [name for name, coin in COINS.items() if coin.address == found.coin]
        wanted |= {"coin_logs": named[0]} if named else {}
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in wanted.items())
    return f"[networks.{name}]\n{text}\n"


def is_stronger(found: Level, in_force: Level) -> bool:
    """Whether a level proves more than another one."""
    return _STRENGTH[found] > _STRENGTH[in_force]


def _proof(found: Probe) -> str:
    profile, known = found.fit.profile, profile_of(found.chain_id)
    if not found.fit.checked:
        return "no block that was read has receipts: nothing was tried"
    rules = ", ".join(
        f"{key} = {json.dumps(value)}" for key, value in _changes(profile, known).items()
    )
    by = f"with {rules}" if rules else "by the rules that are known of the chain"
    if rules and known.assumed:
        by = f"unlike Ethereum: {rules}"
    return f'verify = "{profile.strongest}" holds, {by}'


def _unexplained(found: Probe) -> Iterator[str]:
    left = found.fit.unexplained
    if left is None:
        return
    block = left.block
    yield (
        f'no rule explains {left.blocks} blocks at "{left.level}"; the smallest is'
        f" {int(block.seal.number, 16)} {block.seal.hash} with {len(block.transactions)}"
        f" transactions and {len(block.receipts)} receipts: {left.reason}"
    )


def _by_web3(found: Probe) -> str:
    if not found.web3:
        return "reads the newest block that was read alike"
    return f"does not read the newest block alike, {found.web3}"


def _skew(found: Probe) -> str:
    if found.age_seconds < -1:
        return ": one of the clocks is wrong"
    if found.block_seconds and found.age_seconds > 60 + 10 * found.block_seconds:
        return ": does the node follow its chain?"
    return ""


def _changes(profile: Profile, known: Profile) -> dict[str, object]:
    """Return the keys by which rules differ from those that are known, as TOML has them."""
    return {
        key: _value(getattr(profile, key))
        for key in _KEYS
        if getattr(profile, key) != getattr(known, key)
    }


def _value(value: object) -> object:
    if isinstance(value, CoinLogs):
        return next(name for name, coin in COINS.items() if coin == value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [f"{first}-{last}" for first, last in value]
    return value
