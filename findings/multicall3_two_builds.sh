#!/usr/bin/env bash
# viem and the multicall package carry two different builds of Multicall3.
#
# One would guess: Multicall3 is one contract at one address on hundreds of chains, so the libraries that
# carry its code for chains without it carry the same bytes, and a check of an address by the hash of
# its code knows them all.
# True: viem 2.57.20 has a creation code of 5,593 bytes; multicall 0.15.2 of PyPI has a deployed code of
# 3,808 bytes that is no part of it. Both end in the metadata of solc 0.8.12, with different hashes of the
# source or settings. Whoever recognises Multicall3 by its code refuses one of them: ask what it answers.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" viem@2.57.20
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install multicall==0.15.2
node --input-type=module -e "
const { multicall3Bytecode } = await import('$folder/node_modules/viem/_esm/constants/contracts.js');
console.log(multicall3Bytecode.slice(2));" >"$folder/creation"
cat >"$folder/compare.py" <<'PY'
import sys

from multicall.constants import MULTICALL3_BYTECODE


def metadata(code):
    """Return what solc appends: a map in CBOR, whose length is in the last two bytes."""
    size = int.from_bytes(code[-2:])
    tail = code[-2 - size : -2]
    at = tail.index(b"solc") + 5
    ipfs = tail.index(b"ipfs") + 6
    return ".".join(map(str, tail[at : at + 3])), tail[ipfs : ipfs + 34].hex()


creation = bytes.fromhex(open(sys.argv[1]).read().strip())
deployed = bytes.fromhex(MULTICALL3_BYTECODE.removeprefix("0x"))
for name, code in (("viem, creation", creation), ("multicall, deployed", deployed)):
    print(f"{name}: {len(code)} bytes, solc {metadata(code)[0]}, metadata {metadata(code)[1][:20]}…")
print("the deployed one is a part of the other:", deployed in creation)
assert metadata(creation)[0] == metadata(deployed)[0] == "0.8.12"
assert metadata(creation)[1] != metadata(deployed)[1]
assert deployed not in creation
PY
PYTHONWARNINGS=ignore "$folder/venv/bin/python" "$folder/compare.py" "$folder/creation"
echo "as described"
