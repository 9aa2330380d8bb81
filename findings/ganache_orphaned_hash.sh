#!/usr/bin/env bash
# Ganache answers the hash of a block that was taken back with another block.
#
# One would guess: eth_getBlockByHash gives the block with that hash, or null.
# True: after evm_revert Ganache 7.9.2 gives null only until a new block has the height of the one that
# was taken back; from then on it answers the old hash with the new block, whose hash is another one.
set -euo pipefail
folder="$(mktemp -d)"
node=""
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ganache@7.9.2
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
node node_modules/ganache/dist/node/cli.js --port "$port" -q >node.log 2>&1 &
node=$!
cat >ask.py <<'PY'
import json
import sys
import time
import urllib.request


def call(method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(sys.argv[1], body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["result"]


for _ in range(120):
    try:
        print(call("web3_clientVersion"))
        break
    except OSError:
        time.sleep(0.5)

before = call("evm_snapshot")
account = call("eth_accounts")[0]
call("eth_sendTransaction", {"from": account, "to": account, "value": "0x1"})
old = call("eth_getBlockByNumber", "latest", False)
assert call("eth_getBlockByHash", old["hash"], False)["hash"] == old["hash"]
assert call("evm_revert", before)
print("asked for", old["hash"], "after the revert:", call("eth_getBlockByHash", old["hash"], False))
assert call("eth_getBlockByHash", old["hash"], False) is None
call("evm_mine")
new = call("eth_getBlockByNumber", "latest", False)
answered = call("eth_getBlockByHash", old["hash"], False)
print("and with a new block at its height:", answered["hash"])
assert new["hash"] != old["hash"]
assert answered["hash"] == new["hash"]
PY
python3 ask.py "http://127.0.0.1:$port"
echo "as described"
