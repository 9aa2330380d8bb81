#!/usr/bin/env bash
# Hardhat in its "osaka" hardfork takes blobs only in the form that Osaka ended.
#
# Since Osaka (EIP-7594) a blob transaction is sent with a version, 1, and 128 proofs of cells for each blob,
# in place of one proof for each.
# One would guess: a node that runs the hardfork "osaka" takes the new form and refuses the old one.
# True: Hardhat 2.29.1 with `hardfork: "osaka"` takes the old form, and refuses the new one as JSON that it
# cannot read (-32602 "unexpected string"). Anvil 1.7.1 takes both. So a wallet's code that works on the main
# network fails on Hardhat, and code that works on Hardhat fails on the main network.
set -euo pipefail
folder="$(mktemp -d)"
nodes=()
trap 'kill "${nodes[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install eth-account==0.14.0 ckzg==2.1.8
npm install --silent --no-audit --no-fund --prefix "$folder" hardhat@2.29.1 @foundry-rs/anvil@1.7.1
echo 'module.exports = { solidity: "0.8.28", networks: { hardhat: { hardfork: "osaka" } } };' \
  >"$folder/hardhat.config.js"
cd "$folder"
HARDHAT_DISABLE_TELEMETRY_PROMPT=true node node_modules/hardhat/internal/cli/bootstrap.js node --port 18651 \
  >hardhat.log 2>&1 &
nodes+=($!)
node_modules/.bin/anvil --port 18652 >anvil.log 2>&1 &
nodes+=($!)
cat >ask.py <<'PY'
import hashlib
import json
import os
import time
import urllib.request

import ckzg
import eth_account
import rlp
from eth_keys import keys
from eth_utils import keccak

# The first of the accounts that both nodes fund and print at their start.
KEY = keys.PrivateKey(
    bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
)
[SETUP] = [
    os.path.join(place, name)
    for place, _, names in os.walk(os.path.dirname(eth_account.__file__))
    for name in names
    if name == "kzg_trusted_setup.txt"
]


def answer(port, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def until_there(port):
    for _ in range(300):
        try:
            return answer(port, "web3_clientVersion")["result"]
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"no node at {port}")


def sent(port, *, cells):
    """Send a transaction with an empty blob, and return what the node said."""
    setup = ckzg.load_trusted_setup(SETUP, 0)
    blob = bytes(131072)
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    versioned = b"\x01" + hashlib.sha256(commitment).digest()[1:]
    nonce = answer(port, "eth_getTransactionCount", KEY.public_key.to_checksum_address(), "latest")
    fields = [
        31337, int(nonce["result"], 16), 10**9, 10**11, 21000, b"\x22" * 20, 1, b"", [], 10**10,
        [versioned],
    ]
    signed = KEY.sign_msg_hash(keccak(b"\x03" + rlp.encode(fields)))
    payload = [*fields, signed.v, signed.r, signed.s]
    if cells:
        _, proofs = ckzg.compute_cells_and_kzg_proofs(blob, setup)
        whole = [payload, 1, [blob], [commitment], [*proofs]]
    else:
        proof = ckzg.compute_blob_kzg_proof(blob, commitment, setup)
        whole = [payload, [blob], [commitment], [proof]]
    told = answer(port, "eth_sendRawTransaction", "0x" + (b"\x03" + rlp.encode(whole)).hex())
    if "error" in told:
        return f"refused: {told['error']['code']} {told['error']['message']}"
    return "taken"


seen = {}
for port in (18651, 18652):
    version = until_there(port)
    for cells in (False, True):
        form = "proofs of cells (Osaka)" if cells else "proofs of blobs (before Osaka)"
        seen[port, cells] = sent(port, cells=cells)
        print(f"{version}: {form}: {seen[port, cells]}")
assert seen[18651, False] == "taken", seen
assert seen[18651, True].startswith("refused: -32602"), seen
assert seen[18652, False] == seen[18652, True] == "taken", seen
PY
"$folder/venv/bin/python" ask.py
