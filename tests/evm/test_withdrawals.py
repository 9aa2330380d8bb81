"""Withdrawals, and the root that commits to them."""

from functools import cache

import msgspec
import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crypitor.errors import Unproven
from crypitor.evm.profiles import PLAIN, profile_of
from crypitor.evm.trie import EMPTY_ROOT
from crypitor.evm.types import Seal, Withdrawal
from crypitor.evm.withdrawals import prove_withdrawals
from tests import recorded
from tests.development.simulator import reading

ETHEREUM = profile_of(1)


@cache
def ethereum_blocks():
    return [*_ethereum()]


def ethereum():
    """The recorded blocks since Shanghai: header and withdrawals."""
    return iter(ethereum_blocks())


def _ethereum():
    """The recorded blocks since Shanghai: header and withdrawals."""
    recorded.required()
    for doc in recorded.documents(1):
        if doc["block"].get("withdrawals"):
            yield (
                msgspec.convert(doc["block"], Seal),
                msgspec.convert(doc["block"]["withdrawals"], tuple[Withdrawal, ...]),
            )


def test_ethereums_withdrawals_prove_themselves():
    """Sixteen in each recorded block since Shanghai."""
    proven = 0
    for seal, withdrawals in ethereum():
        prove_withdrawals(seal, withdrawals, ETHEREUM)
        proven += len(withdrawals)

    assert proven >= 16 * (12 if recorded.ALL_ARE_THERE else 6)


NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 300)


@given(NUMBERS, NUMBERS, NUMBERS, st.binary(min_size=20, max_size=20))
def test_one_withdrawal_is_its_own_root(index, validator, amount, address):
    """Of every size of number, as another implementation of RLP and tries has it."""
    seal, _ = next(ethereum())
    leaf = rlp.encode([index, validator, address, amount])
    root = reading.root([leaf])
    one = Withdrawal(hex(index), hex(validator), "0x" + address.hex(), hex(amount))

    prove_withdrawals(replace(seal, withdrawals_root=root), (one,), ETHEREUM)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda them: them[:-1], id="one left out"),
        pytest.param(lambda them: (), id="all left out"),
        pytest.param(lambda them: them[::-1], id="another order"),
        pytest.param(lambda them: (*them, them[0]), id="one twice"),
        pytest.param(lambda them: (replace(them[0], amount="0x1"), *them[1:]), id="amount"),
        pytest.param(lambda them: (replace(them[0], index="0x1"), *them[1:]), id="index"),
        pytest.param(lambda them: (replace(them[0], validator_index="0x1"), *them[1:]), id="validator"),
        pytest.param(lambda them: (replace(them[0], address="0x" + "0" * 40), *them[1:]), id="address"),
        pytest.param(lambda them: (replace(them[0], amount="0xz"), *them[1:]), id="no number"),
    ],
)  # fmt: skip
def test_what_a_node_changes_is_found(change):
    """Whatever is left out, added or altered does not give the header's root."""
    seal, withdrawals = next(ethereum())

    with pytest.raises(Unproven) as caught:
        prove_withdrawals(seal, change(withdrawals), ETHEREUM)

    assert caught.value.check == "withdrawals"


def test_a_block_from_before_has_none():
    """Neither list nor root: nothing to prove; a list without a root is no block's."""
    seal, withdrawals = next(ethereum())
    before = replace(seal, withdrawals_root=None)

    prove_withdrawals(before, (), ETHEREUM)
    with pytest.raises(Unproven):
        prove_withdrawals(before, withdrawals, ETHEREUM)


def test_an_empty_list_has_the_empty_root():
    """As in the blocks that geth made by itself."""
    for doc in recorded.newest("amsterdam-geth"):
        seal = msgspec.convert(doc["block"], Seal)
        assert bytes.fromhex(seal.withdrawals_root[2:]) == EMPTY_ROOT
        prove_withdrawals(seal, (), ETHEREUM)


def test_where_something_else_stands_in_the_field_an_empty_list_passes():
    """OP chains keep the root of their messages to L1 there since Isthmus; their list is empty."""
    seal, withdrawals = next(ethereum())

    for profile in (profile_of(10), profile_of(8453), PLAIN):
        prove_withdrawals(seal, (), profile)
        with pytest.raises(Unproven):
            prove_withdrawals(seal, withdrawals[1:], profile)


def test_op_blocks_of_today_pass():
    """Made by op-geth with the rules of Jovian."""
    for name in ("op_mixed_jovian", "op_deposit_regolith", "op_deposit_canyon"):
        for doc in recorded.newest(name):
            given = msgspec.convert(doc["block"].get("withdrawals") or [], tuple[Withdrawal, ...])
            prove_withdrawals(msgspec.convert(doc["block"], Seal), given, profile_of(10))
