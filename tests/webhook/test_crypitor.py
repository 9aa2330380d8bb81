"""The original Crypitor's format, held against its public documentation."""

import json
from dataclasses import replace

import msgspec
import pytest

from crypitor.evm.metadata import NOTHING, Token
from crypitor.evm.types import Header, Receipt, Transaction
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Direction, Kind, Match, Phase, Subject
from crypitor.webhook.crypitor import event_id
from crypitor.webhook.formats import Form, texts_of
from crypitor.webhook.message import NetworkTitle
from crypitor.webhook.signature import hub_signature
from tests.monitor.test_match import MONITOR, TOKEN, A, B, block, erc20, log, topic, word
from tests.recorded import TRANSFER

VECTOR = (
    '{"chain":"Avalanche","monitorId":"mo_zzn4ntlNbuyEs18d","hash":'
    '"0xd7af0b3df64283d569645d2f19f210c05af17bc56161c3e78fd2748a9615b4f3","blockNum":45835989,'
    '"fromAddress":"0xbbf9a038fa904895f0fd907337dec1f156effab2","toAddress":'
    '"0xbbf9a038fa904895f0fd907337dec1f156effab2","nativeAmount":"123000000000000000","type":"in",'
    '"confirm":false,"category":"Native","dateCreated":"2024-05-24T09:41:52.193Z","txnIndex":1,'
    '"associatedAddress":"0xbbf9a038fa904895f0fd907337dec1f156effab2","eventId":'
    '"70ee1f489c9746549dd35af289ba86e7","tags":[]}'
)
NOW = 1_716_543_712_193
TOLD_OF_TOKENS = [
    "chain", "monitorId", "hash", "blockNum", "contract", "fromAddress", "toAddress", "AMOUNT",
    "rawLog", "type", "confirm", "category", "dateCreated", "logIndex", "txnIndex",
    "associatedAddress", "eventId", "tags",
]  # fmt: skip


def documented():
    """The match of which the documentation shows the body."""
    told = json.loads(VECTOR)
    party, block_hash = told["associatedAddress"], "0x" + "2" * 64
    amount = int(told["nativeAmount"])
    return Match(
        "ma_1", replace(MONITOR, id=told["monitorId"]), "avalanche", Direction.IN, party, None,
        Header(told["blockNum"], block_hash, "0x" + "3" * 64, 0),
        Transaction(told["hash"], "0x1", block_hash, party, hex(amount), party),
        Receipt(told["hash"], "0x1", block_hash, (), status="0x1"),
        Subject(Kind.NATIVE, party, party, amount, None, None, None),
    )  # fmt: skip


def body_of(match, phase=Phase.DETECTED, token=NOTHING, chain_id=1, name="Ethereum"):
    texts = texts_of(match, chain_id, NetworkTitle(name), token)
    return texts.body(
        Form("crypitor"), phase, network=NetworkTitle(name), confirmations=1, confirmations_required=12, now=NOW
    )  # fmt: skip


def one_match(seen):
    index = Index()
    index.put(MONITOR)
    index.add_addresses("mo_1", [(B, None)])
    [found] = find_matches(seen, "ethereum", 1, index)
    return found


def erc721(sender, receiver, token_id):
    return log("0x" + TRANSFER, topic(sender), topic(receiver), "0x" + word(token_id), index="0x9")


def test_the_documented_event_id():
    """The recipe over the documented fields gives the documented MD5."""
    told = json.loads(VECTOR)

    assert event_id(told) == "70ee1f489c9746549dd35af289ba86e7"


def test_the_documented_body():
    """The documented match gives the documented body to the byte."""
    body = body_of(documented(), chain_id=43114, name="Avalanche C-Chain")

    assert body == VECTOR


def test_an_erc20_transfer():
    """Contract with what is known of it, amount as tokenValue, and the log as it was."""
    moved = erc20(A, B, 5, index="0x9")
    body = json.loads(body_of(one_match(block(logs=[moved])), token=Token("USD Coin", "USDC", 6)))

    assert list(body) == [k if k != "AMOUNT" else "tokenValue" for k in TOLD_OF_TOKENS]
    assert body["contract"] == {"address": TOKEN, "name": "USD Coin", "symbol": "USDC"}
    assert (body["tokenValue"], body["logIndex"], body["category"]) == ("5", 9, "ERC20")
    assert body["rawLog"] == {"topics": list(moved.topics), "data": moved.data}


def test_an_erc721_transfer():
    """The token's id, and null for what the contract has not said."""
    body = json.loads(body_of(one_match(block(logs=[erc721(A, B, 2**255)]))))

    assert list(body) == [k if k != "AMOUNT" else "tokenId" for k in TOLD_OF_TOKENS]
    assert body["contract"] == {"address": TOKEN, "name": None, "symbol": None}
    assert (body["tokenId"], body["category"]) == (str(2**255), "ERC721")


def test_a_chain_without_a_name_of_its_own_has_its_display_name():
    """What the original never knew is called as the network is."""
    body = json.loads(body_of(documented(), chain_id=8453, name="Base"))

    assert body["chain"] == "Base"


@pytest.mark.parametrize("phase, confirmed", [(Phase.DETECTED, False), (Phase.CONFIRMED, True)])
def test_confirm_tells_the_phase_and_the_event_stays(phase, confirmed):
    """Both messages have the same eventId."""
    body = json.loads(body_of(documented(), phase, chain_id=43114))

    assert body["confirm"] is confirmed
    assert body["eventId"] == "70ee1f489c9746549dd35af289ba86e7"
    assert "reverted" not in body


def test_a_reverted_match_says_so():
    """The original had no word for it."""
    body = json.loads(body_of(documented(), Phase.REVERTED, chain_id=43114))

    assert (body["confirm"], body["reverted"]) == (False, True)
    assert body["eventId"] == "70ee1f489c9746549dd35af289ba86e7"


def test_what_the_original_cannot_tell_is_sent_in_the_standard_form():
    """An ERC-1155 transfer, and a transaction that failed, which it would show as a payment."""
    single = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
    moved = log(single, topic(A), topic(A), topic(B), data="0x" + word(1) + word(5))
    failed = msgspec.structs.replace(
        documented(), receipt=Receipt("0x" + "1" * 64, "0x1", "0x" + "2" * 64, (), status="0x0")
    )
    bodies = [json.loads(body_of(match)) for match in (one_match(block(logs=[moved])), failed)]

    assert [body["type"] for body in bodies] == ["match.detected"] * 2
    assert [body["data"]["kind"] for body in bodies] == ["erc1155", "native"]


def test_hub_signature():
    """RFC 4231, test case 2: the key is the secret's text."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert hub_signature("Jefe", b"what do ya want for nothing?") == expected
