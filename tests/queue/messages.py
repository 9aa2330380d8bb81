"""Messages for the queue's tests."""

from crypitor.evm.types import Block, Header
from crypitor.queue import Message
from tests.evm.recorded import recorded_block


def message(sequence: int, network: str = "ethereum", chain_id: int = 1) -> Message:
    """A message with an empty block; the sequence is also the height."""
    header = Header(sequence, f"0x{sequence:064x}", f"0x{sequence - 1:064x}", 1_700_000_000)
    block = Block(header, (), ())
    return Message(network, chain_id, sequence, block, None, None, 1_700_000_000_123)


def recorded_message(chain_id: int, number: int, sequence: int = 1) -> Message:
    """A message with a recorded block of a real chain."""
    recorded = recorded_block(chain_id, number)
    block = Block(recorded.seal.header, recorded.transactions, recorded.receipts)
    return Message("ethereum", chain_id, sequence, block, number - 32, number - 64, 1)
