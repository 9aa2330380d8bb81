"""Letters over SMTP, to a server that reads them as mail programs do."""

import asyncio
import base64
import email
import email.policy
from contextlib import asynccontextmanager

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from crypitor.errors import Invalid
from crypitor.monitor.models import Phase
from crypitor.webhook.closed import Closed
from crypitor.webhook.delivery import Digest
from crypitor.webhook.egress import networks
from crypitor.webhook.formats import Form
from crypitor.webhook.mail import check_mail_url, login_of, mailbox_of
from crypitor.webhook.post import Poster
from crypitor.webhook.shortage import NAME
from crypitor.webhook.tls import Tls
from tests.patience import HANG_SECONDS
from tests.webhook.certificates import Authority
from tests.webhook.matched import HASH, NOW, body_of
from tests.webhook.posting import LOOPBACK, endpoint
from tests.webhook.queued import delivery
from tests.webhook.queued import endpoint as endpoint_named
from tests.webhook.receivers import raw_receiver
from tests.webhook.resolvers import Stub
from tests.webhook.short import no_descriptors, opened
from tests.webhook.world import until

COMPANY = Authority()
SERVER = COMPANY.sign()
WHO = "/?from=alarms@example.com&to=ops@example.com&to=cfo%2Bnight@example.com"
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"alarms:s3cret-pass").decode()}


class Mailroom:
    """Keeps letters; refuses one address, and all letters when told to."""

    def __init__(self) -> None:
        self.letters = []
        self.answer = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("2"):
            read = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.letters.append((envelope.mail_from, envelope.rcpt_tos, read))
        return self.answer


def knows(server, session, envelope, mechanism, data):
    """Let one user in."""
    right = isinstance(data, LoginPassword) and data == LoginPassword(b"alarms", b"s3cret-pass")
    return AuthResult(success=right, handled=False)


@asynccontextmanager
async def mailroom(folder, scheme: str, **options):
    """Serve mail on loopback, over TLS from the first byte or with STARTTLS; yields it, and URL."""
    room, context = Mailroom(), SERVER.serves(folder)
    over = {"tls_context": context, "require_starttls": True} if scheme == "smtp" else {}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(room, hostname="mail.example.com", **over, **options),
        "127.0.0.1",
        0,
        ssl=context if scheme == "smtps" else None,
    )
    try:
        yield room, f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}{WHO}"
    finally:
        server.close()


async def send(poster, url, phase=Phase.DETECTED, **more):
    """Send the example's letter, trusting the company."""
    how = {"format": "email", "tls": Tls(ca=COMPANY.pem), **more}
    return await poster.post(
        endpoint(url, **how), "de_1", body_of(Form("email"), phase).encode(), NOW
    )


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_letter_says_what_happened(poster, tmp_path, scheme):
    """As text and as HTML, with links, to all who are named, over either kind of TLS."""
    async with mailroom(tmp_path, scheme) as (room, url):
        outcome = await send(poster, url)

    assert outcome.succeeded, outcome
    [(sender, recipients, letter)] = room.letters
    assert (sender, recipients) == (
        "alarms@example.com",
        ["ops@example.com", "cfo+night@example.com"],
    )
    assert letter["Subject"] == "Treasury: received 0.1231 USDC (detected)"
    assert letter["Message-ID"] == "<de_1@example.com>"
    assert letter["References"] == "<ma_1@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime.timestamp() == NOW // 1000
    text = letter.get_body(("plain",)).get_content()
    html = letter.get_body(("html",)).get_content()
    assert "hot wallet 0x1111…1111 (https://etherscan.io/address/" in text
    assert f'<a href="https://etherscan.io/tx/{HASH}">' in html


async def test_a_server_lets_in_who_has_the_password(poster, tmp_path):
    """And what it says to others is kept without it."""
    auth = {"authenticator": knows, "auth_required": True}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"alarms:wrong-pass").decode()}
    async with mailroom(tmp_path, "smtp", **auth) as (room, url):
        taken = await send(poster, url, headers=LOGIN)
        refused = await send(poster, url, headers=wrong)
        nobody = await send(poster, url)

    assert taken.succeeded, taken
    assert (refused.status_code, nobody.status_code) == (535, 530)
    assert len(room.letters) == 1


async def test_what_a_server_answers_is_what_came_of_it(poster, tmp_path):
    """For now and for ever, with its words."""
    async with mailroom(tmp_path, "smtps") as (room, url):
        room.answer = "451 try again later"
        later = await send(poster, url)
        room.answer = "554 this is spam"
        never = await send(poster, url)

    assert (later.error, later.status_code) == ("answered 451 try again later", 451)
    assert never.error == "answered 554 this is spam"


async def test_one_address_that_is_refused_does_not_keep_the_letter_from_others(poster, tmp_path):
    """It is named in the answer; where all are refused, it is a failure."""
    async with mailroom(tmp_path, "smtps") as (room, url):
        some = await send(poster, url.replace("cfo%2Bnight", "nobody"))
        none = await send(poster, url.replace("cfo%2Bnight", "nobody").replace("ops", "nobody"))

    assert some.succeeded
    assert some.answer == "taken; not for nobody@example.com: 550 no such user here"
    assert none.error == "answered 550 no such user here"
    assert len(room.letters) == 1


async def test_nothing_is_sent_without_tls(poster):
    """Not to a server that offers none, and not to one that nobody vouches for."""
    said = []

    async def talk(reader, writer):
        writer.write(b"220 mail.example.com\r\n")
        while line := await reader.readline():
            said.append(line)
            writer.write(b"250 mail.example.com\r\n")

    async with raw_receiver(talk) as url:
        outcome = await send(poster, url.replace("http:", "smtp:").rstrip("/") + WHO, headers=LOGIN)

    assert outcome.error.startswith("not sent: the server cannot: STARTTLS")
    assert not [line for line in said if line.upper().startswith((b"AUTH", b"MAIL", b"DATA"))]


async def test_a_certificate_that_nobody_vouches_for_is_refused(poster, tmp_path):
    """By either kind of TLS, as with any webhook."""
    for scheme in ("smtps", "smtp"):
        async with mailroom(tmp_path, scheme) as (room, url):
            outcome = await send(poster, url, tls=None)

        assert outcome.error.startswith("certificate not accepted: "), outcome
        assert room.letters == []


async def test_a_server_that_says_nothing_costs_one_deadline():
    """And its thread ends with it. The deadline leaves a slow machine the time to connect."""
    ended = asyncio.Event()

    async def talk(reader, _):
        await reader.read()
        ended.set()

    async with (
        raw_receiver(talk) as url,
        Poster(allow_private=LOOPBACK, deadline_seconds=1.5) as poster,
    ):
        outcome = await send(poster, url.replace("http:", "smtp:").rstrip("/") + WHO)
        async with asyncio.timeout(HANG_SECONDS):
            await ended.wait()

    assert outcome.error == "timed out after 1.5 s"


async def test_mail_goes_only_where_webhooks_may_go():
    """By the address that is dialled, whatever DNS says by then, and to no place of our own."""
    async with Poster(resolver=Stub("10.0.0.5"), deadline_seconds=5) as poster:
        inside = await send(poster, f"smtps://mail.example.com{WHO}")
        literal = await send(poster, f"smtps://127.0.0.1{WHO}")
    closed = Closed([("127.0.0.1", 2525)])
    async with Poster(allow_private=LOOPBACK, closed=closed, deadline_seconds=5) as poster:
        own = await send(poster, f"smtp://127.0.0.1:2525{WHO}")
    async with Poster(proxy="http://127.0.0.1:1", deadline_seconds=5) as poster:
        proxied = await send(poster, f"smtps://mail.example.com{WHO}")

    assert inside.error == "not called: 10.0.0.5 is not a public address"
    assert literal.error.startswith("not called: 127.0.0.1 is not a public address")
    assert own.error == "not called: 127.0.0.1:2525 belongs to this service itself"
    assert proxied.error == "not called: mail does not go through webhook.proxy"


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.example.com" + WHO,
        "smtps://mail.example.com/",
        "smtps://mail.example.com/?from=a@example.com",
        "smtps://mail.example.com/?from=a@example.com&to=b",
        "smtps://mail.example.com/?from=a@example.com&to=b@example.com%0D%0ABcc:%20x@example.com",
        "smtps://mail.example.com/?from=a@example.com&to=b@example.com&cc=c@example.com",
        "smtps://mail.example.com/?from=a@example.com" + "&to=b@example.com" * 21,
        "smtps://user:password@mail.example.com" + WHO,
        "smtps://127.0.0.1" + WHO,
        "smtp://localhost" + WHO,
        "smtp://169.254.169.254" + WHO,
        "smtp://mail.example.com:0" + WHO,
    ],
)
def test_a_url_that_cannot_be_mailed_to_is_refused(url):
    """The rules of all URLs hold, and who writes to whom has to be there."""
    with pytest.raises(Invalid):
        check_mail_url(url)


def test_a_url_is_stored_with_its_port():
    """587 for STARTTLS, 465 for TLS from the first byte; `+` in an address is no space."""
    assert check_mail_url("smtp://Mail.Example.com/?from=a@b.c&to=x+y@b.c") == (
        "smtp://mail.example.com:587/?from=a@b.c&to=x+y@b.c"
    )
    assert check_mail_url(f"smtps://10.1.2.3{WHO}", networks(["10.0.0.0/8"])).startswith(
        "smtps://10.1.2.3:465/?"
    )
    assert mailbox_of("smtp://b.c:25/?from=a@b.c&to=x+y@b.c").recipients == ("x+y@b.c",)


def test_a_login_that_is_none_is_refused():
    """A bearer token opens no mailbox."""
    assert login_of(LOGIN) == ("alarms", "s3cret-pass")
    assert login_of({}) is None
    for wrong in ("Bearer x", "Basic !!", "Basic " + base64.b64encode(b"no colon").decode()):
        with pytest.raises(Invalid):
            login_of({"authorization": wrong})


async def test_a_digest_gathers_what_comes_within_its_time(world, tmp_path):
    """The first goes at once, the others together when the time is over, each delivered once."""
    body = body_of(Form("email"))
    async with mailroom(tmp_path, "smtps") as (room, url):
        how = {"format": "email", "tls": Tls(ca=COMPANY.pem), "rate_per_second": 10_000}
        await world.store.prepare(endpoint_named("ep_1", url, digest=Digest(60, 3), **how))
        sender = world.sender()
        await world.queue(delivery("de_0", "ep_1", body=body))
        await sender.settle()
        await world.queue(*(delivery(f"de_{n}", "ep_1", body=body) for n in range(1, 6)))
        seen = []
        for _ in range(4):
            await sender.settle()
            seen.append([read["Subject"] for _, _, read in room.letters])
            world.clock.advance(61)

    one = "Treasury: received 0.1231 USDC (detected)"
    first, second, third = [one], f"3 messages; the first: {one}", f"2 messages; the first: {one}"
    assert seen == [first, [*first, second], [*first, second, third], [*first, second, third]]
    assert set((await world.store.statuses()).values()) == {"delivered"}
    assert sender.in_flight == 0
    assert room.letters[1][2].get_body(("plain",)).get_content().count("hot wallet") == 3


async def test_a_letter_that_fails_is_one_failure_of_its_endpoint(world, tmp_path):
    """However many messages it holds; all of them are tried again."""
    body = body_of(Form("email"))
    async with mailroom(tmp_path, "smtps") as (room, url):
        room.answer = "451 not now"
        how = {"format": "email", "tls": Tls(ca=COMPANY.pem), "rate_per_second": 10_000}
        await world.store.prepare(endpoint_named("ep_1", url, digest=Digest(60, 50), **how))
        await world.queue(*(delivery(f"de_{n}", "ep_1", body=body) for n in range(20)))
        sender = world.sender()
        await sender.settle()
        failed = await world.store.endpoint()
        room.answer = "250 OK"
        world.clock.advance(600)
        await sender.settle()

    assert failed.failures_in_row == 1
    assert len(room.letters) == 1
    assert set((await world.store.statuses()).values()) == {"delivered"}


async def test_a_letter_that_cannot_be_tried_is_due_again_with_all_it_holds(world, tmp_path):
    """This machine was short until the lease ended: nothing counts, and the slot is free."""
    body = body_of(Form("email"))
    async with mailroom(tmp_path, "smtps") as (room, url):
        how = {"format": "email", "tls": Tls(ca=COMPANY.pem), "rate_per_second": 10_000}
        await world.store.prepare(endpoint_named("ep_1", url, digest=Digest(60, 3), **how))
        await opened(world)
        await world.queue(*(delivery(f"de_{n}", "ep_1", body=body) for n in range(3)))
        lease_seconds = world.poster.deadline_seconds + 0.1
        sender = world.sender(lease_seconds=lease_seconds)
        with no_descriptors():
            async with world.running(sender):
                await until(lambda: NAME in world.health.troubles, 20)
                await until(lambda: sender.in_flight == 0, 20)
        untold = list(world.heard.results)
        world.clock.advance(lease_seconds + 1)
        await world.sender().settle()

    assert untold == []
    assert len(room.letters) == 1
    assert {(await world.store.get(f"de_{n}")).attempts for n in range(3)} == {1}
    assert set((await world.store.statuses()).values()) == {"delivered"}
