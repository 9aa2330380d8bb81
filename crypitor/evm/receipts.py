"""Receipts as consensus encodes them. What stands where is told by `encode_receipt`."""

from binascii import unhexlify
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from msgspec.structs import replace

from crypitor.evm import rlp
from crypitor.evm.bloom import logs_bloom
from crypitor.evm.profiles import PLAIN, Profile
from crypitor.evm.types import Log, Receipt

_DEPOSIT = 0x7E
_CELO_FEE = 0x7B
_POST_STATE = b"\0"

_ADDRESS_TEXT = len("0x") + 40
_MOST_TOPICS = 4
_TOPIC_TEXT = len("0x") + 64
_TOPIC_SIZES = {_TOPIC_TEXT}
_TOPIC_PREFIX = "a0"  # RLP: a string of 32 bytes
_BLOOM_TEXT = len("0x") + 512
_BLOOM_PREFIX = "b90100"  # RLP: a string of 256 bytes

_OUTCOMES = {"0x1": "01", "0x0": "80"}
_KEPT = 4096


def encode_receipts(receipts: Sequence[Receipt], profile: Profile = PLAIN) -> Iterator[bytes]:
    """Yield `encode_receipt` of each, with the gas that the chain's receipts commit to.

    Those in the usual form are put together of what was served, as hex, their logs all at once. A
    text that differs from what `encode_receipt` would make has a character that is no hex digit:
    unhexlify refuses it, which unlike bytes.fromhex skips no blanks.
    """
    if profile.receipt_gas == "own":
        receipts = with_own_gas(receipts)
    logs = _logs([*chain.from_iterable([receipt.logs for receipt in receipts])])
    forms = _forms(profile.untyped)
    start = end = 0
    for receipt in receipts:
        end += len(receipt.logs)
        of_receipt = "".join(logs[start:end])
        start = end
        gas, bloom = receipt.cumulative_gas_used, receipt.logs_bloom
        # What is no digit though it lies between these two, unhexlify refuses.
        if receipt.root is not None or len(bloom) != _BLOOM_TEXT or not "0x1" <= gas < "0xg":
            yield encode_receipt(receipt, profile)
            continue
        try:
            before_gas, before_logs = forms[receipt.type, receipt.status, len(gas), len(of_receipt)]
            encoded = unhexlify(
                f"{before_gas}{gas[2:]}{_BLOOM_PREFIX}{bloom[2:]}{before_logs}{of_receipt}"
            )
        except (KeyError, ValueError):
            encoded = encode_receipt(receipt, profile)
        yield encoded


def with_own_gas(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Return the receipts with the gas of each transaction alone in place of the sum up to it."""
    sums = [int(receipt.cumulative_gas_used, 16) for receipt in receipts]
    befores = [0, *sums][: len(sums)]
    return [
        replace(receipt, cumulative_gas_used=hex(max(0, total - before)))
        for receipt, total, before in zip(receipts, sums, befores, strict=True)
    ]


def encode_receipt(receipt: Receipt, profile: Profile = PLAIN) -> bytes:
    """Return the consensus encoding: a type byte for typed ones, then the RLP list.

    Sources: EIP-658 (status in place of root; some nodes serve both), EIP-2718 (types), OP stack
    specification "deposits": type 0x7e appends depositNonce and depositReceiptVersion from the
    Canyon upgrade on; before it nodes serve the nonce and no version, and neither is committed to.
    Celo's CIP-64: type 0x7b appends its base fee, since the move to the OP stack.
    """
    kind = int(receipt.type, 16) if receipt.type else 0
    outcome = _outcome(receipt)
    if kind and receipt.type in profile.untyped:
        kind, outcome = 0, _POST_STATE
    # As hex text until the end: most of it is served as such.
    logs = "".join(map(_log, receipt.logs))
    text = (
        f"{rlp.encode(outcome).hex()}{_number(receipt.cumulative_gas_used)}"
        f"{_bloom(receipt)}{_list_prefix(len(logs) // 2)}{logs}"
    )
    if kind == _DEPOSIT and receipt.deposit_receipt_version is not None:
        text += _number(receipt.deposit_nonce or "0x0")
        text += _number(receipt.deposit_receipt_version)
    elif kind == _CELO_FEE and receipt.base_fee is not None:
        text += _number(receipt.base_fee)
    head = f"{kind:02x}" if kind else ""
    return bytes.fromhex(f"{head}{_list_prefix(len(text) // 2)}{text}")


def _number(quantity: str) -> str:
    return rlp.encode(rlp.integer(int(quantity, 16))).hex()


def _bloom(receipt: Receipt) -> str:
    """Return the receipt's bloom as RLP; if none is served, the one that its logs give."""
    if len(receipt.logs_bloom) == _BLOOM_TEXT:
        return _BLOOM_PREFIX + receipt.logs_bloom[2:]
    return rlp.encode(_bytes(receipt.logs_bloom) or logs_bloom(receipt.logs)).hex()


@lru_cache(maxsize=_KEPT)
def _list_prefix(size: int) -> str:
    """Return what stands before a list whose items take so many bytes."""
    return rlp.list_prefix(size).hex()


def _outcome(receipt: Receipt) -> bytes:
    if receipt.status is None or receipt.has_post_state:
        return _bytes(receipt.root or "0x")
    return rlp.integer(int(receipt.status, 16))


def _logs(logs: Sequence[Log]) -> list[str]:
    """Encode logs, as hex: their topics all at once; one by one if a size is not a usual one.

    Where `_log` puts other digits for a second 0x within a topic, this leaves it as it is.
    """
    topics = [*chain.from_iterable([log.topics for log in logs])]
    joined, count = "".join(topics), len(topics)
    if not (
        _TOPIC_SIZES.issuperset(map(len, topics))
        and joined.isascii()
        and joined[::_TOPIC_TEXT] == "0" * count
        and joined[1::_TOPIC_TEXT] == "x" * count
    ):
        return [*map(_log, logs)]
    # What stands before a topic has as many digits as its 0x has characters.
    digits = bytearray(joined, "ascii")
    digits[::_TOPIC_TEXT] = _TOPIC_PREFIX[:1].encode() * count
    digits[1::_TOPIC_TEXT] = _TOPIC_PREFIX[1:].encode() * count
    joined = digits.decode()
    encoded, end = [], 0
    try:
        for log in logs:
            address, data = log.address, log.data
            head, before_topics, size, before_data = _shapes[
                len(address), len(log.topics), len(data)
            ]
            start = end
            end += size
            of_log = joined[start:end]
            encoded.append(f"{head}{address[2:]}{before_topics}{of_log}{before_data}{data[2:]}")
    except KeyError:
        return [*map(_log, logs)]
    return encoded


def _log(log: Log) -> str:
    """Encode a log, as hex; the sizes that consensus allows take a way without a call a field."""
    size = (len(log.data) - len("0x")) // 2
    if (
        len(log.address) == _ADDRESS_TEXT
        and len(log.topics) <= _MOST_TOPICS
        and size != 1
        and _TOPIC_SIZES.issuperset(map(len, log.topics))
    ):
        head, before_topics, before_data = _shape(len(log.topics), size)
        topics = "".join(log.topics).replace("0x", _TOPIC_PREFIX)
        return f"{head}{log.address[2:]}{before_topics}{topics}{before_data}{log.data[2:]}"
    fields: list[rlp.Item] = [
        _bytes(log.address),
        [_bytes(topic) for topic in log.topics],
        _bytes(log.data),
    ]
    return rlp.encode(fields).hex()


@lru_cache(maxsize=_KEPT)
def _shape(topics: int, size: int) -> tuple[str, str, str]:
    """Return what stands before address, topics and data of such a log: RLP's lengths, as hex."""
    example: list[rlp.Item] = [bytes(20), [bytes(32)] * topics, bytes(size)]
    address, listed, data = (rlp.encode(part).hex() for part in example)
    whole = rlp.encode(example).hex()
    head = whole[: len(whole) - len(address) - len(listed) - len(data)]
    return (
        head + address[:2],
        listed[: len(listed) - 66 * topics],
        data[: len(data) - 2 * size],
    )


class _Shapes(dict[tuple[int, int, int], tuple[str, str, int, str]]):
    """What stands before address, topics and data of a log, and the size of its topics, as hex.

    By the size of the address' text, the number of topics, and the size of the data's text. Has
    nothing for what consensus does not allow, nor for a single byte, which may stand for itself.
    """

    def __missing__(self, key: tuple[int, int, int]) -> tuple[str, str, int, str]:
        address, topics, text = key
        size = (text - len("0x")) // 2
        if address != _ADDRESS_TEXT or topics > _MOST_TOPICS or size in (-1, 1):
            raise KeyError(key)
        if len(self) >= _KEPT:
            self.clear()
        head, before_topics, before_data = _shape(topics, size)
        self[key] = found = (head, before_topics, topics * _TOPIC_TEXT, before_data)
        return found


class _Forms(dict[tuple[str | None, str | None, int, int], tuple[str, str]]):
    """What stands before gas and before logs of a receipt in the usual form, as hex.

    By type, status, the size of the gas' text and that of the encoded logs. Has nothing for a type
    and a status that are not usual, nor for less gas than takes two bytes.
    """

    def __init__(self, untyped: frozenset[str]) -> None:
        super().__init__()
        own = {_DEPOSIT, _CELO_FEE}
        usual = {hex(kind): f"{kind:02x}" for kind in range(1, 256) if kind not in own}
        self._types = {kind: byte for kind, byte in usual.items() if kind not in untyped}
        self._types |= {"0x0": ""}

    def __missing__(self, key: tuple[str | None, str | None, int, int]) -> tuple[str, str]:
        kind, status, gas_text, logs = key
        digits = gas_text - len("0x")
        if status is None or not 3 <= digits <= 64:
            raise KeyError(key)
        before_gas = f"{_OUTCOMES[status]}{0x80 + (digits + 1) // 2:02x}{'0' * (digits % 2)}"
        before_logs = _list_prefix(logs // 2)
        bloom = len(_BLOOM_PREFIX) + _BLOOM_TEXT - len("0x")
        size = len(before_gas) + digits + bloom + len(before_logs) + logs
        head = f"{self._types[kind or '0x0']}{_list_prefix(size // 2)}"
        if len(self) >= _KEPT:
            self.clear()
        self[key] = found = (head + before_gas, before_logs)
        return found


_shapes = _Shapes()


@lru_cache(maxsize=16)
def _forms(untyped: frozenset[str]) -> _Forms:
    return _Forms(untyped)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
