"""What is allowed in itself and costs much: kinds of `tests/hostile.py` beside the plain ones."""

import asyncio
import json
import random
from itertools import count, cycle

from tests.hostile import (
    CSV,
    JSON,
    KEY,
    Attack,
    again,
    asking,
    request,
)
from tests.webhook.certificates import Authority
from tests.webhook.receivers import raw_receiver, request_of

CHUNKED = "Transfer-Encoding: chunked\r\n"

LARGE_HEADERS = {f"X-Large-{n}": f"{n}%~ \"'/" * 450 for n in range(30)}
LARGE = {"url": "http://127.0.0.1:8999/large", "headers": LARGE_HEADERS}


async def answered(reader):
    """Read an answer that is as it should be; return what it says."""
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        body = await reader.readexactly(length)
    assert head.startswith(b"HTTP/1.1 20"), body
    return json.loads(body)


async def posted(port, path, body):
    """Make something; return what the service says of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("POST", path, KEY + JSON, json.dumps(body).encode()))
    try:
        return await answered(reader)
    finally:
        writer.close()


def sent(method, path, headers, body):
    """Return a request whose body says itself where it ends."""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode() + body


def any_of(requests):
    """Return what sends one of these requests, each in its turn, and reads its answer."""
    turn = cycle(requests)

    async def send(reader, writer):
        await asking(next(turn))(reader, writer)

    return send


async def framings(port, monitor):
    """Bodies in one-byte chunks, chunks with extensions, trailers, old and other protocols."""
    crumbs = b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n"
    extended = (
        b"".join(b"1;%b\r\n \r\n" % (b"x=" + b"y" * 4_000) for _ in range(100)) + b"0\r\n\r\n"
    )
    trailed = b"0\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"v" * 200) for n in range(2_000)) + b"\r\n"
    post = KEY + JSON + CHUNKED
    waits = "Expect: 100-continue\r\n"
    switching = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n"
    requests = [
        sent("POST", "/v1/monitors", post, crumbs),
        sent("POST", "/v1/monitors", post, extended),
        sent("POST", "/v1/monitors", post, trailed),
        sent("POST", f"{monitor}/addresses", KEY + CSV + CHUNKED, crumbs),
        sent("GET", "/healthz", CHUNKED, crumbs),
        request("POST", "/v1/monitors", KEY + JSON + waits, b"{}" * 400_000),
        request("GET", "/v1/stream", KEY + switching),
        request(
            "POST", "/v1/monitors", KEY + JSON + "Content-Encoding: gzip\r\n", b"\x1f\x8b" * 9_000
        ),
        request("POST", "/v1/monitors", KEY + JSON + CHUNKED, b"{}"),
        request("OPTIONS", "*", KEY),
        request("BREW" * 2_000, "/" + "a/" * 4_000, KEY),
        request("GET", "/healthz?" + "&".join(f"a{n}=%41" for n in range(1_000)), KEY),
        request("GET", "/healthz", KEY).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ]
    await again(port, any_of(requests))


async def long_headers(port, _):
    """Headers as long as they may be, of those that somebody reads, and of words for the log."""
    kinds = [
        "Range: bytes=" + ",".join(f"{n}-{n}" for n in range(1_500)),
        "Cookie: " + ";".join(f"a{n}={n}" for n in range(900)),
        "Cookie: " + "session=" + "~" * 7_900,
        "If-None-Match: " + ",".join(f'"{n}"' for n in range(1_200)),
        "Accept: " + ",".join(f"a/{n};q=0.{n}" for n in range(500)),
        "Accept-Language: " + "a-" * 3_900,
        "X-Forwarded-For: " + ",".join(["10.0.0.1"] * 850),
        "Forwarded: " + ",".join(['for="[::1]";by=a'] * 450),
        "Authorization: Bearer ke_" + "a" * 7_900,
        "Authorization: Basic " + "YTpi" * 1_900,
        "Content-Type: multipart/form-data; " + "a=b;" * 1_900,
        "Idempotency-Key: " + "k" * 7_900,
        "X-Request-Id: " + "i" * 7_900,
        "User-Agent: \x1b[31m" + "\\n" * 3_900,
        "traceparent: " + "00-" * 2_600,
        "Origin: http://" + "a." * 3_900,
        "Last-Event-ID: " + "9" * 7_900,
    ]
    paths = ["/v1/monitors", "/static/page.css", "/help", "/login", "/v1/nothing", "/readyz"]
    requests = [
        request("POST" if path == "/login" else "GET", path, f"{kind}\r\n" * count)
        for path in paths
        for kind in kinds
        for count in (1, 3)
    ]
    await again(port, any_of(requests))


async def costly_rules(port, monitor):
    """Conditions, ABI types and arguments as large as they may be, in every place that has one."""
    deep = "(" * 200 + "amount" + ")" * 200 + " > 0"
    listed = "amount in [" + ", ".join(str(n) for n in range(700)) + "]"
    power = "amount ** 4 > " + " ** ".join(["2"] * 900)
    wide = " or ".join(f"amount + {n} > {n} * 2" for n in range(150))
    denied = "not " * 800 + "false"
    large = "amount < " + "9" * 3_900
    texts = [deep, listed, power, wide, denied, large]
    conditions = [
        {"networks": ["dev"], "enabled": False, "rules": [{"kind": "native", "where": text}] * 64}
        for text in texts
    ]
    member = {
        "name": "a",
        "type": "tuple[]" + "[]" * 200,
        "components": [{"name": "b", "type": "int"}],
    }
    nested = {"name": "a", "type": "int"}
    for level in range(40):
        nested = {"name": f"a{level}", "type": "tuple", "components": [nested] * 2}
        if len(json.dumps(nested)) > 12_000:
            break
    fragments = [
        {
            "type": "function",
            "name": "f",
            "inputs": [one],
            "outputs": [one],
            "stateMutability": "view",
        }
        for one in (member, nested)
    ] + [
        "function f(" + "(" * 900 + ")" * 900 + ") view returns (uint256 a)",
        "f(uint256" + "[9]" * 900 + ")",
    ]
    contract = "0x" + "11" * 20
    placed = [
        {"networks": ["dev"], "enabled": False, "rules": [rule] * 30}
        for fragment in fragments
        for rule in (
            {"kind": "call", "signature": fragment},
            {"kind": "event", "signature": fragment},
            {
                "kind": "view", "signature": fragment, "contracts": [contract], "where": "result > 0",
                "args": [[[]] * 4_000],
            },
        )
    ]  # fmt: skip
    numbers = [
        b'{"networks":["dev"],"confirmations":' + b"9" * 900_000 + b"}",
        b'{"networks":["dev"],"confirmations":1e' + b"9" * 900_000 + b"}",
        b'{"networks":["dev"],"confirmations":-0.' + b"1" * 900_000 + b"}",
        b"{" + b'"name":"x",' * 80_000 + b'"networks":["dev"]}',
        b'{"name":"' + b"\\ud800" * 150_000 + b'"}',
        b'{"networks":["dev"],"tags":["' + b"\\u0000" * 150_000 + b'"]}',
        b'{"networks":["dev"],"name":"' + b"\\u202e\\u00e9" * 150_000 + b'"}',
    ]
    bodies = [json.dumps(one).encode() for one in (*conditions, *placed)] + numbers
    requests = [
        request(method, path, KEY + JSON, body)
        for body in bodies
        for method, path in (
            ("POST", "/v1/monitors"),
            ("PATCH", monitor),
            ("POST", f"{monitor}/test"),
        )
    ]
    await again(port, any_of(requests), 4)


async def long_fields(port, monitor):
    """Lists of addresses with fields of a megabyte, quotes that do not end, and labels."""
    path = f"{monitor}/addresses"
    address = "0x" + "22" * 20
    bodies = [
        (CSV, b"a" * 2_000_000),
        (CSV, b'"' * 2_000_000),
        (CSV, b"," * 2_000_000),
        (CSV, (address + ',"' + "x,\n" * 500_000).encode()),
        (CSV, b"address,label\n" + (address + "," + "l" * 100_000 + "\n").encode() * 10),
        (CSV, b"\n" * 2_000_000),
        (CSV, b"0x\n" * 600_000),
        ("Content-Type: application/x-ndjson\r\n", b'{"address":"' + b"0" * 2_000_000),
        ("Content-Type: application/x-ndjson\r\n", b"{}\n" * 600_000),
        ("Content-Type: application/x-ndjson\r\n", b"[" * 2_000_000),
        (JSON, b'{"addresses":[' + b'"0x",' * 400_000 + b'"0x"]}'),
        (JSON, b'{"addresses":[' + b"[" * 1_000_000),
        (JSON, b'{"addresses":["' + b"0" * 2_000_000),
        (JSON, b'{"addresses":[' + b"1e9," * 400_000 + b"1]}"),
    ]  # fmt: skip
    requests = [
        request(method, path, KEY + kind, body)
        for kind, body in bodies
        for method in ("POST", "DELETE")
    ]
    await again(port, any_of(requests), 4)


async def dropped_streams(port, _):
    """Streams of events, and answers, that are asked for and left at once."""
    asked = [
        request("GET", path, KEY)
        for path in (
            "/v1/stream",
            "/v1/stream?order=asc",
            "/v1/monitors?limit=1000",
            "/v1/audit/export",
        )
    ]

    async def send(reader, writer):
        writer.write(random.choice(asked))
        if random.random() < 0.5:
            await reader.read(100)

    await again(port, send, 16)


async def forms(port, _):
    """Pages and their forms: without a session, with wrong ones, with fields by the thousand."""
    plain = "Content-Type: application/x-www-form-urlencoded\r\n"
    mixed = "Content-Type: multipart/form-data; boundary=b\r\n"
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f%d"; filename="x"\r\n\r\nx\r\n' % number
        for number in range(9_000)
    )
    session = "Cookie: crypitor_session=ke_" + "0" * 26 + "~" + "A" * 600 + "\r\n"
    bodies = [
        (plain, b"&" * 1_000_000),
        (plain, b"=&" * 500_000),
        (plain, b"key=" + b"%41" * 300_000),
        (plain, b"&".join(b"a%d=b" % n for n in range(90_000))),
        (mixed, parts + b"--b--\r\n"),
        (mixed, b"--b\r\n" * 180_000),
        (mixed, b"--b\r\n" + b"X: y\r\n" * 160_000),
        (mixed, b"x" * 1_000_000),
    ]
    requests = [
        request("POST", path, headers + kind, body)
        for kind, body in bodies
        for path in ("/login", "/monitors/new", "/theme")
        for headers in ("", session)
    ] + [
        request("GET", path, session)
        for path in ("/", "/monitors", "/docs", "/help/security/", "/login?to=" + "/" * 7_000)
    ]
    await again(port, any_of(requests), 4)


async def tried_monitors(port, monitor):
    """Tests of a monitor on the past, as long as they may be, which are left in the middle."""
    bodies = [
        {"blocks": 10_000},
        {"from_block": 1, "to_block": 10**9},
        {"transaction": "0x" + "11" * 32},
        {"last_blocks": 1_000},
    ]
    requests = [
        request("POST", f"{monitor}/test", KEY + JSON, json.dumps(one).encode()) for one in bodies
    ]

    async def send(reader, writer):
        writer.write(random.choice(requests))
        if random.random() < 0.5:
            async with asyncio.timeout(1):
                await reader.read(100)

    await again(port, send)


async def large_endpoints(port, _):
    """Endpoints with all that they may have, changed and read again and again, and receivers that fail.

    Their headers are looked for in what a receiver answers.
    """
    authority = Authority()
    made = [f"/v1/endpoints/{(await posted(port, '/v1/endpoints', LARGE))['id']}" for _ in range(3)]

    echo = "".join(LARGE_HEADERS.values())[:60_000].encode()
    failure = b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%b" % (len(echo), echo)

    async def fail(reader, writer):
        await request_of(reader)
        writer.write(failure)

    async with raw_receiver(fail) as url:
        numbers = count()

        async def send(reader, writer):
            number = next(numbers)
            path = made[number % len(made)]
            large = {
                "url": f"{url}/{number}",
                "headers": LARGE_HEADERS | {"X-Number": f"number {number} " * 20},
                "tls": {"ca": f"# {number}\n" + authority.pem * (60_000 // len(authority.pem))},
                "template": {"body": f'"{number} ' + "{{id}} " * 90 + "x" * 15_000 + '"'},
            }
            await asking(request("PATCH", path, KEY + JSON, json.dumps(large).encode()))(
                reader, writer
            )
            await asking(request("GET", path, KEY))(reader, writer)
            await asking(request("POST", f"{path}/test", KEY + JSON, b"{}"))(reader, writer)

        await again(port, send, 4)


async def passing_monitors(port, _):
    """Monitors with long conditions and wide signatures, each another one, made and removed."""
    numbers = count()

    async def send(reader, writer):
        number = next(numbers)
        wide = "f(" + ",".join(f"uint256 a{n}" for n in range(300)) + ")"
        where = f"args.a{number % 300} > {number} or " * 60 + "true"
        rules = [
            {"kind": "call", "signature": wide, "where": where},
            {"kind": "native", "where": f"amount + {number} > 7 or " * 60 + "true"},
        ]
        body = {"networks": ["dev"], "enabled": False, "addresses": "any", "rules": rules}
        writer.write(request("POST", "/v1/monitors", KEY + JSON, json.dumps(body).encode()))
        path = f"/v1/monitors/{(await answered(reader))['id']}"
        await asking(request("DELETE", path, KEY))(reader, writer)

    await again(port, send, 4)


COSTLY: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        framings,
        long_headers,
        costly_rules,
        long_fields,
        dropped_streams,
        forms,
        tried_monitors,
        large_endpoints,
        passing_monitors,
    )
}
