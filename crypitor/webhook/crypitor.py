"""The bodies of the original Crypitor, for receivers that were written for it. Pure.

Its fields, types and order of keys; `eventId` by its recipe. It knows native, ERC-20 and ERC-721
transfers and nothing that failed: every other match has no form here and is sent in the standard
one, so that a receiver of the original never books what it cannot tell apart.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from crypitor.monitor.models import Match, Phase
from crypitor.webhook.body import rfc3339

FORMAT = "crypitor"

CHAINS = {1: "Ethereum", 56: "BSC", 137: "Polygon", 43114: "Avalanche", 5000: "Mantle"}
"""Chain id → `chain`, where the original had a name of its own."""

CATEGORIES = {"native": "Native", "erc20": "ERC20", "erc721": "ERC721"}

_EVENT_KEYS = (
    "chain", "monitorId", "associatedAddress", "hash", "blockNum", "contract", "fromAddress",
    "toAddress", "tokenId", "tokenValue", "nativeAmount", "type", "category", "rawLog", "logIndex",
    "txnIndex",
)  # fmt: skip


def origin(match: Match, chain_id: int, display_name: str) -> str | None:
    """Return as JSON what this format needs beyond the document; None for a match without a form.

    It is stored with the match: `eventId` must be the same in all phases, whatever the
    configuration calls the network by then.
    """
    log = match.subject.log
    receipt = match.receipt
    if match.subject.kind not in CATEGORIES or receipt is None or not receipt.succeeded:
        return None
    return _json(
        {
            "chain": CHAINS.get(chain_id, display_name),
            "rawLog": None if log is None else {"topics": log.topics, "data": log.data},
        }
    )


def crypitor_body(phase: Phase, document: str, origin: str, now: int) -> str:
    """Return the body that tells a phase.

    document: as `body.document` made it.  origin: as `origin` made it.
    now: unix milliseconds of the phase.
    """
    told = _event(msgspec.json.decode(document), msgspec.json.decode(origin))
    told["confirm"] = phase is Phase.CONFIRMED
    told["dateCreated"] = rfc3339(now)
    told["eventId"] = event_id(told)
    if phase is Phase.REVERTED:
        told["reverted"] = True
    return _json(told)


def event_id(event: Mapping[str, Any]) -> str:
    """Return the MD5, in hex, of the fields that say what happened; the same in all phases."""
    named = _json({key: event[key] for key in _EVENT_KEYS if key in event})
    return hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()


def _event(match: Mapping[str, Any], origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body in the order of its keys, three of which only hold their place as yet."""
    kind, contract = match["kind"], match["contract"]
    of_token = {
        "contract": contract and {key: contract[key] for key in ("address", "name", "symbol")}
    }
    amount = {
        "native": {"nativeAmount": match["amount"]},
        "erc20": {"tokenValue": match["amount"]},
        "erc721": {"tokenId": match["token_id"]},
    }
    is_token = kind != "native"
    return {
        "chain": origin["chain"],
        "monitorId": match["monitor"]["id"],
        "hash": match["transaction"]["hash"],
        "blockNum": match["block"]["number"],
        **(of_token if is_token else {}),
        "fromAddress": match["from_address"],
        "toAddress": match["to_address"],
        **amount[kind],
        **({"rawLog": origin["rawLog"]} if is_token else {}),
        "type": match["direction"],
        "confirm": False,
        "category": CATEGORIES[kind],
        "dateCreated": None,
        **({"logIndex": match["log_index"]} if is_token else {}),
        "txnIndex": match["transaction"]["index"],
        "associatedAddress": match["address"],
        "eventId": None,
        "tags": match["monitor"]["tags"],
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
