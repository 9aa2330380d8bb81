#!/usr/bin/env bash
# eth-account's hash of a signed blob transaction is not the hash that the chain knows it by.
#
# One would guess: `sign_transaction(...).hash` is what a node answers to eth_sendRawTransaction, and
# what a block lists, as it is for every other type.
# True: with eth-account 0.14.0 and a transaction of type 3, it is the Keccak of the whole network form,
# with the blobs, commitments and proofs. EIP-4844 hashes 0x03 and the payload alone. Anvil 1.7.1 takes
# the transaction and answers with the other hash: whoever waits for the receipt by `.hash` waits for ever.
set -euo pipefail
folder="$(mktemp -d)"
node=""
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install eth-account==0.14.0
case "$(uname -m)" in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder/npm" @foundry-rs/anvil@1.7.1
"$folder/npm/node_modules/@foundry-rs/anvil-linux-$arch/bin/anvil" --port 18545 --hardfork prague >/dev/null &
node=$!
cat >"$folder/ask.py" <<'PY'
import json
import time
import urllib.request

import rlp
from eth_account import Account
from eth_utils import keccak

KEY = "0x" + "11" * 32
SENDER = Account.from_key(KEY).address


def rpc(method, *params):
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request("http://127.0.0.1:18545", asked, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))["result"]


for _ in range(100):
    try:
        rpc("anvil_setBalance", SENDER, hex(10**20))
        break
    except OSError:
        time.sleep(0.1)
signed = Account.sign_transaction(
    {
        "type": 3, "chainId": 31337, "nonce": 0, "to": "0x" + "22" * 20, "value": 0, "gas": 21000,
        "maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 1, "maxFeePerBlobGas": 10**9, "data": b"",
    },
    KEY,
    blobs=[b"\0" * 131072],
)
raw = bytes(signed.raw_transaction)
told = "0x" + bytes(signed.hash).hex()
known = rpc("eth_sendRawTransaction", "0x" + raw.hex())
payload = rlp.decode(raw[1:])[0]
print("eth-account:", told)
print("the node:   ", known)
assert known == "0x" + keccak(b"\x03" + rlp.encode(payload)).hex()
assert told == "0x" + keccak(raw).hex()
assert told != known
assert rpc("eth_getTransactionByHash", told) is None
assert rpc("eth_getTransactionByHash", known)["hash"] == known
print("as described")
PY
"$folder/venv/bin/python" "$folder/ask.py"
