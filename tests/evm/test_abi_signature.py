"""Signatures in human-readable form and as JSON ABI fragments."""

import json
from collections.abc import Callable

import pytest
from eth_abi.grammar import normalize
from eth_utils import event_abi_to_log_topic, function_abi_to_4byte_selector
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.evm.abi import Event, Function, SignatureError, canonical, parse_event, parse_function
from tests.chance import examples
from tests.recorded import DATA, required

ABIS = DATA / "abi"


def entries(kind: str) -> list[dict]:
    """Every entry of that type in the ABIs of well-known contracts."""
    required()
    documents = [json.loads(file.read_text()) for file in sorted(ABIS.glob("*.json"))]
    lists = [found if isinstance(found, list) else found["abi"] for found in documents]
    return [entry for found in lists for entry in found if entry.get("type") == kind]


def test_the_topic_of_every_known_event_is_the_one_of_eth_utils() -> None:
    """A JSON fragment hashes to the topic that another implementation computes."""
    known = entries("event")

    assert len(known) > 50
    assert [parse_event(entry).topic for entry in known] == [
        None if entry.get("anonymous") else "0x" + event_abi_to_log_topic(entry).hex()
        for entry in known
    ]


def test_the_selector_of_every_known_function_is_the_one_of_eth_utils() -> None:
    """A JSON fragment hashes to the selector that another implementation computes."""
    known = entries("function")

    assert len(known) > 200
    assert [parse_function(entry).selector for entry in known] == [
        "0x" + function_abi_to_4byte_selector(entry).hex() for entry in known
    ]


def human(argument: dict) -> str:
    """An argument of a JSON ABI as Solidity would print it."""
    kind = argument["type"]
    if kind.startswith("tuple"):
        kind = f"tuple({', '.join(map(human, argument['components']))}){kind[5:]}"
    return " ".join(
        filter(None, (kind, "indexed" if argument.get("indexed") else "", argument["name"]))
    )


@pytest.mark.parametrize("kind", ["event", "function"])
def test_both_forms_of_a_known_signature_are_the_same(kind: str) -> None:
    """The human-readable form of a fragment parses to what the fragment says."""
    parse = parse_event if kind == "event" else parse_function
    known = entries(kind)
    texts = [
        f"{kind} {entry['name']}({', '.join(map(human, entry['inputs']))})"
        + (" anonymous" if entry.get("anonymous") else "")
        for entry in known
    ]

    assert [parse(text) for text in texts] == [parse(entry) for entry in known]
    assert [parse(json.dumps([entry])) for entry in known] == [parse(entry) for entry in known]


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("event Transfer(address indexed from, address indexed to, uint value)", "Transfer(address,address,uint256)"),
        ("Transfer(address,address,uint256)", "Transfer(address,address,uint256)"),
        ("event E(tuple(uint256 a, address b)[] x, (int,(byte,bool)[3])[][2] y);", "E((uint256,address)[],(int256,(bytes1,bool)[3])[][2])"),
        ("event Nothing() anonymous", "Nothing()"),
        ("  event\n Spread ( uint8[4]  indexed  x , bytes32 )  ", "Spread(uint8[4],bytes32)"),
        ("event F(function callback, address payable to)", "F(function,address)"),
    ],
)  # fmt: skip
def test_an_event_in_any_spelling_has_its_canonical_signature(text: str, signature: str) -> None:
    """Names, spaces, aliases and `indexed` do not change what is hashed."""
    assert parse_event(text).signature == signature


@pytest.mark.parametrize(
    "text",
    [
        "function transfer(address to, uint256 amount)",
        "function transfer(address to, uint amount) external returns (bool)",
        "transfer(address to, uint256 amount) public virtual override returns (bool ok, bytes memory);",
        "function transfer(address payable to, uint256 amount) payable",
        '{"type":"function","name":"transfer","inputs":[{"name":"to","type":"address"},{"name":"amount","type":"uint256"}]}',
        '{"name":"transfer","inputs":[{"name":"to","type":"address"},{"name":"amount","type":"uint"}]}',
    ],
)
def test_what_does_not_change_a_call_is_left_out(text: str) -> None:
    """Visibility, mutability and returns are read and have no effect."""
    function = parse_function(text)

    assert function.selector == "0xa9059cbb"
    assert [argument.name for argument in function.arguments] == ["to", "amount"]


def test_an_anonymous_event_has_no_topic() -> None:
    """An anonymous event is not found by a hash, and indexes four arguments."""
    event = parse_event(
        "event A(uint a, uint indexed b, uint indexed c, uint indexed d, uint indexed e) anonymous"
    )

    assert event.topic is None
    assert [argument.indexed for argument in event.arguments] == [False, True, True, True, True]


def test_data_locations_are_read() -> None:
    """`memory`, `calldata` and `storage` are where Solidity writes them, and mean nothing here."""
    function = parse_function(
        "function f(bytes memory a, uint256[] calldata b, (string s)[] storage c)"
    )

    assert function.signature == "f(bytes,uint256[],(string)[])"
    assert [canonical(argument.type) for argument in function.arguments] == ["bytes", "uint256[]", "(string)[]"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "a name expected, the end found"),
        ("event", 5, "a name expected"),
        ("event Swap", 10, "'(' expected"),
        ("event Swap(address", 18, "',' or ')' expected"),
        ("event Swap(adress sender)", 11, "'adress' is no ABI type; accepted are address,"),
        ("event Swap(uint7 a)", 11, "'uint7' is no ABI type"),
        ("event Swap(uint264 a)", 11, "'uint264' is no ABI type"),
        ("event Swap(bytes33 a)", 11, "'bytes33' is no ABI type"),
        ("event Swap(uint08 a)", 11, "'uint08' is no ABI type"),
        ("event Swap(uint256[0] a)", 19, "the length of an array is 1 to"),
        ("event Swap(uint256[99999999999] a)", 19, "the length of an array is 1 to"),
        ("event Swap(uint256[2 a)", 21, "']' expected, 'a' found"),
        ("event Swap(uint256,)", 19, "a type expected, ')' found"),
        ("event Swap(uint256 a b)", 21, "',' or ')' expected, 'b' found"),
        ("event Swap(uint256 a, uint256 a)", 10, "two arguments are called 'a'"),
        ("event Swap(tuple() a)", 16, "a tuple has at least one member"),
        ("event Swap((uint256 indexed a) b)", 20, "only an argument of an event itself"),
        ("event Swap(uint256) view", 20, "`anonymous`, or nothing, expected, 'view' found"),
        ("event Swap(uint256) anonymous x", 30, "'x' found"),
        ("event Swap(uint256); x", 21, "'x' found"),
        ("event Swap(uint256 é)", 19, "'é' has no place in a signature"),
        ("event Sw-ap(uint256)", 8, "'-' has no place in a signature"),
        ("function Swap(uint256)", 0, "this is a function's signature"),
        ("event E(uint indexed a, uint indexed b, uint indexed c, uint indexed d)", None, "at most 3 indexed"),
        ("event E(" + "(" * 40, 24, "types nest at most 16 deep"),
        ("event E(uint" + "[]" * 40, 8, "types nest at most 16 deep"),
        ("x" * 10_001, 0, "at most 10000 characters"),
    ],
)  # fmt: skip
def test_a_wrong_signature_is_refused_at_its_place(
    text: str, position: int | None, words: str
) -> None:
    """The error says where it is, and what would have been accepted."""
    with pytest.raises(SignatureError) as caught:
        parse_event(text)

    assert caught.value.position == position
    assert words in str(caught.value)


def test_a_function_cannot_index() -> None:
    """`indexed` belongs to events."""
    with pytest.raises(SignatureError, match="only an argument of an event") as caught:
        parse_function("function f(uint256 indexed a)")

    assert caught.value.position == 19


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ({"type": "function", "name": "f", "inputs": []}, "type: 'event' expected, 'function' found"),
        ({"name": "f"}, "type: 'event' expected, None found"),
        ({"type": "event"}, "name: a name expected, '' found"),
        ({"type": "event", "name": "a b"}, "name: a name expected, 'a b' found"),
        ({"type": "event", "name": "E", "anonymous": 1}, "anonymous: true or false"),
        ({"type": "event", "name": "E", "inputs": {}}, "inputs: a list of arguments"),
        ({"type": "event", "name": "E", "inputs": [3]}, "inputs/0: an object"),
        ({"type": "event", "name": "E", "inputs": [{}]}, "inputs/0/type: 'None' is no ABI type"),
        ({"type": "event", "name": "E", "inputs": [{"type": "uint256[0]"}]}, "inputs/0/type: the length"),
        ({"type": "event", "name": "E", "inputs": [{"type": "uint256[-1]"}]}, "inputs/0/type: 'uint256[-1]' is no"),
        ({"type": "event", "name": "E", "inputs": [{"type": "uint256", "name": 5}]}, "inputs/0/name: a name"),
        ({"type": "event", "name": "E", "inputs": [{"type": "tuple"}]}, "inputs/0/components: a list"),
        ({"type": "event", "name": "E", "inputs": [{"type": "tuple", "components": []}]}, "at least one member"),
        ({"type": "event", "name": "E", "inputs": [{"type": "tuple[]", "components": [{"type": "x"}]}]}, "inputs/0/components/0/type: 'x'"),
        ({"type": "event", "name": "E", "inputs": [{"type": "uint", "indexed": "yes"}]}, "inputs/0/indexed: true or false"),
        ({"type": "event", "name": "E", "inputs": [{"type": "uint" + "[]" * 16}]}, "16 deep"),
        ('{"type": "event"', "this is no JSON"),
        ("[]", "one entry of a JSON ABI expected"),
        ("[" * 5000, "this is no JSON"),
        ("[" + " " * 100_000, "at most 100000 characters"),
    ],
)  # fmt: skip
def test_a_wrong_fragment_is_refused_at_its_place(fragment: dict | str, words: str) -> None:
    """The sentence begins with the place in the fragment."""
    with pytest.raises(SignatureError) as caught:
        parse_event(fragment)

    assert words in str(caught.value)


def test_a_deep_fragment_is_refused() -> None:
    """A tuple of tuples without end is refused, not followed."""
    entry: dict = {"type": "uint256"}
    for _ in range(500):
        entry = {"type": "tuple", "components": [entry]}

    with pytest.raises(SignatureError, match="16 deep"):
        parse_event({"type": "event", "name": "E", "inputs": [entry]})


PIECES = st.sampled_from(
    ["event", "function", "E", "(", ")", "[", "]", ",", ";", "uint256", "address", "tuple", "indexed", "anonymous", "memory", "3", "0", "x", "é", "-", "\n", "returns"]
)  # fmt: skip


def parsed_or_refused(parse: Callable, signature: str | dict) -> Event | Function | None:
    """What a parser makes of a signature; None when it refuses it in its own way."""
    try:
        return parse(signature)
    except SignatureError:
        return None


TEXTS = st.lists(PIECES, max_size=12).map(" ".join)


@settings(max_examples=examples(150), deadline=None)
@given(TEXTS | TEXTS.map("event E({})".format) | st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing but SignatureError comes out of a parser, and nothing but ABI types."""
    for parse in (parse_event, parse_function):
        parsed = parsed_or_refused(parse, text)
        types = [canonical(argument.type) for argument in parsed.arguments] if parsed else []

        assert [normalize(name) for name in types] == [
            name.replace("function", "bytes24") for name in types
        ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["event", "uint256", "tuple[2]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "name", "inputs", "components"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=examples(120), deadline=None)
@given(st.dictionaries(st.sampled_from(["type", "name", "inputs", "anonymous"]), JSON))
def test_any_fragment_is_parsed_or_refused(fragment: dict) -> None:
    """A fragment of any shape is an event or a SignatureError."""
    fragment |= {"type": "event"}

    parsed = parsed_or_refused(parse_event, fragment)

    assert parsed is None or parsed.name == fragment["name"]
