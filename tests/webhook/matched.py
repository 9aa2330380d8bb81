"""The contract's example of a match, as it is stored."""

import json
from typing import Any

from crypitor.monitor.models import Phase
from crypitor.webhook.formats import Form, Texts
from crypitor.webhook.message import NetworkTitle

NOW = 1_795_359_600_123  # 2026-11-22T15:00:00.123Z
ETHEREUM = NetworkTitle("Ethereum", "ETH", "https://etherscan.io")
HASH = "0x" + "ab" * 32
DATA: dict[str, Any] = {
    "id": "ma_1",
    "monitor": {"id": "mo_1", "name": "Treasury", "tags": ["ops"]},
    "network": "ethereum",
    "chain_id": 1,
    "kind": "erc20",
    "direction": "in",
    "address": "0x" + "11" * 20,
    "label": "hot wallet",
    "block": {"number": 21000000, "hash": HASH, "timestamp": "2026-11-22T14:59:59.000Z"},
    "transaction": {
        "hash": HASH,
        "index": 88,
        "from_address": "0x" + "22" * 20,
        "to_address": "0x" + "33" * 20,
        "value": "0",
        "status": "success",
    },
    "log_index": 413,
    "item": None,
    "from_address": "0x" + "22" * 20,
    "to_address": "0x" + "11" * 20,
    "contract": {"address": "0x" + "33" * 20, "name": "USD Coin", "symbol": "USDC", "decimals": 6},
    "amount": "123100",
    "amount_formatted": "0.1231",
    "token_id": None,
    "event": {
        "name": "Transfer",
        "signature": "Transfer(address,address,uint256)",
        "args": {"from": "0x" + "22" * 20, "to": "0x" + "11" * 20, "value": "123100"},
    },
}


def body_of(
    form: Form, phase: Phase = Phase.DETECTED, network=ETHEREUM, required=12, **more
) -> str:
    """Return the body of the example, with other fields where given."""
    texts = Texts(json.dumps({**DATA, **more}), None)
    return texts.body(
        form, phase, network=network, confirmations=1, confirmations_required=required, now=NOW
    )
