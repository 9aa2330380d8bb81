"""Where the service's own parts are, by its configuration."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from crypitor.config.hosts import hosts_of
from crypitor.config.types import Config

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443, "postgresql": 5432, "postgres": 5432}
_KAFKA_PORT = 9092


def own_places(config: Config) -> Iterator[tuple[str, int]]:
    """Yield host and port of the database, of Kafka and of every node."""
    nodes = [url for network in config.networks.values() for url in network.rpc]
    for url in (config.database.url.get_secret_value(), *nodes):
        scheme = urlsplit(url).scheme
        if scheme in _PORTS:
            yield from hosts_of(url, _PORTS[scheme])
    if config.queue.kind == "kafka":
        for server in config.queue.bootstrap_servers:
            host, _, port = server.rpartition(":") if server.count(":") else (server, "", "")
            yield host, int(port) if port.isdigit() else _KAFKA_PORT


def own_ports(config: Config) -> Iterator[int]:
    """Yield the ports that processes of the service listen on, where they are known before."""
    server = config.server
    yield from filter(None, (server.port, server.health_port, config.metrics.port))


def local_url(config: Config) -> str:
    """Return where the service of this configuration can be reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.server.host, config.server.host)  # noqa: S104
    scheme = "https" if config.server.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.server.port}"
