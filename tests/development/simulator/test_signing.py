import pytest
from eth_account import Account
from eth_keys import keys
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crypitor.development.simulator.signing import ORDER, address_of, sign
from crypitor.development.simulator.transactions import Actor, Envelope, authorized, signed

secrets = st.integers(min_value=1, max_value=ORDER - 1)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), secrets)
@example(b"\xff" * 32, 1)
@example(bytes(32), ORDER - 1)
def test_signatures_are_those_of_eth_keys(digest, secret):
    """RFC 6979 leaves no choice: the signature equals the one that eth_keys makes."""
    expected = keys.PrivateKey(secret.to_bytes(32, "big")).sign_msg_hash(digest)

    assert sign(digest, secret) == (expected.v, expected.r, expected.s)


@settings(max_examples=40, deadline=None)
@given(secrets)
@example(1)
@example(2)
@example(63)
@example(64)
@example(ORDER - 1)
def test_addresses_are_those_of_eth_keys(secret):
    """The address of a secret equals the one that eth_keys derives."""
    public = keys.PrivateKey(secret.to_bytes(32, "big")).public_key

    assert address_of(secret) == public.to_address()


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("to", [None, "0x" + "ab" * 20])
def test_a_transaction_equals_eth_accounts(kind, to):
    """The raw bytes and the hash of each type equal what eth_account signs."""
    actor = Actor.named("somebody")
    key = "0x" + "cd" * 32
    accesses = (("0x" + "ef" * 20, (bytes.fromhex(key[2:]),)),) if kind else ()
    envelope = Envelope(
        kind=kind,
        chain_id=1337,
        nonce=300,
        tip=7 if kind == 2 else 9,
        fee_cap=9,
        gas=50_000,
        to=to,
        value=10**20,
        data=b"\x00\x01\x02",
        access_list=accesses,
    )
    fields = {"nonce": 300, "gas": 50_000, "value": 10**20, "data": "0x000102", "chainId": 1337}
    fields |= {"to": "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"} if to else {}
    fields |= {"maxFeePerGas": 9, "maxPriorityFeePerGas": 7} if kind == 2 else {"gasPrice": 9}
    if kind:
        fields |= {"type": kind}
        fields |= {"accessList": [{"address": accesses[0][0], "storageKeys": [key]}]}
    transaction = signed(envelope, actor)
    expected = Account.sign_transaction(fields, actor.secret.to_bytes(32, "big"))

    assert transaction.raw == bytes(expected.raw_transaction)
    assert transaction.hash == "0x" + bytes(expected.hash).hex()
    assert transaction.v == expected.v


DYNAMIC = {
    "chain_id": 1337, "nonce": 300, "tip": 7, "fee_cap": 9, "gas": 50_000,
    "to": "0x" + "ab" * 20, "value": 10**20, "data": b"\x00\x01\x02",
    "access_list": (("0x" + "ef" * 20, (b"\xcd" * 32,)),),
}  # fmt: skip
DYNAMIC_FIELDS = {
    "chainId": 1337, "nonce": 300, "maxPriorityFeePerGas": 7, "maxFeePerGas": 9, "gas": 50_000,
    "to": "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB", "value": 10**20, "data": "0x000102",
    "accessList": [{"address": "0x" + "ef" * 20, "storageKeys": ["0x" + "cd" * 32]}],
}  # fmt: skip


def test_a_blob_transaction_equals_eth_accounts():
    """The raw bytes, without the blobs, and the hash equal what eth_account signs."""
    actor, hashes = Actor.named("somebody"), (b"\x01" + b"\x77" * 31, b"\x01" + b"\x88" * 31)
    transaction = signed(Envelope(kind=3, **DYNAMIC, blob_fee_cap=300, blob_hashes=hashes), actor)
    fields = {**DYNAMIC_FIELDS, "type": 3, "maxFeePerBlobGas": 300, "blobVersionedHashes": hashes}
    expected = Account.sign_transaction(fields, actor.secret.to_bytes(32, "big"))

    assert transaction.raw == bytes(expected.raw_transaction)
    assert transaction.hash == "0x" + bytes(expected.hash).hex()


def test_a_set_code_transaction_equals_eth_accounts():
    """The authorization, the raw bytes and the hash equal what eth_account signs."""
    actor, authority = Actor.named("somebody"), Actor.named("somebody else")
    code = "0x" + "12" * 20
    given = authorized(1337, code, 5, authority)
    transaction = signed(Envelope(kind=4, **DYNAMIC, authorizations=(given,)), actor)
    signed_by_other = Account.sign_authorization(
        {"chainId": 1337, "address": code, "nonce": 5}, authority.secret.to_bytes(32, "big")
    )
    fields = {**DYNAMIC_FIELDS, "type": 4, "authorizationList": [signed_by_other]}
    expected = Account.sign_transaction(fields, actor.secret.to_bytes(32, "big"))

    assert given.signature == (signed_by_other.y_parity, signed_by_other.r, signed_by_other.s)
    assert transaction.raw == bytes(expected.raw_transaction)
    assert transaction.hash == "0x" + bytes(expected.hash).hex()
