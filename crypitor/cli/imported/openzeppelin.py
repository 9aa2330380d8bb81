"""A folder of OpenZeppelin Monitor's or Defender's JSON, and what it comes to here. Pure.

Source: OpenZeppelin Monitor 1.6.0, src/models/core and examples/config; Defender's API ("monitors",
"notifications"), in both of its forms: as it is asked for, and as it is answered (`addressRules`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crypitor.cli.imported.endpoints import endpoint_of, secret_value
from crypitor.cli.imported.expression import Untranslated
from crypitor.cli.imported.monitors import Asked, abi_of, monitor_of
from crypitor.evm.networks import PRESETS

_NAMES = {preset.chain_id: name for name, preset in PRESETS.items()}
_DEFENDER = {
    "mainnet": 1, "sepolia": 11155111, "hoodi": 560048, "matic": 137, "amoy": 80002,
    "matic-amoy": 80002, "bsc": 56, "bsctest": 97, "avalanche": 43114, "fuji": 43113,
    "optimism": 10, "arbitrum": 42161, "base": 8453, "base-sepolia": 84532, "celo": 42220,
    "fantom": 250, "xdai": 100, "moonbeam": 1284, "moonriver": 1285, "aurora": 1313161554,
    "linea": 59144, "mantle": 5000, "scroll": 534352, "zksync": 324, "unichain": 130,
}  # fmt: skip
"""What Defender calls its networks → chain id."""

Document = tuple[str, Any]
"""The name of a file, and its JSON."""


@dataclass(slots=True)
class Found:
    """What comes of a folder: tables for `apply`, tables for config.toml, and what is missing."""

    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    monitors: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def found_in(documents: Iterable[Document], environ: Mapping[str, str]) -> Found:
    """Return what all files come to. environ: for secrets that stand there."""
    found, slugs, ids = Found(), dict[str, str](), dict[str, str]()
    sorted_out: list[tuple[str, Any]] = []
    for name, document in documents:
        sorted_out += [(name, one) for one in _items(document)]
    for name, one in sorted_out:
        if "network_type" in one:
            _network(found, name, one, slugs, environ)
        elif "trigger_type" in one or _is_notification(one):
            _endpoint(found, name, one, ids, environ)
    for name, one in sorted_out:
        for asked in _monitors(found, name, one, slugs, ids):
            _note(found, name, asked)
    used = {network for monitor in found.monitors.values() for network in monitor["networks"]}
    found.networks = {name: told for name, told in found.networks.items() if name in used}
    return found


def _items(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a file: alone, in a list, or by their keys (triggers)."""
    if isinstance(document, list):
        yield from (one for one in document if isinstance(one, Mapping))
    elif isinstance(document, Mapping):
        if isinstance(document.get("items"), list):
            yield from _items(document["items"])
        elif document and all(
            isinstance(one, Mapping) and "trigger_type" in one for one in document.values()
        ):
            yield from ({**one, "id": key} for key, one in document.items())
        else:
            yield document


def _is_notification(one: Mapping[str, Any]) -> bool:
    return isinstance(one.get("config"), Mapping) and "type" in one and "network" not in one


def _network(
    found: Found,
    name: str,
    one: Mapping[str, Any],
    slugs: dict[str, str],
    environ: Mapping[str, str],
) -> None:
    slug = str(one.get("slug") or one.get("name"))
    chain_id = one.get("chain_id")
    if str(one.get("network_type")).upper() != "EVM" or not isinstance(chain_id, int):
        found.missing.append(f"{name}: {slug} is no EVM network")
        return
    ours = slugs[slug] = _NAMES.get(chain_id, slug)
    urls = []
    for each in one.get("rpc_urls") or ():
        try:
            urls.append(secret_value(each.get("url"), environ))
        except Untranslated as wrong:
            found.missing.append(f"{name}: a node's URL: {wrong}")
    found.networks[ours] = {
        "chain_id": chain_id,
        "rpc": urls,
        "confirmations": max(1, int(one.get("confirmation_blocks") or 1)),
    }


def _endpoint(
    found: Found, name: str, one: Mapping[str, Any], ids: dict[str, str], environ: Mapping[str, str]
) -> None:
    key = str(one.get("id") or one.get("notificationId") or one.get("name"))
    kind = str(one.get("trigger_type") or one.get("type") or "").lower()
    title = key if "trigger_type" in one else str(one.get("name") or key)
    try:
        found.endpoints[title] = endpoint_of(kind, one.get("config") or {}, environ)
        ids[key] = title
        if kind == "webhook":
            found.missing.append(f"{name}: {title}: body, secret and signature are Crypitor's own")
    except Untranslated as wrong:
        found.missing.append(f"{name}: {title}: {wrong}")


def _monitors(
    found: Found,
    name: str,
    one: Mapping[str, Any],
    slugs: Mapping[str, str],
    ids: Mapping[str, str],
) -> Iterator[Asked]:
    if "match_conditions" in one:
        yield _of_monitor(name, one, slugs, ids)
    elif (
        "addressRules" in one
        or "eventConditions" in one
        or "functionConditions" in one
        or ("abi" in one and "network" in one)
    ):
        yield from _of_defender(one, ids)
    elif not ("network_type" in one or "trigger_type" in one or _is_notification(one)):
        found.missing.append(f"{name}: is neither a network, a monitor nor a notification")


def _of_monitor(
    name: str,
    one: Mapping[str, Any],
    slugs: Mapping[str, str],
    ids: Mapping[str, str],
) -> Asked:
    conditions = one.get("match_conditions") or {}
    asked = Asked(
        name=str(one.get("name") or name),
        networks=[slugs[slug] for slug in one.get("networks") or () if slug in slugs],
        addresses=[str(each.get("address")) for each in one.get("addresses") or ()],
        abi=[
            entry
            for each in one.get("addresses") or ()
            for entry in abi_of(each.get("contract_spec"))
        ],
        events=_pairs(conditions.get("events"), "signature"),
        functions=_pairs(conditions.get("functions"), "signature"),
        transactions=_pairs(conditions.get("transactions"), "status"),
        endpoints=[ids[key] for key in one.get("triggers") or () if key in ids],
        paused=bool(one.get("paused")),
    )
    for slug in one.get("networks") or ():
        if slug not in slugs:
            asked.missing.append(f"the network {slug} is not in the folder, or no EVM network")
    for key in one.get("triggers") or ():
        if key not in ids:
            asked.missing.append(f"the trigger {key} has no counterpart")
    for script in one.get("trigger_conditions") or ():
        asked.missing.append(
            f"the filter {script.get('script_path')} is a program: say it in where"
        )
    if one.get("chain_configurations"):
        asked.missing.append("chain_configurations has no counterpart")
    return asked


def _of_defender(one: Mapping[str, Any], ids: Mapping[str, str]) -> Iterator[Asked]:
    """Yield a monitor for each of its `addressRules`, or the one that it is itself."""
    rules = one.get("addressRules") or [one]
    for number, rule in enumerate(rules, 1):
        yield _of_rule(one, rule, ids, f" {number}" if len(rules) > 1 else "")


def _of_rule(
    one: Mapping[str, Any], rule: Mapping[str, Any], ids: Mapping[str, str], suffix: str
) -> Asked:
    conditions = rule.get("conditions") or [rule]
    network = str(one.get("network"))
    chain_id = _DEFENDER.get(network)
    channels = [*(one.get("notificationChannels") or ()), *_notified(one)]
    asked = Asked(
        name=f"{one.get('name')}{suffix}",
        networks=[_NAMES.get(chain_id, network)] if chain_id else [network],
        addresses=[str(address) for address in rule.get("addresses") or one.get("addresses") or ()],
        abi=(),
        events=[
            p for each in conditions for p in _pairs(each.get("eventConditions"), "eventSignature")
        ],
        functions=[
            p
            for each in conditions
            for p in _pairs(each.get("functionConditions"), "functionSignature")
        ],
        transactions=[p for each in conditions for p in _transactions(each)],
        endpoints=[ids[key] for key in channels if key in ids],
        paused=bool(one.get("paused")),
    )
    try:
        asked.abi = abi_of(rule.get("abi") or one.get("abi"))
    except Untranslated as wrong:
        asked.missing.append(str(wrong))
    if str(one.get("type", "BLOCK")).upper() != "BLOCK":
        asked.missing.append(f"a monitor of type {one['type']} has no counterpart")
    if chain_id is None:
        asked.missing.append(f"the network {network} is not known: name it in config.toml")
    for key in channels:
        if key not in ids:
            asked.missing.append(f"the notification {key} has no counterpart in the folder")
    for what in ("autotaskCondition", "actionCondition", "autotaskTrigger", "actionTrigger"):
        if one.get(what) or rule.get(what):
            asked.missing.append(f"{what} is a program: say it in where, or receive a webhook")
    if one.get("alertThreshold"):
        asked.missing.append("alertThreshold has no counterpart: each match is told")
    if len(conditions) > 1 and asked.transactions:
        asked.missing.append("its conditions are several groups, which were put together")
    return asked


def _notified(one: Mapping[str, Any]) -> list[str]:
    told = (one.get("notifyConfig") or {}).get("notifications") or ()
    return [str(each.get("notificationId")) for each in told]


def _transactions(condition: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    pairs = _pairs(condition.get("txConditions"), "status")
    if condition.get("txCondition"):
        pairs.append(("any", str(condition["txCondition"])))
    return pairs


def _pairs(conditions: Any, name: str) -> list[tuple[str, str | None]]:
    return [
        (str(each.get(name) or "any"), each.get("expression") or None) for each in conditions or ()
    ]


def _note(found: Found, name: str, asked: Asked) -> None:
    if not asked.networks:
        found.missing.append(f"{name}: {asked.name}: is left out, it has no EVM network")
        return
    key, number = asked.name, 1
    while key in found.monitors:
        number += 1
        key = f"{asked.name} {number}"
    found.monitors[key] = monitor_of(asked)
    found.missing += [f"{name}: {key}: {each}" for each in asked.missing]
