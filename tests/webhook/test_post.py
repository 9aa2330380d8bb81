"""One POST to real receivers on loopback: every one gets a verified webhook or nothing."""

import asyncio
import hashlib
import hmac
import time
from dataclasses import replace

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from crypitor import __version__
from crypitor.webhook.delivery import Control, OldSecret
from crypitor.webhook.post import Poster
from crypitor.webhook.signature import new_secret
from crypitor.webhook.template import Template
from tests.patience import HANG_SECONDS
from tests.webhook.dialled import dialled
from tests.webhook.posting import BODY, LOOPBACK, OK, answer_of, endpoint, post
from tests.webhook.receivers import SECRET, Receiver, raw_receiver, request_of
from tests.webhook.resolvers import Stub


async def test_a_post_is_what_standard_webhooks_says(poster):
    """One POST with the exact body, type, id, time, a signature that verifies, and our name."""
    now = int(time.time() * 1000) + 999 - int(time.time() * 1000) % 1000
    async with Receiver() as receiver:
        outcome = await poster.post(endpoint(receiver.url), "de_1", BODY, now)

    [one] = receiver.received
    assert (one.id, one.timestamp, one.body, one.path) == ("de_1", now // 1000, BODY, "/hook")
    assert one.headers["content-type"] == "application/json"
    assert one.headers["user-agent"] == f"Crypitor/{__version__}"
    assert one.headers["content-length"] == str(len(BODY))
    assert outcome.succeeded
    assert (outcome.started_at, outcome.status_code, outcome.error) == (now, 204, None)


async def test_the_answer_is_kept(poster):
    """Its status and text help the endpoint's owner."""
    async with Receiver([lambda _: web.Response(status=503, text="later ☕")]) as receiver:
        outcome = await post(poster, receiver.url)

    assert not outcome.succeeded
    assert (outcome.status_code, outcome.error) == (503, "answered 503 Service Unavailable")
    assert outcome.answer == "later ☕"


async def test_a_status_without_a_name_has_its_number(poster):
    """Anything may come."""
    outcome = await answer_of(poster, b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n")

    assert (outcome.status_code, outcome.error) == (599, "answered 599")


async def test_retry_after_is_handed_on(poster):
    """What it means is decided elsewhere."""
    async with Receiver([lambda _: web.Response(status=429, headers={"Retry-After": "7"})]) as one:
        outcome = await post(poster, one.url)

    assert outcome.retry_after == "7"


@pytest.mark.parametrize(
    "status, body, retry_after",
    [
        (429, '{"message": "You are being rate limited.", "retry_after": 64.57}', "65"),
        (429, '{"ok": false, "error_code": 429, "parameters": {"retry_after": 14}}', "14"),
        (429, '{"retry_after": 0}', None),
        (429, '{"retry_after": -5}', None),
        (429, '{"retry_after": 1e300}', None),
        (429, '{"retry_after": "soon"}', None),
        (429, '{"parameters": []}', None),
        (429, "[" * 10_000, None),
        (429, "later", None),
        (503, '{"retry_after": 5}', None),
    ],
)
async def test_the_wait_that_chat_services_name_is_handed_on(poster, status, body, retry_after):
    """Discord and Telegram write it into the body of their 429."""
    async with Receiver([lambda _: web.Response(status=status, text=body)]) as one:
        outcome = await post(poster, one.url)

    assert outcome.retry_after == retry_after


async def test_the_header_comes_before_the_body(poster):
    """Where both say how long."""
    answer = web.Response(status=429, text='{"retry_after": 5}', headers={"Retry-After": "9"})
    async with Receiver([lambda _: answer]) as one:
        outcome = await post(poster, one.url)

    assert outcome.retry_after == "9"


async def test_for_a_day_after_a_rotation_both_secrets_sign(poster):
    """Receivers with either one verify; afterwards only the new one does."""
    new, now = new_secret(b"n" * 32), int(time.time() * 1000)
    async with Receiver() as receiver:  # which has the old one
        rotated = replace(
            endpoint(receiver.url), secret=new, old_secrets=(OldSecret(SECRET, now + 1),)
        )
        await poster.post(rotated, "de_1", BODY, now)
    [one] = receiver.received
    Webhook(new).verify(one.body, one.headers, json_parse=False)

    assert rotated.secrets(now) == [new, SECRET]
    assert rotated.secrets(now + 1) == [new]


async def test_a_template_is_sent_as_its_content_type(poster):
    """Whatever the user's headers say of it."""
    template = Template("x", "text/plain")
    async with Receiver() as receiver:
        await post(poster, receiver.url, template=template)

    assert receiver.received[0].headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "value, control",
    [
        ("abort-message", Control.ABORT),
        (" Disable ", Control.DISABLE),
        ("stop", None),
        ("disable, abort-message", None),
        ("", None),
    ],
)
async def test_what_a_receiver_asks_of_deliveries_is_handed_on(poster, value, control):
    """The two words that are known, in any case."""
    answer = web.Response(status=400, headers={"webhook-delivery": value})
    async with Receiver([lambda _: answer]) as one:
        outcome = await post(poster, one.url)

    assert outcome.control is control


async def test_the_users_headers_are_sent(poster):
    """Their credentials, and their wishes where ours are only defaults."""
    headers = {"Authorization": "Bearer x", "content-type": "application/cloudevents+json"}
    async with Receiver() as receiver:
        await post(poster, receiver.url, headers=headers)

    sent = receiver.received[0].headers
    assert sent["authorization"] == "Bearer x"
    assert sent["content-type"] == "application/cloudevents+json"


async def test_the_users_headers_cannot_forge_ours(poster):
    """Those that sign, name the host or frame the body stay ours, even if the row holds them."""
    headers = {
        "Webhook-Id": "forged",
        "WEBHOOK-signature": "v1,forged",
        "webhook-timestamp": "1",
        "Host": "inside",
        "Content-Length": "1",
        "Transfer-Encoding": "chunked",
    }
    async with Receiver() as receiver:
        outcome = await post(poster, receiver.url, headers=headers)

    [one] = receiver.received
    assert outcome.succeeded
    assert (one.id, one.body) == ("de_1", BODY)
    assert one.headers["host"] == receiver.url.split("/")[2]


@pytest.mark.parametrize("value", ["x\r\nwebhook-id: forged", "x\nhost: inside", "x\r", "x\0"])
async def test_a_header_that_would_end_early_is_not_sent(poster, value):
    """Even if the row holds it: nobody gets what its owner did not write as one header."""
    async with Receiver() as receiver:
        outcome = await post(poster, receiver.url, headers={"X-Team": value})

    assert not outcome.succeeded
    assert receiver.received == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/other", "http://169.254.169.254/", "file:///etc/passwd"])
async def test_a_redirect_is_a_failure_and_not_followed(poster, code, target):
    """Wherever it leads, nothing more is asked and nothing else dialled."""
    redirect = web.Response(status=code, headers={"Location": target})
    with dialled() as addresses:
        async with Receiver([lambda _: redirect]) as receiver:
            outcome = await post(poster, receiver.url)

    assert len(receiver.received) == 1
    assert len(addresses) == 1
    assert outcome.error == f"redirect to {target} refused"


async def test_no_cookie_is_kept(poster):
    """A receiver cannot mark us."""
    cookie = web.Response(headers={"Set-Cookie": "a=b; Path=/"})
    async with Receiver([lambda _: cookie, 200]) as receiver:
        await post(poster, receiver.url)
        await post(poster, receiver.url)

    assert len(receiver.received) == 2
    assert "cookie" not in receiver.received[1].headers


async def test_connections_are_kept_alive(poster):
    """Two POSTs, one connection."""
    async with Receiver() as receiver:
        await post(poster, receiver.url)
        await post(poster, receiver.url)

    assert receiver.received[0].peer == receiver.received[1].peer


async def test_a_kept_connection_that_the_server_closed_costs_no_attempt(poster):
    """Servers end idle connections; the POST that finds out is sent again on a new one."""
    requests = []

    async def talk(reader, writer):
        requests.append(await request_of(reader))
        writer.write(OK)
        requests.append(await request_of(reader))  # and closes without an answer

    async with raw_receiver(talk) as url:
        first = await post(poster, url)
        second = await post(poster, url)

    assert first.succeeded
    assert second.succeeded
    assert len(requests) == 3


async def test_a_new_connection_that_is_closed_is_not_tried_again_at_once(poster):
    """That is a failure of this delivery: its schedule decides."""
    connections = []

    async def talk(reader, writer):
        connections.append(await request_of(reader))

    async with raw_receiver(talk) as url:
        outcome = await post(poster, url)

    assert not outcome.succeeded
    assert len(connections) == 1


async def test_an_address_inside_is_not_dialled_although_dns_names_it():
    """The check is made of what would be dialled."""
    with dialled() as addresses:
        async with Poster(resolver=Stub("10.0.0.5"), deadline_seconds=5) as poster:
            outcome = await post(poster, "https://hooks.example.com/")

    assert addresses == []
    assert outcome.error == "not called: 10.0.0.5 is not a public address"


@pytest.mark.parametrize("order", [("10.0.0.5", "127.0.0.1"), ("127.0.0.1", "10.0.0.5")])
async def test_of_mixed_addresses_only_those_that_may_be_called_are_dialled(poster, order):
    """The allowed one is found in either order, the other never touched."""
    async with Receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        with dialled() as addresses:
            async with Poster(allow_private=LOOPBACK, resolver=Stub(*order)) as mixed:
                outcome = await post(mixed, f"http://hooks.example.com:{port}/hook")

    assert outcome.succeeded
    assert {address[0] for address in addresses} == {"127.0.0.1"}


async def test_a_name_that_moves_inside_is_refused_at_its_next_connection():
    """DNS rebinding: allowed at first, then private; nothing private is dialled."""
    stub = Stub("127.0.0.1")
    async with Receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        url = f"http://hooks.example.com:{port}/hook"
        with dialled() as addresses:
            async with Poster(
                allow_private=LOOPBACK, resolver=stub, connection_seconds=0
            ) as poster:
                first = await post(poster, url)
                stub.addresses = ("10.0.0.5",)
                second = await post(poster, url)

    assert first.succeeded
    assert second.error == "not called: 10.0.0.5 is not a public address"
    assert {address[0] for address in addresses} == {"127.0.0.1"}


async def test_a_kept_connection_stays_with_the_address_that_was_checked():
    """Until it is too old; then DNS is asked again and the endpoint found where it has moved."""
    stub = Stub("127.0.0.1")
    async with Receiver() as old:
        port = old.url.split(":")[2].split("/")[0]
        url = f"http://hooks.example.com:{port}/hook"
        async with Poster(allow_private=LOOPBACK, resolver=stub) as poster:
            await post(poster, url)
            stub.addresses = ("10.0.0.5",)
            kept = await post(poster, url)
            poster._connections._connection_seconds = 0
            moved = await post(poster, url)

    assert kept.succeeded
    assert old.received[0].peer == old.received[1].peer
    assert moved.error == "not called: 10.0.0.5 is not a public address"


async def test_retired_connections_are_closed_when_their_last_post_ends():
    """A POST under way keeps its connection; afterwards nothing is left open."""
    release = asyncio.Event()

    async def wait(_):
        await release.wait()
        return web.Response()

    poster = Poster(allow_private=LOOPBACK, connection_seconds=0)
    async with Receiver([wait, 200]) as receiver, poster:
        slow = asyncio.create_task(post(poster, receiver.url))
        await receiver.has(1)
        oldest = poster._connections._open[0]
        await post(poster, receiver.url)
        open_meanwhile = not oldest.closed
        release.set()
        outcome = await slow

    assert open_meanwhile
    assert outcome.succeeded
    assert oldest.closed


async def test_a_url_that_was_saved_under_another_configuration_is_not_called(poster):
    """The row's URL is checked again at every attempt."""
    outcome = await post(poster, "http://10.0.0.5/")

    assert outcome.error == (
        "not called: 10.0.0.5 is not a public address (see webhook.allow_private)"
    )


async def test_the_environment_proxy_is_not_used(poster, monkeypatch):
    """It would dial for us, past the check."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with Receiver() as receiver, Poster(allow_private=LOOPBACK) as own:
        outcome = await post(own, receiver.url)

    assert outcome.succeeded


@pytest.mark.parametrize("text", [b"a\0b", b"\xff\xfe", "é".encode("latin-1"), b"\xed\xa0\x80"])
async def test_any_bytes_become_text_that_every_database_takes(poster, text):
    """No NUL, no lone surrogate."""
    async with Receiver([lambda _: web.Response(body=text)]) as receiver:
        outcome = await post(poster, receiver.url)

    assert "\0" not in outcome.answer
    assert outcome.answer.encode()


async def test_errors_are_one_printable_line(poster):
    """A receiver cannot write into a terminal or a log."""
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /\x1b[31m" + b"a" * 5000 + b"\r\n\r\n"
    outcome = await answer_of(poster, redirect)

    assert outcome.error.isprintable()
    assert len(outcome.error) <= 300


async def test_a_hanging_receiver_does_not_hold_up_another(poster):
    """Two hundred that hang, and one that answers at once."""

    async def hang(_):
        await asyncio.Event().wait()

    async with Receiver([hang]) as dead, Receiver() as alive, asyncio.TaskGroup() as group:
        hanging = [group.create_task(post(poster, dead.url)) for _ in range(200)]
        await dead.has(200)
        outcome = await asyncio.wait_for(post(poster, alive.url), HANG_SECONDS)
        for one in hanging:
            one.cancel()

    assert outcome.succeeded


async def test_a_cancelled_post_is_cancelled(poster):
    """It is the one thing that passes through."""

    async def hang(_):
        await asyncio.Event().wait()

    async with Receiver([hang]) as receiver:
        posting = asyncio.create_task(post(poster, receiver.url))
        await receiver.has(1)
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting


async def test_an_endpoint_is_not_changed_by_being_called(poster):
    """Same input, same request but for the time."""
    async with Receiver() as receiver:
        target = replace(endpoint(receiver.url), headers={"X-A": "b"})
        now = int(time.time() * 1000)
        await poster.post(target, "de_1", BODY, now)
        await poster.post(target, "de_1", BODY, now)

    first, second = receiver.received
    assert first.headers == second.headers
    assert first.body == second.body


async def test_the_original_format_has_its_signature_too(poster):
    """Made with the secret as the user has it, beside ours, and by nobody else."""
    theirs = {"Authorization": "Bearer x", "x-hub-signature": "forged"}
    async with Receiver() as receiver:
        called = endpoint(receiver.url, format="crypitor", headers=theirs)
        await poster.post(called, "de_1", BODY, int(time.time() * 1000))
        standard = endpoint(receiver.url, headers=theirs)
        await poster.post(standard, "de_2", BODY, int(time.time() * 1000))

    original, plain = receiver.received
    expected = hmac.new(called.secret.encode(), BODY, hashlib.sha256).hexdigest()
    assert original.headers["x-hub-signature"] == expected
    assert original.headers["authorization"] == "Bearer x"
    assert plain.headers["x-hub-signature"] == "forged"
