"""What a list can be narrowed to is all that there is."""

from typing import get_args

import pytest

from crypitor.api.build import OPERATIONS
from crypitor.api.serving.words import KindWord, PhaseWord, StatusWord, TypeWord
from crypitor.database.events import NewEvent, log_events
from crypitor.monitor.models import Kind, Phase
from crypitor.webhook.delivery import Notice, Status
from tests.api.rows import insert_match

STORED = {
    KindWord: {*Kind},
    PhaseWord: {*Phase},
    StatusWord: {*Status},
    TypeWord: {*(f"match.{phase}" for phase in Phase), *Notice},
}


@pytest.mark.parametrize("word", STORED)
def test_words_are_those_of_what_is_stored(word):
    """None is missing, and there is none that nothing has."""
    assert {*get_args(word)} == {str(one) for one in STORED[word]}


NARROWED = [one for one in OPERATIONS if one.method == "GET" and one.query]


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("/v1/matches", "kind", KindWord),
        ("/v1/matches", "phase", PhaseWord),
        ("/v1/events", "kind", KindWord),
        ("/v1/events", "type", TypeWord),
        ("/v1/stream", "kind", KindWord),
        ("/v1/stream", "type", TypeWord),
        ("/v1/deliveries", "status", StatusWord),
        ("/v1/deliveries", "type", TypeWord),
        ("/v1/attempts", "type", TypeWord),
    ],
)
def test_a_filter_takes_every_word(path, name, words):
    """As the document has it."""
    [query] = [one.query for one in NARROWED if one.path == path]
    [schema, _] = query.model_json_schema()["properties"][name]["anyOf"]

    assert {*schema["enum"]} == {*get_args(words)}


@pytest.mark.parametrize("kind", Kind)
async def test_events_of_each_kind_are_found_by_it(api, kind):
    """And those of other kinds are not."""

    async def unit(tx):
        for place, one in enumerate((kind, *(other for other in Kind if other != kind)), 1):
            match = await insert_match(tx, api.project, place, kind=one)
            await log_events(tx, [NewEvent(api.project, "match.detected", 1, match, 1)])

    await api.context.database.write(unit)
    answer, page = await api.call("GET", f"/v1/events?kind={kind}")

    assert answer.status == 200, page
    assert [one["data"]["kind"] for one in page["data"]] == [kind]
