"""Who may be called, against the lists that other projects test their guards with."""

import ipaddress
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from crypitor.errors import Invalid
from crypitor.webhook.connections import Answer
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.egress import (
    DENIED,
    NotPublicError,
    check_address,
    check_headers,
    check_url,
    networks,
)
from crypitor.webhook.post import Poster
from crypitor.webhook.signature import new_secret
from tests.webhook.dialled import dialled
from tests.webhook.resolvers import Stub
from tests.webhook.shared_cases import cases

# Where we are stricter than the project a case is from: translated forms are refused whatever they
# carry, and private networks need to be named (there the configuration of the case named them).
STRICTER = {"64:ff9b:1:808:8:800::", "172.16.1.1", "192.168.1.1"}

HOSTILE = Path(__file__).with_name("hostile_urls.txt").read_text().split()
# Refused for its spaces; without the first check it would be a call to a public address.
LEADS_OUTSIDE = "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/"
HOSTILE += [
    "",
    " http://127.0.0.1",
    "http://exam ple.com",
    LEADS_OUTSIDE,
    "http://example.com/\r\nHost: inside",
    "http://example.com\x00.inside",
    "http://exa\tmple.com",
    "http://example.com/" + "a" * 2048,
    "http://" + "a" * 64 + ".com",
    "http://" + "a." * 127 + "com",
]


def refused(url: str, allow=()) -> bool:
    try:
        check_url(url, allow)
    except Invalid:
        return True
    return False


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_with_a_sentence(url):
    """Schemes, user info, special addresses in every notation, inside names, what is no URL."""
    with pytest.raises(Invalid) as refusal:
        check_url(url)

    assert refusal.value.detail


def test_there_are_enough_hostile_urls():
    """The list may grow but not shrink."""
    assert len(HOSTILE) >= 150


@pytest.mark.parametrize(
    "url, called",
    [
        ("https://example.com", "https://example.com"),
        ("HTTPS://Hooks.Example.COM:443/A?b=c#d", "https://hooks.example.com/A?b=c"),
        ("http://example.com:8080/hook", "http://example.com:8080/hook"),
        ("https://example.com:65535", "https://example.com:65535"),
        ("https://8.8.8.8/hook", "https://8.8.8.8/hook"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://my_host.example.com/", "https://my_host.example.com/"),
        ("https://example.com./hook", "https://example.com./hook"),
        ("https://example.com/a@b?x=@#y", "https://example.com/a@b?x=@"),
        ("https://example.com/%C3%BC", "https://example.com/%C3%BC"),
        ("https://1e100.net/", "https://1e100.net/"),
        ("https://Bücher.example:8443/%c3%bc", "https://xn--bcher-kva.example:8443/%c3%bc"),
        ("https://xn--zckzah.example/", "https://xn--zckzah.example/"),
        ("https://пример.example?a", "https://xn--e1afmkfd.example?a"),
    ],
)  # fmt: skip
def test_a_public_url_is_accepted_as_it_will_be_called(url, called):
    """The scheme and host in lower case and ASCII, without default port and fragment."""
    assert check_url(url) == called


@given(st.sampled_from(["https://", "http://"]), st.text(max_size=40))
def test_what_was_accepted_is_accepted_again_unchanged(scheme, rest):
    """The stored URL means to the client what it meant to the check."""
    try:
        called = check_url(scheme + rest)
    except Invalid:
        return

    assert check_url(called) == called
    assert called.startswith(str(URL(called).origin()))


WRITTEN = st.text(
    "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "#\\"), max_size=60
)


@given(WRITTEN, WRITTEN)
def test_path_and_query_stay_as_they_are_written(path, query):
    """Percent-encodings, dots, pluses, empty parts, case and order: receivers may sign them."""
    written = f"/{path}?{query}"

    assert check_url(f"https://example.com{written}#fragment") == f"https://example.com{written}"


@pytest.mark.parametrize(
    "url",
    [
        "https://bücher.example/ü",
        "https://example.com/?q=ü",
        "https://1\uff127.0.0.1/",
        "https://example.com:\uff18\uff10/",
        "https://exa\u00admple.com/",
        "https://example\u3002com/",
        "https://℀.example/",
    ],
)
def test_letters_are_taken_in_names_alone_and_in_their_usual_form(url):
    """A path is percent-encoded by who knows how; other ways to write a host hide where it leads."""
    with pytest.raises(Invalid):
        check_url(url)


def test_the_url_lists_of_other_guards_are_held():
    """Every URL that must be refused is refused when saved or never dialled; public ones pass."""
    passed, refused_public = [], []
    for case in cases("ssrf", "urls.json"):
        if case["verdict"] == "allow":
            refused_public += [case["url"]] if refused(case["url"]) else []
        elif not refused(case["url"]):
            passed.append(URL(case["url"]).host)

    assert refused_public == []
    assert [host for host in passed if not host.rpartition(".")[2].isalpha()] == []


async def test_no_listed_url_is_ever_called_when_its_name_leads_inside():
    """Names pass the first check and are refused at the connection: nothing is dialled."""
    urls = [case["url"] for case in cases("ssrf", "urls.json")] + HOSTILE
    secret = new_secret(bytes(32))
    spoken = set()
    with dialled() as addresses:
        async with Poster(resolver=Stub("169.254.169.254"), deadline_seconds=5) as poster:
            for url in urls:
                outcome = await poster.post(Endpoint("ep_1", "pr_1", url, secret), "de_1", b"", 0)
                spoken.add(outcome.error)

                assert (outcome.error or "").startswith("not called: "), url
    assert addresses == []
    assert "not called: 169.254.169.254 is not a public address" in spoken


async def test_the_connection_refuses_even_what_the_first_check_never_saw():
    """The connections, given each hostile URL as it is, dial nothing either."""
    urls = [case["url"] for case in cases("ssrf", "urls.json")] + HOSTILE
    with dialled() as addresses:
        async with Poster(resolver=Stub("127.0.0.1", "::1", "fd00::1")) as poster:
            connections = poster._connections
            for url in urls:
                if url == LEADS_OUTSIDE:
                    continue
                # aiohttp asserts that a URL has a port before it dials
                with pytest.raises((aiohttp.ClientError, OSError, ValueError, AssertionError)):
                    await connections.exchange(connections.target(URL(url)), {}, b"", Answer())

    assert addresses == []


def test_the_address_lists_of_other_guards_are_held():
    """Blocked means blocked, allowed allowed, but for where we are stricter on purpose."""
    wrong = []
    for case in cases("ssrf", "ips.json")["ips"]:
        sockaddr = (case["ip"], case.get("port", 443))
        blocked = not may_be_called(sockaddr)
        expected = case["verdict"] == "block" or case["ip"] in STRICTER
        if case["verdict"] != "config-dependent" and blocked != expected:
            wrong.append(case["ip"])

    assert wrong == []


def test_every_blocked_network_of_other_guards_is_blocked_from_end_to_end():
    """Its first, last and a middle address."""
    open_ones = []
    for case in cases("ssrf", "ips.json")["blockedCidrs"]:
        network = ipaddress.ip_network(case["cidr"])
        for address in (network[0], network[network.num_addresses // 2], network[-1]):
            open_ones += [str(address)] if may_be_called((str(address), 443)) else []

    assert open_ones == []


def may_be_called(sockaddr: tuple, allow=()) -> bool:
    try:
        check_address(sockaddr, allow)
    except NotPublicError:
        return False
    return True


@pytest.mark.parametrize("network", DENIED, ids=str)
def test_every_denied_network_is_denied_at_both_ends(network):
    """Off by one would open the neighbour of a private network."""
    assert not may_be_called((str(network[0]), 443))
    assert not may_be_called((str(network[-1]), 443))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::200e", "2001:200::1",
        "2001:4860:4860::8888", "2003::1",
    ],
)  # fmt: skip
def test_public_neighbours_of_special_networks_are_called(address):
    """What is public must not be lost either."""
    assert may_be_called((address, 443))


@given(st.ip_addresses())
def test_what_python_calls_not_global_is_not_called(address):
    """Its list misses some; ours misses none of its."""
    if not address.is_global:
        assert not may_be_called((str(address), 443))


@pytest.mark.parametrize(
    "sockaddr", [("fe80::1%eth0", 80, 0, 2), ("2606:4700::1%lo", 80, 0, 1), ("name", 80), ("", 80)]
)
def test_scopes_and_what_is_no_address_are_not_dialled(sockaddr):
    """An address with an interface in it is of this machine's networks; names were resolved."""
    assert not may_be_called(sockaddr)


@pytest.mark.parametrize(
    "address, opened",
    [
        ("10.1.2.3", True),
        ("10.1.3.3", False),
        ("10.0.0.1", False),
        ("::ffff:10.1.2.3", False),
        ("64:ff9b::a01:203", False),
        ("fd00::5", True),
        ("fd00::1:5", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
    ],
)
def test_allow_private_opens_exactly_what_it_names(address, opened):
    """Neither its neighbours, nor its own addresses in another form."""
    allow = networks(["10.1.2.0/24", "fd00::/112"])

    assert may_be_called((address, 443), allow) is opened
    host = f"[{address}]" if ":" in address else address
    assert refused(f"http://{host}/", allow) is not opened


@pytest.mark.parametrize(
    "url, allow, accepted",
    [
        ("http://localhost:9000/hook", ["127.0.0.0/8"], True),
        ("http://localhost:9000/hook", ["::1/128"], True),
        ("http://localhost:9000/hook", ["10.0.0.0/8"], False),
        ("http://receiver:9000/hook", ["172.16.0.0/12"], True),
        ("http://receiver:9000/hook", [], False),
        ("http://hooks.internal/", ["10.0.0.0/8"], True),
        ("http://hooks.internal/", [], False),
        ("http://user@localhost/", ["127.0.0.0/8"], False),
        ("http://127.1/", ["127.0.0.0/8"], False),
    ],
)
def test_inside_names_need_a_network_that_is_allowed(url, allow, accepted):
    """Which address such a name has is for the second check; the notation rules stay."""
    assert refused(url, networks(allow)) is not accepted


def test_a_network_that_is_none_is_refused():
    """Host bits or words in the configuration are mistakes, not guesses."""
    for text in ("10.0.0.1/8", "localhost", "10.0.0.0/33"):
        with pytest.raises(ValueError):
            networks([text])


@pytest.mark.parametrize(
    "name, value",
    [
        ("webhook-id", "x"), ("Webhook-Signature", "x"), ("WEBHOOK-TIMESTAMP", "x"), ("Host", "x"),
        ("content-length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
        ("Proxy-Authorization", "x"), ("", "x"), ("a b", "x"), ("a:b", "x"), ("ä", "x"),
        ("X-A", "a\r\nX-B: b"), ("X-A", "a\0"), ("X-A", "ä"), ("X-A", "a" * 4096),
    ],
)  # fmt: skip
def test_a_header_that_would_forge_or_break_the_request_is_refused(name, value):
    """Each with a pointer to it."""
    with pytest.raises(Invalid) as refusal:
        check_headers({"Authorization": "Bearer x", name: value})

    assert [mistake.pointer for mistake in refusal.value.mistakes] == [f"/headers/{name}"]


def test_ordinary_headers_are_accepted():
    """Credentials and markers of the user's own."""
    check_headers({"Authorization": "Bearer a.b-c", "X-Api-Key": "~!@#", "Content-Type": "a/b"})


def test_headers_beyond_count_are_refused():
    """A request stays small."""
    with pytest.raises(Invalid):
        check_headers({f"X-{number}": "x" for number in range(33)})
