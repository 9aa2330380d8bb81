#!/usr/bin/env bash
# Ganache's receiptsRoot of a block with a failed transaction is not the root of its receipts.
#
# One would guess: the header's receiptsRoot is the trie of the receipts in consensus encoding, where the
# status of a failed transaction is the integer 0, in RLP the empty string (byte 0x80).
# True: Ganache 7.9.2 encodes that status as a string of one byte 0x00, so that no other client gets its root;
# the receipt that it serves says "0x0" as usual. Blocks whose transactions all succeed have the true root.
# It also answers a method that it does not have with -32700, the code of a parse error.
set -euo pipefail
folder="$(mktemp -d)"
node=""
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ganache@7.9.2
python3 -m venv venv
venv/bin/pip -q install rlp==4.1.0 trie==3.1.0 "eth-hash[pycryptodome]==0.7.1"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
node node_modules/ganache/dist/node/cli.js --port "$port" -q >node.log 2>&1 &
node=$!
cat >ask.py <<'PY'
import json
import sys
import time
import urllib.request

import rlp
from trie import HexaryTrie


def asked(method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(sys.argv[1], body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


for _ in range(120):
    try:
        print(asked("web3_clientVersion")["result"])
        break
    except OSError:
        time.sleep(0.5)


def root_of(receipt, status):
    assert receipt["logs"] == []
    fields = [
        status, int(receipt["cumulativeGasUsed"], 16), bytes.fromhex(receipt["logsBloom"][2:]), [],
    ]
    kind = int(receipt["type"], 16)
    trie = HexaryTrie({})
    trie[rlp.encode(0)] = (bytes([kind]) if kind else b"") + rlp.encode(fields)
    return "0x" + trie.root_hash.hex()


account = asked("eth_accounts")["result"][0]
for code, status in (("0x00", "0x1"), ("0x60006000fd", "0x0")):
    asked("eth_sendTransaction", {"from": account, "gas": "0x186a0", "data": code})
    block = asked("eth_getBlockByNumber", "latest", True)["result"]
    receipt = asked("eth_getTransactionReceipt", block["transactions"][0]["hash"])["result"]
    assert receipt["status"] == status, receipt
    true = root_of(receipt, int(status, 16)) == block["receiptsRoot"]
    print(f"status {status}: the plain encoding gives the header's root: {true}")
    assert true is (status == "0x1")
    if not true:
        assert root_of(receipt, b"\0") == block["receiptsRoot"]
        print("with the byte 0x00 for the status it does")
error = asked("eth_getBlockReceipts", "latest")["error"]
print("a missing method:", error["code"], error["message"])
assert error["code"] == -32700
PY
venv/bin/python ask.py "http://127.0.0.1:$port"
echo "as described"
