"""What a node would answer about a block, as decoded JSON."""

from typing import NamedTuple

import msgspec

from crypitor.simulator.documents import block_document, receipt_document


class Served(NamedTuple):
    block: dict
    receipts: list

    @property
    def logs(self) -> list:
        return [log for receipt in self.receipts for log in receipt["logs"]]


def served(block) -> Served:
    """The documents of a block after a round through JSON."""
    documents = (
        block_document(block, full=True),
        [receipt_document(block, mined) for mined in block.transactions],
    )
    return Served(*msgspec.json.decode(msgspec.json.encode(documents)))


def served_chain(chain) -> list[Served]:
    """The canonical blocks from genesis to head."""
    return [served(chain.by_hash(each)) for each in chain.canonical()]


def orphan(chain):
    """The first block that a reorg took away."""
    canonical = set(chain.canonical())
    return next(block for block in chain._blocks.values() if block.hash not in canonical)


async def subscribe(socket) -> str:
    """Subscribe to newHeads, return the id."""
    await socket.send_json({"id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
    return (await socket.receive_json())["result"]
