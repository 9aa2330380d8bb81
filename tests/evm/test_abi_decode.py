"""Logs and calls decoded: ethers' vectors, eth_abi's encodings, recorded blocks, and damage."""

import gzip
import json
import random
import re
import sys
import tracemalloc
from collections import Counter
from typing import Any

import eth_abi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.evm import abi
from crypitor.evm.abi.types import HashedType
from crypitor.evm.transfers import TRANSFER, transfer
from tests.chance import examples
from tests.recorded import DATA, as_block, documents, required

VECTORS = DATA / "events" / "event_vectors.json.gz"


def vectors() -> list[dict]:
    """The vectors, each with the fragment of the event that it is about."""
    required()
    found = json.loads(gzip.decompress(VECTORS.read_bytes()))
    for vector in found:
        [vector["fragment"]] = [
            entry
            for entry in json.loads(vector["interface"])
            if entry["type"] == "event" and entry["name"] == "testEvent"
        ]
    return found


def as_decoded(kind: str, value: Any) -> Any:
    """A value of the vectors, whose integers are signed hex and whose hex has capitals."""
    if isinstance(value, list):
        return [as_decoded(kind, each) for each in value]
    if isinstance(value, bool) or kind.startswith("string"):
        return value
    return int(value, 16) if "int" in kind else value.lower()


def test_every_vector_of_ethers_decodes_to_its_values() -> None:
    """All types, anonymous events and hashed indexed values come out as ethers has them."""
    found = vectors()
    expected, decoded = [], []
    for vector in found:
        types = [
            "bytes32" if hashed else kind
            for kind, hashed in zip(vector["types"], vector["hashed"], strict=True)
        ]
        expected.append(tuple(map(as_decoded, types, vector["normalizedValues"])))
        event = abi.parse_event(vector["fragment"])
        decoded.append(abi.decode_log(event, vector["topics"], vector["data"]))

    assert len(found) == 1008
    assert decoded == expected


def test_hashed_arguments_are_marked_in_the_type() -> None:
    """Where the vectors expect a hash, the type says that it is one."""
    found = vectors()

    for vector in found:
        arguments = abi.parse_event(vector["fragment"]).arguments
        assert [isinstance(each.type, HashedType) for each in arguments] == vector["hashed"]


def test_every_damaged_vector_is_a_non_match_or_values() -> None:
    """Cut, stretched and overwritten logs never raise."""
    rng = random.Random(20261122)
    outcomes = {True: 0, False: 0}
    for vector in vectors():
        decode = abi.log_decoder(abi.parse_event(vector["fragment"]))
        for topics, data in damaged(vector["topics"], vector["data"], rng):
            outcomes[decode(topics, data) is None] += 1

    assert outcomes[True] > 5000
    assert outcomes[False] > 1000


def damaged(topics: list[str], data: str, rng: random.Random) -> list[tuple[list[str], str]]:
    """A log in fifteen states of disrepair."""
    at = rng.randrange(len(data))
    word = 2 + 64 * rng.randrange(1 + len(data) // 64)
    return [
        (topics, data[:at]),
        (topics, data[:at] + rng.choice("0123456789abcdefxZ _é+-") + data[at + 1 :]),
        (topics, data[:word] + "f" * 64 + data[word + 64 :]),
        (topics, data[:word] + "0" * 56 + "7fffffff" + data[word + 64 :]),
        (topics, data[:word] + f"{rng.randrange(1 << 12):064x}" + data[word + 64 :]),
        (topics, data[:word] + data[word + 64 :]),
        (topics, data + "0"),
        (topics, data + "00"),
        (topics, ""),
        (topics, "0x"),
        (topics[:-1], data),
        ([*topics, "0x" + "00" * 32], data),
        ([each[:-1] for each in topics], data),
        ([each[:-1] + "z" for each in topics], data),
        ([], data),
    ]


# Every type of the ABI, with a strategy of its values as eth_abi encodes them.


def hexed(value: Any) -> Any:
    """A value given to eth_abi as the decoder returns it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list):
        return [hexed(each) for each in value]
    if isinstance(value, tuple):
        return tuple(hexed(each) for each in value)
    return value


ELEMENTARY = st.one_of(
    st.integers(1, 32).map(lambda n: (f"uint{8 * n}", st.integers(0, (1 << 8 * n) - 1))),
    st.integers(1, 32).map(lambda n: (f"int{8 * n}", st.integers(-(1 << 8 * n - 1), (1 << 8 * n - 1) - 1))),
    st.integers(1, 32).map(lambda n: (f"bytes{n}", st.binary(min_size=n, max_size=n))),
    st.just(("address", st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()))),
    st.just(("bool", st.booleans())),
    st.just(("bytes", st.binary(max_size=70))),
    st.just(("string", st.text(max_size=40))),
    st.just(("function", st.binary(min_size=24, max_size=24))),
)  # fmt: skip


def wider(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Arrays and tuples of the given types."""
    return st.one_of(
        inner.map(lambda t: (f"{t[0]}[]", st.lists(t[1], max_size=3))),
        st.tuples(inner, st.integers(1, 3)).map(
            lambda t: (f"{t[0][0]}[{t[1]}]", st.lists(t[0][1], min_size=t[1], max_size=t[1]))
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda ts: (f"({','.join(t[0] for t in ts)})", st.tuples(*(t[1] for t in ts)))
        ),
    )


TYPES = st.recursive(ELEMENTARY, wider, max_leaves=5)


@settings(max_examples=examples(130), deadline=None)
@given(st.lists(TYPES, max_size=5), st.data())
def test_what_eth_abi_encodes_is_decoded(types: list, draw: st.DataObject) -> None:
    """Any values of any types come back from eth_abi's encoding of them."""
    names = [name for name, _ in types]
    values = tuple(draw.draw(strategy) for _, strategy in types)
    encoded = eth_abi.encode(names, values).hex()
    function = abi.parse_function(f"f({','.join(names)})")
    event = abi.parse_event(f"f({','.join(names)})")

    assert abi.decode_call(function, function.selector + encoded) == hexed(values)
    assert abi.decode_log(event, [event.topic], "0x" + encoded) == hexed(values)
    assert abi.decode_call(function, function.selector + encoded + "00" * 7) == hexed(values)


@settings(max_examples=examples(120), deadline=None)
@given(st.lists(TYPES, min_size=1, max_size=4), st.data())
def test_a_damaged_call_is_a_non_match_or_values(types: list, draw: st.DataObject) -> None:
    """Whatever stands in the place of a word, nothing is raised."""
    names = [name for name, _ in types]
    encoded = eth_abi.encode(names, [draw.draw(strategy) for _, strategy in types]).hex()
    function = abi.parse_function(f"f({','.join(names)})")
    at = 64 * draw.draw(st.integers(0, len(encoded) // 64))
    word = draw.draw(st.integers(0, 1 << 10) | st.integers(0, (1 << 256) - 1))
    broken = encoded[:at] + f"{word:064x}" + encoded[at + 64 :]

    values = abi.decode_call(function, function.selector + broken)

    assert values is None or len(values) == len(names)


DIRTY = [
    ("address", "ff" + "00" * 11 + "11" * 20),
    ("bool", "00" * 31 + "02"),
    ("uint8", "00" * 30 + "0100"),
    ("int8", "00" * 31 + "80"),
    ("int8", "ff" * 31 + "7f"),
    ("bytes4", "11" * 4 + "00" * 27 + "01"),
    ("function", "11" * 24 + "00" * 7 + "01"),
]


@pytest.mark.parametrize(("kind", "word"), DIRTY)
def test_a_word_that_its_type_cannot_hold_is_a_non_match(kind: str, word: str) -> None:
    """Dirty padding is refused, as Solidity's own decoder and eth_abi refuse it."""
    with pytest.raises(eth_abi.exceptions.NonEmptyPaddingBytes):
        eth_abi.decode([kind], bytes.fromhex(word))
    plain = abi.parse_event(f"E({kind})")
    indexed = abi.parse_event(f"E({kind} indexed)")

    assert abi.decode_log(plain, [plain.topic], "0x" + word) is None
    assert abi.decode_log(indexed, [indexed.topic, "0x" + word], "0x") is None


def word(*numbers: int) -> str:
    return "".join(f"{number:064x}" for number in numbers)


@pytest.mark.parametrize(
    ("types", "data", "why"),
    [
        ("uint256[]", word(0x20, 2, 7), "one item of two is there"),
        ("uint256[]", word(0x20), "no length"),
        ("uint256[]", word(1 << 255, 1, 7), "an offset beyond the end"),
        ("uint256[]", word(0x20, 1 << 255, 7), "a length beyond everything"),
        ("bytes", word(0x20, 33, 0), "33 bytes of 32"),
        ("string", word(0x40, 0), "an offset that ends where the length should be"),
        ("uint256,bytes", word(1), "one argument of two"),
        ("uint256[2]", word(1), "one item of two in place"),
        ("bytes[2]", word(0x20, 0x40), "the second offset is missing"),
        ("(bytes,uint256)", word(0x20, 0x40), "a tuple without its second member"),
        ("uint256[9999999999][9999999999]", word(1), "an array larger than memory"),
        ("bytes[9999999999]", word(0x20), "an array of pointers larger than memory"),
    ],
)  # fmt: skip
def test_what_leads_outside_the_data_is_a_non_match(types: str, data: str, why: str) -> None:
    """Offsets, lengths and sizes are held against the data before anything is made."""
    event = abi.parse_event(f"E({types})")

    assert abi.decode_log(event, [event.topic], "0x" + data) is None, why


def test_a_bomb_of_nested_arrays_is_refused_in_time_and_memory() -> None:
    """Sixty offsets to the same sixty offsets, six levels deep, would be 46 billion values."""
    event = abi.parse_event(f"E(uint256{'[]' * 7})")
    levels, body = 6, word(0x20)
    for _ in range(levels):
        body += word(60, *[60 * 32] * 60)
    body += word(60, *range(60))
    calls = Counter()
    tracemalloc.start()
    sys.setprofile(lambda _, what, __: calls.update([what]))
    try:
        values = abi.decode_log(event, [event.topic], "0x" + body)
    finally:
        sys.setprofile(None)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert values is None
    assert calls["call"] + calls["c_call"] < 20_000
    assert peak < 5_000_000


def test_an_offset_cannot_lead_back() -> None:
    """An array whose only item would be the array itself: offsets count forward and never wrap."""
    event = abi.parse_event(f"E(bytes{'[]' * 8})")

    assert abi.decode_log(event, [event.topic], "0x" + word(0x20, 1, 2**256 - 32)) is None


def test_two_offsets_may_lead_to_the_same_place() -> None:
    """An encoder that shares equal tails is understood, as Solidity understands it."""
    event = abi.parse_event("E(bytes a, bytes b)")
    data = "0x" + word(0x40, 0x40, 2) + "abcd" + "00" * 30

    assert abi.decode_log(event, [event.topic], data) == ("0xabcd", "0xabcd")


def test_missing_padding_after_the_last_byte_is_accepted() -> None:
    """Old contracts emit `bytes` without filling the last word."""
    event = abi.parse_event("E(bytes a)")

    assert abi.decode_log(event, [event.topic], "0x" + word(0x20, 2) + "abcd") == ("0xabcd",)


def test_text_that_is_not_utf8_is_readable() -> None:
    """A token's broken name does not hide the event."""
    event = abi.parse_event("E(string a)")
    data = "0x" + word(0x20, 3) + "41ff42" + "00" * 29

    assert abi.decode_log(event, [event.topic], data) == ("A�B",)


def test_the_number_of_topics_tells_overloads_apart() -> None:
    """ERC-20 and ERC-721 share a topic; each signature takes its own logs only."""
    erc20 = abi.parse_event(
        "event Transfer(address indexed from, address indexed to, uint256 value)"
    )
    erc721 = abi.parse_event(
        "event Transfer(address indexed from, address indexed to, uint256 indexed id)"
    )
    topics = [TRANSFER, "0x" + word(1), "0x" + word(2)]

    assert erc20.topic == erc721.topic == TRANSFER
    assert abi.decode_log(erc20, topics, "0x" + word(5)) == ("0x" + "0" * 39 + "1", "0x" + "0" * 39 + "2", 5)  # fmt: skip
    assert abi.decode_log(erc721, topics, "0x" + word(5)) is None
    assert abi.decode_log(erc721, [*topics, "0x" + word(9)], "0x") == ("0x" + "0" * 39 + "1", "0x" + "0" * 39 + "2", 9)  # fmt: skip
    assert abi.decode_log(erc20, [*topics, "0x" + word(9)], "0x") is None


def test_a_call_of_another_function_is_a_non_match() -> None:
    """The selector decides, and an empty input is no call."""
    function = abi.parse_function("function transfer(address to, uint256 amount)")
    arguments = word(0xAB, 7)

    assert abi.decode_call(function, "0xa9059cbb" + arguments) == ("0x" + "0" * 38 + "ab", 7)
    assert abi.decode_call(function, "0xa9059cbc" + arguments) is None
    assert abi.decode_call(function, "0xa9059cbb") is None
    assert abi.decode_call(function, "0x") is None
    assert abi.decode_call(abi.parse_function("deposit()"), "0xd0e30db0") == ()


def test_recorded_transfers_decode_as_the_transfer_reader_has_them() -> None:
    """Two readings of 10,000 real ERC-20 and ERC-721 transfers agree."""
    required()
    erc20 = abi.log_decoder(
        abi.parse_event("Transfer(address indexed a, address indexed b, uint256 c)")
    )
    erc721 = abi.log_decoder(
        abi.parse_event("Transfer(address indexed a, address indexed b, uint256 indexed c)")
    )
    seen = 0
    for document in documents(1):
        for receipt in as_block(document).receipts:
            for log in receipt.logs:
                if log.topics[:1] != (TRANSFER,):
                    continue
                values = erc20(log.topics, log.data) or erc721(log.topics, log.data)
                moved = [
                    (one.sender, one.receiver, one.amount if one.token_id is None else one.token_id)
                    for one in transfer(log)
                ]
                assert moved == ([] if values is None else [values])
                seen += len(moved)

    assert seen > 10_000


def test_arguments_in_json_keep_their_digits_and_names() -> None:
    """Integers are decimal strings, tuples objects, and a nameless argument has its position."""
    event = abi.parse_event(
        "E(uint256 a, (int8 x, (bool,bytes2)[] y)[2] b, address, string indexed s)"
    )
    values = (
        2**256 - 1,
        [(-1, [(True, "0xabcd")]), (5, [])],
        "0x" + "11" * 20,
        "0x" + "22" * 32,
    )

    assert abi.to_json(event.arguments, values) == {
        "a": str(2**256 - 1),
        "b": [
            {"x": "-1", "y": [{"0": True, "1": "0xabcd"}]},
            {"x": "5", "y": []},
        ],
        "2": "0x" + "11" * 20,
        "s": "0x" + "22" * 32,
    }


def test_values_of_every_vector_are_json() -> None:
    """What goes into a webhook's body has no number that JSON parsers round."""
    for vector in vectors():
        event = abi.parse_event(vector["fragment"])
        document = abi.to_json(event.arguments, abi.decode_log(event, vector["topics"], vector["data"]) or ())  # fmt: skip

        assert not re.search(r"[\[ ]\d", re.sub(r'"(\\.|[^"\\])*"', "", json.dumps(document)))


def test_equal_signatures_share_a_decoder():
    """
    A decoder is one for all who ask by an equal signature, as long as somebody keeps it.
    """
    text = "event Told(address indexed who, uint256 amount)"
    kept = abi.log_decoder(abi.parse_event(text))
    other = abi.log_decoder(abi.parse_event("event Told(address who, uint256 amount)"))

    assert abi.log_decoder(abi.parse_event(text)) is kept
    assert other is not kept
