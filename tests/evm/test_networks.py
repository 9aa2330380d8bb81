"""The presets, against recorded blocks of their chains."""

from crypitor.evm.networks import PRESETS
from crypitor.evm.proof import prove
from tests.evm.recorded import recorded_blocks

# Before Nitro (block 22,207,818) Arbitrum's receipts were committed to by another rule.
NITRO = 22_207_818


def test_recorded_blocks_pass_the_proof_that_their_preset_asks_for():
    """A preset that asks for too much would stop its network at the first block."""
    blocks = {
        name: [
            block
            for block in recorded_blocks([preset.chain_id])
            if name != "arbitrum" or int(block.seal.number, 16) >= NITRO
        ]
        for name, preset in PRESETS.items()
    }
    for name, recorded in blocks.items():
        for block in recorded:
            prove(block.seal, block.transactions, block.receipts, PRESETS[name].verify)

    assert {name for name, recorded in blocks.items() if recorded} >= {
        "ethereum",
        "optimism",
        "polygon",
        "base",
        "scroll",
        "avalanche",
    }
