"""Where the process listens, and who is let in by the configuration."""

import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_network

import structlog
from aiohttp import web
from yarl import URL

from crypitor.api import SERVER_OPTIONS
from crypitor.api.serving.crowd import Bounds
from crypitor.api.serving.front import Front
from crypitor.api.serving.server import Runner
from crypitor.api.serving.streams import READERS, readers
from crypitor.config import Config
from crypitor.config.places import own_places, own_ports
from crypitor.errors import ConfigError, words_of
from crypitor.runtime.listening import listening, try_place
from crypitor.webhook.closed import Closed
from crypitor.webhook.ports import Ports

log = structlog.get_logger(__name__)

FEWEST_CONNECTIONS = 16
DESCRIPTORS_OF_A_NODE = 8
DESCRIPTORS_OF_A_CONNECTION = 4
"""SQLite's file, its log, and the log's index, or a socket."""

NOT_SERVED = "the API cannot be served"
SPARE_DESCRIPTORS = 32
"""The log, the loop's own, look-ups of names, Kafka."""


def descriptors() -> int | None:
    """Return how many file descriptors this process may have; None where that is not known."""
    try:
        import resource  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return None
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if allowed == resource.RLIM_INFINITY else allowed


def bounds_of(config: Config, allowed: int | None) -> Bounds:
    """Return how many connections the API takes, which leaves enough descriptors for the rest.

    allowed: descriptors of the process.
    """
    server = config.server
    most = server.connections
    if allowed is not None:
        most = max(FEWEST_CONNECTIONS, min(most, allowed - _reserve(config)))
    share = max(FEWEST_CONNECTIONS, server.connections_per_address * most // server.connections)
    if most < server.connections:
        log.warning(
            "fewer connections to the API than configured: raise the limit of open files",
            connections=most,
            configured=server.connections,
            open_files=allowed,
        )
    return Bounds(
        connections=most,
        connections_per_address=min(share, server.connections_per_address),
        shared=front_of(config).is_proxy,
    )


def _reserve(config: Config) -> int:
    """Return how many descriptors others need: each POST, node, and connection to a database."""
    nodes = sum(len(network.rpc) for network in config.followed.values())
    database = DESCRIPTORS_OF_A_CONNECTION * (config.database.connections + 1)
    return config.webhook.in_flight + DESCRIPTORS_OF_A_NODE * nodes + database + SPARE_DESCRIPTORS


def front_of(config: Config) -> Front:
    """Return who may ask, beside keys."""
    server = config.server
    return Front(
        hosts=frozenset(server.hosts),
        proxies=tuple(map(ip_network, server.trusted_proxies)),
        origins=frozenset(server.cors_origins),
        base_path=server.base_path,
        open_to=config.metrics.open_to,
    )


def closed_of(config: Config) -> Closed:
    """Return where nobody's webhooks go."""
    ports = Ports(config.webhook.port_ranges)
    return Closed(own_places(config), own_ports(config), ports)


def tls_of(config: Config) -> ssl.SSLContext | None:
    """Return what encrypts connections to the API, None without TLS.

    Raises ConfigError for files that cannot be used; they are read now.
    """
    server = config.server
    if not server.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    for key, file in (("certificate", server.tls_certificate), ("key", server.tls_key)):
        try:
            with open(file, "rb"):  # noqa: PTH123 - OpenSSL does not say which of the two it is
                pass
        except OSError as error:
            mistake = f"server.tls_{key}: {file}: {words_of(error)}"
            raise ConfigError(NOT_SERVED, [mistake]) from error
    try:
        # A key with a passphrase would be asked for at the terminal.
        context.load_cert_chain(server.tls_certificate, server.tls_key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        mistake = (
            "server.tls_certificate: OpenSSL does not take certificate and key: give a PEM file"
            " with the certificate first and its chain behind it, and the key of that certificate"
            f" without a passphrase ({words_of(error) if isinstance(error, OSError) else error})"
        )
        raise ConfigError(NOT_SERVED, [mistake]) from error
    return context


@asynccontextmanager
async def site_of(
    config: Config,
    roles: Sequence[str],
    app: web.Application,
    kept: list[socket.socket] | None = None,
) -> AsyncIterator[str]:
    """Serve the API where the configuration says, or the health of a process without it.

    Gives the URL; empty if there is none. kept: see `listening`.
    """
    tls = tls_of(config) if "api" in roles else None
    async with _served(config, app, _place(config, roles), NOT_SERVED, kept, tls) as url:
        yield url


@asynccontextmanager
async def metrics_site_of(
    config: Config, app: web.Application, kept: list[socket.socket] | None = None
) -> AsyncIterator[str]:
    """Serve what tells of the service at a port of its own; gives the URL, empty for none."""
    where = config.metrics
    place = (where.host, where.port, "metrics.port")
    async with _served(config, app, place, "the metrics cannot be served", kept) as url:
        yield url


def refuse_a_taken_port(config: Config, roles: Sequence[str]) -> None:
    """Raise ConfigError where nothing could listen: told before a first start makes anything."""
    where = config.metrics
    for host, port, key in (_place(config, roles), (where.host, where.port, "metrics.port")):
        if port is None:
            continue
        try:
            try_place(host, port)
        except OSError as error:
            raise ConfigError(NOT_SERVED, [_taken(host, port, key, error)]) from error


def _place(config: Config, roles: Sequence[str]) -> tuple[str, int | None, str]:
    """Return host, port and the port's key of the API, or of the health of a process without it."""
    where = config.server
    key, port = ("port", where.port) if "api" in roles else ("health_port", where.health_port)
    return where.host, port, f"server.{key}"


def _taken(host: str, port: int, key: str, error: OSError) -> str:
    return (
        f"{key}: cannot listen on {host}:{port}: {words_of(error)}; set"
        f" {key.partition('.')[0]}.host to an address of this machine, and {key} to a free one"
    )


@asynccontextmanager
async def sites_of(
    config: Config,
    roles: Sequence[str],
    apps: tuple[web.Application, web.Application],
    kept: tuple[list[socket.socket], list[socket.socket]],
    closed: Closed,
) -> AsyncIterator[str]:
    """Serve at both places, which are closed to webhooks; gives the URL of the first.

    apps, kept: of the API or the health, and of the metrics.
    """
    async with (
        site_of(config, roles, apps[0], kept[0]) as url,
        metrics_site_of(config, apps[1], kept[1]) as aside,
    ):
        for each in filter(None, (url, aside)):
            closed.listens(URL(each).port or 0)
        yield url


@asynccontextmanager
async def _served(
    config: Config,
    app: web.Application,
    place: tuple[str, int | None, str],
    wrong: str,
    kept: list[socket.socket] | None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve an application. place: host, port and the port's key. wrong: what else is told."""
    host, port, key = place
    if port is None:
        yield ""
        return
    bounds = bounds_of(config, descriptors())
    app[READERS] = readers(bounds.connections)
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(
                listening(
                    app, host, port, shutdown_seconds=1.0, kept=kept,
                    runs=partial(Runner, bounds=bounds, tls=tls),
                    **SERVER_OPTIONS,
                )
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(wrong, [_taken(host, port, key, error)]) from error
        yield url.replace("http://", "https://", 1) if tls else url
