"""Which certificate authorities are trusted, with each distribution's layout."""

import asyncio
import os
import ssl
import subprocess
import sys

import certifi
import pytest

from crypitor.runtime.certificates import authorities
from tests.patience import HANG_SECONDS
from tests.tls import certificate, tls_server

# From the documentation of each; the list is that of Go's crypto/x509 (root_linux.go).
LAYOUTS = {
    "Debian": "etc/ssl/certs/ca-certificates.crt",
    "Fedora": "etc/pki/tls/certs/ca-bundle.crt",
    "RHEL": "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "SUSE": "etc/ssl/ca-bundle.pem",
    "Alpine": "etc/ssl/cert.pem",
}


def lay(root, place, content):
    """Put a file where a distribution has it."""
    file = root / place
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


async def reached(port, environ):
    """Whether a process with these variables trusts the server at a port."""
    program = (
        "import socket, ssl, sys\n"
        "context = ssl.create_default_context()\n"
        "with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as plain:\n"
        "    try: context.wrap_socket(plain, server_hostname='localhost').close()\n"
        "    except ssl.SSLCertVerificationError: sys.exit(1)\n"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SSL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(port), env={**inherited, **environ}
    )
    return await asyncio.wait_for(process.wait(), HANG_SECONDS) == 0


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_what_the_system_trusts_is_trusted(tmp_path, layout):
    """A server whose authority stands in the system's bundle is believed, wherever that lies."""
    served = certificate(tmp_path)
    file = lay(tmp_path / "root", LAYOUTS[layout], served.authority)

    environ = authorities({}, tmp_path / "root")

    assert environ == {"SSL_CERT_FILE": str(file)}
    async with tls_server(served) as port:
        assert await reached(port, environ)


async def test_a_folder_of_hashed_certificates_will_do(tmp_path):
    """Where there is no bundle, but what `openssl rehash` makes."""
    served = certificate(tmp_path)
    lay(tmp_path / "root", "etc/ssl/certs/ours.pem", served.authority)
    folder = tmp_path / "root/etc/ssl/certs"
    subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)

    environ = authorities({}, tmp_path / "root")

    assert environ == {"SSL_CERT_DIR": str(folder)}
    async with tls_server(served) as port:
        assert await reached(port, environ)


@pytest.mark.parametrize("content", [None, b"", b"# none yet\n"])
async def test_without_any_certifi_is_trusted(tmp_path, content):
    """A bundle without a certificate in it is none; then an authority of our own is not believed."""
    (tmp_path / "root/etc/ssl/certs").mkdir(parents=True)
    if content is not None:
        (tmp_path / "root/etc/ssl/certs/ca-certificates.crt").write_bytes(content)
    served = certificate(tmp_path)

    environ = authorities({}, tmp_path / "root")

    assert environ == {"SSL_CERT_FILE": certifi.where()}
    context = ssl.create_default_context(cafile=certifi.where())
    assert context.cert_store_stats()["x509_ca"] > 100
    async with tls_server(served) as port:
        assert not await reached(port, environ)


def test_the_first_place_with_a_certificate_counts(tmp_path):
    """An empty one before it is passed over."""
    root = tmp_path / "root"
    lay(root, LAYOUTS["Debian"], b"")
    file = lay(root, LAYOUTS["Fedora"], certificate(tmp_path).authority)

    assert authorities({}, root) == {"SSL_CERT_FILE": str(file)}


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_what_the_user_says_stays(tmp_path, name):
    """The variables of OpenSSL go before what is found; an empty one says nothing."""
    file = lay(tmp_path / "root", LAYOUTS["Debian"], certificate(tmp_path).authority)

    assert authorities({name: "/my/own"}, tmp_path / "root") == {}
    assert authorities({name: ""}, tmp_path / "root") == {"SSL_CERT_FILE": str(file)}
