"""The hosts that a URL names; PostgreSQL's may name several."""

from collections.abc import Iterator
from urllib.parse import urlsplit


def hosts_of(url: str, port: int) -> Iterator[tuple[str, int]]:
    """Yield host and port of each. port: where none is named. Raises ValueError for a wrong one."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    for host in hosts.split(","):
        one = urlsplit(f"{parts.scheme}://{user}{at}{host}")
        if one.hostname:
            yield one.hostname, one.port or port
