"""Who authorized whose code, by other implementations' signatures and a recorded block."""

import pytest
import rlp
from eth_account import Account
from eth_keys import keys
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crypitor.evm.delegations import Delegation, delegations
from crypitor.evm.types import Authorization, Block, Header, Receipt, Transaction
from tests import recorded

BLOCK = f"0x{'b1' * 32}"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
WALLET, THIEF, NOBODY = (f"0x{digit * 40}" for digit in "cd0")
OWNER = Account.from_key("0x" + "11" * 32)
OTHER = Account.from_key("0x" + "22" * 32)
CARRIER = Account.from_key("0x" + "33" * 32)


def word(account, nonce=5, delegate=WALLET, chain_id=1):
    """An authorization as JSON-RPC shows it, signed by eth-account."""
    signed = account.sign_authorization({"chainId": chain_id, "address": delegate, "nonce": nonce})
    return Authorization(
        hex(chain_id),
        delegate,
        hex(nonce),
        hex(signed.y_parity),
        None,
        hex(signed.r),
        hex(signed.s),
    )


def sent(*words, by=CARRIER, nonce=0):
    return by.address.lower(), hex(nonce), words or None


def block(*transactions, status="0x1"):
    return Block(
        Header(7, BLOCK, BLOCK, 1),
        tuple(
            Transaction(
                f"0x{place + 1:064x}", hex(place), BLOCK, sender, "0x0", WALLET,
                nonce=nonce, authorization_list=words,
            )
            for place, (sender, nonce, words) in enumerate(transactions)
        ),
        tuple(
            Receipt(f"0x{place + 1:064x}", hex(place), BLOCK, (), status=status)
            for place in range(len(transactions))
        ),
    )  # fmt: skip


def told(*transactions, chain_id=1, **rest):
    return [
        (one.transaction_index, one.item, one.authority, one.nonce)
        for one in delegations(block(*transactions, **rest), chain_id)
    ]


def test_the_authority_is_whoever_signed():
    """Not the sender of the transaction, who only carries it; signed by eth-account."""
    assert delegations(block(sent(word(OWNER))), 1) == [
        Delegation(0, 0, OWNER.address.lower(), WALLET, 5, 1)
    ]


def test_the_zero_address_clears_the_code():
    """There is no delegate then."""
    [found] = delegations(block(sent(word(OWNER, delegate=NOBODY))), 1)

    assert found.delegate is None


def test_a_failed_transaction_delegates_all_the_same():
    """EIP-7702: what was authorized is not rolled back."""
    assert len(told(sent(word(OWNER)), status="0x0")) == 1


def test_recorded_authorizations_are_recovered_as_eth_keys_does():
    """Those of mainnet's block 22869878, which is after Pectra."""
    found = []
    for doc in recorded.documents(1):
        for place, transaction in enumerate(doc["block"]["transactions"]):
            for item, each in enumerate(transaction.get("authorizationList") or ()):
                fields = [
                    int(each["chainId"], 16),
                    bytes.fromhex(each["address"][2:]),
                    int(each["nonce"], 16),
                ]
                numbers = (int(each[name], 16) for name in ("yParity", "r", "s"))
                key = keys.Signature(vrs=tuple(numbers)).recover_public_key_from_msg_hash(
                    keccak(b"\x05" + rlp.encode(fields))
                )
                found.append((place, item, key.to_address()))
    ours = [
        (one.transaction_index, one.item, one.authority)
        for doc in recorded.documents(1)
        for one in delegations(recorded.as_block(doc), 1)
    ]

    assert found
    assert ours == found


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"chain_id": "0x2"}, id="another chain"),
        pytest.param({"chain_id": None}, id="no chain"),
        pytest.param({"nonce": hex(2**64 - 1)}, id="the last nonce is none"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"r": "0x0"}, id="r is zero"),
        pytest.param({"r": hex(ORDER)}, id="r is too large"),
        pytest.param({"s": "0x0"}, id="s is zero"),
        pytest.param({"y_parity": "0x2"}, id="parity of no point"),
        pytest.param({"y_parity": "0x1b"}, id="parity as of old"),
        pytest.param({"y_parity": None}, id="no parity"),
        pytest.param({"r": "0xzz"}, id="no number"),
        pytest.param({"address": "0x12"}, id="no address"),
        pytest.param({"address": None}, id="none at all"),
    ],
)
def test_what_no_block_can_take_is_none(change):
    """And it stops neither the block nor the others in its list."""
    wrong = replace(word(OWNER), **change)

    assert told(sent(wrong, word(OTHER))) == [(0, 1, OTHER.address.lower(), 5)]


def test_the_other_signature_of_a_pair_is_none():
    """For each signature there is one with order - s; only the lower s is valid (EIP-2)."""
    good = word(OWNER)
    turned = replace(good, s=hex(ORDER - int(good.s, 16)), y_parity=hex(1 - int(good.y_parity, 16)))

    assert told(sent(turned)) == []


def test_chain_zero_is_any_chain():
    """Such a word holds everywhere."""
    assert len(told(sent(word(OWNER, chain_id=0)), chain_id=137)) == 1
    assert told(sent(word(OWNER, chain_id=1)), chain_id=137) == []


def test_a_word_for_another_delegate_has_another_authority():
    """Changing what was signed does not make it the owner's."""
    [(_, _, authority, _)] = told(sent(replace(word(OWNER), address=THIEF)))

    assert authority != OWNER.address.lower()


@pytest.mark.parametrize(
    ("transactions", "expected"),
    [
        pytest.param([sent(word(OWNER, 5), by=OWNER, nonce=4)], [5], id="its own next nonce"),
        pytest.param([sent(word(OWNER, 4), by=OWNER, nonce=4)], [], id="used by the transaction"),
        pytest.param([sent(word(OWNER, 6), by=OWNER, nonce=4)], [], id="a gap after its own"),
        pytest.param([sent(by=OWNER, nonce=4), sent(word(OWNER, 4))], [], id="used before"),
        pytest.param([sent(by=OWNER, nonce=4), sent(word(OWNER, 5))], [5], id="right after"),
        pytest.param([sent(word(OWNER, 5)), sent(by=OWNER, nonce=6)], [5], id="right before"),
        pytest.param([sent(word(OWNER, 6)), sent(by=OWNER, nonce=6)], [], id="not used by then"),
        pytest.param([sent(word(OWNER, 5), word(OWNER, 5, THIEF))], [5], id="the same nonce twice"),
        pytest.param([sent(word(OWNER, 5), word(OWNER, 6))], [5, 6], id="two in a row"),
        pytest.param([sent(word(OWNER, 6), word(OWNER, 5), word(OWNER, 6))], [6, 5, 6],
                     id="one of the two is right"),
        pytest.param([sent(word(OWNER, 5)), sent(word(OTHER, 5))], [5, 5], id="of two accounts"),
    ],
)  # fmt: skip
def test_what_the_block_shows_of_nonces_counts(transactions, expected):
    """An authorization takes effect only at its account's nonce, and uses that up."""
    assert [nonce for *_, nonce in told(*transactions)] == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=8), st.integers(0, 4))
def test_whatever_took_effect_is_told(events, first):
    """Of a chain that follows the rules nothing is missed, whatever nonce the owner began with."""
    nonce, transactions, effective = first, [], []
    for sends, at in events:
        if sends:
            transactions.append(sent(by=OWNER, nonce=nonce))
            nonce += 1
            continue
        transactions.append(sent(word(OWNER, at)))
        if at == nonce:
            effective.append((len(transactions) - 1, 0, OWNER.address.lower(), at))
            nonce += 1

    assert set(effective) <= set(told(*transactions))
