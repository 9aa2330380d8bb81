"""The tables that say who may come in and where: `server`, `api` and `metrics`."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from crypitor.config.section import Seconds, Section, one_or_many

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_BASE_PATH = r"^(/[A-Za-z0-9._~-]+)*$"

Texts = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]


class ServerConfig(Section):
    """Where the API listens, by which names and through whom it is called, and how it ends.

    health_port: where a process without the role api tells of its health; None for nowhere.
    connections: to the API, in all and from one address (of IPv6 a /64).
    tls_certificate, tls_key: PEM files; empty for HTTP without TLS.
    hosts: names by which it may be called; none for any. trusted_proxies: address ranges whose
    X-Forwarded-* headers are believed. base_path: what stands before every path at the proxy.
    cors_origins: whose pages may call the API from a browser.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    health_port: int | None = Field(default=None, ge=0, le=65535)
    shutdown_seconds: Seconds = 20
    connections: int = Field(default=1_000, ge=16, le=100_000)
    connections_per_address: int = Field(default=250, ge=1, le=100_000)
    tls_certificate: str = ""
    tls_key: str = ""
    hosts: Texts = ()
    trusted_proxies: Texts = ()
    base_path: str = Field(default="", pattern=_BASE_PATH, max_length=200)
    cors_origins: Texts = ()

    @field_validator("hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(host.lower().rstrip(".") for host in hosts)
        for host in lowered:
            if not _HOST.fullmatch(host):
                raise ValueError("write names without scheme and port, as in monitor.example.com")
        return lowered

    @field_validator("trusted_proxies")
    @classmethod
    def _check_trusted_proxies(cls, cidrs: tuple[str, ...]) -> tuple[str, ...]:
        for cidr in cidrs:
            try:
                network = ip_network(cidr)
            except ValueError as wrong:
                raise ValueError(f"not an address or an address range: {wrong}") from wrong
            if not network.prefixlen:
                raise ValueError(f"{cidr} is everybody: name the proxies alone")
        return cidrs

    @field_validator("cors_origins")
    @classmethod
    def _check_cors_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            plain = f"{parts.scheme}://{parts.netloc}"
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or "@" in parts.netloc
                or origin != plain.lower()
            ):
                raise ValueError("write an origin as browsers do, as in https://app.example.com")
        return origins


class ApiConfig(Section):
    """Who may use the API. admin_key: opens everything, at least 32 characters; from outside."""

    auth: bool = True
    admin_key: Annotated[SecretStr, Field(min_length=32)] | None = None


class MetricsConfig(Section):
    """Who reads /metrics, the details of /readyz, and the API's description without a key.

    open_to: on the API's port. port: one more, where everybody may; None for none. host: its
    address.
    """

    open_to: Literal["nobody", "loopback", "everybody"] = "loopback"
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)


def door_contradictions(
    server: ServerConfig, api: ApiConfig, metrics: MetricsConfig
) -> Iterator[tuple[str, str]]:
    """Yield key and problem where two keys of these tables exclude each other."""
    if not api.auth:
        if not _is_loopback(server.host):
            yield "api.auth", "false is allowed only with a loopback server.host such as 127.0.0.1"
        if server.trusted_proxies or server.hosts or server.cors_origins or server.base_path:
            yield "api.auth", "false serves this machine alone: no proxies, hosts or cors_origins"
    if server.connections_per_address > server.connections:
        yield "server.connections_per_address", "has to be at most server.connections"
    if bool(server.tls_certificate) != bool(server.tls_key):
        yield "server.tls_key", "tls_certificate and tls_key belong together"
    if metrics.port and metrics.port in (server.port, server.health_port):
        yield "metrics.port", "has to be another one than server.port and server.health_port"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
