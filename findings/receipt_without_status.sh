#!/usr/bin/env bash
# A receipts root cannot tell a failed transaction from one whose status was left out.
#
# One would guess: a receipt that lacks its status (null, or the field is missing, as some nodes answer)
# does not give the block's receiptsRoot, so whoever rebuilds the root notices.
# True: EIP-658's status 0 is RLP's empty string (0x80), and so is "nothing" in its place. A failed
# receipt with its status left out has the same encoding, leaf and root. Only the status 1 has another.
# Shown with rlp 5.0.0 and trie 4.0.0.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install rlp==5.0.0 trie==4.0.0 "eth-hash[pycryptodome]==0.7.1"
"$folder/venv/bin/python" - <<'PY'
import rlp
from trie import HexaryTrie

def root(status):
    trie = HexaryTrie({})
    trie[rlp.encode(0)] = rlp.encode([status, 21_000, b"\0" * 256, []])
    return trie.root_hash.hex()

failed, left_out, succeeded = root(0), root(b""), root(1)
print("status 0:     ", failed)
print("no status:    ", left_out)
print("status 1:     ", succeeded)
assert failed == left_out
assert failed != succeeded
print("as described")
PY
