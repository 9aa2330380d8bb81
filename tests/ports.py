"""Ports for what a test starts, which nobody else is given before it listens, nor after it ends.

A port that was free a moment ago may be another's by the time it is wanted: of a test beside this
one, or of any connection that leaves this machine. So each stays bound here without listening. A
server that sets SO_REUSEADDR can listen on it all the same (asyncio, Go, Java, Rust's tokio and
PostgreSQL do), and while none does connections to it are refused (Linux, socket(7)).
"""

import socket
from collections import deque

HELD = 256

_held: deque[socket.socket] = deque()


def free_port() -> int:
    """Return a port of 127.0.0.1; it is this process's until it has taken many others."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    _held.append(probe)
    if len(_held) > HELD:
        _held.popleft().close()
    port: int = probe.getsockname()[1]
    return port
