"""Recorded blocks of real chains, in the product's types."""

import gzip
import pathlib
from typing import NamedTuple

import msgspec

from crypitor.evm.types import Receipt, Seal, Transaction
from tests.recorded import BLOCKS, required


class Recorded(NamedTuple):
    chain_id: int
    seal: Seal
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]
    gas_used: int

    @property
    def name(self) -> str:
        return f"{self.chain_id}/{int(self.seal.number, 16)}"


def blocks_folder() -> pathlib.Path:
    """The folder of recorded blocks: of all, or, other than in CI, of those in `tests/data`."""
    required()
    return BLOCKS


def recorded_block(chain_id: int, number: int) -> Recorded:
    """One recorded block."""
    return _read(blocks_folder() / str(chain_id) / f"{number}.json.gz")


def recorded_blocks(chain_ids) -> list[Recorded]:
    """Every recorded block of these chains."""
    folder = blocks_folder()
    return [
        _read(path)
        for chain_id in chain_ids
        for path in sorted((folder / str(chain_id)).glob("*.json.gz"))
    ]


def _read(path: pathlib.Path) -> Recorded:
    document = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    block = document["block"]
    return Recorded(
        chain_id=int(path.parent.name),
        seal=msgspec.convert(block, Seal),
        transactions=msgspec.convert(block["transactions"], tuple[Transaction, ...]),
        receipts=msgspec.convert(document["receipts"], tuple[Receipt, ...]),
        gas_used=int(block["gasUsed"], 16),
    )
