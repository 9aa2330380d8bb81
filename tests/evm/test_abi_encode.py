"""Arguments as the ABI encodes them, and many reads in one call, against another implementation."""

import pytest
from eth_abi import encode as other
from hypothesis import given
from hypothesis import strategies as st

from crypitor.evm.abi import EncodingError, encode, parse_function, result_decoder
from crypitor.evm.multicall import MULTICALL3, aggregated, answers_of, coin_of, token_of

ACCOUNT = "0x" + "1a" * 20
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
VALUES = {
    "uint256": st.integers(0, 2**256 - 1),
    "int24": st.integers(-(2**23), 2**23 - 1),
    "address": ADDRESSES,
    "bool": st.booleans(),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
    "uint16[2]": st.lists(st.integers(0, 65535), min_size=2, max_size=2),
    "string[]": st.lists(st.text(max_size=33), max_size=3),
    "(address,bytes)[]": st.lists(st.tuples(ADDRESSES, st.binary(max_size=40)), max_size=3),
}


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(st.data())
def test_arguments_are_encoded_as_by_eth_abi(data):
    """Whatever the types and values, the bytes are those of another implementation."""
    kinds = data.draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=4))
    values = [data.draw(VALUES[kind]) for kind in kinds]
    function = parse_function(f"f({','.join(kinds)})")
    assert encode(function.arguments, plain(values)) == other(kinds, values).hex()


@given(st.data())
def test_what_was_returned_is_read_back(data):
    """What another implementation returns is decoded to what it was given."""
    kinds = data.draw(st.lists(st.sampled_from(["uint256", "int24", "address", "bool", "string"])))
    values = [data.draw(VALUES[kind]) for kind in kinds]
    function = parse_function(f"function f() view returns ({','.join(kinds)})")
    assert result_decoder(function)("0x" + other(kinds, values).hex()) == tuple(values)


@pytest.mark.parametrize(
    ("signature", "args", "place"),
    [
        ("f(uint8)", [256], "/0"),
        ("f(uint8)", ["-1"], "/0"),
        ("f(uint8 a)", {"b": 1}, "/b"),
        ("f(uint8 a)", {}, ""),
        ("f(address)", ["0x12"], "/0"),
        ("f(bool)", [1], "/0"),
        ("f(uint8[2])", [[1]], "/0"),
        ("f((uint8 a,bytes2 b) s)", {"s": {"a": 1, "b": "0x0"}}, "/s/b"),
        ("f(uint8)", [True], "/0"),
        ("f(string)", [5], "/0"),
        ("f()", 5, ""),
        ("f(uint8,uint8)", [1], ""),
        ("f(bytes)", ["0x" + "00" * 20_001], ""),
        ("f(uint8[])", [[1] * 20_000], "/0"),
    ],
)
def test_what_a_type_cannot_hold_is_refused_at_its_place(signature, args, place):
    """The error says which of the arguments is wrong."""
    with pytest.raises(EncodingError) as refused:
        encode(parse_function(signature).arguments, args)
    assert refused.value.place == place


def test_arguments_may_be_given_by_name():
    """An object by the names is the same as a list in their order."""
    function = parse_function("f(uint8 a, address b)")
    by_name = encode(function.arguments, {"b": ACCOUNT, "a": 7})
    assert by_name == encode(function.arguments, [7, ACCOUNT])


def test_many_reads_are_one_call_of_multicall3():
    """The input is `aggregate3` with each read allowed to fail; the coin is asked of itself."""
    padded = "00" * 12 + ACCOUNT[2:]
    calls = [
        (MULTICALL3, True, bytes.fromhex("4d2301cc" + padded)),
        (ACCOUNT, True, bytes.fromhex("70a08231" + padded)),
        (ACCOUNT, True, bytes.fromhex(f"00fdd58e{padded}{5:064x}")),
    ]
    reads = [coin_of(ACCOUNT), token_of(ACCOUNT, ACCOUNT, None), token_of(ACCOUNT, ACCOUNT, 5)]
    assert aggregated(reads) == "0x82ad56cb" + other(["(address,bool,bytes)[]"], [calls]).hex()


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=70))))
def test_answers_of_multicall3_are_told_apart(results):
    """What failed is None, what succeeded what it returned, empty or not."""
    returned = "0x" + other(["(bool,bytes)[]"], [results]).hex()
    wanted = ["0x" + raw.hex() if succeeded else None for succeeded, raw in results]
    assert answers_of(returned, len(results)) == wanted


@given(st.binary(max_size=400), st.integers(1, 5))
def test_what_is_no_answer_of_multicall3_is_taken_for_none(raw, count):
    """Another contract, or none, at the address never raises and never has as many answers."""
    found = answers_of("0x" + raw.hex(), count)
    assert found is None or len(found) == count
