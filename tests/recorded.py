"""The recorded blocks, and a plain reading of them that shares no code with the product.

All of them are in the folder that CRYPITOR_SHARED names, and most of them in `tests/data`, which is
read where that folder is absent.
"""

import gzip
import json
import os
import pathlib
from collections.abc import Iterator

import msgspec
import pytest
from eth_abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak

from crypitor.evm.types import Block, Header, Receipt, Transaction

SHARED = pathlib.Path(
    os.environ.get("CRYPITOR_SHARED", pathlib.Path(__file__).parents[2] / "shared")
)
OURS = pathlib.Path(__file__).parent / "data"
ALL_ARE_THERE = (SHARED / "data" / "blocks").is_dir()
DATA = SHARED / "data" if ALL_ARE_THERE else OURS
BLOCKS = DATA / "blocks"
ALL_COUNT, OUR_COUNT = 88, 74
COUNT = ALL_COUNT if ALL_ARE_THERE else OUR_COUNT
"""So many recorded blocks are read."""
NEWEST = DATA / "newest"


def required() -> None:
    """Refuse, in CI, to read less than all that was recorded."""
    if not ALL_ARE_THERE and os.environ.get("CI"):
        pytest.fail(f"recorded blocks are not at {SHARED / 'data' / 'blocks'}; set CRYPITOR_SHARED")


def there(chain_id: int, *heights: int) -> list[int]:
    """Those of these heights of which a block is read here."""
    return [one for one in heights if (BLOCKS / str(chain_id) / f"{one}.json.gz").is_file()]


def documents(chain_id: int) -> list[dict]:
    """Every complete recorded block of a chain as JSON-RPC answered it, in the order of height."""
    required()
    files = sorted(
        (BLOCKS / str(chain_id)).glob("*.json.gz"), key=lambda f: int(f.name.split(".")[0])
    )
    return [json.loads(gzip.decompress(file.read_bytes())) for file in files]


def as_block(doc: dict) -> Block:
    """A recorded block in the product's types."""
    block = doc["block"]
    header = Header(
        int(block["number"], 16), block["hash"], block["parentHash"], int(block["timestamp"], 16)
    )
    return Block(
        header,
        msgspec.convert(block["transactions"], tuple[Transaction, ...]),
        msgspec.convert(doc["receipts"], tuple[Receipt, ...]),
    )


def newest(name: str) -> list[dict]:
    """The blocks of a file of the newest forms, each with its receipts and, if it has, traces."""
    required()
    found = json.loads(gzip.decompress((NEWEST / f"{name}.json.gz").read_bytes()))
    blocks: list[dict] = found.get("blocks") or [found]
    return blocks


TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SINGLE = "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
BATCH = "4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"


def plain_transfers(doc: dict) -> Iterator[dict]:
    """Every transfer in a recorded block, read from its JSON line by line."""
    for transaction, receipt in zip(doc["block"]["transactions"], doc["receipts"], strict=True):
        failed = receipt.get("status") is not None and int(receipt["status"], 16) == 0
        if int(transaction["value"], 16) > 0 and not failed:
            yield {
                "kind": "native",
                "transaction": transaction["hash"],
                "log_index": None,
                "item": None,
                "from": transaction["from"].lower(),
                "to": (transaction.get("to") or receipt["contractAddress"]).lower(),
                "contract": None,
                "amount": str(int(transaction["value"], 16)),
                "token_id": None,
            }
        for log in receipt["logs"]:
            yield from _plain_log(transaction["hash"], log)


def _plain_log(transaction_hash: str, log: dict) -> Iterator[dict]:
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    data = bytes.fromhex(log["data"][2:])
    name = topics[0].hex() if topics else ""
    found = {
        "transaction": transaction_hash,
        "log_index": int(log["logIndex"], 16),
        "item": None,
        "contract": log["address"].lower(),
    }

    def number(at: int) -> int:
        return int.from_bytes(data[at : at + 32], "big")

    def party(topic: bytes) -> str:
        return "0x" + topic[12:].hex()

    if name == TRANSFER and len(topics) == 3 and len(data) >= 32:
        yield found | {
            "kind": "erc20", "from": party(topics[1]), "to": party(topics[2]),
            "amount": str(number(0)), "token_id": None,
        }  # fmt: skip
    elif name == TRANSFER and len(topics) == 4:
        yield found | {
            "kind": "erc721", "from": party(topics[1]), "to": party(topics[2]),
            "amount": "1", "token_id": str(int.from_bytes(topics[3], "big")),
        }  # fmt: skip
    elif name == SINGLE and len(topics) == 4 and len(data) >= 64:
        yield found | {
            "kind": "erc1155", "from": party(topics[2]), "to": party(topics[3]),
            "amount": str(number(32)), "token_id": str(number(0)),
        }  # fmt: skip
    elif name == BATCH and len(topics) == 4:
        ids, amounts = number(0), number(32)
        for item in range(number(ids)):
            yield found | {
                "kind": "erc1155", "item": item, "from": party(topics[2]), "to": party(topics[3]),
                "amount": str(number(amounts + 32 * (1 + item))),
                "token_id": str(number(ids + 32 * (1 + item))),
            }  # fmt: skip


def plain_matches(doc: dict, watched: set[str]) -> Iterator[dict]:
    """What a monitor of these addresses with all rules and directions must report of a block."""
    for moved in plain_transfers(doc):
        for direction, address in (("out", moved["from"]), ("in", moved["to"])):
            if address in watched:
                yield moved | {"direction": direction, "address": address}


def fragments(kind: str) -> dict[str, dict]:
    """The events or functions of public contracts' ABIs, by their canonical text and indexing.

    No anonymous ones: what they are is said by their contract, and the only one there is decodes
    other contracts' logs, by offsets into the head that Solidity follows and eth_abi refuses.
    """
    found = {}
    for file in sorted((DATA / "abi").glob("*.json")):
        content = json.loads(file.read_bytes())
        for entry in content if isinstance(content, list) else content["abi"]:
            if entry.get("type") == kind and not entry.get("anonymous"):
                indexed = [bool(each.get("indexed")) for each in entry["inputs"]]
                found.setdefault(f"{_signature(entry)} {indexed}", entry)
    return found


def _signature(fragment: dict) -> str:
    return f"{fragment['name']}({','.join(map(_type, fragment['inputs']))})"


def _type(argument: dict) -> str:
    if not argument["type"].startswith("tuple"):
        return argument["type"]
    members = ",".join(map(_type, argument["components"]))
    return f"({members}){argument['type'].removeprefix('tuple')}"


def plain_events(doc: dict, fragment: dict) -> Iterator[dict]:
    """Every log of an event in a recorded block, as eth_abi reads it."""
    signature = _signature(fragment)
    indexed = [each for each in fragment["inputs"] if each["indexed"]]
    plain = [each for each in fragment["inputs"] if not each["indexed"]]
    for receipt in doc["receipts"]:
        for log in receipt["logs"]:
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            if topics[:1] != [keccak(text=signature)] or len(topics) != 1 + len(indexed):
                continue
            try:
                values = _values(plain, bytes.fromhex(log["data"][2:]))
                for argument, topic in zip(indexed, topics[1:], strict=True):
                    values |= _values([_as_indexed(argument)], topic)
            except (DecodingError, OverflowError):
                continue
            yield {
                "transaction": receipt["transactionHash"],
                "log_index": int(log["logIndex"], 16),
                "contract": log["address"].lower(),
                "signature": signature,
                "args": {name: values[name] for name in _names(fragment)},
            }


def plain_calls(doc: dict, fragment: dict) -> Iterator[dict]:
    """Every transaction of a recorded block that calls a function, as eth_abi reads it."""
    signature = _signature(fragment)
    for transaction in doc["block"]["transactions"]:
        sent = bytes.fromhex(transaction["input"][2:])
        if not transaction.get("to") or sent[:4] != keccak(text=signature)[:4]:
            continue
        try:
            values = _values(fragment["inputs"], sent[4:])
        except (DecodingError, OverflowError):
            continue
        yield {
            "transaction": transaction["hash"],
            "log_index": None,
            "contract": transaction["to"].lower(),
            "signature": signature,
            "args": values,
        }


def plain_deployments(doc: dict) -> Iterator[dict]:
    """Every contract that a transaction of a recorded block created."""
    for transaction, receipt in zip(doc["block"]["transactions"], doc["receipts"], strict=True):
        failed = receipt.get("status") is not None and int(receipt["status"], 16) == 0
        if not transaction.get("to") and receipt.get("contractAddress") and not failed:
            yield {
                "transaction": transaction["hash"],
                "from": transaction["from"].lower(),
                "to": receipt["contractAddress"].lower(),
            }


def _names(fragment: dict) -> list[str]:
    return [each["name"] or str(place) for place, each in enumerate(fragment["inputs"])]


def _as_indexed(argument: dict) -> dict:
    kind = argument["type"]
    hashed = kind in ("string", "bytes") or kind.endswith("]") or kind.startswith("tuple")
    return {**argument, "type": "bytes32"} if hashed else argument


def _values(arguments: list[dict], encoded: bytes) -> dict:
    decoded = decode(list(map(_type, arguments)), encoded)
    return {
        argument["name"] or str(place): _as_json(argument, value)
        for place, (argument, value) in enumerate(zip(arguments, decoded, strict=True))
    }


def _as_json(argument: dict, value: object) -> object:
    kind = argument["type"]
    if kind.endswith("]"):
        item = {**argument, "type": kind[: kind.rindex("[")]}
        return [_as_json(item, each) for each in value]
    if kind == "tuple":
        return {
            member["name"] or str(place): _as_json(member, each)
            for place, (member, each) in enumerate(zip(argument["components"], value, strict=True))
        }
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool):
        return value
    return str(value)
