"""Many reads of the state in one call: Multicall3, which has one address on most chains.

Source: github.com/mds1/multicall3, `aggregate3` and `getEthBalance`; multicall3.com.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from crypitor.evm.types import Address

MULTICALL3: Address = "0xca11bde05977b3631167028862be2a173976ca11"

AGGREGATE3 = "0x82ad56cb"
GET_ETH_BALANCE = "0x4d2301cc"
BALANCE_OF = "0x70a08231"
BALANCE_OF_ID = "0x00fdd58e"

_WORD = 64
_ADDRESS = 40
"""Hex digits."""


class Read(NamedTuple):
    """One question to the state. target: None for the coin that `account` has.

    data: the call's input, 0x-hex; for a coin the account's address.
    """

    target: Address | None
    data: str


def coin_of(account: Address) -> Read:
    """Return the question for what an account has of the chain's coin."""
    return Read(None, account)


def token_of(contract: Address, account: Address, token_id: int | None) -> Read:
    """Return the question for a token: ERC-20 and ERC-721, or ERC-1155 where there is an id."""
    if token_id is None:
        return Read(contract, f"{BALANCE_OF}{_padded(account)}")
    return Read(contract, f"{BALANCE_OF_ID}{_padded(account)}{token_id:064x}")


def aggregated(reads: Sequence[Read]) -> str:
    """Return the input of a call of `aggregate3` with these reads, each allowed to fail."""
    if reads and all(read.target is None for read in reads):
        return _aggregated_coins([read.data for read in reads])
    tails = [_call(read) for read in reads]
    sizes = [len(tail) // 2 for tail in tails]
    heads = (
        _even_heads(len(reads), max(sizes, default=0))
        if len({*sizes}) <= 1
        else "".join(f"{offset:064x}" for offset in accumulate(sizes[:-1], initial=32 * len(reads)))
    )
    return f"{AGGREGATE3}{32:064x}{len(reads):064x}{heads}{''.join(tails)}"


def _aggregated_coins(accounts: Sequence[Address]) -> str:
    """Return the same where every read asks for a coin: one join, for there may be hundreds."""
    count, size = len(accounts), (len(_COIN_HEAD) + _ADDRESS + len(_COIN_TAIL)) // 2
    tails = f"{_COIN_TAIL}{_COIN_HEAD}".join([account[2:] for account in accounts])
    heads = _even_heads(count, size)
    return f"{AGGREGATE3}{32:064x}{count:064x}{heads}{_COIN_HEAD}{tails}{_COIN_TAIL}"


@lru_cache(maxsize=64)
def _even_heads(count: int, size: int) -> str:
    """Return where items of so many bytes each begin, as a list of them has it before them."""
    return "".join(f"{32 * count + size * place:064x}" for place in range(count))


def _call(read: Read) -> str:
    """Return one read as an item of the list: target, that it may fail, its input."""
    if read.target is None:
        return f"{_COIN_HEAD}{read.data[2:]}{_COIN_TAIL}"
    data = read.data[2:]
    words = -(-len(data) // _WORD)
    return f"{_padded(read.target)}{_MAY_FAIL}{len(data) // 2:064x}{data.ljust(words * _WORD, '0')}"


def answers_of(returned: str, count: int) -> list[str | None] | None:
    """Return what each read returned, 0x-hex, None where it failed.

    None where this is not what `aggregate3` returns of so many: the contract is another one, or
    there is none.
    """
    text = returned[2:]
    if (words := _words_of(text, count)) is not None:
        return words
    try:
        if int(text[:_WORD], 16) != 32 or int(text[_WORD : 2 * _WORD], 16) != count:
            return None
        start = 2 * _WORD
        return [
            _answer(text, start + 2 * int(text[start + at * _WORD : start + (at + 1) * _WORD], 16))
            for at in range(count)
        ]
    except ValueError:
        return None


def _words_of(text: str, count: int) -> list[str | None] | None:
    """Return the answers where each is one word, as nearly always; None for all else."""
    start = (2 + count) * _WORD
    if len(text) != start + count * _ONE_WORD:
        return None
    if text[:start] != f"{32:064x}{count:064x}{_even_heads(count, _ONE_WORD // 2)}":
        return None
    items = [text[at : at + _ONE_WORD] for at in range(start, len(text), _ONE_WORD)]
    if not all(item.startswith(_IS_ONE_WORD) for item in items):
        return None
    return ["0x" + item[3 * _WORD :] for item in items]


def _answer(text: str, at: int) -> str | None:
    succeeded = int(text[at : at + _WORD], 16)
    data = at + 2 * int(text[at + _WORD : at + 2 * _WORD], 16)
    size = 2 * int(text[data : data + _WORD], 16)
    start = data + _WORD
    if start + size > len(text):
        raise ValueError(size)
    return f"0x{text[start : start + size]}" if succeeded else None


def _padded(address: Address) -> str:
    return "0" * 24 + address[2:]


_ONE_WORD = 4 * _WORD
_IS_ONE_WORD = f"{1:064x}{64:064x}{32:064x}"
_MAY_FAIL = f"{1:064x}{96:064x}"
_COIN_HEAD = f"{_padded(MULTICALL3)}{_MAY_FAIL}{36:064x}{GET_ETH_BALANCE[2:]}{'0' * 24}"
_COIN_TAIL = "0" * 56
