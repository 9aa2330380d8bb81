import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.cli.declared.places import line_of, lines_of
from crypitor.cli.declared.write import _key, _value

TOML = '''# a comment with [brackets] and = signs
[endpoints.accounting] # another
url = "https://a.example/#[x]"
headers = {Authorization = 'a "b" [', "X-Y" = {env = "NAME"}}

[monitors."Hot \\"wallets\\""]
note = """
[monitors.Other]
addresses = []
"""
addresses = [
  "0xa", # one
  # none

  {address = "0xb", label = "]"},
]

[[monitors.Other.rules]]
kind = "native"
[[monitors.Other.rules]]
kind = 'erc20'
contracts = ["0xc",
"0xd"]
[monitors.Other."\\\\U"]
"\\U0001f4b0" = true
'C:\\' = true
'''
JSON = """{
  "monitors": {
    "A": {"enabled": true, "rules": [
      {"kind": "native"},
      {
        "kind": "erc20", "confirmations": 1
      }
    ]}
  }
}"""  # fmt: skip


@pytest.mark.parametrize(
    "path, line",
    [
        (("endpoints", "accounting"), 2),
        (("endpoints", "accounting", "url"), 3),
        (("endpoints", "accounting", "headers", "X-Y", "env"), 4),
        (("monitors", 'Hot "wallets"'), 6),
        (("monitors", 'Hot "wallets"', "addresses"), 11),
        (("monitors", 'Hot "wallets"', "addresses", 0), 12),
        (("monitors", 'Hot "wallets"', "addresses", 1, "label"), 15),
        (("monitors", "Other", "rules", 0), 18),
        (("monitors", "Other", "rules", 1, "kind"), 21),
        (("monitors", "Other", "rules", 1, "contracts", 1), 23),
        (("monitors", "Other", "rules", 1, "missing", "thing"), 20),
        (("monitors", "Other", "\\U", "\U0001f4b0"), 25),
        (("monitors", "Other", "\\U", "C:\\"), 26),
    ],
)
def test_lines_of_toml(path, line):
    """
    Strings, comments, inline tables and arrays of tables do not mislead it.
    """
    tomllib.loads(TOML)

    assert line_of(lines_of(TOML, toml=True), path) == line


@pytest.mark.parametrize(
    "path, line",
    [
        (("monitors", "A", "enabled"), 3),
        (("monitors", "A", "rules", 0, "kind"), 4),
        (("monitors", "A", "rules", 1), 5),
        (("monitors", "A", "rules", 1, "confirmations"), 6),
        (("elsewhere",), 1),
    ],
)
def test_lines_of_json(path, line):
    """
    Every key and element has its line.
    """
    assert line_of(lines_of(JSON, toml=False), path) == line


plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.booleans() | st.integers() | plain | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(plain, some, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(plain, values, max_size=4))
def test_every_json_document_is_gone_through(document):
    """
    Whatever parses has a line for each of its keys, all of them right.
    """
    text = json.dumps(document, indent=1, ensure_ascii=False)
    lines = lines_of(text, toml=False)
    told = {key: text.split("\n")[lines[key,] - 1] for key in document}

    assert all(told[key].startswith(f" {json.dumps(key, ensure_ascii=False)}:") for key in document)


@given(st.dictionaries(plain, st.lists(plain, max_size=3) | plain, min_size=1, max_size=4))
def test_what_is_written_as_toml_is_read_back(document):
    """
    TOML's own parser reads the same, and every key stands somewhere.
    """
    text = "\n".join(f"{_key(key)} = {_value(value)}" for key, value in document.items())

    assert tomllib.loads(text) == document
    assert {(key,) for key in document} <= lines_of(text, toml=True).keys()
