"""Ports and headers that endpoints may have."""

import pytest
from yarl import URL

from crypitor.config import load
from crypitor.errors import ConfigError, Invalid
from crypitor.webhook.closed import Closed
from crypitor.webhook.egress import check_headers, is_own_header
from crypitor.webhook.ports import Ports


def allowed(port, *ranges):
    try:
        Closed(callable_ports=Ports(ranges)).check_port(URL(f"http://x.example:{port}/"))
    except Invalid:
        return False
    return True


@pytest.mark.parametrize(
    "port", [22, 23, 25, 53, 110, 143, 389, 445, 465, 587, 993, 1433, 2049, 3306, 3389, 5432, 6379, 6667, 9092, 11211, 27017]
)  # fmt: skip
def test_ports_of_other_protocols_are_not_called(port):
    """Unless the operator allows them, with all that may be called."""
    assert not allowed(port)
    assert allowed(port, (port, port))


@pytest.mark.parametrize("port", [80, 443, 3000, 8000, 8080, 8443, 9200, 49152, 65535])
def test_all_other_ports_are(port):
    """Receivers are found on many."""
    assert allowed(port)
    assert not allowed(port, (444, 444), (1, 2))


@pytest.mark.parametrize(
    "given, ranges", [('[443, "8000-8999"]', ((443, 443), (8000, 8999))), ("443", ((443, 443),))]
)
def test_ports_are_numbers_and_ranges(given, ranges):
    """In the file and in the environment."""
    assert load(None, {"CRYPITOR__WEBHOOK__PORTS": given}).webhook.port_ranges == ranges


@pytest.mark.parametrize(
    "given", ["[0]", "[65536]", '["9-8"]', '["x"]', '["1-"]', '["-1"]', "[-1]", '["٣"]']
)
def test_what_is_no_port_is_refused(given):
    """By the key."""
    with pytest.raises(ConfigError) as told:
        load(None, {"CRYPITOR__WEBHOOK__PORTS": given})

    assert any("webhook.ports" in mistake for mistake in told.value.mistakes)


OWN = [
    "Connection", "Content-Encoding", "Content-Length", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
    "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
    "Upgrade", "webhook-id", "Webhook-Signature", "webhook-timestamp", "content_length", "Transfer_Encoding",
]  # fmt: skip


@pytest.mark.parametrize("name", [*OWN, "X_Token", "_x", "x_"])
def test_headers_that_frame_or_pretend_are_refused(name):
    """Hop-by-hop ones (RFC 9110, 7.6.1), those of the body, ours, and names that servers confuse."""
    with pytest.raises(Invalid) as told:
        check_headers({name: "x"})

    assert [mistake.pointer for mistake in told.value.mistakes] == [f"/headers/{name}"]


@pytest.mark.parametrize("name", OWN)
def test_they_are_not_sent_where_they_were_saved_before(name):
    """In any spelling that a server may take for them."""
    assert is_own_header(name.upper())
    assert is_own_header(name.lower())


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Token", "Content-Type", "User-Agent", "Accept"]
)
def test_other_headers_are_the_users(name):
    """As a receiver wants them."""
    check_headers({name: "x"})
