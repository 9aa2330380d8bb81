#!/usr/bin/env bash
# EthereumJS answers an error to a transaction that it takes and mines.
#
# One would guess: where `eth_sendRawTransaction` answers an error, the transaction was refused.
# True: @ethereumjs/client 0.10.5 without peers answers -32603 "no peer connection available" after it has
# put the transaction into its pool, and has it in the next block that it makes. Whoever sends "again" with
# the same nonce and another receiver cannot know which of the two is paid: look for the receipt of the
# hash instead. (The node is driven by the engine API, as it is under any consensus client.)
set -euo pipefail
folder="$(mktemp -d)"
node=""
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install eth-account==0.14.0
npm install --silent --no-audit --no-fund --prefix "$folder" @ethereumjs/client@0.10.5
cat >"$folder/genesis.py" <<'PY'
import json
import sys
import time

from eth_account import Account

forks = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london mergeNetsplit"
genesis = {
    "config": {
        "chainId": 7331,
        **{f"{fork}Block": 0 for fork in forks.split()},
        "shanghaiTime": 0,
        "cancunTime": 0,
        "terminalTotalDifficulty": 0,
        "terminalTotalDifficultyPassed": True,
    },
    "timestamp": hex(int(time.time()) - 30),
    "gasLimit": "0x1c9c380",
    "extraData": "0x",
    "alloc": {Account.from_key("0x" + "44" * 32).address: {"balance": hex(10**24)}},
    **dict.fromkeys(("difficulty", "nonce", "number", "gasUsed"), "0x0"),
    **dict.fromkeys(("mixHash", "parentHash"), "0x" + "00" * 32),
    "coinbase": "0x" + "00" * 20,
    "baseFeePerGas": "0x7",
}
json.dump(genesis, open(sys.argv[1], "w"))
PY
"$folder/venv/bin/python" "$folder/genesis.py" "$folder/genesis.json"
(cd "$folder" && exec node node_modules/@ethereumjs/client/dist/esm/bin/cli.js --rpc --rpcPort 18547 \
  --maxPeers 0 --discV4 false --discDns false --port 18549 --rpcEngine --rpcEngineAuth false \
  --rpcEnginePort 18548 --saveReceipts --gethGenesis genesis.json --dataDir data) >"$folder/log" 2>&1 &
node=$!
cat >"$folder/ask.py" <<'PY'
import json
import time
import urllib.request

from eth_account import Account

SENDER, BEACON = Account.from_key("0x" + "44" * 32), "0x" + "22" * 32


def answer(port, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def ask(method, *params):
    told = answer(18548 if method.startswith("engine_") else 18547, method, *params)
    assert "error" not in told, told
    return told["result"]


def choose(head, attributes=None):
    zero = "0x" + "00" * 32
    state = {"headBlockHash": head, "safeBlockHash": zero, "finalizedBlockHash": zero}
    for attempt in range(100):
        told = ask("engine_forkchoiceUpdatedV3", state, attributes)
        if told["payloadStatus"]["status"] == "VALID":
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def mine():
    head = ask("eth_getBlockByNumber", "latest", False)
    begun = choose(head["hash"], {
        "timestamp": hex(max(int(head["timestamp"], 16) + 1, int(time.time()))),
        "prevRandao": "0x" + "11" * 32,
        "suggestedFeeRecipient": "0x" + "cc" * 20,
        "withdrawals": [],
        "parentBeaconBlockRoot": BEACON,
    })
    payload = ask("engine_getPayloadV3", begun["payloadId"])["executionPayload"]
    assert ask("engine_newPayloadV3", payload, [], BEACON)["status"] == "VALID"
    choose(payload["blockHash"])


for attempt in range(300):
    try:
        answer(18548, "engine_exchangeCapabilities", [])
        answer(18547, "eth_blockNumber")
        break
    except OSError:
        time.sleep(0.2)
mine()  # until then it does not know how high the chain is
signed = SENDER.sign_transaction({
    "type": 2, "chainId": 7331, "nonce": 0, "to": bytes.fromhex("aa" * 20), "value": 5, "gas": 21_000,
    "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9,
})
told = answer(18547, "eth_sendRawTransaction", "0x" + signed.raw_transaction.hex().removeprefix("0x"))
print("eth_sendRawTransaction:", told.get("error") or told.get("result"))
mine()
receipt = ask("eth_getTransactionReceipt", "0x" + signed.hash.hex().removeprefix("0x"))
print("after the next block: status", receipt and receipt["status"], "in block", receipt and receipt["blockNumber"])
assert told.get("error", {}).get("code") == -32603, "EthereumJS answers otherwise now"
assert receipt and receipt["status"] == "0x1"
PY
"$folder/venv/bin/python" "$folder/ask.py"
echo "as described"
