"""Which certificate authorities the process trusts.

OpenSSL looks where the system lies on which it was compiled. A program that is carried to another
distribution would find nothing there, and refuse every node and endpoint. So the usual places are
looked through once, at the start, and the result is told to OpenSSL by the variables that it knows:
every library in the process, and every process that it starts, then trusts the same.
"""

import os
import re
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE, FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"

# The list of Go's crypto/x509, in its order.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Gentoo, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/pki/tls/cacert.pem",  # OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL 7 and later, Fedora 43
    "/etc/ssl/cert.pem",  # Alpine, macOS
)
FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/var/lib/ca-certificates/openssl")

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""How OpenSSL looks a certificate up in a folder: by the hash of its subject (`openssl rehash`)."""


def authorities(environ: Mapping[str, str], root: Path = Path("/")) -> dict[str, str]:
    """Return the variables that are to be set; none where OpenSSL finds authorities by itself.

    What the environment names is the user's choice and stays. root: where the system begins.
    """
    if environ.get(FILE) or environ.get(FOLDER):
        return {}
    own = ssl.get_default_verify_paths()
    for place in (own.openssl_cafile, *BUNDLES):
        if _is_bundle(_below(root, place)):
            return {FILE: str(_below(root, place))}
    for place in _distinct((own.openssl_capath, *FOLDERS)):
        if _is_hashed(_below(root, place)):
            return {FOLDER: str(_below(root, place))}
    import certifi  # noqa: PLC0415 - most systems have their own

    return {FILE: certifi.where()}


def trust() -> None:
    """Make this process trust what the system trusts. Before anything makes an SSL context."""
    os.environ.update(authorities(os.environ))


def believing(file: str) -> ssl.SSLContext:
    """Return what believes one certificate alone, whoever vouches for it and whatever it names.

    file: PEM, of a service on this machine, which is called by an address. Raises OSError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cafile=file)
    return context


def _below(root: Path, place: str) -> Path:
    return root / place.lstrip("/")


def _distinct(places: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(places))


def _is_bundle(file: Path) -> bool:
    """Say whether there is a certificate in it: an empty or unreadable file is none."""
    try:
        return b"-----BEGIN " in file.read_bytes()
    except OSError:
        return False


def _is_hashed(folder: Path) -> bool:
    try:
        return any(_HASHED.fullmatch(entry.name) for entry in folder.iterdir())
    except OSError:
        return False
