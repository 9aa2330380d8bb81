"""Where the process listens: TLS of its own, and the port of the metrics."""

import asyncio
import contextlib
import gc
import socket
import ssl
from collections import Counter
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest
import uvloop
from aiohttp import web

from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.front import Front
from crypitor.api.serving.handshake import Doorstep
from crypitor.config import load
from crypitor.errors import ConfigError
from crypitor.process.doors import front_of, metrics_site_of, site_of, tls_of
from crypitor.runtime.certificates import believing
from tests.hostile import client_hello
from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.tls import certificate

REFUSED = Counter()


def config_of(folder, **server):
    environ = {f"CRYPITOR__SERVER__{key.upper()}": value for key, value in server.items()}
    return load(None, {"CRYPITOR__SERVER__PORT": "0", **environ})


@pytest.fixture
def files(tmp_path):
    """Settings of a server with a certificate by an authority of the test."""
    made = certificate(tmp_path)
    (tmp_path / "authority.pem").write_bytes(made.authority)
    return {"tls_certificate": str(made.chain), "tls_key": str(made.chain)}


def context(refused, front):
    return SimpleNamespace(refused=refused, front=front, first=())


def application():
    async def hello(request):
        return web.json_response({"scheme": request.scheme, "path": request.path_qs, "body": len(await request.read())})  # fmt: skip

    app = web.Application(client_max_size=2**20)
    app[CONTEXT] = context(lambda reason: REFUSED.update([reason]), Front())
    app.router.add_route("*", "/{path:.*}", hello)
    return app


@asynccontextmanager
async def listening(config, app=None):
    async with site_of(config, ["api"], app or application()) as url:
        yield url, int(url.rpartition(":")[2])


async def test_it_answers_over_tls(files, tmp_path):
    """By a certificate that its authority vouches for, or that is believed itself; large bodies too."""
    authority = ssl.create_default_context(cafile=tmp_path / "authority.pem")
    async with listening(config_of(tmp_path, **files)) as (url, _), aiohttp.ClientSession() as http:
        for context in (authority, believing(files["tls_certificate"])):
            async with http.post(f"{url}/a?b=c", data=b"x" * 2**19, ssl=context) as answer:
                told = await answer.json()

            assert told == {"scheme": "https", "path": "/a?b=c", "body": 2**19}
        with pytest.raises(aiohttp.ClientSSLError):
            await http.get(url)

    assert url.startswith("https://127.0.0.1:")


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" + b"\0" * 60, b"x" * 5000]
)
async def test_what_is_no_handshake_ends_the_connection(files, tmp_path, sent, capfd):
    """It is counted, and is no line of the log."""
    REFUSED.clear()
    async with listening(config_of(tmp_path, **files)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(HANG_SECONDS):
            await reader.read()
            while not REFUSED:
                await asyncio.sleep(0.01)
        writer.close()

    assert REFUSED == {"handshake": 1}
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_client_that_speaks_at_once_is_heard(files, tmp_path, new_loop):
    """What it said is there before the connection is taken; uvloop then reads it at once."""

    async def answered():
        async with listening(config_of(tmp_path, **files)) as (_, port):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(client_hello())
                client.setblocking(False)
                async with asyncio.timeout(HANG_SECONDS / 2):
                    return await asyncio.get_running_loop().sock_recv(client, 1)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(answered()) == b"\x16"  # RFC 8446, 5.1: a record of the handshake


@pytest.mark.parametrize("hangs", [False, True])
def test_a_handshake_that_came_to_nothing_leaves_nothing(files, tmp_path, hangs):
    """Broken or given way, it is no garbage of 256 KB; asyncio's own loop makes such, uvloop not."""
    said = client_hello() if hangs else b"GET / HTTP/1.1\r\n\r\n"

    async def left():
        config = config_of(tmp_path, **files, connections="16", connections_per_address="16")
        async with listening(config) as (_, port):
            clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
            for _, writer in clients:
                writer.write(said)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANG_SECONDS / 4):
                    for reader, _ in clients[: 20 if hangs else 40]:
                        with contextlib.suppress(ConnectionError):
                            while await reader.read(2**16):
                                pass
                    while len(doorsteps()) > (16 if hangs else 0):
                        await asyncio.sleep(0.01)
            for _, writer in clients:
                writer.transport.abort()
            return len(doorsteps())

    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(left()) <= (16 if hangs else 0)
    finally:
        gc.enable()


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_who_has_gone_before_the_handshake_begins_is_not_waited_for(files, tmp_path, new_loop):
    """Nothing stays under way for connections that were closed as soon as they were open."""

    def shaking():
        return [task for task in asyncio.all_tasks() if task.get_name() == "handshake"]

    async def left():
        async with listening(config_of(tmp_path, **files)) as (_, port):
            for client in [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]:
                client.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"no handshake at all: it comes after the others, and is told so")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(8):  # before the deadline of a handshake
                    while shaking():
                        await asyncio.sleep(0.01)
            return len(shaking())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(left()) == 0


def doorsteps():
    return [one for one in gc.get_objects() if isinstance(one, Doorstep)]


async def test_connections_whose_handshake_hangs_give_way(files, tmp_path):
    """They count among all: whoever opens them shuts nobody out, and the end waits for none."""
    config = config_of(tmp_path, **files, connections="16", connections_per_address="16")
    context = believing(files["tls_certificate"])
    async with listening(config) as (url, port):
        hanging = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        async with aiohttp.ClientSession() as http, http.get(url, ssl=context) as answer:
            assert answer.status == 200
        async with asyncio.timeout(HANG_SECONDS):
            gone = [await reader.read() for reader, _ in hanging[:20]]
    async with asyncio.timeout(HANG_SECONDS):
        rest = [await reader.read() for reader, _ in hanging[20:]]
    for _, writer in hanging:
        writer.close()

    assert {*gone, *rest} == {b""}


@pytest.mark.parametrize("key", ["tls_certificate", "tls_key"])
@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_files_that_cannot_be_used_are_named(files, tmp_path, key, content):
    """As mistakes of the configuration, with what to give."""
    wrong = tmp_path / "wrong.pem"
    if content is not None:
        wrong.write_text(content)
    with pytest.raises(ConfigError) as told:
        tls_of(config_of(tmp_path, **{**files, key: str(wrong)}))

    assert "server.tls_" in told.value.mistakes[0]
    assert content is not None or "no such file" in told.value.mistakes[0]


def test_a_key_with_a_passphrase_is_not_asked_for(files, tmp_path):
    """Nobody sits at the terminal of a service."""
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec

    key = tmp_path / "locked.pem"
    locked = forms.BestAvailableEncryption(b"secret")
    made = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(made.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, locked))
    with pytest.raises(ConfigError, match="cannot be served"):
        tls_of(config_of(tmp_path, **{**files, "tls_key": str(key)}))


@pytest.mark.parametrize(
    "settings, key",
    [
        ({"TLS_KEY": "key.pem"}, "server.tls_key"), ({"BASE_PATH": "crypitor"}, "server.base_path"),
        ({"BASE_PATH": "/"}, "server.base_path"), ({"BASE_PATH": "/a//b"}, "server.base_path"),
        ({"HOSTS": '["http://x"]'}, "server.hosts"), ({"HOSTS": '["a:1"]'}, "server.hosts"),
        ({"TRUSTED_PROXIES": '["0.0.0.0/0"]'}, "server.trusted_proxies"),
        ({"TRUSTED_PROXIES": '["proxy"]'}, "server.trusted_proxies"),
        ({"CORS_ORIGINS": '["*"]'}, "server.cors_origins"),
        ({"CORS_ORIGINS": '["https://x.example/"]'}, "server.cors_origins"),
        ({"CORS_ORIGINS": '["null"]'}, "server.cors_origins"),
        ({"TRUSTED_PROXIES": '["127.0.0.1"]', "AUTH": "false"}, "api.auth"),
    ],
)  # fmt: skip
def test_settings_of_the_door_that_are_wrong_are_refused(settings, key):
    """Each by its key."""
    environ = {f"CRYPITOR__{'API' if name == 'AUTH' else 'SERVER'}__{name}": value for name, value in settings.items()}  # fmt: skip
    with pytest.raises(ConfigError) as told:
        load(None, environ)

    assert any(mistake.startswith(key) for mistake in told.value.mistakes), told.value.mistakes


def test_the_front_is_that_of_the_configuration():
    """One text stands for a list of it."""
    front = front_of(
        load(
            None,
            {
                "CRYPITOR__SERVER__HOSTS": "Monitor.example",
                "CRYPITOR__SERVER__TRUSTED_PROXIES": '["10.0.0.0/8", "::1"]',
                "CRYPITOR__SERVER__BASE_PATH": "/crypitor",
                "CRYPITOR__METRICS__OPEN_TO": "nobody",
            },
        )
    )

    assert front.hosts == {"monitor.example"}
    assert (front.is_proxy("10.1.1.1"), front.is_proxy("::1"), front.is_proxy("127.0.0.1")) == (True, True, False)  # fmt: skip
    assert (front.base_path, front.open_to) == ("/crypitor", "nobody")


@pytest.mark.parametrize(
    "asked, path",
    [
        ("/crypitor", "/"), ("/crypitor/", "/"), ("/crypitor/v1/x?y=%2F", "/v1/x?y=%2F"),
        ("/crypitor/a%2Fb", "/a%2Fb"), ("/crypitorx", "/crypitorx"), ("/v1/x", "/v1/x"),
        ("/crypitor/crypitor/a", "/crypitor/a"),
    ],
)  # fmt: skip
async def test_what_a_proxy_put_before_a_path_is_taken_away(tmp_path, asked, path):
    """Once, and nothing else of it is changed; a proxy that took it away itself is served as well."""
    app = web.Application()
    app[CONTEXT] = context(lambda _: None, Front(base_path="/crypitor"))

    async def shown(request):
        return web.Response(text=request.raw_path)

    app.router.add_get("/{path:.*}", shown)
    async with listening(config_of(tmp_path), app) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()

    assert answer.rpartition(b"\r\n\r\n")[2].decode() == path


async def test_the_port_of_the_metrics_is_one_more(tmp_path):
    """Without a port there is none; one that is taken is named."""
    app, port = application(), free_port()
    async with metrics_site_of(load(None, {}), app) as url:
        assert url == ""
    config = load(None, {"CRYPITOR__METRICS__PORT": str(port)})
    async with metrics_site_of(config, application()) as url:
        assert url == f"http://127.0.0.1:{port}"
        with pytest.raises(ConfigError) as told:
            async with metrics_site_of(config, application()):
                pass

    assert told.value.mistakes[0].startswith(f"metrics.port: cannot listen on 127.0.0.1:{port}")
