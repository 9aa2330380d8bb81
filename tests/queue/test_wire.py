import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as some

from crypitor.evm.types import (
    Authorization,
    Block,
    Header,
    InternalTransfer,
    Log,
    Receipt,
    Transaction,
    Withdrawal,
)
from crypitor.queue import Message
from crypitor.queue.wire import VERSION, decode, encode
from tests.queue.messages import message, recorded_message

text = some.text(alphabet="0123456789abcdefx", max_size=80)
height = some.integers(0, 2**63 - 1)
loose = some.none() | text | height | some.floats(allow_nan=False, width=32)
authorizations = some.builds(Authorization, chain_id=loose, address=loose, nonce=loose, r=loose)
logs = some.builds(
    Log,
    address=text,
    topics=some.lists(text, max_size=4).map(tuple),
    data=text,
    index=text,
    block_hash=text,
    transaction_hash=text,
)
receipts = some.builds(
    Receipt,
    transaction_hash=text,
    transaction_index=text,
    block_hash=text,
    logs=some.lists(logs, max_size=3).map(tuple),
    status=some.none() | text,
    contract_address=some.none() | text,
    gas_used=loose,
    l1_fee=loose,
)
transactions = some.builds(
    Transaction,
    hash=text,
    index=text,
    block_hash=text,
    sender=text,
    value=text,
    to=some.none() | text,
    input=text,
    nonce=loose,
    authorization_list=some.none() | some.lists(authorizations, max_size=2).map(tuple),
)
internal = some.builds(
    InternalTransfer,
    transaction_index=height,
    item=height,
    sender=text,
    receiver=text,
    value=text,
)
withdrawals = some.builds(Withdrawal, index=text, validator_index=text, address=text, amount=text)
blocks = some.builds(
    Block,
    header=some.builds(Header, number=height, hash=text, parent_hash=text, timestamp=height),
    transactions=some.lists(transactions, max_size=3).map(tuple),
    receipts=some.lists(receipts, max_size=3).map(tuple),
    traces=some.lists(internal, max_size=3).map(tuple),
    withdrawals=some.lists(withdrawals, max_size=3).map(tuple),
)
messages = some.builds(
    Message,
    network=some.text(max_size=20),
    chain_id=height,
    sequence=height,
    block=blocks,
    safe=some.none() | height,
    finalized=some.none() | height,
    seen_at=height,
)


@given(messages)
def test_decodes_to_what_was_encoded(sent):
    """Whatever a message holds, it comes out the same."""
    assert decode(encode(sent)) == sent


def test_decodes_a_recorded_block_to_what_was_encoded():
    """A whole mainnet block with 949 logs comes out the same."""
    sent = recorded_message(1, 22431083)

    assert decode(encode(sent)) == sent


def test_a_mainnet_block_is_a_tenth_of_a_brokers_limit():
    """The block with the most logs of different kinds stays far below Kafka's 1 MiB."""
    assert len(encode(recorded_message(1, 15040641))) < 150_000


@given(some.binary(max_size=200))
def test_refuses_any_other_bytes(data):
    """Bytes that no message was encoded to are a ValueError, and nothing else."""
    with pytest.raises(ValueError):
        decode(data)


@given(some.data())
def test_refuses_a_damaged_message_or_returns_a_message(data):
    """A message with a changed byte never raises anything but ValueError."""
    whole = bytearray(encode(message(7)))
    at = data.draw(some.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(some.integers(1, 255))

    try:
        found = decode(bytes(whole))
    except ValueError:
        return

    assert isinstance(found, Message)


def packed(content: bytes) -> bytes:
    return VERSION + zstandard.compress(content, 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x02" + encode(message(1))[1:], id="another version"),
        pytest.param(encode(message(1))[:-1], id="cut"),
        pytest.param(encode(message(1)) + b"\x00", id="more than a message"),
        pytest.param(packed(b""), id="empty frame"),
        pytest.param(packed(b"\x91" * 100_000), id="deeply nested"),
        pytest.param(packed(msgspec.msgpack.encode({"network": "a"})), id="fields missing"),
        pytest.param(packed(msgspec.json.encode({"network": "a"})), id="JSON"),
        pytest.param(packed(b"\xa4\xff\xff\xff\xff"), id="no UTF-8"),
        pytest.param(
            VERSION + b"\x28\xb5\x2f\xfd\xc0" + b"\xff" * 8 + b"\x01\x00\x00",
            id="claims 2^64 bytes",
        ),
    ],
)
def test_refuses_poison(data):
    """Messages from elsewhere, cut ones and hostile ones are a ValueError."""
    with pytest.raises(ValueError):
        decode(data)
