"""An older copy of the database is put back: what was given out since it was made is refused."""

import hashlib
import hmac
import re

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from crypitor.database.epochs import POSITION, Epoch, current_epoch, renew_epoch
from crypitor.database.given import Given, begin_new_time_if_lost
from crypitor.database.keys import Scope
from crypitor.errors import Gone, Invalid
from tests.api.conftest import START

ALL_DATABASES = True
HOOK = {"url": "https://example.com/hook"}
KEY = {"Idempotency-Key": "once"}
LIST = "/v1/matches"


async def count(api, by):
    """Count as so many matches would."""
    await api.context.database.write(
        lambda tx: tx.run("update counters set value = value + :by where name = 'matches'", by=by)
    )


async def feed(api):
    answer, page = await api.call("GET", "/v1/matches?order=asc")
    assert answer.status == 200
    return page["next_cursor"]


async def status(api, path):
    answer, told = await api.call("GET", path)
    return answer.status, told.get("detail", "")


async def test_a_cursor_ahead_of_the_database_is_gone_for_good(api):
    """Also when the database has come past it: what stands there then is something else."""
    await count(api, 10)
    cursor = await feed(api)
    await count(api, -5)
    before = await status(api, f"/v1/matches?order=asc&cursor={cursor}")
    await count(api, 50)
    after = await status(api, f"/v1/matches?order=asc&cursor={cursor}")
    fresh = await status(api, f"/v1/matches?order=asc&cursor={await feed(api)}")

    assert (before[0], after[0], fresh[0]) == (410, 410, 200)
    assert "an older copy of it was put back" in after[1]


async def test_what_others_were_given_is_gone_as_well(api):
    """One that asks first, with nothing of its own, ends the lost time for all."""
    await count(api, 10)
    cursor = await feed(api)
    await count(api, -5)
    await feed(api)
    await count(api, 50)

    assert (await status(api, f"/v1/matches?order=asc&cursor={cursor}"))[0] == 410


LISTS = [
    "/v1/monitors?limit=1",
    "/v1/endpoints?limit=1",
    "/v1/keys?limit=1",
    "/v1/projects?limit=1",
]


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_takes_its_cursors_in_their_own_time_alone(api, path):
    """Pages follow each other until then."""
    for _ in range(2):
        await api.made("/v1/endpoints", HOOK)
        await api.made("/v1/monitors", {"networks": ["dev"]})
        for made in ("/v1/projects", "/v1/keys"):
            if path.startswith(made):
                await api.made(made, {"name": "x"})
    _, page = await api.call("GET", path)
    cursor = page["next_cursor"]
    before = await status(api, f"{path}&cursor={cursor}")
    await count(api, 10)
    await feed(api)
    await count(api, -5)
    await feed(api)

    assert before[0] == 200
    assert (await status(api, f"{path}&cursor={cursor}"))[0] == 410


async def test_nobody_can_end_a_time_by_a_cursor_of_his_own_making(api):
    """A forged place far ahead is refused, and the others' cursors stay good."""
    await count(api, 10)
    cursor = await feed(api)
    name, sealed = cursor.split("-")
    tag = sealed[:12]
    forged = await status(api, f"/v1/matches?order=asc&cursor={name}-{tag}-999999")
    other = await status(api, f"/v1/matches?order=asc&cursor={name}-{'0' * 8}{sealed[8:]}")
    plain = await status(api, "/v1/matches?order=asc&cursor=999999")
    foreign = await status(api, f"/v1/matches?order=asc&cursor={'0' * 8}-{tag}-5")

    assert (forged[0], other[0], plain[0], foreign[0]) == (400, 400, 410, 410)
    assert (await status(api, f"/v1/matches?order=asc&cursor={cursor}"))[0] == 200


async def test_cursors_of_the_release_before_are_taken_until_the_first_loss(api):
    """They were numbers without an epoch, and feeds keep them over an update."""
    await count(api, 10)
    before = await status(api, "/v1/matches?order=asc&cursor=7")
    await feed(api)
    await count(api, -5)
    await feed(api)

    assert before[0] == 200
    assert (await status(api, "/v1/matches?order=asc&cursor=2"))[0] == 410


@given(st.integers(min_value=0, max_value=10**18 - 1), st.binary(min_size=16, max_size=16))
def test_a_place_is_found_again_and_told_by_nothing(position, secret):
    """The same place has the same text, as long as any other, in which its number is not."""
    epoch = Epoch(1, "00c0ffee", secret.hex(), 5)
    text = epoch.mark(str(position), LIST)

    assert epoch.place(text, LIST) == str(position)
    assert epoch.mark(str(position), LIST) == text
    assert re.fullmatch(POSITION, text)
    assert text.removeprefix("00c0ffee-")[-16:] != f"{position:016x}"
    assert len(text) == len(epoch.mark("0", LIST))


NUMBERED = {
    "/v1/matches?order=asc": "matches",
    "/v1/events?order=asc": "events",
    "/v1/audit?limit=1": "audit",
}


@pytest.mark.parametrize("given", NUMBERED)
@pytest.mark.parametrize("asked", [*NUMBERED, "/v1/stream?"])
async def test_a_cursor_of_another_list_is_refused_and_ends_no_time(api, given, asked):
    """However far ahead it is there: what others have of their lists stays good."""
    for name in ("a", "b"):
        await api.made("/v1/projects", {"name": name})
    kept = await feed(api)
    await api.context.database.write(
        lambda tx: tx.run(
            "update counters set value = value + 1000 where name = :name", name=NUMBERED[given]
        )
    )
    _, page = await api.call("GET", given)
    answer, told = await api.call("GET", f"{asked}&cursor={page['next_cursor']}")

    if given.partition("?")[0] == asked.partition("?")[0] or (given, asked) == SAME_LOG:
        assert answer.status == 200
    else:
        assert (answer.status, told["errors"][0]["pointer"]) == (400, "?cursor")
    assert (await status(api, f"/v1/matches?order=asc&cursor={kept}"))[0] == 200


SAME_LOG = ("/v1/events?order=asc", "/v1/stream?")


async def test_a_cursor_sealed_before_lists_had_their_own_ends_no_time(api):
    """It is taken where it is not ahead; where it is, it may be another list's."""
    await count(api, 10)
    kept = await feed(api)
    epoch = await api.context.database.read(current_epoch)
    cipher = AESSIV(hashlib.sha256(b"positions " + epoch.secret.encode()).digest())
    answers = [
        await status(api, f"/v1/matches?order=asc&cursor={epoch.name}-{sealed.hex()}")
        for sealed in (
            cipher.encrypt(place.to_bytes(8, "big"), [epoch.name.encode()]) for place in (7, 99)
        )
    ]

    assert [code for code, _ in answers] == [200, 410]
    assert (await status(api, f"/v1/matches?order=asc&cursor={kept}"))[0] == 200


async def test_marks_of_the_release_before_are_taken(api):
    """Feeds keep a cursor over an update: it had the number after a tag."""
    await count(api, 10)
    epoch = await api.context.database.read(current_epoch)
    tag = hmac.new(epoch.secret.encode(), b"7", "sha256").hexdigest()[:12]

    assert epoch.place(f"{epoch.name}-{tag}-7", LIST) == "7"
    assert (await status(api, f"/v1/matches?order=asc&cursor={epoch.name}-{tag}-7"))[0] == 200


@pytest.mark.parametrize("path", ["/v1/matches?order=asc", "/v1/events?order=asc", "/v1/stream?"])
@pytest.mark.parametrize("scope", [Scope.READ, Scope.ADMIN])
async def test_a_project_does_not_learn_how_much_there_is_by_trying(api, path, scope):
    """Whatever number it makes up, it hears the same, be it ahead or not."""
    project = (await api.made("/v1/projects", {"name": "other"}))["id"]
    key = await api.key(scope, project)
    await count(api, 1000)
    answers = [
        await api.call("GET", f"{path}&cursor={number}", key=key)
        for number in (1, 999, 1001, 10**9)
    ]

    heard = {(answer.status, problem["detail"]) for answer, problem in answers}
    assert [status for status, _ in heard] == [410]


async def remembering(api, path):
    """The same application, started anew with what lies in the file; whether a time was lost."""
    given = Given(path)
    lost = await api.context.database.write(
        lambda tx: begin_new_time_if_lost(tx, given, api.clock(), api.context.random_bytes)
    )
    object.__setattr__(api.context, "given", given)
    return lost


async def test_a_start_finds_what_was_lost_before_anybody_asks(api, tmp_path):
    """By what lies beside the database: it may have come past the cursor by the time it is used."""
    path = tmp_path / "a.db-given"
    firsts = [await remembering(api, path)]
    await count(api, 10)
    cursor = await feed(api)
    firsts.append(await remembering(api, path))
    await count(api, -5)
    lost = await remembering(api, path)
    await count(api, 50)
    gone = await status(api, f"/v1/matches?order=asc&cursor={cursor}")
    good = await status(api, f"/v1/matches?order=asc&cursor={await feed(api)}")
    again = await remembering(api, path)

    assert (firsts, lost, again) == ([False, False], True, False)
    assert (gone[0], good[0]) == (410, 200)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("way", ["change", "once", "stream"])
async def test_a_key_that_was_answered_in_the_lost_time_is_gone(api, tmp_path, way):
    """It is neither done again as if new, nor answered; another key is."""
    await remembering(api, tmp_path / "given")
    endpoint = await api.made("/v1/endpoints", HOOK)
    monitor = await api.made("/v1/monitors", {"networks": ["dev"]})
    path, body = {
        "change": ("/v1/endpoints", HOOK),
        "once": (f"/v1/endpoints/{endpoint['id']}/ping", {}),
        "stream": (f"/v1/monitors/{monitor['id']}/addresses", {"addresses": [f"0x{1:040x}"]}),
    }[way]
    first, _ = await api.call("POST", path, json=body, headers=KEY)
    again, _ = await api.call("POST", path, json=body, headers=KEY)
    await api.context.database.write(lambda tx: tx.run("delete from idempotency"))
    running, told = await api.call("POST", path, json=body, headers=KEY)
    lost = await remembering(api, tmp_path / "given")
    started, _ = await api.call("POST", path, json=body, headers=KEY)
    lost_again = await remembering(api, tmp_path / "given")
    other, _ = await api.call("POST", path, json=body, headers={"Idempotency-Key": "twice"})

    assert (first.status, again.status) == (other.status, other.status)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (running.status, lost, started.status, lost_again) == (410, True, 410, False)
    assert "look whether what was asked for is there" in told["detail"]


async def test_a_key_that_took_long_to_answer_is_known(api, tmp_path):
    """The clock goes on between its claim and its answer."""
    await remembering(api, tmp_path / "given")
    await api.made("/v1/endpoints", HOOK, headers=KEY)
    api.context.given.note_key(api.project, "long", START + 60_000)
    await api.context.database.write(
        lambda tx: tx.run(
            """insert into idempotency (project_id, key, request_hash, status, body, created_at)
                select project_id, 'long', request_hash, status, body, created_at
                from idempotency"""
        )
    )

    assert not await remembering(api, tmp_path / "given")


async def test_a_key_is_forgotten_after_its_day(api, tmp_path):
    """By the database and by the file alike; the file does not grow for ever."""
    await remembering(api, tmp_path / "given")
    await api.made("/v1/endpoints", HOOK, headers=KEY)
    api.clock.now = START + 25 * 3600 * 1000
    second, _ = await api.call("POST", "/v1/endpoints", json=HOOK, headers=KEY)

    assert second.status == 201


def test_the_file_is_written_anew_when_most_of_it_is_old(tmp_path):
    """What a day brings stays."""
    path = tmp_path / "given"
    given = Given(path)
    for number in range(30_000):
        given.note_key("pr_1", str(number), START + number * 10_000)
    kept = Given(path)

    last = START + 29_999 * 10_000
    assert len(path.read_text().splitlines()) < 25_000
    assert kept.knows_key("pr_1", "29999", last)
    assert kept.knows_key("pr_1", "25000", last)
    assert not kept.knows_key("pr_1", "5", last)


async def test_a_file_that_is_damaged_or_cannot_be_written_stops_nothing(api, tmp_path):
    """It is a second look, not the first."""
    (tmp_path / "given").write_bytes(b"\xff\xfe\nheight\nkey a b\nheight x y z\n")
    await remembering(api, tmp_path / "given")
    (tmp_path / "folder").mkdir()
    await remembering(api, tmp_path / "folder")
    made, _ = await api.call("POST", "/v1/endpoints", json=HOOK, headers=KEY)

    assert made.status == 201


async def test_of_several_that_find_it_lost_one_begins_the_new_time(api):
    """Each with the epoch that it found."""
    database = api.context.database
    was = await database.read(current_epoch)
    for _ in range(3):
        await database.write(lambda tx: renew_epoch(tx, was, api.context.random_bytes))
    now = await database.read(current_epoch)

    assert now.number == was.number + 1
    assert now.place(now.mark("7", LIST), LIST) == "7"
    with pytest.raises(Gone):
        now.place(was.mark("7", LIST), LIST)
    with pytest.raises(Invalid):
        now.place(now.mark("ab", LIST).replace("-ab", "-ac"), LIST)
    with pytest.raises(Invalid):
        now.place(f"{now.name}-{was.mark('7', LIST)[9:]}", LIST)
