#!/usr/bin/env bash
# Hardhat's blocks within a `hardhat_mine` of 20 name the hash 0 as their parent.
#
# One would guess: each of the blocks that a node mines at once names the hash of the one below it, as the
# node itself answers when it is asked for that block.
# True: Hardhat 2.29.1 (EDR 0.3.8) answers with a parentHash of zeros for all of them but the first two and
# the last; each has a hash of its own, by which it can be asked for. Five blocks at once are linked.
set -euo pipefail
folder="$(mktemp -d)"
node=""
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts hardhat@2.29.1
echo 'module.exports = { solidity: "0.8.28" }' >hardhat.config.js
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
CI=1 HARDHAT_DISABLE_TELEMETRY_PROMPT=true node node_modules/hardhat/internal/cli/bootstrap.js node --port "$port" \
    >node.log 2>&1 &
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


def unlinked(first, last):
    blocks = [call("eth_getBlockByNumber", hex(n), False) for n in range(first - 1, last + 1)]
    zeros = []
    for below, block in zip(blocks, blocks[1:]):
        if block["parentHash"] != below["hash"]:
            assert int(block["parentHash"], 16) == 0, block
            assert call("eth_getBlockByHash", block["hash"], False)["number"] == block["number"]
            zeros.append(int(block["number"], 16))
    return zeros


call("hardhat_mine", hex(5))
five = unlinked(1, 5)
call("hardhat_mine", hex(20))
twenty = unlinked(6, 25)
print("parentHash is zero in blocks", five, "of 1 to 5 and", twenty, "of 6 to 25")
assert five == []
assert twenty == list(range(8, 25))
PY
python3 ask.py "http://127.0.0.1:$port"
echo "as described"
