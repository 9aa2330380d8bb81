"""A plain reading of JSON-RPC documents by other people's packages; nothing of the product is used."""

import rlp
from eth_abi import decode
from eth_utils import keccak
from trie import HexaryTrie

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
SINGLE = "0x" + keccak(text="TransferSingle(address,address,address,uint256,uint256)").hex()
BATCH = "0x" + keccak(text="TransferBatch(address,address,address,uint256[],uint256[])").hex()

QUANTITIES = [
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "baseFeePerGas",
    "blobGasUsed",
    "excessBlobGas",
]
HEADER = [
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
]


def raw(text: str) -> bytes:
    """The bytes of 0x-hex."""
    return bytes.fromhex(text[2:])


def number(text: str) -> bytes:
    """The shortest bytes of a quantity, as RLP wants them."""
    return rlp.sedes.big_endian_int.serialize(int(text, 16))


def header_hash(block) -> str:
    """The hash of the header, from its fields in the order of the Prague upgrade."""
    fields = [number(block[name]) if name in QUANTITIES else raw(block[name]) for name in HEADER]
    return "0x" + keccak(rlp.encode(fields)).hex()


def root(values) -> str:
    """The root of a trie of these values, keyed by index."""
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode(index)] = value
    return "0x" + trie.root_hash.hex()


def encoded_transaction(tx) -> bytes:
    """The consensus encoding of a transaction of any type."""
    to = raw(tx["to"]) if tx["to"] else b""
    middle = [number(tx["gas"]), to, number(tx["value"]), raw(tx["input"])]
    seal = [number(tx["r"]), number(tx["s"])]
    if tx["type"] == "0x0":
        return rlp.encode(
            [number(tx["nonce"]), number(tx["gasPrice"]), *middle, number(tx["v"]), *seal]
        )
    fees = (
        [number(tx["gasPrice"])]
        if tx["type"] == "0x1"
        else [number(tx["maxPriorityFeePerGas"]), number(tx["maxFeePerGas"])]
    )
    accesses = [
        [raw(entry["address"]), [raw(key) for key in entry["storageKeys"]]]
        for entry in tx["accessList"]
    ]
    fields = [number(tx["chainId"]), number(tx["nonce"]), *fees, *middle, accesses]
    if tx["type"] == "0x3":
        fields += [number(tx["maxFeePerBlobGas"]), [raw(one) for one in tx["blobVersionedHashes"]]]
    if tx["type"] == "0x4":
        fields.append([encoded_authorization(each) for each in tx["authorizationList"]])
    return bytes([int(tx["type"], 16)]) + rlp.encode([*fields, number(tx["yParity"]), *seal])


def encoded_authorization(given) -> list:
    """An entry of the authorization list of EIP-7702."""
    seal = [number(given[name]) for name in ("yParity", "r", "s")]
    return [number(given["chainId"]), raw(given["address"]), number(given["nonce"]), *seal]


def encoded_receipt(receipt) -> bytes:
    """The consensus encoding of a receipt of any type."""
    logs = [
        [raw(log["address"]), [raw(topic) for topic in log["topics"]], raw(log["data"])]
        for log in receipt["logs"]
    ]
    fields = [
        number(receipt["status"]),
        number(receipt["cumulativeGasUsed"]),
        raw(receipt["logsBloom"]),
        logs,
    ]
    kind = int(receipt["type"], 16)
    return (bytes([kind]) if kind else b"") + rlp.encode(fields)


def bloom(logs) -> str:
    """The filter over logs, by the definition: bit numbers are low 11 bits of three byte pairs."""
    bits = 0
    for log in logs:
        for item in (log["address"], *log["topics"]):
            digest = keccak(raw(item))
            for place in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[place : place + 2], "big") % 2048)
    return f"0x{bits:0512x}"


def address(word: str) -> str:
    """The address in a topic."""
    return "0x" + word[-40:]


def inside_frames(frame) -> list[tuple]:
    """Sender, receiver and value of each call below a frame of callTracer that moved something."""
    found = []
    for one in frame.get("calls", []) if "error" not in frame else []:
        if "error" in one:
            continue
        if one["type"] in ("CALL", "CREATE", "CREATE2", "SELFDESTRUCT") and int(one["value"], 16):
            found.append((one["from"], one["to"], int(one["value"], 16)))
        found += inside_frames(one)
    return found


def inside_traces(traces) -> list[tuple]:
    """The same from the entries that trace_block has of one transaction."""
    failed = [one["traceAddress"] for one in traces if "error" in one]
    found = []
    for one in traces:
        action, place = one["action"], one["traceAddress"]
        if not place or any(place[: len(each)] == each for each in failed):
            continue
        if one["type"] == "suicide":
            parties = (action["address"], action["refundAddress"], action["balance"])
        elif one["type"] == "create":
            parties = (action["from"], one["result"]["address"], action["value"])
        elif action["callType"] == "call":
            parties = (action["from"], action["to"], action["value"])
        else:
            continue
        if int(parties[2], 16):
            found.append((*parties[:2], int(parties[2], 16)))
    return found


def movements(block, receipts, inside) -> list[tuple]:
    """Every movement, in the order of the block.

    inside: of each transaction, what its calls moved if it succeeded.
    """
    found = []
    for tx, receipt, below in zip(block["transactions"], receipts, inside, strict=True):
        place = (tx["hash"], int(tx["transactionIndex"], 16))
        if receipt["status"] == "0x1" and int(tx["value"], 16):
            target = tx["to"] or receipt["contractAddress"]
            value = int(tx["value"], 16)
            found.append(("native", *place, None, None, tx["from"], target, None, value, None))
        if receipt["status"] == "0x1":
            for item, (source, target, value) in enumerate(below):
                found.append(("internal", *place, None, item, source, target, None, value, None))
        for log in receipt["logs"]:
            found += _log_movements(log, place)
    return found


def _log_movements(log, place) -> list[tuple]:
    topics, data, contract = log["topics"], raw(log["data"]), log["address"]
    where = (*place, int(log["logIndex"], 16))
    if topics[:1] == [TRANSFER] and len(topics) == 3 and len(data) >= 32:
        parties = (address(topics[1]), address(topics[2]))
        return [("erc20", *where, None, *parties, contract, *decode(["uint256"], data), None)]
    if topics[:1] == [TRANSFER] and len(topics) == 4:
        parties = (address(topics[1]), address(topics[2]))
        return [("erc721", *where, None, *parties, contract, 1, int(topics[3], 16))]
    if topics[:1] == [SINGLE]:
        parties = (address(topics[2]), address(topics[3]))
        token_id, amount = decode(["uint256", "uint256"], data)
        return [("erc1155", *where, None, *parties, contract, amount, token_id)]
    if topics[:1] == [BATCH]:
        parties = (address(topics[2]), address(topics[3]))
        ids, amounts = decode(["uint256[]", "uint256[]"], data)
        return [
            ("erc1155", *where, item, *parties, contract, amount, token_id)
            for item, (token_id, amount) in enumerate(zip(ids, amounts, strict=True))
        ]
    return []
