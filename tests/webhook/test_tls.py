"""Receivers inside a company: authorities of their own, and certificates that they ask for."""

import asyncio
import json
import ssl
import sys
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from crypitor.errors import ConfigError, Invalid
from crypitor.webhook.post import Poster
from crypitor.webhook.tls import Tls, check_tls, shown, weight_of
from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.webhook.certificates import Authority, pem_of
from tests.webhook.posting import LOOPBACK, OK, post
from tests.webhook.receivers import raw_receiver, request_of

COMPANY = Authority()
SERVER = COMPANY.sign()
CLIENT = COMPANY.sign("crypitor")
STRANGER = Authority("Somebody Else").sign("crypitor")


async def take(reader, writer):
    """Answer one request with 200."""
    await request_of(reader)
    writer.write(OK)
    await writer.drain()
    await reader.read()


@asynccontextmanager
async def company(folder: Path, talk=take, **how):
    """Serve inside a company; yields the URL."""
    async with raw_receiver(talk, ssl=SERVER.serves(folder, **how)) as url:
        yield url.replace("http:", "https:")


async def test_an_endpoints_own_authority_is_believed(poster, tmp_path):
    """And nobody else's: without it the certificate is nobody's."""
    async with company(tmp_path) as url:
        without = await post(poster, url)
        believed = await post(poster, url, tls=Tls(ca=COMPANY.pem))
        other = await post(poster, url, tls=Tls(ca=Authority("x").pem))

    assert without.error.startswith("certificate not accepted: ")
    assert believed.succeeded
    assert other.error.startswith("certificate not accepted: ")


async def test_connections_of_one_endpoint_serve_no_other(poster, tmp_path):
    """One that nobody vouches for does not go over a connection that another's authority opened."""
    async with company(tmp_path) as url:
        assert (await post(poster, url, tls=Tls(ca=COMPANY.pem))).succeeded
        assert not (await post(poster, url)).succeeded


async def test_authorities_of_the_configuration_hold_for_all(tmp_path):
    """Beside the system's; a file that is not there is named at start."""
    file = tmp_path / "ca.pem"
    file.write_text(COMPANY.pem)
    async with (
        company(tmp_path) as url,
        Poster(allow_private=LOOPBACK, deadline_seconds=2 * HANG_SECONDS, ca=str(file)) as one,
    ):
        assert (await post(one, url)).succeeded

    with pytest.raises(ConfigError, match=r"webhook\.ca: .*no\.pem"):
        async with Poster(ca=str(tmp_path / "no.pem")):
            pass


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
async def test_a_receiver_that_asks_is_shown_a_certificate(poster, tmp_path, most):
    """With the one it wants it takes the webhook, in either version of TLS."""
    async with company(tmp_path, wants=COMPANY.pem, most=most) as url:
        shows = Tls(COMPANY.pem, CLIENT.certificate, CLIENT.key)
        assert (await post(poster, url, tls=shows)).succeeded


@asynccontextmanager
async def openssl(folder: Path, version: str):
    """Run OpenSSL's own server, which wants a certificate and says by an alert what is wrong."""
    (folder / "server.pem").write_text(SERVER.certificate + SERVER.key)
    (folder / "ca.pem").write_text(COMPANY.pem)
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", folder / "server.pem",
        "-CAfile", folder / "ca.pem", "-Verify", "2", "-verify_return_error", version,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while b"ACCEPT" not in await server.stdout.readline():
                pass
        yield f"https://127.0.0.1:{port}/"
    finally:
        server.kill()
        await server.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no openssl to run")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_the_refusal_of_a_missing_certificate_says_so(poster, tmp_path, version):
    """TLS 1.3 names it; before, the alert may mean something else too."""
    async with openssl(tmp_path, version) as url:
        missing = await post(poster, url, tls=Tls(ca=COMPANY.pem))
        wrong = Tls(COMPANY.pem, STRANGER.certificate, STRANGER.key)
        refused = await post(poster, url, tls=wrong)

    assert "the receiver wants a client certificate" in missing.error
    assert ("it may be" in missing.error) is (version == "-tls1_2")
    assert refused.error == "the receiver does not accept the client certificate: unknown ca"


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
async def test_a_server_that_hangs_up_without_a_word_is_guessed_at(poster, tmp_path, most):
    """Many close the connection before their alert has left."""
    async with company(tmp_path, wants=COMPANY.pem, most=most) as url:
        outcome = await post(poster, url, tls=Tls(ca=COMPANY.pem))

    assert "the receiver wants a client certificate" in outcome.error


async def test_nginx_says_it_in_a_page(poster, tmp_path):
    """It shakes hands with everybody, and answers 400."""
    page = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>"
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(page)

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(head + page)
        await writer.drain()

    async with company(tmp_path, talk) as url:
        outcome = await post(poster, url, tls=Tls(ca=COMPANY.pem))

    assert outcome.error.startswith("answered 400: the receiver wants a client certificate")


LOCKED = pem_of(Authority()._key, b"passphrase")


@pytest.mark.parametrize(
    "tls, pointers",
    [
        (Tls(ca="no PEM"), ["/tls/ca"]),
        (Tls(ca=CLIENT.key), ["/tls/ca"]),
        (Tls(certificate=CLIENT.certificate), ["/tls/key"]),
        (Tls(key=CLIENT.key), ["/tls/certificate"]),
        (Tls(certificate=CLIENT.certificate, key=STRANGER.key), ["/tls/key"]),
        (Tls(certificate="x", key="y"), ["/tls/certificate", "/tls/key"]),
        (Tls(certificate=CLIENT.certificate, key=LOCKED), ["/tls/key"]),
    ],
)
def test_what_tls_cannot_use_is_refused(tls, pointers):
    """With a pointer to each mistake, and nothing of the key in what is said."""
    with pytest.raises(Invalid) as refused:
        check_tls(tls)

    assert [one.pointer for one in refused.value.mistakes] == pointers
    assert "PRIVATE KEY-----\n" not in str(refused.value.mistakes)


def test_what_is_shown_tells_the_certificates_apart_and_no_more():
    """By the hashes that `openssl x509 -fingerprint -sha256` prints."""
    told = shown(Tls(COMPANY.pem, CLIENT.certificate, CLIENT.key))

    der = ssl.PEM_cert_to_DER_cert(CLIENT.certificate)
    assert told.certificate == f"sha256:{sha256(der).hexdigest()}"
    assert told.key == "***"
    assert "BEGIN" not in json.dumps([told.ca, told.certificate, told.key])


def test_a_key_is_in_no_text_of_it():
    """Logs and tracebacks print what things are."""
    assert CLIENT.key not in repr(Tls(COMPANY.pem, CLIENT.certificate, CLIENT.key))


async def test_what_is_kept_for_many_endpoints_with_their_own_has_a_bound(
    poster, tmp_path, monkeypatch
):
    """A context has nearly a megabyte: of hundreds the oldest are made again when they are needed."""
    clients = [COMPANY.sign(f"client {n}") for n in range(4)]
    several = [Tls(ca=COMPANY.pem, certificate=one.certificate, key=one.key) for one in clients]
    monkeypatch.setattr("crypitor.webhook.post.CONTEXTS_BYTES", 2 * weight_of(several[0]))
    async with company(tmp_path, wants=COMPANY.pem) as url:
        for tls in (*several, *several):
            assert (await post(poster, url, tls=tls)).succeeded

    assert [*poster._contexts] == several[-len(poster._contexts) :]
    assert 0 < len(poster._contexts) < 4
    assert weight_of(Tls(certificate="x" * 65_536, key="x")) > 1 << 20
