"""One SQL text in the notations of both drivers."""

import pytest

from crypitor.database.sql import statement


def test_names_become_places_in_the_order_of_their_first_appearance():
    """PostgreSQL numbers the names, SQLite counts the appearances."""
    found = statement("select :b, :a, :b")

    assert found.names == ("b", "a")
    assert found.dollar == "select $1, $2, $1"
    assert found.question == "select ?, ?, ?"
    assert found.values({"a": 1, "b": 2}) == [2, 1]
    assert found.question_values({"a": 1, "b": 2}) == [2, 1, 2]
    assert found.question_rows([(2, 1)]) == [[2, 1, 2]]


@pytest.mark.parametrize(
    "text",
    [
        "select ':a'",
        "select 'it''s :a'",
        'select "x:a" from t',
        "select b::text",
        "select 1 -- :a",
        "select 1 /* :a\n :a */",
        "select '10:30'",
    ],
)
def test_a_colon_elsewhere_is_no_parameter(text):
    """Literals, quoted names, casts and comments stay as they are."""
    found = statement(text)

    assert (found.names, found.question, found.dollar) == ((), text, text)


def test_a_cast_after_a_parameter_stays():
    """The cast's colons do not belong to the name."""
    assert statement("select :a::bigint").dollar == "select $1::bigint"


def test_a_parameter_without_a_value_is_an_error():
    """It would be null in silence otherwise."""
    with pytest.raises(KeyError, match="a"):
        statement("select :a").values({"b": 1})
