"""A company's own authority, and what it has signed."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Key = ec.EllipticCurvePrivateKey


def pem_of(key: Key, password: bytes | None = None) -> str:
    """Return a private key as people hand it on."""
    hides = serialization.BestAvailableEncryption(password) if password else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        hides or serialization.NoEncryption(),
    ).decode()


@dataclass
class Signed:
    """A certificate and its key."""

    certificate: str
    key: str

    def serves(self, folder: Path, *, wants: str | None = None, most=None) -> ssl.SSLContext:
        """Return what a server shows this with. wants: the authority of clients, None for none."""
        path = folder / "server.pem"
        path.write_text(self.certificate + self.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=wants)
        context.load_cert_chain(path)
        if wants:
            context.verify_mode = ssl.CERT_REQUIRED
        if most:
            context.maximum_version = most
        return context


class Authority:
    """Signs for a company."""

    def __init__(self, name: str = "Example Corp Root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.pem = self._signed(self._name, self._key, ca=True)

    def sign(self, name: str = "127.0.0.1") -> Signed:
        """Return something for a server on loopback, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return Signed(self._signed(subject, key, ca=False), pem_of(key))

    def _signed(self, subject: x509.Name, key: Key, *, ca: bool) -> str:
        now = dt.datetime.now(dt.UTC)
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([here]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()
