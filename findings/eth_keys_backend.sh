#!/usr/bin/env bash
# eth-keys recovers a signer 100 times as slowly beside web3 alone as with coincurve installed.
#
# One would guess: web3 brings what Ethereum needs, so recovering the signer of a transaction or of an
# EIP-7702 authorization with the eth-keys that it installs is a matter of microseconds, in C.
# True: web3 8.0.0 installs eth-keys 0.8.0 without coincurve. The default backend is then pure Python;
# nothing warns. The same call is more than 20 times as fast once coincurve 21.0.0 is there, which
# eth-keys finds by itself.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install web3==8.0.0 eth-keys==0.8.0
cat >"$folder/ask.py" <<'PY'
import sys
import time

from eth_keys import KeyAPI
from eth_keys.backends import get_backend

api = KeyAPI()
key = api.PrivateKey(b"\x01" * 32)
signature = key.sign_msg_hash(b"\x02" * 32)
times = []
for _ in range(20):
    began = time.process_time()
    assert api.ecdsa_recover(b"\x02" * 32, signature) == key.public_key
    times.append(time.process_time() - began)
print(type(get_backend()).__name__, min(times) * 1000, file=sys.stderr)
print(type(get_backend()).__name__, min(times))
PY
alone="$("$folder/venv/bin/python" "$folder/ask.py")"
"$folder/venv/bin/pip" -q install coincurve==21.0.0
beside="$("$folder/venv/bin/python" "$folder/ask.py")"
read -r name_alone time_alone <<<"$alone"
read -r name_beside time_beside <<<"$beside"
echo "with web3 alone: $name_alone; with coincurve: $name_beside"
python3 - "$name_alone" "$time_alone" "$name_beside" "$time_beside" <<'PY'
import sys
alone, slow, beside, fast = sys.argv[1], float(sys.argv[2]), sys.argv[3], float(sys.argv[4])
print(f"one recovery: {slow * 1000:.2f} ms and {fast * 1000:.3f} ms, {slow / fast:.0f} times")
assert alone == "NativeECCBackend", alone
assert beside == "CoinCurveECCBackend", beside
assert slow > 20 * fast
PY
echo "as described"
