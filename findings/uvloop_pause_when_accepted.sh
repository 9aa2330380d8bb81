#!/usr/bin/env bash
# uvloop forgets a pause_reading() that comes with connection_made of an accepted connection.
#
# One would guess: a protocol that calls `transport.pause_reading()` in `connection_made` is given no
# bytes until it calls `resume_reading()`, as on asyncio's own loop; so it may go on with
# `loop.start_tls` in peace.
# True: with uvloop 0.23.0 the transport of an accepted connection reads all the same, and says so by
# `is_reading()`: what the peer had sent by then goes to `data_received`. A TLS hello that comes early is
# given to the plain protocol, and the handshake that is begun a moment later waits for it in vain.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install uvloop==0.23.0
cat >"$folder/ask.py" <<'PY'
import asyncio
import socket

import uvloop


class Paused(asyncio.Protocol):
    def connection_made(self, transport):
        transport.pause_reading()
        self.transport, self.heard = transport, b""
        made.append(self)

    def data_received(self, data):
        self.heard += data


made = []


async def look():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Paused, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    client.sendall(b"hello")  # before the loop takes the connection, which the kernel holds
    while not made:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    one = made.pop()
    seen = one.heard, one.transport.is_reading()
    one.transport.abort()
    client.close()
    server.close()
    return seen


seen = {}
for name, factory in (("asyncio", None), ("uvloop", uvloop.new_event_loop)):
    with asyncio.Runner(loop_factory=factory) as runner:
        seen[name] = runner.run(look())
    heard, reading = seen[name]
    print(f"{name}: paused when it was accepted; heard {heard!r} since, is_reading() {reading}")
assert seen == {"asyncio": (b"", False), "uvloop": (b"hello", True)}, "uvloop does otherwise now"
PY
"$folder/venv/bin/python" "$folder/ask.py"
echo "as described"
