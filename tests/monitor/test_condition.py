"""`where`: what is accepted, what it means, what is refused, and where."""

from typing import Any

import pytest

from crypitor.evm.abi import parse_event, parse_function
from crypitor.evm.types import Header, Log, Receipt, Transaction
from crypitor.monitor.condition import (
    ConditionError,
    EvaluationError,
    Facts,
    compile_condition,
    explain,
    scope_for,
)
from crypitor.monitor.models import Direction

ALICE = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
ALICE_WRITTEN = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BOB = "0x" + "b0" * 20
TOKEN = "0x" + "70" * 20
TX_HASH = "0x" + "33" * 32
ID = "0x" + "1d" * 32

EVENT = parse_event(
    "event Deal(address indexed maker, uint256 amount, int64 delta, string name, bytes payload,"
    " bytes4 tag, bool open, uint256[] prices, string[] words, address[] path,"
    " (address who, uint8 in)[] legs, (uint256 low, uint256 high) range, string indexed topic,"
    " uint256, bytes[] blobs)"
)
ARGS = (
    ALICE, 2**256 - 1, -7, "Übung Eins", "0xa9059cbb0011", "0xa9059cbb", True, [10, 20, 30],
    ["Alpha", "βETA"], [ALICE, TOKEN], [(BOB, 3)], (5, 9), ID, 77, ["0x", "0xabcd"],
)  # fmt: skip
EVENT_SCOPE = scope_for("event", EVENT.arguments)


def facts(**changes: Any) -> Facts:
    """A transfer of 1.5 ether of a token from Bob to Alice, who is watched."""
    fields: dict[str, Any] = {
        "network": "Ethereum",
        "chain_id": 1,
        "header": Header(21_000_000, "0x" + "11" * 32, "0x" + "22" * 32, 1_700_000_000),
        "transaction": Transaction(
            hash=TX_HASH, index="0x58", block_hash="0x" + "11" * 32, sender=BOB, value="0xde0b6b3a7640000", to=None
        ),
        "receipt": Receipt(
            transaction_hash=TX_HASH, transaction_index="0x58", block_hash="0x" + "11" * 32, logs=(), status="0x1"
        ),
        "watched": {ALICE}.__contains__,
        "direction": Direction.IN,
        "address": ALICE,
        "label": "Hot Wallet",
        "from_address": BOB,
        "to_address": ALICE,
        "contract": TOKEN,
        "amount": 1_500_000_000_000_000_000,
        "token_id": 7,
        "log": Log(TOKEN, (), "0x", "0x19d", "0x" + "11" * 32, TX_HASH),
        "item": None,
        "args": ARGS,
    }  # fmt: skip
    return Facts(**fields | changes)


def outcome(text: str, kind: str = "erc1155", **changes: Any) -> bool:
    """What a condition of a rule comes to."""
    scope = EVENT_SCOPE if kind == "event" else scope_for(kind)
    return compile_condition(text, scope).evaluate(facts(**changes))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("native", "amount >= 10**18", True),
        ("erc20", "amount >= 1_000_000", True),
        ("erc20", "amount >= 1_000_000 and amount < 1.5 ether", False),
    ],
)
def test_the_contract_examples_of_transfers(kind: str, text: str, expected: bool) -> None:
    """The conditions in the documentation of the API mean what they say."""
    assert outcome(text, kind) is expected


def test_the_contract_examples_of_events_and_calls() -> None:
    """Arguments are named as in the signature of the rule."""
    swap = parse_event("event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)")  # fmt: skip
    transfer = parse_function("function transfer(address to, uint256 amount)")
    sold = compile_condition("args.amount0In > 0", scope_for("event", swap.arguments))
    sent = compile_condition(
        "args.amount > 5 and status == 'success'", scope_for("call", transfer.arguments)
    )

    assert sold.evaluate(facts(args=(BOB, 1, 0, 0, 5, ALICE)))
    assert not sold.evaluate(facts(args=(BOB, 0, 1, 5, 0, ALICE)))
    assert sent.evaluate(facts(args=(BOB, 6)))
    assert not sent.evaluate(facts(args=(BOB, 5)))


TRUE = [
    # operators, and the same in other words
    "true", "not false", "TRUE AND NOT FALSE", "!false && (false || true)",
    "true or false and false", "not (true and false)", "not 1 == 2", "1 < 2 and 2 <= 2 and 3 > 2 and 3 >= 3 and 1 != 2",
    "(1 < 2) == (3 < 4)", "true != false",
    # integers
    "2 + 3 * 4 == 14", "(2 + 3) * 4 == 20", "2 ** 3 ** 2 == 512", "-2 ** 2 == -4", "(-2) ** 2 == 4", "2 ** 0 == 1",
    "7 / 2 == 3", "7 // 2 == 3", "-7 / 2 == -4", "7 / -2 == -4", "-7 % 3 == 2", "7 % -3 == -2", "10 - 3 - 2 == 5", "100 / 10 / 2 == 5",
    "1_000_000 == 1e6", "1E3 == 1e+3", "1.5e3 == 1500", "1500e-2 == 15", "0e99999 == 0", "0xff == 255", "0XFF == 0xff",
    "1.5 ether == 1_500_000_000_000_000_000", "25 gwei == 25 * 10**9", "1 wei == 1", "0.000000001 gwei == 1", "1ether == 1e18 wei", "100 * 10**6 == 100_000_000",
    "amount == 1.5 ether", "amount * amount > 2 ** 120", "amount ** 16 > 0", "amount - 2 ether < 0", "-amount < 0", "- - 5 == 5",
    "min(3, 1, 2) == 1", "max(amount, 5) == amount", "abs(-3) == 3", "abs(amount - 2 ether) == 0.5 ether", "min(0x10, 20) == 16",
    # fields of the match and its transaction
    "network == 'ethereum'", "chain_id == 1", "block.number == 21e6", "block.timestamp >= 1700000000", f"block.hash == 0x{'11' * 32}",
    f"transaction.hash == '{TX_HASH.upper().replace('X', 'x')}'", "transaction.index == 88", "transaction.value == 1 ether", "transaction.status == 'success'",
    f"transaction.from_address == {BOB}", "transaction.to_address == null", "null == transaction.to_address", f"transaction.to_address != {BOB}",
    "direction == 'IN'", "direction in ['in']", "direction not in ['out']", "status == 'Success'", "token_id == 7", "item == null", "log_index < 1000",
    # addresses
    f"to_address == {ALICE_WRITTEN}", f"to_address == '{ALICE_WRITTEN}'", f'{ALICE} == "{ALICE_WRITTEN}"', f"to_address == 0X{ALICE[2:].upper()}", f"to_address != {BOB}",
    "from_address == transaction.from_address", f"contract == {TOKEN} and contract.address == {TOKEN}", "address == to_address",
    f"contract in [{TOKEN}]", f"contract in [{BOB}, '{TOKEN}', {ALICE},]", f"contract not in [{BOB}]", f"{ALICE} in [from_address, to_address]", f"from_address in [to_address, {BOB}]",
    "watched(to_address)", "not watched(from_address)", f"watched({ALICE_WRITTEN})", f"watched('{ALICE}')", "not watched(transaction.to_address)",
    # text
    "label == 'hot wallet'", "'HOT WALLET' == label", "label != 'cold'", "label in ['x', 'HOT wallet']", "label not in ['x']", "label in [null, 'hot wallet']", "label in [network, 'hot wallet']",
    "label != network", "label == lower(label)", "lower(label) == 'hot wallet'", "lower('ABC') == 'abc'", "lower(to_address) == to_address",
    "contains(label, 'T W')", "starts_with(label, 'HOT')", "ends_with(label, 'wallet')", "not contains(label, 'cold')", "len(label) == 10", "len('abc') == 3", "'a' in ['A']",
    # lists
    "amount in [1, 1.5 ether]", "amount not in [1, 2]", "amount + 1 not in [amount, 2 ** 70]", "1 in [1, amount]", "true in [false, true]",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_of_a_transfer_it_is_true(text: str) -> None:
    """What the text says holds for the transfer of `facts`."""
    assert outcome(text) is True
    assert outcome(f"not ({text})") is False


TRUE_OF_EVENT = [
    f"args.maker == {ALICE_WRITTEN}", f"args[0] == {ALICE}", "args.amount == 2**256 - 1", "args.amount + 1 == 2**256", "args.amount != 2**256 - 2", "args.amount / 2 * 2 + 1 == args.amount",
    "args.delta == -7", "args.delta / 2 == -4", "args.delta % 4 == 1", "abs(args.delta) == 7", "-args.delta == 7", "args.delta ** 3 == -343", "args.delta < 0",
    "args.name == 'ÜBUNG eins'", "contains(args.name, 'Übung')", "len(args.name) == 10", "starts_with(args.name, 'ü')",
    "args.payload == 0xA9059CBB0011", "starts_with(args.payload, 0xa9059cbb)", "ends_with(args.payload, 0x0011)", "not ends_with(args.payload, 0x001100112233445566)", "starts_with(args.payload, args.tag)", "starts_with(args.payload, args.payload)",
    "len(args.payload) == 6", "len(args.tag) == 4", "args.tag == 0xA9059CBB", "args.tag == '0xa9059cbb'", "args.tag in [0x00000000, 0xa9059cbb]", "args.payload == args.payload", "args.payload in [0x, args.payload]",
    "args.open", "args.open == true", "not args.open or args.amount > 0", "args.open != (args.amount == 0)",
    "len(args.prices) == 3", "args.prices[0] == 10", "args.prices[-1] == 30", "args.prices[len(args.prices) - 1] == 30", "20 in args.prices", "21 not in args.prices", "args.range.low * 4 in args.prices", "0x14 in args.prices",
    "'ALPHA' in args.words", "args.words[1] == 'βeta'", "args.name not in args.words", "'x' not in args.words",
    f"{ALICE_WRITTEN} in args.path", f"'{TOKEN}' in args.path", f"{BOB} not in args.path", "transaction.to_address not in args.path", "contract in args.path", "args.path[1] == contract",
    "args.legs[0].in == 3", "args.legs[0][1] == 3", f"args.legs[0].who == {BOB}", "args.range.high - args.range.low == 4", "args.range[1] == 9", "args[11].low == 5",
    "20 in args.prices and contains(args.prices, 20)", "3 in args.legs", "4 not in args.legs", f"{BOB} in args.legs", f"not contains(args.legs, {ALICE})", "9 in args.range", "contains(args.range, args.range.low)", "8 not in args.range", "contains(args.words, 'ALPHA')", f"contains(args.path, '{ALICE}')",
    f"[{BOB}, 3] in args.legs", f"[{BOB}, 4] not in args.legs", "args.legs[0] in args.legs", f"contains(args.legs, [{BOB}, 3])", "args.legs[0].in in args.legs", "contract in args.path",
    "args.prices == args.prices", "args.prices == [10, 20, 30]", "args.prices != [10, 20]", "[30, 20, 10] != args.prices", "args.prices != []", "args.prices == [10, args.prices[1], args.range.low * 6]", "args.range == [5, 9]", "args.range != [9, 5]", "args.words == ['ALPHA', 'βeta']", f"args.path == [{ALICE_WRITTEN}, contract]", f"args.legs == [[{BOB}, 3]]", "args.blobs == [0x, 0xABCD]", "args.blobs != [0x, 0xabce]", "args.legs == args.legs",
    f"args.topic == {ID}", f"args.topic in [{ID}]", "args[13] == 77", "0xABCD in args.blobs", "0x in args.blobs", "args.payload not in args.blobs", "len(args.blobs[0]) == 0",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE_OF_EVENT)
def test_of_an_event_it_is_true(text: str) -> None:
    """What the text says holds for the event of `facts`, whose types come from its ABI."""
    assert outcome(text, "event") is True
    assert outcome(f"not ({text})", "event") is False


REFUSED: list[tuple[str, int, str]] = [
    # words
    ("", 0, "a condition expected"), ("  ", 0, "a condition expected"), ("amount > 1 #", 11, "unexpected '#'"), ("amount = 1", 7, "== compares"), ("amount > 1 & true", 11, "`and` joins"),
    ("label == 'x", 9, "never closed"), ('label == "x', 9, "never closed"), ("amount > 0x", 9, "hex digits expected"), ("amount > 0xfg", 12, "'g' is no hex digit"), ("amount > 1_", 10, "_ stands between"), ("amount > 1__0", 10, "_ stands between"),
    ("amount > \u0661", 9, "unexpected"), ("\u0430mount > 1", 0, "unexpected"), ("amount > 1;", 10, "unexpected ';'"), ("lambda: 1", 6, "unexpected ':'"), ("amount > 1\\n", 10, "unexpected"),
    # grammar
    ("amount >", 8, "a field, a value or a function expected, the end found"), ("> 1", 0, "a field, a value"), ("(amount > 1", 11, "')' expected"), ("amount > 1)", 10, "an operator or the end expected"), ("amount > 1 2", 11, "an operator or the end expected"),
    ("1 < amount < 5", 11, "not chained: write a < b and b < c"), ("1 == amount == true", 12, "not chained"), ("amount not 5", 11, "'in' expected"), ("amount in [1 2]", 13, "',' or ']' expected"), ("amount in [1", 12, "',' or ']'"), ("amount in [", 11, "a field, a value"),
    ("amount > 5 eth", 11, "one of the units wei, gwei, ether"), ("amount. > 1", 8, "a name expected"), ("amount[ > 1", 8, "a field, a value"), ("min(1, 2 > 1", 12, "',' or ')'"), ("and", 0, "a field, a value"), ("amount > 1 and", 14, "a field, a value"),
    # numbers
    ("amount > 1.5", 9, "1.5 is not a whole number"), ("amount > 0.5 wei", 9, "not a whole number"), ("amount > 1e-1", 9, "not a whole number"), ("amount > 1e-99999999", 9, "not a whole number"), ("amount > 1e99999999999", 9, "at most 4096 bits"), ("amount > 1e1300", 9, "at most 4096 bits"),
    ("amount > " + "9" * 1300, 9, "at most 4096 bits"), ("amount > 0x" + "f" * 1100, 9, "at most 4096 bits"),
    ("amount ** 17 > 1", 0, "larger than the 4096 bits"), ("2 ** 4096 > 1", 0, "larger than the 4096 bits"), ("9 ** 9 ** 9 ** 9 > 1", 5, "larger than the 4096 bits"), ("1 < amount ** 16 * amount", 4, "larger than the 4096 bits"),
    ("amount ** amount > 1", 10, "an exponent is a number that is written out"), ("2 ** -1 > 1", 5, "an exponent is a number"), ("amount / 0 > 1", 9, "divides by zero"), ("amount % (1 - 1) > 1", 9, "divides by zero"),
    # fields
    ("amonut > 1", 0, "unknown field 'amonut'; did you mean amount?"), ("true and amonut > 1", 9, "did you mean amount?"), ("block.numbr > 1", 0, "did you mean block.number?"), ("block > 1", 0, "block has parts: block.number, block.hash"), ("args.x > 1", 0, "a rule of kind erc1155 has no arguments"), ("args[0] > 1", 0, "no arguments"),
    ("foo.bar.baz == 1", 0, "unknown field 'foo.bar.baz'; known are"), ("amount.x == 1", 0, "unknown field 'amount.x'"), ("'x'.y == 1", 0, "only a field has parts"), ("(1 + 2)[0] == 1", 0, "only a field has parts"), ("amount[0] == 1", 0, "an integer has no items"),
    ("watched == 1", 0, "unknown field 'watched'"), ("foo(1) == 1", 0, "unknown function 'foo'; known are watched, min, max, abs, len"), ("amount.foo(1) == 1", 10, "an operator or the end"),
    # types
    ("amount", 0, "true or false expected, an integer found; compare it"), ("label", 0, "true or false expected, text or null found"), ("null", 0, "true or false expected, null found"), ("'x'", 0, "true or false expected, text found"), ("[1]", 0, "a list stands only on the right of `in`"), ("amount and true", 0, "compare it"),
    ("not amount", 4, "true or false expected"), ("amount > 'x'", 9, "an integer expected, text found"), ("'1' < amount", 0, "an integer expected, text found"), ("amount == 'x'", 10, "an integer cannot be compared with text"), ("amount == true", 10, "cannot be compared"), ("true == 1", 8, "cannot be compared"),
    ("amount > from_address", 9, "an integer expected, an address found"), (f"amount > {BOB}", 9, "an integer expected, an address found"), ("to_address > from_address", 0, "an integer expected"), ("label < 'x'", 0, "an integer expected, text or null found"), ("amount == null", 10, "an integer is never null"), ("null != amount", 8, "an integer is never null"),
    ("to_address == 0x12", 14, "an address is 0x and 40 hex digits"), ("to_address == 'bob'", 14, "an address is 0x and 40 hex digits"), (f"to_address == {ALICE_WRITTEN[:-1]}D", 14, "the EIP-55 checksum is wrong; the right one is 0x5aAe"), ("to_address == 5", 14, "cannot be compared"), (f"contract in [{BOB}, 5]", 57, "cannot be compared"),
    ("status == 'ok'", 10, "'success' or 'failed' expected, 'ok' found"), ("direction in ['in', 'inn']", 20, "'in' or 'out' expected, 'inn' found"), ("direction == 'all'", 13, "'in' or 'out' expected"), ("block.hash == 0x12", 14, "32 bytes (0x and 64 hex digits) expected"),
    ("amount + 'x' > 1", 9, "an integer expected"), ("label + label == 'x'", 0, "an integer expected"), ("'a' * 1000000000 == label", 0, "an integer expected, text found"), ("-label == 1", 1, "an integer expected"), ("amount + null > 1", 9, "an integer expected, null found"),
    ("amount in []", 10, "this list is empty"), ("amount in [1, 'x']", 14, "cannot be compared"), ("amount in 5", 10, "a list expected, an integer found"), ("'x' in label", 7, "a list expected, text or null found; contains(text, part)"), ("amount in [[1]]", 11, "a list stands only"), ("amount == [1]", 10, "a list stands only"),
    ("min(1) == 1", 0, "min(a, b, …) with 2 to 16 integers expected"), ("min(1, 'x') == 1", 7, "an integer expected"), ("abs() == 1", 0, "abs(integer) expected"), ("abs(label) == 1", 4, "an integer expected"), ("len(amount) == 1", 4, "text, bytes or a list expected, an integer found"), ("lower(amount) == 'x'", 6, "text expected"),
    ("watched(amount)", 8, "an address expected, an integer found"), ("watched(label)", 8, "an address expected"), ("watched('bob')", 8, "an address is 0x and 40"), ("watched()", 0, "watched(address) expected"), ("contains(label, 1)", 16, "text expected, an integer found"), ("contains(amount, 'x')", 9, "text expected"), ("starts_with(label, 5)", 19, "text expected"),
    # bounds
    ("true" + " " * 2000, 2000, "at most 2000 characters"), ("(" * 61 + "true" + ")" * 61, 60, "at most 60 deep"), ("not " * 61 + "true", 240, "at most 60 deep"), ("1" + "+1" * 61 + " > 0", 0, "at most 60 deep"), ("amount in [" + "1," * 501 + "]", 1011, "at most 500 items"),
    ("contains(label,'x') or " * 20 + "true", 0, "this takes too long"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "position", "words"), REFUSED)
def test_it_is_refused_at_its_place(text: str, position: int, words: str) -> None:
    """The error says what was found, what would be accepted, and where."""
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, scope_for("erc1155"))

    assert words in str(caught.value)
    assert caught.value.position == position


REFUSED_OF_EVENT: list[tuple[str, int, str]] = [
    ("args.amuont > 1", 5, "unknown field 'amuont'; did you mean amount?"), ("args.zzz > 1", 5, "known are maker, amount, delta,"), ("args[15] == 1", 5, "a number from 0 to 14 expected"), ("args[-1] == 1", 5, "a number from 0 to 14 expected"), ("args[args.amount] == 1", 5, "a number from 0 to 14"),
    ("args == 1", 0, "a tuple cannot be compared"), ("args", 0, "true or false expected, a tuple found"), ("args.prices == args.words", 15, "an integer cannot be compared with text"), ("args.prices == 1", 0, "a list of which each is an integer cannot be compared"), ("1 == args.prices", 5, "an integer cannot be compared with a list"), ("args.prices > 1", 0, "an integer expected"), ("args.range == [5]", 14, "a tuple of 2 expected"), ("args.range == [5, 'x']", 18, "an integer cannot be compared with text"), ("args.range == args.legs[0]", 14, "an integer cannot be compared with an address"), ("[1] == [1]", 0, "a list stands only"), ("args.range == args.prices", 14, "a tuple cannot be compared with a list"),
    ("args.prices['x'] == 1", 12, "an integer expected"), ("args.amount[0] == 1", 0, "an integer has no items"), ("args.amount.x == 1", 12, "an integer has no parts"), ("args.prices.x == 1", 12, "has no parts"), ("args.legs[0].x == 1", 13, "known are who, in"), ("args.legs.who == 1", 10, "has no parts"),
    ("args.topic == 'news'", 14, "the hash of an indexed string (0x and 64 hex digits) expected, 'news' found"), ("len(args.topic) == 1", 4, "text, bytes or a list expected, the hash of an indexed string"), ("contains(args.topic, 'x')", 9, "text expected, the hash of an indexed string"),
    ("args.tag == 0xa9059c", 12, "4 bytes (0x and 8 hex digits) expected"), ("args.tag == 5", 12, "cannot be compared with an integer"), ("args.tag == args.topic", 12, "are never"), ("args.payload == 0xabc", 16, "bytes (0x and hex digits) expected"), ("starts_with(args.payload, 5)", 26, "bytes expected, an integer found"),
    ("'x' in args.prices", 0, "cannot be compared"), ("'x' in args.legs", 0, "cannot be compared"), ("true in args.range", 0, "cannot be compared"), ("contains(args.prices, 'x')", 22, "cannot be compared"), ("[1] in args.legs", 0, "a tuple of 2 expected"), ("[1] in args.prices", 0, "a list stands only"), ("amount > 1", 0, "a rule of kind event has no amount"), ("from_address == contract", 0, "a rule of kind event has no from_address"), ("args.open > 0", 0, "an integer expected, true or false found"),
    ("args.__class__ == 1", 5, "unknown field '__class__'"), ("args.amount.bit_length == 1", 12, "an integer has no parts"), ("args.name.upper() == 'X'", 15, "an operator or the end"), ("f.args == 1", 0, "unknown field 'f.args'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "position", "words"), REFUSED_OF_EVENT)
def test_about_an_event_it_is_refused_at_its_place(text: str, position: int, words: str) -> None:
    """What the ABI does not have is refused when the rule is saved."""
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, EVENT_SCOPE)

    assert words in str(caught.value)
    assert caught.value.position == position


UNANSWERED: list[tuple[str, str, dict[str, Any], str]] = [
    ("erc1155", "amount / (token_id - 7) > 1", {}, "division by zero"),
    ("erc1155", "amount % (token_id - 7) > 1", {}, "division by zero"),
    ("event", "args.prices[3] == 1", {}, "an index is outside its list"),
    ("event", "args.prices[-4] == 1", {}, "an index is outside its list"),
    ("event", "args.prices[args.amount] == 1", {}, "an index is outside its list"),
    ("erc1155", "item > 1", {}, "a value is null where one is needed"),
    ("erc1155", "item + 1 == 1", {}, "a value is null"),
    ("erc1155", "contains(label, 'x')", {"label": None}, "a value is null"),
    ("erc1155", "len(label) == 1", {"label": None}, "a value is null"),
    ("erc1155", "contains(label, 'x')", {"label": "x" * 2001}, "longer than the 2000 characters"),
    ("erc1155", "label == network", {"label": "x" * 2001}, "longer than the 2000 characters"),
    ("event", "1 in args.prices", {"args": (*ARGS[:7], [0] * 2001, *ARGS[8:])}, "a list of 2001 items"),
    ("event", "'y' in args.words", {"args": (*ARGS[:8], [""] * 501, *ARGS[9:])}, "a list of 501 items"),
    ("event", "args.name in args.words", {"args": (*ARGS[:3], "x" * 9, *ARGS[4:8], ["y" * 9] * 300, *ARGS[9:])}, "more than the 2000 characters"),
    ("event", "args.payload == args.payload", {"args": (*ARGS[:4], "0x" + "00" * 1000, *ARGS[5:])}, "longer than"),
    ("native", "transaction.value > 1", {"transaction": Transaction(hash="0x", index="0x", block_hash="0x", sender=BOB, value="0xzz")}, "a field cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "changes", "words"), UNANSWERED)
def test_without_an_answer_it_is_neither_true_nor_false(
    kind: str, text: str, changes: dict[str, Any], words: str
) -> None:
    """An error while evaluating is an EvaluationError with a sentence."""
    with pytest.raises(EvaluationError, match=words):
        outcome(text, kind, **changes)


def test_a_text_that_is_written_out_is_compared_with_any_length() -> None:
    """Equality with a literal needs no bound: what is longer is another text."""
    assert outcome("label == 'x'", label="x" * 10**6) is False
    assert outcome("label in ['x', 'y']", label="x" * 10**6) is False
    assert outcome("label != 'x' and label not in ['x']", label=None) is True


def test_and_and_or_stop_at_the_part_that_decides() -> None:
    """A test on the left protects what stands on the right."""
    assert outcome("item != null and item > 1") is False
    assert outcome("token_id == 7 or amount / (token_id - 7) > 1") is True


@pytest.mark.parametrize(
    ("kind", "present", "absent"),
    [
        ("native", "amount from_address to_address direction address label", "token_id contract log_index item"),
        ("internal", "amount from_address to_address direction address label item", "token_id contract log_index"),
        ("erc20", "amount from_address to_address contract direction address label log_index", "token_id item"),
        ("erc721", "amount token_id from_address to_address contract direction address label log_index", "item"),
        ("erc1155", "amount token_id from_address to_address contract direction address label log_index item", ""),
        ("event", "contract log_index", "amount token_id from_address to_address direction address label item"),
        ("call", "contract from_address to_address", "amount token_id direction address label log_index item"),
        ("deployment", "contract from_address to_address direction address label", "amount token_id log_index item"),
    ],
)  # fmt: skip
def test_each_kind_has_its_fields(kind: str, present: str, absent: str) -> None:
    """Fields that a kind of match never has are refused; those of block and transaction are always there."""
    names = scope_for(kind).names()

    assert set(present.split()) <= set(names)
    assert not set(absent.split()) & set(names)
    assert {"network", "chain_id", "status", "block.number", "block.timestamp", "block.hash"} < set(
        names
    )
    assert {f"transaction.{name}" for name in ("hash", "index", "value", "from_address", "to_address", "status")} < set(names)  # fmt: skip


def test_a_failed_transaction_says_so() -> None:
    """The status is the transaction's; from before Byzantium there is none, which is success."""
    receipt = facts().receipt
    failed = Receipt(transaction_hash=TX_HASH, transaction_index="0x0", block_hash=receipt.block_hash, logs=(), status="0x0")  # fmt: skip
    early = Receipt(transaction_hash=TX_HASH, transaction_index="0x0", block_hash=receipt.block_hash, logs=(), root="0x" + "00" * 32)  # fmt: skip

    assert outcome("status == 'failed' and transaction.status == 'failed'", receipt=failed)
    assert outcome("status == 'success'", receipt=early)


def test_an_explanation_has_every_comparison_and_its_values() -> None:
    """Each part is answered by itself, whether or not the whole needed it."""
    condition = compile_condition(
        "amount > 2 ether and (watched(from_address) or args_free(1))".replace("args_free(1)", "(token_id + 1) * 2 == 16"),
        scope_for("erc1155"),
    )  # fmt: skip

    explained = explain(condition, facts())

    assert (explained.outcome, explained.error) == (False, None)
    assert [(part.text, part.position, part.outcome, part.values) for part in explained.parts] == [
        ("amount > 2 ether", 0, False, {"amount": 1_500_000_000_000_000_000}),
        ("watched(from_address)", 22, False, {"from_address": BOB}),
        ("(token_id + 1) * 2 == 16", 47, True, {"token_id": 7, "(token_id + 1)": 8, "(token_id + 1) * 2": 16}),
    ]  # fmt: skip


def test_an_explanation_tells_what_has_no_answer() -> None:
    """The error stands at its part, with the values that could be had."""
    explained = explain(
        compile_condition("args.amount / args.range.low > 1", EVENT_SCOPE),
        facts(args=(*ARGS[:11], (0, 9), *ARGS[12:])),
    )

    assert (explained.outcome, explained.error) == (None, "division by zero")
    assert explained.parts[0].error == "division by zero"
    assert explained.parts[0].values == {"args.amount": 2**256 - 1, "args.range.low": 0}


def test_an_argument_named_like_a_word_of_the_language_can_be_asked_for() -> None:
    """After a dot every name is a name."""
    event = parse_event(
        "E(uint256 and, uint256 or, uint256 not, uint256 in, bool true, address null)"
    )
    text = f"args.and == 1 and args.or == 2 and args.not == 3 and args. in == 4 and args.true and args.null == {BOB}"
    condition = compile_condition(text, scope_for("event", event.arguments))

    assert condition.evaluate(facts(args=(1, 2, 3, 4, True, BOB)))


def test_compiled_code_reaches_nothing_but_its_own_names() -> None:
    """There are no builtins, and no name that a user wrote."""
    evaluate: Any = compile_condition("label == '__import__'", scope_for("native")).evaluate

    assert evaluate.__globals__["__builtins__"] == {}
    assert set(evaluate.__code__.co_names) == {"is_text", "label", "ZeroDivisionError", "EvaluationError", "IndexError", "ValueError"}  # fmt: skip
