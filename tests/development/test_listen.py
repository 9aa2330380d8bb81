"""The receiver for development: what it verifies, how it misbehaves, what it prints."""

import asyncio
import base64
import json
import time

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from crypitor.development.listen import Behaviour, Received, Receiver, line, whole
from tests.ahead import go_ahead
from tests.patience import HANG_SECONDS

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()
OTHER = "whsec_" + base64.b64encode(b"another of twenty-four by").decode()
MATCH = {
    "type": "match.detected",
    "data": {
        "monitor": {"name": "Treasury"},
        "network": "ethereum",
        "kind": "erc20",
        "direction": "in",
        "address": "0x28c6c06298d514db089934071355e5743bf21d60",
        "label": "hot wallet",
        "block": {"number": 21000000},
        "from_address": "0x21a31ee1afc51d94c2efccaa2092ad1028285549",
        "to_address": "0x28c6c06298d514db089934071355e5743bf21d60",
        "contract": {"address": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "symbol": "USDC"},
        "amount": "123100",
        "amount_formatted": "0.1231",
        "token_id": None,
    },
}

RAW = {
    "type": "match.confirmed",
    "data": {
        **MATCH["data"],
        "kind": "erc721",
        "direction": "out",
        "label": None,
        "to_address": "0x21a31ee1afc51d94c2efccaa2092ad1028285549",
        "contract": {**MATCH["data"]["contract"], "symbol": None},
        "amount": "792000000000000000001",
        "amount_formatted": None,
        "token_id": "7",
    },
}


async def post(url: str, body: bytes, secret: str | None = SECRET, at: float | None = None) -> int:
    """Send a body, signed by the library that others use."""
    headers = {}
    if secret:
        from datetime import UTC, datetime

        moment = datetime.fromtimestamp(int(at or time.time()), UTC)
        headers = {
            "webhook-id": "de_1",
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(secret).sign("de_1", moment, body.decode()),
        }
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        return answer.status


async def test_a_true_signature_is_verified_and_the_body_kept_as_it_came():
    """Byte for byte, with the headers by lower-case name."""
    async with Receiver(lambda: [OTHER, SECRET]) as receiver:
        status = await post(receiver.url + "/some/path", b'{"type": "ping"}')
        [received] = receiver.received

    assert status == 204
    assert (received.verified, received.problem) == (True, None)
    assert (received.id, received.path, received.body) == (
        "de_1",
        "/some/path",
        b'{"type": "ping"}',
    )


@pytest.mark.parametrize(
    ("secret", "age_seconds", "problem"),
    [
        (OTHER, 0, "No matching signature found"),
        (None, 0, "Missing required headers"),
        (SECRET, 600, "Message timestamp too old"),
    ],
)
async def test_what_is_not_signed_right_is_told_and_why(secret, age_seconds, problem):
    """A wrong key, no signature at all, a replay."""
    async with Receiver(lambda: [SECRET]) as receiver:
        await post(receiver.url, b"{}", secret, time.time() - age_seconds)
        [received] = receiver.received

    assert (received.verified, received.problem) == (False, problem)


async def test_without_a_secret_nothing_is_claimed():
    """Neither verified nor forged."""
    async with Receiver(list) as receiver:
        await post(receiver.url, b"{}")

    assert receiver.received[0].verified is None


async def test_the_first_so_many_fail_and_then_the_status_is_given():
    """As a consumer that is being deployed."""
    async with Receiver(lambda: [SECRET], behaviour=Behaviour(status=202, fail=2)) as receiver:
        answers = [await post(receiver.url, b"{}") for _ in range(4)]

    assert answers == [500, 500, 202, 202]
    assert [received.status for received in receiver.received] == answers


async def test_a_delay_comes_before_the_answer_and_after_the_arrival():
    """What arrived is known at once."""
    slow = Behaviour(delay_seconds=HANG_SECONDS)
    async with Receiver(lambda: [SECRET], behaviour=slow) as receiver:
        answer = asyncio.create_task(post(receiver.url, b"{}"))
        await receiver.until(lambda received: len(received) == 1)
        await asyncio.wait([answer], timeout=0.05)
        early = answer.done()
        go_ahead(HANG_SECONDS)
        await answer

    assert not early


async def test_one_that_hangs_ends_with_its_receiver():
    """It never answers by itself, and closing does not wait for it."""
    async with Receiver(lambda: [SECRET], behaviour=Behaviour(hang=True)) as receiver:
        answer = asyncio.create_task(post(receiver.url, b"{}"))
        await receiver.until(lambda received: len(received) == 1)
        pending = not answer.done()
        started = time.monotonic()
    took = time.monotonic() - started
    await asyncio.gather(answer, return_exceptions=True)

    assert pending
    assert took < 2


async def test_only_the_last_ones_are_remembered_if_so_wished():
    """A receiver that runs for days must not grow."""
    told = []
    async with Receiver(lambda: [SECRET], keep=2, told=told.append) as receiver:
        for number in range(5):
            await post(receiver.url, b"%d" % number)

    assert [received.body for received in receiver.received] == [b"3", b"4"]
    assert len(told) == receiver.count == 5


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        (json.dumps(MATCH).encode(), ["✓", "match.detected", "ethereum #21000000", "erc20",
                                      "0.1231 USDC", "0x21a3…5549 → hot wallet", "Treasury"]),
        (json.dumps(RAW).encode(), ["✓", "match.confirmed", "erc721", "≈7.92e+20", "0xa0b8…eb48", "#7",
                                    "0x21a3…5549 ← 0x28c6…1d60"]),
        (b'{"type": "ping"}', ["✓", "ping"]),
        (b"not json", ["✓", "not json"]),
        (b"[1, 2]", ["✓", "[1, 2]"]),
    ],
)  # fmt: skip
async def test_each_webhook_is_one_line_for_people(body, pieces):
    """Whatever it is, in the order in which one reads."""
    async with Receiver(lambda: [SECRET]) as receiver:
        await post(receiver.url, body)
    text = line(receiver.received[0]).plain

    assert "\n" not in text
    assert sorted(pieces, key=text.index) == pieces


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a":[1,"\xc3\xbc"]}', '{\n  "a": [\n    1,\n    "\u00fc"\n  ]\n}'),
        (b"no JSON [bold]", "no JSON [bold]"),
        (b"\x1b[31mred\xff", "\ufffd[31mred\ufffd"),
        (b"", ""),
    ],
)
def test_a_body_is_shown_whole_and_changes_no_terminal(body, shown):
    """JSON by its members, anything else as text; what would steer a terminal does not."""
    received = Received("/", {}, body, None, None, 204, 0.0)

    assert whole(received).plain == shown
