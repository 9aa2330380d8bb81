"""The simulator as web3 sees it: an independent client with its own types and checks."""

import asyncio

import aiohttp
import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound

from crypitor.development.simulator.chain import SimulatedChain
from tests.patience import HANG_SECONDS


@pytest.fixture
def chain():
    chain = SimulatedChain(21)
    chain.mine(3)
    return chain


@pytest.fixture
async def web3(server):
    provider = AsyncHTTPProvider(server.url)
    async with aiohttp.ClientSession() as session:  # web3's own asks for what aiohttp deprecates
        await provider.cache_async_session(session)
        yield AsyncWeb3(provider)


async def test_blocks(chain, web3):
    """web3 reads a block with its transactions, by number, hash and tag."""
    block = await web3.eth.get_block("latest", full_transactions=True)
    same = await web3.eth.get_block(block["hash"])
    genesis = await web3.eth.get_block(0)

    assert await web3.eth.chain_id == 1337
    assert await web3.eth.block_number == 3
    assert block["hash"].to_0x_hex() == chain.head.hash
    assert block["timestamp"] == chain.head.timestamp
    assert [tx["hash"] for tx in block["transactions"]] == list(same["transactions"])
    assert genesis["transactions"] == []


async def test_transactions_and_receipts(chain, web3):
    """web3 reads a transaction and its receipt, and all receipts of the block."""
    mined = chain.head.transactions[0]
    tx = await web3.eth.get_transaction(mined.signed.hash)
    receipt = await web3.eth.get_transaction_receipt(mined.signed.hash)
    receipts = await web3.eth.get_block_receipts(3)

    assert tx["from"].lower() == mined.signed.sender
    assert tx["nonce"] == mined.signed.envelope.nonce
    assert receipt["blockNumber"] == 3
    assert receipt["status"] == mined.succeeded
    assert receipts[0] == receipt
    assert len(receipts) == len(chain.head.transactions)


async def test_logs(chain, web3):
    """web3's filter finds the Transfers of a token."""
    token = chain.contracts.erc20[0]
    topic = web3.keccak(text="Transfer(address,address,uint256)")
    logs = await web3.eth.get_logs(
        {
            "fromBlock": 0,
            "toBlock": "latest",
            "address": web3.to_checksum_address(token.address),
            "topics": [topic],
        }
    )
    expected = [
        (each.transaction_hash, each.log_index)
        for block in chain.canonical()
        for each in chain.truth(block)
        if each.contract == token.address
    ]

    assert [(log["transactionHash"].to_0x_hex(), log["logIndex"]) for log in logs] == expected
    assert expected


async def test_a_contract_of_web3(chain, web3):
    """web3's contract object reads name and decimals, and sees a revert as one."""
    token = chain.contracts.erc20[0]
    views = [("name", "string"), ("decimals", "uint8"), ("totalSupply", "uint256")]
    abi = [
        {
            "type": "function",
            "name": name,
            "stateMutability": "view",
            "inputs": [],
            "outputs": [{"name": "", "type": kind}],
        }
        for name, kind in views
    ]
    contract = web3.eth.contract(address=web3.to_checksum_address(token.address), abi=abi)

    assert await contract.functions.name().call() == token.name
    assert await contract.functions.decimals().call() == token.decimals
    with pytest.raises(ContractLogicError):
        await contract.functions.totalSupply().call()


async def test_unknown_things(web3):
    """web3 turns null into its own exceptions."""
    with pytest.raises(BlockNotFound):
        await web3.eth.get_block(4)
    with pytest.raises(TransactionNotFound):
        await web3.eth.get_transaction_receipt("0x" + "ab" * 32)


async def test_new_heads_over_websocket(chain, server):
    """web3's WebSocketProvider subscribes to newHeads and receives mined and reorganised blocks."""
    async with AsyncWeb3(WebSocketProvider(server.ws_url)) as web3:
        subscription = await web3.eth.subscribe("newHeads")
        blocks = [*chain.mine(2), *chain.reorg(1)]
        await server.announce()
        heads = []
        async with asyncio.timeout(HANG_SECONDS):
            async for message in web3.socket.process_subscriptions():
                heads.append(message["result"])
                if len(heads) == 3:
                    break
        ended = await web3.eth.unsubscribe(subscription)

    canonical = [block for block in blocks if chain.by_number(block.number) is block]
    assert [head["hash"].to_0x_hex() for head in heads] == [block.hash for block in canonical]
    assert [head["number"] for head in heads] == [4, 5, 6]
    assert ended is True
