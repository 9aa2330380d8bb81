"""The presets, against recorded blocks of their chains."""

from crypitor.evm.networks import PRESETS
from crypitor.evm.profiles import profile_of
from crypitor.evm.proof import prove
from tests.evm.recorded import recorded_blocks


def test_recorded_blocks_pass_the_proof_that_their_preset_asks_for():
    """A preset that asks for too much would stop its network at the first block."""
    blocks = {name: recorded_blocks([preset.chain_id]) for name, preset in PRESETS.items()}
    for name, recorded in blocks.items():
        profile = profile_of(PRESETS[name].chain_id)
        for block in recorded:
            prove(block.seal, block.transactions, block.receipts, PRESETS[name].verify, profile)

    assert {name for name, recorded in blocks.items() if recorded} >= {
        "ethereum",
        "optimism",
        "polygon",
        "arbitrum",
        "base",
        "scroll",
        "avalanche",
    }


def test_the_root_is_asked_for_wherever_it_is_known_to_hold():
    """The strongest proof is the default of these."""
    proven = {name for name, preset in PRESETS.items() if preset.verify == "receipts"}

    assert proven == {
        "ethereum", "sepolia", "bsc", "polygon", "arbitrum", "base", "optimism", "gnosis", "scroll",
    }  # fmt: skip
