"""Answers that lie, limits that are announced, groups that moved, and secrets that come back."""

import html
import json
import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.errors import Invalid
from crypitor.webhook.circuit import CircuitState
from crypitor.webhook.delivery import Notice, State, Status
from crypitor.webhook.hidden import without_secrets
from crypitor.webhook.said import announced_rest_ms, moved, said
from crypitor.webhook.success import Pointed, Success, check_success
from tests.chance import examples
from tests.webhook.posting import post
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver, raw_receiver, request_of

# As the services document their answers, or are known to give them.
TELEGRAM_REFUSES = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked"}
TELEGRAM_MOVED = {
    "ok": False,
    "error_code": 400,
    "description": "Bad Request: group chat was upgraded to a supergroup chat",
    "parameters": {"migrate_to_chat_id": -1001234567890},
}
TELEGRAM_BUSY = {"ok": False, "error_code": 429, "parameters": {"retry_after": 14}}


def answering(text: object, status: int = 200, **headers: str):
    """Return what answers so."""
    body = text if isinstance(text, str) else json.dumps(text)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=status, text=body, headers=names)


@pytest.mark.parametrize(
    "form, body, why",
    [
        ("telegram", TELEGRAM_REFUSES, "Telegram says: Forbidden: bot was blocked"),
        ("telegram", {"ok": 1}, "Telegram says"),
        ("telegram", "<html>Log in to this network</html>", "does not answer as Telegram does"),
        ("slack", {"ok": False, "error": "channel_not_found"}, "it says: channel_not_found"),
        ("slack", "invalid_payload", "it says: invalid_payload"),
        ("discord", {"message": "Unknown Webhook", "code": 10015}, "Discord says: Unknown Webhook"),
        ("discord", {"message": "You are being rate limited.", "retry_after": 3.2}, "rate limited"),
    ],
)
async def test_an_error_inside_a_200_is_a_failure(poster, form, body, why):
    """Each service's own way to say it."""
    async with Receiver([answering(body)]) as one:
        outcome = await post(poster, one.url, format=form)

    assert not outcome.succeeded
    assert outcome.status_code == 200
    assert outcome.error.startswith("answered 200, but ")
    assert why in outcome.error


@pytest.mark.parametrize(
    "form, status, body",
    [
        ("telegram", 200, {"ok": True, "result": {"message_id": 1}}),
        ("telegram", 204, ""),
        ("slack", 200, "ok"),
        ("slack", 200, {"ok": True}),
        ("discord", 204, ""),
        ("discord", 200, {"id": "1", "type": 0, "message": "x", "code": 0}),
        ("standard", 200, {"ok": False, "error": "nobody asked us to read it"}),
        ("crypitor", 200, "invalid_payload"),
    ],
)
async def test_what_says_no_error_is_taken(poster, form, status, body):
    """And bodies of those who did not say what they mean are not read at all."""
    async with Receiver([answering(body, status)]) as one:
        outcome = await post(poster, one.url, format=form)

    assert outcome.succeeded


async def test_a_wait_inside_a_200_is_kept(poster):
    """By the delivery, and by everything for that endpoint."""
    async with Receiver([answering(TELEGRAM_BUSY)]) as one:
        outcome = await post(poster, one.url, format="telegram")

    assert (outcome.retry_after, outcome.rest_ms) == ("14", 14_000)


@pytest.mark.parametrize(
    "success, status, body, taken",
    [
        (Success(), 204, "", True),
        (Success(), 404, "", False),
        (Success("200"), 204, "", False),
        (Success("2xx,409"), 409, "seen before", True),
        (Success("3xx"), 302, "", True),
        (Success(body="accepted"), 200, "it was accepted today", True),
        (Success(body="accepted"), 200, "it was refused", False),
        (Success(body="accepted"), 500, "accepted", False),
        (Success(body=Pointed("/ok", True)), 200, '{"ok": true}', True),
        (Success(body=Pointed("/ok", True)), 200, '{"ok": 1}', False),
        (Success(body=Pointed("/ok", 1)), 200, '{"ok": 1.0}', True),
        (Success(body=Pointed("/a~1b/1/~0", "x")), 200, '{"a/b": [0, {"~": "x"}]}', True),
        (Success(body=Pointed("/a/01", 1)), 200, '{"a": [0, 1]}', False),
        (Success(body=Pointed("", [])), 200, "[]", True),
        (Success(body=Pointed("/none", None)), 200, "{}", False),
        (Success(body=Pointed("/none", None)), 200, '{"none": null}', True),
        (Success(body=Pointed("/ok", True)), 200, "ok", False),
        (Success(body=Pointed("/ok", True)), 200, "[" * 10_000, False),
        (Success(body=Pointed("/ok", True)), 200, '{"ok": true}' + " " * 70_000, False),
    ],
)
async def test_an_owner_says_what_success_looks_like(poster, success, status, body, taken):
    """By status, by some text, or by what stands somewhere in the JSON (RFC 6901)."""
    async with Receiver([answering(body, status)]) as one:
        outcome = await post(poster, one.url, success=success)

    assert outcome.succeeded is taken
    assert (outcome.error is None) is taken


async def test_an_owners_word_on_the_body_replaces_the_services(poster):
    """A bridge that speaks Slack's form need not answer as Slack does."""
    async with Receiver([answering({"ok": False})]) as one:
        outcome = await post(poster, one.url, format="slack", success=Success(body="ok"))

    assert outcome.succeeded


@pytest.mark.parametrize(
    "success, pointer",
    [
        (Success("4xx"), "/success/status"),
        (Success("2xx, 410"), "/success/status"),
        (Success("503"), "/success/status"),
        (Success("ok"), "/success/status"),
        (Success(""), "/success/status"),
        (Success(body=""), "/success/body"),
        (Success(body=Pointed("ok")), "/success/body/pointer"),
        (Success(body=Pointed("/a~2")), "/success/body/pointer"),
    ],
)
def test_what_cannot_be_success_is_refused(success, pointer):
    """What HTTP says with 410, 429 and 503 is obeyed, whoever calls it success."""
    with pytest.raises(Invalid) as refused:
        check_success(success)

    assert [one.pointer for one in refused.value.mistakes] == [pointer]


@pytest.mark.parametrize(
    "headers, rest_ms",
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.4705"}, 1471),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1e300"}, 24 * 3600 * 1000),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset-After": "1.5"}, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "soon"}, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "nan"}, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "-1"}, 0),
        ({"X-RateLimit-Remaining": "0"}, 0),
        ({}, 0),
    ],
)
def test_what_discord_announces_is_read(headers, rest_ms):
    """Whatever else stands there is nothing."""
    assert announced_rest_ms("discord", headers) == rest_ms
    assert announced_rest_ms("standard", headers) == 0


async def test_an_announced_limit_is_kept_before_it_refuses(world):
    """Discord, three requests in ten seconds: seven messages, and none of them is refused."""
    left, refused, at = 3, 0, world.clock()

    def limited(_):
        nonlocal left, refused, at
        if world.clock() >= at + 10_000:
            left, at = 3, world.clock()
        if not left:
            refused += 1
            return web.Response(status=429, headers={"Retry-After": "10"})
        left -= 1
        after = (at + 10_000 - world.clock()) / 1000
        names = {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset-After": f"{after:.3f}"}
        return web.Response(status=204, headers=names)

    async with Receiver([limited]) as one:
        discord = endpoint("ep_1", one.url, format="discord", rate_per_second=10_000)
        await world.store.prepare(discord)
        await world.queue(*(delivery(f"de_{n}", "ep_1") for n in range(7)))
        sender = world.sender()
        for _ in range(10):
            await sender.settle()
            world.clock.advance(5)

    assert refused == 0
    assert len(one.received) == 7


def test_a_moved_chat_changes_nothing_else_of_the_url():
    """Not the topic of the chat, nor how anything is written."""
    url = "https://api.telegram.org/bot1:a%2Fb/sendMessage?message_thread_id=7&chat_id=-5&x=%20"

    assert moved(url, "-1009") == url.replace("chat_id=-5", "chat_id=-1009")
    assert said("telegram", json.dumps(TELEGRAM_MOVED).encode()).moved_to == "-1001234567890"


async def test_a_group_that_moved_is_followed_and_told(world):
    """The message goes to the new chat at once, later ones too, and others hear of it."""
    answers = [answering(TELEGRAM_MOVED, 400), answering({"ok": True})]
    async with Receiver(answers) as one, Receiver() as other:
        url = one.url.replace("/hook", "/bot1:canary/sendMessage?chat_id=-5")
        await world.store.prepare(
            endpoint("ep_1", url, format="telegram", rate_per_second=10_000),
            endpoint("ep_2", other.url, events=(Notice.MOVED,)),
        )
        await world.queue(delivery("de_1", "ep_1"))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(1)
        await sender.settle()

    followed = await world.store.endpoint("ep_1")
    assert followed.url == url.replace("-5", "-1001234567890")
    assert followed.state is State.HEALTHY
    assert followed.circuit.state is CircuitState.CLOSED
    assert (await world.store.get("de_1")).status is Status.DELIVERED
    assert [each.query["chat_id"] for each in one.received] == ["-5", "-1001234567890"]
    [told] = [json.loads(each.body) for each in other.received]
    assert told["type"] == "endpoint.moved"
    assert "-1001234567890" in told["data"]["reason"]
    assert "canary" not in other.received[0].body.decode()


TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
BOT = f"https://api.telegram.org/bot{TOKEN}/sendMessage?chat_id=-5000000000"


@pytest.mark.parametrize(
    "url, echoed, secret",
    [
        (BOT, f"no such bot: {TOKEN}", "AAHdqTcv"),
        (BOT, BOT, "AAHdqTcv"),
        (BOT, TOKEN.partition(":")[2], "AAHdqTcv"),
        (BOT, TOKEN.replace(":", "%3a"), "AAHdqTcv"),
        (BOT.replace(":AA", "%3AAA"), TOKEN, "AAHdqTcv"),
        ("https://api.telegram.org/bot1:x-y/sendMessage?chat_id=5", "bot 1:x-y", "1:x-y"),
        ("https://hooks.slack.com/services/T0/B0/XXXXsecret", "no XXXXsecret", "XXXXsecret"),
        ("https://discord.com/api/webhooks/12345678/to/k", "id 12345678", "12345678"),
        ("https://x.logic.azure.com/workflows/1?sig=a%2Fb%2Bcdefgh", "sig a/b+cdefgh", "cdefgh"),
        ("https://x.logic.azure.com/workflows/1?sig=a%2Fb%2Bcdefgh", "a\\/b+cdefgh", "cdefgh"),
    ],
)
def test_a_secret_that_comes_back_is_not_kept(url, echoed, secret):
    """However it is written by whoever echoes it."""
    assert secret not in without_secrets(echoed, url, {})


def test_what_is_not_secret_stays():
    """The chat, the method, what a person needs to read."""
    text = "sendMessage to chat -5000000000 failed"

    assert without_secrets(text, BOT, {"X-Short": "failed"}) == text


def test_half_a_secret_at_the_end_of_what_was_read_is_not_kept():
    """It was cut off there, so nobody knows what it would have been."""
    assert "AAHdq" not in without_secrets(f"bot {TOKEN[:20]}", BOT, {}, cut=True)
    assert without_secrets("abcdefgh" * 3, "", {"X": "abcdefgh" * 4}, cut=True) == ""


def test_a_secret_is_hidden_in_whichever_case_it_comes_back():
    """Also where its letters are not those of ASCII."""
    url = "https://example.com/hook?key=%C3%A4%C3%B6%C3%BC-geheim-1"
    assert without_secrets("İ ÄÖÜ-GEHEIM-1 ß", url, {}) == "İ … ß"


async def test_a_bots_token_is_in_no_answer_and_no_error(poster):
    """Not in an echo, and not in a redirect to the same path."""
    path = f"/bot{TOKEN}/sendMessage?chat_id=1"
    answers = [
        answering({"ok": False, "description": path}, 404),
        answering("", 301, Location=f"https://elsewhere.example{path}"),
    ]
    async with Receiver(answers) as one:
        url = one.url.replace("/hook", path)
        for _ in answers:
            outcome = await post(poster, url, format="telegram")
            assert outcome.error
            assert TOKEN[10:] not in f"{outcome}"


async def test_a_header_that_comes_back_is_not_kept(poster):
    """An endpoint's own headers are shown to nobody who may not write."""
    echo = answering("Bearer s3cret-value and s3cret-value again")
    async with Receiver([echo]) as one:
        outcome = await post(poster, one.url, headers={"Authorization": "Bearer s3cret-value"})

    assert outcome.succeeded
    assert "s3cret" not in outcome.answer


async def test_an_answer_that_moves_nowhere_is_a_failure_like_others(poster):
    """Nobody is sent round in a circle to the chat where it was refused."""
    async with Receiver([answering(TELEGRAM_MOVED, 400)]) as one:
        url = one.url + "?chat_id=-1001234567890"
        outcome = await post(poster, url, format="telegram")

    assert outcome.moved is None
    assert replace(outcome, error=None).status_code == 400


async def test_half_a_secret_of_an_answer_that_broke_off_is_not_kept(poster):
    """Promised more than it sent: what came of a token is as good as the token."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(b"HTTP/1.1 500 X\r\nContent-Length: 999\r\n\r\nno bot " + TOKEN[:24].encode())
        await writer.drain()

    async with raw_receiver(talk) as url:
        outcome = await post(poster, url + f"bot{TOKEN}/sendMessage?chat_id=1", format="telegram")

    assert outcome.error == "the answer broke off"
    assert "AAHdq" not in outcome.answer


@pytest.mark.parametrize(
    "url, text, kept",
    [
        ("https://x.example/deposits?key=abcdef0123", "wrong key abcdef0123 at /deposits", "wrong key … at /deposits"),
        ("https://x.example/0123456789abcdef/in", "no /0123456789abcdef/in", "no /…/in"),
        ("https://x.example/deposits", "no deposits", "no deposits"),
    ],
)  # fmt: skip
def test_what_a_receiver_echoes_of_its_own_url_has_no_keys(url, text, kept):
    """Long parts of the path and values of the query; names of paths stay."""
    assert without_secrets(text, url, {}, chat=False) == kept


SECRETS = [
    "abcdefgh",
    "ABCDEFGHIJ",
    "x/y%z+w=&",
    "12345678",
    "a\"b'c<d>e",
    "aaaaaaaa",
    "aaaaaaaaaa",
]


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([*SECRETS, *map(quote, SECRETS), *map(html.escape, SECRETS)]),
            st.sampled_from(["ABCDefgh", "efghijab", "a", " ", "İ", "ß", "Bearer "]),
            st.text(max_size=4),
        ),
        max_size=12,
    ).map("".join),
    st.lists(st.sampled_from(SECRETS), max_size=3),
)
def test_what_is_left_of_an_echo_stood_there_and_holds_no_secret(text, secrets):
    """Wherever secrets stand, one in another, in whichever case, beside whichever letters."""
    headers = {f"X-{n}": secret for n, secret in enumerate(secrets)}
    shown = without_secrets(text, "https://example.com/hook", headers)

    assert not any(re.search(re.escape(each), shown, re.IGNORECASE) for each in secrets)
    pieces, end = shown.split("…"), 0
    for piece in pieces:
        assert text.find(piece, end) >= 0
        end = text.find(piece, end) + len(piece)
    if not any(re.search(re.escape(form), text, re.IGNORECASE) for one in secrets for form in (one, quote(one), quote(one, safe=""), html.escape(one), one.replace("/", "\\/"))):  # fmt: skip
        assert shown == text
