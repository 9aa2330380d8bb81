"""Webhooks to names that a name server of ours answers for; a program for `test_rebinding`.

It runs alone in namespaces of the kernel in which the loopback has public and inside addresses and
/etc/resolv.conf names the server: the product's own look-ups ask it, by the C library and UDP.
Prints as JSON what came of each POST, what was dialled, and at which addresses it arrived.
"""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager

from crypitor.webhook.post import Poster
from tests.webhook.dialled import dialled
from tests.webhook.posting import OK, post
from tests.webhook.receivers import request_of

PORT = 8000
A, AAAA = 1, 28
PUBLIC, PUBLIC_6 = "8.8.8.8", "2606:4700:4700::1111"
INSIDE = ("127.0.0.1", "10.0.0.5", "169.254.169.254", "0.0.0.0", "::1", "fd00::5")

# What a name leads to at its first look-up, its second, …; the last one stays.
ANSWERS = {
    "moves.example.com": [[PUBLIC], *([address] for address in INSIDE), [PUBLIC]],
    "mixed.example.com": [[*INSIDE, PUBLIC], [PUBLIC, *INSIDE], [*INSIDE, PUBLIC_6], [*INSIDE]],
    "translated.example.com": [
        ["::ffff:7f00:1"], ["64:ff9b::7f00:1"], ["2002:7f00:1::"], ["::7f00:1"],
    ],
    "kept.example.com": [[PUBLIC], ["127.0.0.1"]],
    "redirects.example.com": [[PUBLIC]],
}  # fmt: skip


class Names(asyncio.DatagramProtocol):
    """Authority for `ANSWERS`; nothing of it may be kept (TTL 0)."""

    def __init__(self) -> None:
        self.asked: dict[tuple[str, int], int] = {}

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, peer) -> None:
        labels, place = [], 12
        while length := data[place]:
            labels.append(data[place + 1 : place + 1 + length].decode())
            place += 1 + length
        (kind,) = struct.unpack_from("!H", data, place + 1)
        question = data[12 : place + 5]
        records = [
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(packed)) + packed
            for packed in self._addresses(".".join(labels).lower(), kind)
        ]
        head = data[:2] + struct.pack("!HHHHH", 0x8580, 1, len(records), 0, 0)
        self.transport.sendto(head + question + b"".join(records), peer)

    def _addresses(self, name: str, kind: int) -> list[bytes]:
        count = self.asked[name, kind] = self.asked.get((name, kind), 0) + 1
        script = ANSWERS.get(name, [[]])
        family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
        return [
            socket.inet_pton(family, address)
            for address in script[min(count, len(script)) - 1]
            if kind in (A, AAAA) and (":" in address) == (kind == AAAA)
        ]


@asynccontextmanager
async def receiving():
    """Listen on all addresses; yields those at which something has arrived."""
    arrived: list[str] = []

    async def talk(reader, writer):
        arrived.append(writer.get_extra_info("sockname")[0])
        try:
            while True:
                request = await request_of(reader)
                leads = (
                    b"307 X\r\nLocation: http://moves.example.com:8000/\r\nContent-Length: 0\r\n"
                )
                redirects = b"redirects.example.com" in request
                writer.write(b"HTTP/1.1 " + leads + b"\r\n" if redirects else OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()

    v4 = await asyncio.start_server(talk, "0.0.0.0", PORT)
    v6 = await asyncio.start_server(talk, "::", PORT)
    async with v4, v6:
        yield arrived


async def main() -> None:
    """Call each name as often as it has answers."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 53))
    outcomes: dict[str, list[str | None]] = {}
    async with receiving() as arrived:
        with dialled() as addresses:
            for name, script in ANSWERS.items():
                kept = {} if name.startswith("kept") else {"connection_seconds": 0}
                async with Poster(deadline_seconds=10, **kept) as poster:
                    outcomes[name] = [
                        (await post(poster, f"http://{name}:{PORT}/hook")).error for _ in script
                    ]
    transport.close()
    print(
        json.dumps(
            {
                "outcomes": outcomes,
                "dialled": sorted({address[0] for address in addresses}),
                "arrived": sorted(set(arrived)),
                "asked": sorted({name for name, _ in names.asked}),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
