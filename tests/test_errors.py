"""What is said of an error of the system: the reason, and no address where that is not wanted."""

import errno
import os
import re
import socket
import ssl

import aiohappyeyeballs
import pytest

from crypitor.errors import reason_of, words_of

REFUSED = "[Errno 111] Connect call failed ('10.1.2.3', 8545)"
UNREACHABLE = "[Errno 101] Connect call failed ('2001:db8::7', 8545, 0, 0)"


@pytest.mark.parametrize(
    "error, words",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, REFUSED[12:]), "connection refused"),
        (OSError(errno.ECONNREFUSED, f"Multiple exceptions: {REFUSED}, {REFUSED}"), "connection refused"),
        (OSError(f"Multiple exceptions: {REFUSED}, {UNREACHABLE}"), "connection refused, network is unreachable"),
        (OSError(f"Multiple exceptions: {REFUSED}, {REFUSED}"), "connection refused"),
        (OSError("Multiple exceptions: Connect call failed ('10.1.2.3', 8545), timed out"), "connect call failed, timed out"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not known"),
        (OSError("Something new"), "something new"),
        (OSError(), "oserror"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "TLS failed: "),
    ],
)  # fmt: skip
def test_the_reason_is_told_without_addresses(error, words):
    """Whether one address was tried, or several that failed in the same or in different ways."""
    told = words_of(error)

    assert told == words or (words.endswith(": ") and told.startswith(words))
    assert not re.search(r"10\.1\.2\.3|2001:db8|8545|Errno|Multiple", told)


async def test_the_library_joins_what_several_addresses_said():
    """As it is on this machine: both are refused, or there is no IPv6 at all."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        places = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        with pytest.raises(OSError) as raised:
            await aiohappyeyeballs.start_connection(places)

    told = words_of(raised.value)
    assert "connection refused" in told
    assert str(port) not in told
    assert "127.0.0.1" not in told


def test_who_owns_the_place_is_told_its_address():
    """Owners of endpoints read of their own addresses."""
    text = f"Multiple exceptions: {REFUSED}, {REFUSED}"
    assert reason_of(OSError(111, text)) == f"{REFUSED}, {REFUSED}"
    assert reason_of(OSError(111, os.strerror(111))) == "Connection refused"
