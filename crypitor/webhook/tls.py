"""TLS of an endpoint's own: authorities that vouch for it, and a certificate that it asks for.

What is here is text in PEM. Its key is as secret as what signs, and is stored as sealed.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from crypitor.errors import ConfigError, Invalid, Mistake
from crypitor.runtime.remembered import remembered

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Context: TypeAlias = ssl.SSLContext

LONGEST_PEM = 65_536
HIDDEN = "***"

_CONTEXT_BYTES, _BYTES_A_CHARACTER, _SYSTEM_BYTES = 32 << 10, 4, 900 << 10
"""Measured: a context with nothing in it, a character of a certificate, the system's 140 ones."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM, each None for none.

    ca: the authorities that are believed, in place of all others. certificate: what is shown to a
    receiver that asks for it, with the ones between it and its root behind it. key: its own.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def wanted(self) -> "Tls | None":
        """Itself, None where nothing is in it."""
        return self if self.ca or self.certificate or self.key else None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told of it: of each certificate `sha256:` and the hash of its DER, of a key nothing.

    ca: of all authorities, in their order, with spaces between. expires_at: when the first of all
    certificates ends, in unix seconds.
    """

    ca: str | None
    certificate: str | None
    key: str | None
    expires_at: int | None


def check_tls(tls: Tls) -> None:
    """Raise Invalid, with pointers, for what cannot be used."""
    mistakes: list[Mistake] = []
    if tls.ca:
        _read(tls.ca, "/tls/ca", mistakes)
    leaf = _read(tls.certificate, "/tls/certificate", mistakes) if tls.certificate else []
    if tls.certificate and not tls.key:
        mistakes.append(Mistake("/tls/key", "a client certificate needs its private key"))
    if tls.key and not tls.certificate:
        mistakes.append(Mistake("/tls/certificate", "a private key needs its certificate"))
    if tls.key:
        public = _public_of(tls.key, mistakes)
        if public and leaf and public != _public_bytes(leaf[0].public_key()):
            wrong = "this is not the key of the first certificate"
            mistakes.append(Mistake("/tls/key", wrong))
    if not mistakes:
        try:
            context_of(tls)
        except (ssl.SSLError, ValueError) as error:
            wrong = f"TLS cannot use this: {getattr(error, 'reason', None) or error}"
            mistakes.append(Mistake("/tls", wrong))
    if mistakes:
        raise Invalid("this TLS cannot be used", mistakes)


def context_of(tls: Tls | None, ca_file: str | None = None) -> ssl.SSLContext:
    """Return what connections are made with. Blocks for some milliseconds.

    ca_file: path of authorities that are believed beside the system's, wherever an endpoint has
    none of its own. Raises ConfigError where it cannot be read.
    """
    context = ssl.create_default_context(cadata=tls.ca if tls and tls.ca else None)
    # Who names an authority in the middle of a chain believes that one, whatever stands above it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if ca_file and not (tls and tls.ca):
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as wrong:
            raise ConfigError("configuration", [f"webhook.ca: {ca_file}: {wrong}"]) from wrong
    if tls and tls.certificate and tls.key:
        with _file(f"{tls.certificate}\n{tls.key}\n") as path:
            context.load_cert_chain(path)
    return context


def weight_of(tls: Tls) -> int:
    """Return about how many bytes its context takes: the system's authorities are most of it."""
    texts = sum(len(text) for text in (tls.ca, tls.certificate, tls.key) if text)
    return _CONTEXT_BYTES + _BYTES_A_CHARACTER * texts + (0 if tls.ca else _SYSTEM_BYTES)


def shown(tls: Tls) -> Shown:
    """Return what is told of it."""
    authorities = _certificates(tls.ca) if tls.ca else []
    chain = _certificates(tls.certificate) if tls.certificate else []
    ends = [round(one.not_valid_after_utc.timestamp()) for one in (*authorities, *chain)]
    return Shown(
        ca=" ".join(map(_fingerprint, authorities)) or None,
        certificate=_fingerprint(chain[0]) if chain else None,
        key=HIDDEN if tls.key else None,
        expires_at=min(ends, default=None),
    )


def tls_text(tls: Tls | None) -> str:
    """Return it as it is stored, before it is sealed."""
    return "" if tls is None else msgspec.json.encode(tls).decode()


@remembered()
def stored_tls(text: str) -> Tls | None:
    """Return what was stored."""
    return msgspec.json.decode(text, type=Tls) if text else None


def _read(pem: str, pointer: str, mistakes: list[Mistake]) -> "list[x509.Certificate]":
    try:
        return _certificates(pem)
    except ValueError:
        mistakes.append(Mistake(pointer, "this is no certificate in PEM (-----BEGIN CERTIFICATE)"))
        return []


def _public_of(key: str, mistakes: list[Mistake]) -> bytes:
    # cryptography is imported where an endpoint has TLS of its own, which few have: it takes 7 MB.
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        private = load_pem_private_key(key.encode(), password=None)
        return _public_bytes(private.public_key())
    except TypeError:
        wrong = "this key is encrypted: give it without a passphrase, it is sealed here"
    except Exception:  # noqa: BLE001 - many kinds, of which none may show what was read
        wrong = "this is no private key in PEM (-----BEGIN PRIVATE KEY)"
    mistakes.append(Mistake("/tls/key", wrong))
    return b""


def _public_bytes(key: "PublicKeyTypes") -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificates(pem: str) -> "list[x509.Certificate]":
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    return load_pem_x509_certificates(pem.encode())


def _fingerprint(certificate: "x509.Certificate") -> str:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    return f"sha256:{certificate.fingerprint(SHA256()).hex()}"


@contextmanager
def _file(text: str) -> Iterator[str]:
    """Give a text a path, which Python's TLS wants; where it can be, one that is on no disk."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("tls")
        try:
            os.write(number, text.encode())
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
    else:
        with tempfile.TemporaryDirectory() as folder:  # of this user alone
            path = Path(folder) / "tls.pem"
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii")
            yield str(path)
