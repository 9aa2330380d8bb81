"""Many reads of the state in one call: Multicall3, which has one address on most chains.

Source: github.com/mds1/multicall3, `aggregate3` and `getEthBalance`; multicall3.com.
"""

from collections.abc import Sequence
from typing import NamedTuple

from crypitor.evm.types import Address

MULTICALL3: Address = "0xca11bde05977b3631167028862be2a173976ca11"

AGGREGATE3 = "0x82ad56cb"
GET_ETH_BALANCE = "0x4d2301cc"
BALANCE_OF = "0x70a08231"
BALANCE_OF_ID = "0x00fdd58e"

_WORD = 64


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
    heads, tails = [], []
    offset = 32 * len(reads)
    for read in reads:
        tail = _call(read)
        heads.append(f"{offset:064x}")
        tails.append(tail)
        offset += len(tail) // 2
    return f"{AGGREGATE3}{32:064x}{len(reads):064x}{''.join(heads)}{''.join(tails)}"


def _call(read: Read) -> str:
    """Return one read as an item of the list: target, that it may fail, its input."""
    if read.target is None:
        return f"{_COIN_HEAD}{read.data[2:]}{_COIN_TAIL}"
    data = read.data[2:]
    words = -(-len(data) // _WORD)
    return f"{_padded(read.target)}{_MAY_FAIL}{len(data) // 2:064x}{data:0<{words * _WORD}}"


def answers_of(returned: str, count: int) -> list[str | None] | None:
    """Return what each read returned, 0x-hex, None where it failed.

    None where this is not what `aggregate3` returns of so many: the contract is another one, or
    there is none.
    """
    text = returned[2:]
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


_MAY_FAIL = f"{1:064x}{96:064x}"
_COIN_HEAD = f"{_padded(MULTICALL3)}{_MAY_FAIL}{36:064x}{GET_ETH_BALANCE[2:]}{'0' * 24}"
_COIN_TAIL = "0" * 56
