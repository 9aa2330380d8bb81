"""What a node would answer about a block, as decoded JSON."""

from typing import NamedTuple

import msgspec

from crypitor.development.simulator.documents import block_document, receipt_document
from crypitor.development.simulator.traces import frame_documents, trace_documents
from tests.development.simulator import reading


class Served(NamedTuple):
    block: dict
    receipts: list
    frames: list
    traces: list

    @property
    def logs(self) -> list:
        return [log for receipt in self.receipts for log in receipt["logs"]]

    @property
    def inside(self) -> list:
        """What the calls of each transaction moved, read from the frames."""
        return [reading.inside_frames(one["result"]) for one in self.frames]

    @property
    def inside_traces(self) -> list:
        """The same, read from the flat list."""
        return [
            reading.inside_traces([one for one in self.traces if one["transactionPosition"] == at])
            for at in range(len(self.receipts))
        ]

    @property
    def movements(self) -> list:
        """What an independent reading finds."""
        return reading.movements(self.block, self.receipts, self.inside)


def served(block) -> Served:
    """The documents of a block after a round through JSON."""
    documents = (
        block_document(block, full=True),
        [receipt_document(block, mined) for mined in block.transactions],
        frame_documents(block),
        trace_documents(block),
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
