"""A TLS server on a free port, with a certificate by an authority made for it."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
# RFC 5280, 4.2.1: Python 3.13 asks for this and for both identifiers.
SIGNS = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """authority: PEM of who vouches. chain: file with the server's key and certificate."""

    authority: bytes
    chain: Path


def certificate(folder: Path) -> Served:
    """Make an authority, and by it a certificate for localhost and 127.0.0.1."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    of_authority = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    by_authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(of_authority)
    authority = (
        _begun("An authority of ours", "An authority of ours", authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(SIGNS, critical=True)
        .add_extension(of_authority, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        _begun("localhost", "An authority of ours", key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(by_authority, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = folder / "served.pem"
    chain.write_bytes(private + leaf.public_bytes(PEM))
    return Served(authority.public_bytes(PEM), chain)


def _begun(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


@asynccontextmanager
async def tls_server(served: Served, heard: list[bytes] | None = None) -> AsyncIterator[int]:
    """Accept connections and close them when something was said; yields the port.

    heard: is given the beginning of what was said by those who trust the certificate.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(served.chain)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read(1024)
        if said and heard is not None:
            heard.append(said)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
