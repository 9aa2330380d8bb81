"""The service's own places, and proxies: what is never called, and what is called through one."""

import asyncio
import base64
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from crypitor.config import load
from crypitor.config.places import own_places, own_ports
from crypitor.errors import Invalid
from crypitor.webhook.closed import Closed
from crypitor.webhook.egress import NotPublicError, networks
from crypitor.webhook.post import Poster
from tests.patience import HANG_SECONDS
from tests.webhook.dialled import dialled
from tests.webhook.posting import LOOPBACK, OK, post
from tests.webhook.receivers import Receiver, raw_receiver, request_of
from tests.webhook.resolvers import Stub

EVERYWHERE = networks(["0.0.0.0/0", "::/0"])
CLOSED = Closed(
    [("127.0.0.1", 5432), ("localhost", 9092), ("rpc.example.com", 443), ("[::1]", 8545)], [8080]
)


def closed_url(url: str) -> bool:
    try:
        CLOSED.check_url(URL(url))
    except Invalid:
        return True
    return False


def closed_address(*sockaddr) -> bool:
    try:
        CLOSED.check_address(sockaddr)
    except NotPublicError:
        return True
    return False


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5432/", "http://[::ffff:127.0.0.1]:5432/", "http://localhost:5432/",
        "http://127.0.0.1:9092/", "http://[::1]:9092/", "http://LOCALHOST:9092/",
        "https://rpc.example.com/", "https://RPC.example.com./hook", "http://[::1]:8545/",
        "http://127.0.0.1:8080/v1", "http://127.9.9.9:8080/", "http://0.0.0.0:8080/",
        "http://localhost:8080/", "http://[::1]:8080/", "http://127.0.0.2:5432/",
        "http://[::ffff:127.7.7.7]:9092/", "http://127.0.0.2:8545/", "http://0.0.0.0:5432/",
        "http://[::]:5432/", "http://[::1]:5432/",
    ],
)  # fmt: skip
def test_a_url_of_the_service_itself_is_refused(url):
    """Database, Kafka, nodes and its own listener, in any notation."""
    assert closed_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5433/", "https://rpc.example.com:8443/",
        "https://example.com/", "https://hooks.rpc.example.com/", "http://192.0.2.1:8080/",
    ],
)  # fmt: skip
def test_what_is_beside_the_service_is_not(url):
    """Other ports, other addresses, names that only look alike."""
    assert not closed_url(url)


@pytest.mark.parametrize(
    "sockaddr, closed",
    [
        (("127.0.0.1", 5432), True), (("::ffff:127.0.0.1", 5432, 0, 0), True),
        (("::1", 9092, 0, 0), True), (("127.4.4.4", 8080), True), (("127.0.0.1", 8081), False),
        (("203.0.113.9", 8080), False), (("127.0.0.2", 5432), True),
        (("127.0.0.2", 8545, 0, 0), True), (("::1", 5432, 0, 0), True), (("10.9.9.9", 5432), False), (("203.0.113.9", 443), False),
    ],
)  # fmt: skip
def test_an_address_of_the_service_itself_is_not_dialled(sockaddr, closed):
    """Whatever name led there."""
    assert closed_address(*sockaddr) is closed


async def test_a_name_that_leads_to_the_service_is_not_dialled():
    """A name of the owner's own for our database, which `allow_private` would let through."""
    async with Receiver() as receiver:
        port = URL(receiver.url).port
        with dialled() as addresses:
            async with Poster(
                allow_private=LOOPBACK, resolver=Stub("127.0.0.1"), closed=Closed([], [port])
            ) as poster:
                outcome = await post(poster, f"http://hooks.example.com:{port}/")

    assert addresses == []
    assert outcome.error == f"not called: 127.0.0.1:{port} belongs to this service itself"


async def test_a_part_inside_that_is_named_is_closed_by_its_address_too():
    """As in a network of containers: the name is configured, the address is attacked."""
    async with Poster(
        allow_private=EVERYWHERE, resolver=Stub("10.1.2.3"), closed=Closed([("postgres", 5432)])
    ) as poster:
        outcome = await post(poster, "http://10.1.2.3:5432/")

    assert outcome.error == "not called: 10.1.2.3:5432 belongs to this service itself"


async def test_a_part_outside_is_closed_by_its_name_alone():
    """Its address may be a large provider's, behind which the owner's receiver is as well."""
    closed = Closed([("rpc.example.com", 443)])
    await closed.look_up(Stub("1.1.1.1"))

    closed.check_address(("1.1.1.1", 443))


async def test_names_that_cannot_be_looked_up_hold_nothing_up():
    """Neither an error nor a hanging name server."""

    class Hanging(Stub):
        async def resolve(self, host, *_, **__):
            if host == "broken":
                raise OSError("no such name")
            raise TimeoutError

    closed = Closed([("broken", 1), ("hanging", 1)])
    await asyncio.wait_for(closed.look_up(Hanging()), HANG_SECONDS)


def test_the_places_are_those_of_the_configuration(tmp_path):
    """Default ports where none are written."""
    path = tmp_path / "config.toml"
    path.write_text(
        """[server]
port = 8081
[database]
url = "postgresql://user:secret@db.inside/crypitor"
[queue]
kind = "kafka"
bootstrap_servers = ["kafka-1:9093", "kafka-2:9092"]
[networks.ethereum]
rpc = ["https://eth.example/key", "ws://[::1]:8546"]
"""
    )
    config = load(path, {})

    assert set(own_places(config)) == {
        ("db.inside", 5432), ("kafka-1", 9093), ("kafka-2", 9092), ("eth.example", 443),
        ("::1", 8546),
    }  # fmt: skip
    assert list(own_ports(config)) == [8081]


class Proxy:
    """A small HTTP proxy that wants a password: CONNECT, and absolute URLs; keeps what it heard."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.asked: list[tuple[str, str | None]] = []

    async def talk(self, reader, writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        auth = fields.get(b"Proxy-Authorization")
        self.asked.append((f"{method} {target}", auth and auth.decode()))
        if auth != b"Basic " + base64.b64encode(b"me:p@ss"):
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        there_reader, there = await asyncio.open_connection("127.0.0.1", self.to)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            there.write(head.replace(target.encode(), URL(target).raw_path_qs.encode(), 1))
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pipe(reader, there))
            both.create_task(self._pipe(there_reader, writer))

    async def _pipe(self, reader, writer) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def proxied(to: str, user: str = "me:p%40ss@", **options):
    proxy = Proxy(URL(to).port)
    async with (
        raw_receiver(proxy.talk) as url,
        Poster(proxy=url.replace("//", f"//{user}"), deadline_seconds=5, **options) as poster,
    ):
        yield proxy, poster


async def test_a_webhook_goes_through_the_proxy():
    """Which resolves the name and gets its password; only the proxy is dialled, though inside."""
    stub = Stub("10.0.0.1")
    async with Receiver() as receiver, proxied(receiver.url, resolver=stub) as (proxy, poster):
        outcome = await post(poster, "http://hooks.example.com/hook")

    assert outcome.succeeded
    assert proxy.asked == [
        ("POST http://hooks.example.com/hook", "Basic " + base64.b64encode(b"me:p@ss").decode())
    ]
    assert "proxy-authorization" in receiver.received[0].headers  # this small proxy hands it on
    assert stub.asked == []


async def test_https_goes_through_a_tunnel(tmp_path):
    """By CONNECT; the certificate is still the receiver's, checked by us."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
            "-addext", "subjectAltName=DNS:hooks.example.com", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(OK)
        await writer.drain()

    async with raw_receiver(talk, ssl=context) as url, proxied(url) as (proxy, poster):
        distrusted = await post(poster, "https://hooks.example.com/hook")
        poster._connections._ssl.load_verify_locations(certificate)
        trusted = await post(poster, "https://hooks.example.com/hook")

    assert [asked for asked, _ in proxy.asked] == ["CONNECT hooks.example.com:443"] * 2
    assert distrusted.error.startswith("certificate not accepted: ")
    assert trusted.succeeded


@pytest.mark.parametrize("url", ["http://10.0.0.5/", "http://localhost/", "http://[::1]/"])
async def test_what_can_be_judged_without_a_name_server_is_not_handed_to_the_proxy(url):
    """Addresses and inside names are refused as without one."""
    async with proxied("http://127.0.0.1:9/") as (proxy, poster):
        outcome = await post(poster, url)

    assert outcome.error.startswith("not called: ")
    assert proxy.asked == []


@pytest.mark.parametrize(
    "url, error",
    [
        ("http://hooks.example.com/", "answered 407 Proxy Authentication Required"),
        ("https://hooks.example.com/", "the proxy refused: 407 Proxy Authentication Required"),
    ],
)
async def test_a_proxy_that_refuses_is_told(url, error):
    """Its refusal is an outcome like others."""
    async with proxied("http://127.0.0.1:9/", user="") as (_, poster):
        outcome = await post(poster, url)

    assert outcome.error == error


async def test_a_proxy_that_is_down_is_told():
    """The attempt is repeated by the schedule; nothing goes around the proxy."""
    async with raw_receiver(lambda *_: asyncio.Event().wait()) as url:
        pass
    with dialled() as addresses:
        async with Poster(proxy=url) as poster:
            outcome = await post(poster, "https://hooks.example.com/")

    assert outcome.error == "the proxy cannot be reached"
    assert {address[1] for address in addresses} == {URL(url).port}


@pytest.mark.parametrize("proxy", ["https://proxy:3128", "socks5://proxy", "proxy:3128", "http://"])
def test_a_proxy_that_is_none_is_a_mistake_of_the_configuration(proxy):
    """Named with its key."""
    from crypitor.errors import ConfigError

    with pytest.raises(ConfigError) as told:
        load(None, {"CRYPITOR__WEBHOOK__PROXY": proxy})

    assert "webhook.proxy: write http://host:port" in told.value.mistakes[0]
